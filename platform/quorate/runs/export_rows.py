"""The rows of a recipe written for other programs: windows in an NPZ file, or train, validation and test, and a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.held_out import without
from quorate.dataset.folds import NEVER
from quorate.errors import DataError, RecipeError, StoreError, one_of, plural
from quorate.execution.progress import Progress
from quorate.plugins.specs import FeatureSpec
from quorate.recipe.bar_files import source_of
from quorate.recipe.load import merge, nested_override
from quorate.recipe.schema import Recipe
from quorate.runs.driving import read_bars, start_clock
from quorate.runs.export_bars import LOG, SHARES
from quorate.runs.session import open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.files import replacing, write_text
from quorate.store.parquet import write_parquet
from quorate.walkforward.layout import WalkForward, holdout_start, prepare

WINDOWS = "windows.npz"
FORMATS = ("npz", "parquet")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    files : list of Path
        All of them.
    rows : dict of str to int
        By part.
    warnings : list of str
        What is to be minded.
    """

    files: list[Path]
    rows: dict[str, int]
    warnings: list[str]


def of_bars(
    name: str, asked: Mapping[str, Any] | None, symbols: list[str] | None, overrides: Iterable[str]
) -> dict[str, Any]:
    """Return a recipe of bars with the features and the label that a recipe has without more.

    Parameters
    ----------
    name : str
        A collection of the store; a file or a folder, where nothing is `asked`.
    asked : mapping or None
        Options of the source ``store``.
    """
    if asked is None:
        data: dict[str, Any] = {"source": source_of(Path(name)), "path": name}
        data |= {"symbols": symbols} if symbols else {}
        overrides = [one if one.partition(".")[0] in Recipe.model_fields else f"data.{one}" for one in overrides]
    else:
        data = {"source": "store", "collection": name}
        data |= {key: str(value) if isinstance(value, Path) else value for key, value in asked.items() if value}
    recipe: dict[str, Any] = {"name": "export", "data": data, "models": {"logistic": {}}}
    for item in overrides:
        recipe = merge(recipe, nested_override(item), f"--set {item}", afresh=False)
    return recipe


