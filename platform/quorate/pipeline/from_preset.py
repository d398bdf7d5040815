"""A training preset from Python: what `train` takes, with what else is known of the data."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from quorate.errors import RecipeError, one_of
from quorate.pipeline.periods import day
from quorate.pipeline.presets import ALIASES, preset, presets
from quorate.pipeline.request import LOOP, Request, bars_of, steps_of
from quorate.plugins.registry import Registry


def create_config_from_preset(
    name: str,
    symbol: str,
    *,
    timeframe: str | None = None,
    start_date: str | None = None,
    end_date: str | None = None,
    data: str | PathLike[str] | None = None,
    model_type: str | None = None,
    output_dir: str | PathLike[str] | None = None,
    seed: int | None = None,
    steps: int | Sequence[int] | None = None,
    **overrides: Any,
) -> Request:
    """Return what `quorate.train` takes: a training preset on a symbol, with what is given in its place.

    Parameters
    ----------
    name : str
        The preset, as ``quorate training-preset list`` has it.
    symbol : str
        Whose close is forecast.
    timeframe : str, optional
        How far apart the bars are, e.g. ``1h`` or ``1d``: bars of another distance are refused.
    start_date, end_date : str, optional
        First and last day of training, ``YYYY-MM-DD``; without them all bars train.
    data : path or str, optional
        A file or folder of bars, or the name of a source; training needs it.
    model_type : str, optional
        Another preset, whose network is taken, or a model's name.
    output_dir : path, optional
        The folder that is written into.
    seed : int, optional
        In place of 42.
    steps : int or sequence of int, optional
        Horizons that are learnt at once, in bars: ``[1, 5, 30]``, or 30 for 1 to 30.
    **overrides
        Parameters of the model in place of the preset's: ``epochs``, ``batch_size``, ``early_stopping_patience``,
        ``learning_rate``, or any other.

    Raises
    ------
    RecipeError
        If there is no such preset, or a day is none.
    """
    found = preset(name, "the training preset")
    if found.task == "classification":
        numbers = [n for n, one in presets().items() if one.task != "classification"]
        raise RecipeError(
            f"the training preset {name!r} tells classes apart, and a price is a number: take one of {one_of(numbers)}"
        )
    if not symbol.strip():
        raise RecipeError(f"symbol must be that of the bars, e.g. BTCUSDT; it was {symbol!r}")
    network = preset(model_type).model if model_type in (*presets(), *ALIASES) else model_type
    loop = {key: value for key, value in overrides.items() if key in LOOP}
    return Request(
        architecture=network,
        target=f"{symbol}_close",
        data=None if data is None else bars_of(str(data), Registry.load(()).names("source")),
        preset=found.name,
        timeframe=timeframe,
        params={key: value for key, value in overrides.items() if key not in loop} or None,
        loop=loop,
        said=loop,
        seed=seed,
        steps=None if steps is None else steps_of(steps, "steps"),
        train_start=None if start_date is None else day(start_date, "train-start"),
        train_end=None if end_date is None else day(end_date, "train-end"),
        output_dir=None if output_dir is None else Path(output_dir),
    )
