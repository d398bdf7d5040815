"""From a function that names a network to the factory of a model: its own options, and those of every training."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from quorate_plugins.deep.model import Deep
from quorate_plugins.deep.settings import TRAINING, Training, training_of

# What every network is told beside its own options and how it is trained.
COMMON = {
    "lookback": (int, 60),
    "valid_ratio": (float, 0.1),
    "valid_blocks": (int, 1),
    "random_state": (int, 0),
    "n_jobs": (int, 1),
    "device": (str, "cpu"),
    "task": (str, "regression"),
}
_TOLD = """\
    lookback : int, bars
        Of a window.
    valid_ratio : float, share
        Of the training rows that is held back to measure progress by.
    valid_blocks : int
        As how many blocks: 1 for the latest rows.
    device : {"cpu", "cuda", "mps", "auto"}
        Where it is trained; ``auto`` is a GPU where there is one. Only on a CPU are fits equal to the last bit.
"""
Factory = Callable[..., Deep]


def network(rows: bool = False, **defaults: Any) -> Callable[[Callable[..., Any]], Factory]:
    """Make a model's factory of a function that takes a network's own options, and returns what makes the network.

    That is ``(net, options)``: ``net(lanes, n_features, bars, n_outputs, **options)`` makes a
    `quorate_plugins.deep.lanes.Net`. The function imports it when it is called: a listing loads no PyTorch.

    Parameters
    ----------
    rows : bool
        The network reads single rows, and no windows.
    **defaults
        Settings of its training that are not those of `Training`.
    """

    def made(function: Callable[..., Any]) -> Factory:
        own = inspect.signature(function).parameters
        common = {name: pair for name, pair in COMMON.items() if not (rows and name == "lookback")}
        settings = {**TRAINING, **{name: default for name, (_, default) in common.items()}, **defaults}
        types = {name: kind for name, (kind, _) in common.items()}
        types |= {name: {"quantiles": list[float]}.get(name, type(value)) for name, value in TRAINING.items()}

        @functools.wraps(function)
        def factory(**options: Any) -> Deep:
            shape = {name: options.get(name, parameter.default) for name, parameter in own.items()}
            told = {**settings, **{name: value for name, value in options.items() if name not in own}}
            if told["batch_tokens"] and told["batch_size"] != settings["batch_size"]:
                raise ValueError(
                    f"batch_size {told['batch_size']} and batch_tokens {told['batch_tokens']}: a step has so many "
                    "rows, or so many bars: leave one out"
                )
            net, shape = function(**shape)
            return Deep(net, shape, training_of(told), {name: told[name] for name in COMMON if name in told})

        del factory.__wrapped__
        listed = {**settings, "quantiles": list(settings["quantiles"])}
        named = [
            inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=v, annotation=types[n])
            for n, v in listed.items()
        ]
        first = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own.values()]
        factory.__signature__ = inspect.Signature([*first, *named])  # type: ignore[attr-defined]
        factory.__annotations__ = {**function.__annotations__, **types}
        factory.__doc__ = _documented(function.__doc__ or "", rows)
        return factory

    return made


def _documented(text: str, rows: bool) -> str:
    """Return a docstring with the options of every training after its own."""
    settings = inspect.getdoc(Training) or ""
    section = settings.partition("Parameters\n----------\n")[2]
    told = inspect.cleandoc(_TOLD) if not rows else inspect.cleandoc(_TOLD).partition("Of a window.\n")[2]
    own = inspect.cleandoc(text)
    if "Parameters\n----------\n" not in own:
        own += "\n\nParameters\n----------"
    return f"{own}\n{told}\n{section}"