@in_usual_surroundings
def export_rows(
    recipe: str | Path | Mapping[str, Any],
    out: Path,
    file_format: str = "npz",
    window: int = 60,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> Exported:
    """Write the rows that a recipe's models learn from and are tested on, and how its features were made.

    The holdout stays closed, and symbols that are held out take no part. Rows are those of a run, audited as there. No
    training row has a label that ends in what is tested.

    Parameters
    ----------
    recipe : str, Path or mapping
        As of `quorate.run`.
    out : Path
        The folder; empty, or not there.
    file_format : {"npz", "parquet"}
        ``windows.npz``: ``X_train`` (n, window, n_features) float32, ``y_train`` (n,), int64 classes or float64
        numbers, ``X_test``, ``y_test``; trained is on the rows before the first fold, tested on those that folds
        predict. Or ``train``, ``val`` and ``test.parquet``, cut by sessions at 70 and 85 %, with features and label.
    window : int
        Bars of each window.

    Raises
    ------
    RecipeError, DataError
        If there is no such format, or nothing to write.
    StoreError
        If the folder holds something already.
    """
    if file_format not in FORMATS:
        raise RecipeError(f"rows of a recipe are written as {one_of(FORMATS)}; --format was {file_format!r}")
    if window < 1:
        raise RecipeError(f"--window must be at least 1 bar; it was {window}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError(f"cannot write to {out}: it holds something already; name an empty folder")
    session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=progress)
    bars = read_bars(session, start_clock(progress))
    stop = holdout_start(bars, session.recipe)
    known = without(bars.until(stop), session.recipe.holdout.held_out)
    walk = prepare(session.recipe, session.registry, known, [(0, stop)])
    parts, left = (_windows(walk, out, window), {}) if file_format == "npz" else _tables(walk, out)
    write_text(out / LOG, _log(walk, parts, left, len(bars) - stop, window if file_format == "npz" else 0))
    names = [WINDOWS] if file_format == "npz" else [f"{name}.parquet" for name in parts]
    files = [out / name for name in (*names, LOG)]
    return Exported(files, {name: len(rows) for name, rows in parts.items()}, [*session.warnings, *walk.warnings])


def _windows(walk: WalkForward, out: Path, window: int) -> dict[str, NDArray[np.int64]]:
    """Write windows of the rows' features, and return the rows of each part."""
    dataset = walk.dataset
    order = np.lexsort((dataset.bar, dataset.symbol))  # of each symbol its rows, which miss no bar of it
    place = np.empty(len(dataset), dtype=np.int64)
    place[order] = np.arange(len(dataset))
    first = np.searchsorted(dataset.symbol[order], dataset.symbol)
    whole = place - first >= window - 1
    tested = np.concatenate([fold.test for fold in walk.folds])
    parts = {"train": walk.folds[0].train, "test": tested}
    parts = {name: rows[whole[rows] & (dataset.end[rows] != NEVER)] for name, rows in parts.items()}
    if not all(len(rows) for rows in parts.values()):
        counts = " and ".join(f"{len(rows):,} to {name}" for name, rows in parts.items())
        raise DataError(f"windows of {plural(window, 'bar')} leave {counts} on: take shorter ones by --window")
    arrays: dict[str, Any] = {}
    steps = np.arange(1 - window, 1)
    for name, rows in parts.items():
        arrays[f"X_{name}"] = dataset.X[order[place[rows][:, None] + steps]]
        arrays[f"y_{name}"] = dataset.y[rows].astype(np.int64 if walk.binary else np.float64)
    with replacing(out / WINDOWS) as temporary, temporary.open("wb") as file:  # numbers only: nothing is pickled
        np.savez(file, **arrays)
    return parts


def _tables(walk: WalkForward, out: Path) -> tuple[dict[str, NDArray[np.int64]], dict[str, int]]:
    """Write rows with features and labels, cut by sessions; return those of each part, and how many it leaves out."""
    import pandas as pd

    dataset, sessions = walk.dataset, walk.bars.sessions
    days = np.unique(sessions[dataset.bar])
    at = np.searchsorted(days, sessions[dataset.bar])
    begin, parts, left = 0, {}, dict[str, int]()
    for name, share in SHARES.items():
        stop = int(len(days) * share)
        rows = np.flatnonzero((at >= begin) & (at < stop)).astype(np.int64)
        if stop < len(days):  # what comes later is no label of this part
            later = int(np.searchsorted(sessions, days[stop]))
            left[name] = len(rows)
            rows = rows[dataset.learnt_end[rows] < later]
            left[name] -= len(rows)
        begin, parts[name] = stop, rows
        frame = pd.DataFrame(
            {
                "symbol": np.asarray(walk.bars.symbols)[dataset.symbol[rows]],
                "time": pd.DatetimeIndex(walk.bars.times[dataset.bar[rows]]).tz_localize("UTC"),
                **{feature: dataset.X[rows, j] for j, feature in enumerate(dataset.feature_names)},
                "label": dataset.y[rows],
            }
        )
        write_parquet(frame, out / f"{name}.parquet")
    return parts, left


def _log(walk: WalkForward, parts: dict[str, NDArray[np.int64]], left: dict[str, int], closed: int, window: int) -> str:
    """Return how features and labels were made, a line each, with figures of the training rows alone."""
    recipe, dataset = walk.recipe, walk.dataset
    train = dataset.X[parts["train"]].astype(np.float64)
    lines = [
        f"recipe {recipe.name}: {recipe.description}".rstrip(": "),
        f"bars {walk.bars!r}: {plural(len(walk.bars.symbols), 'symbol')}, source {recipe.data.source}",
        f"holdout: its {plural(closed, 'bar')} are left out",
    ]
    if held := recipe.holdout.held_out:
        lines.append(f"held out, and left out: {', '.join(held)}")
    for j, name in enumerate(dataset.feature_names):
        spec = walk.registry.get(FeatureSpec, name)
        column = train[:, j]
        figures = (
            f"mean {column.mean():.6g}, deviation {column.std():.6g}, {column.min():.6g} to {column.max():.6g}"
            if len(column)
            else "no training row"
        )
        made = f"of {', '.join(spec.inputs)}, lookback {spec.lookback}" + (
            f", {dict(spec.params)}" if spec.params else ""
        )
        lines.append(f"feature {name}: {made}; {figures}; {spec.description}".rstrip("; "))
    label = recipe.labels
    lines.append(f"label {label.name}: horizon {label.horizon}, fill {recipe.backtest.fill}, {dict(label.params)}")
    if window:
        lines.append(f"windows of {plural(window, 'bar')}, each of one symbol, the last bar its own")
    for name, rows in parts.items():
        days = walk.bars.sessions[dataset.bar[rows]]
        span = f", {days.min()} to {days.max()}" if len(rows) else ""
        reach = f"; {left[name]:,} more are left out, as their labels end in what comes next" if left.get(name) else ""
        lines.append(f"{name}: {plural(len(rows), 'row')}{span}{reach}")
    return "\n".join(lines) + "\n"
