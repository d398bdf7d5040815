"""What a program has set for itself, NumPy's error state, pandas options, warnings, changes no run that it starts."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Those that can change a number or a type; how things are displayed is the program's own matter.
OPTIONS = (
    "compute.use_bottleneck",
    "compute.use_numexpr",
    "compute.use_numba",
    "mode.string_storage",
    "future.infer_string",
    "future.distinguish_nan_and_na",
    "future.python_scalars",
    "future.infer_freq_returns_offset",
)

_lock = threading.Lock()
_inside = 0
_undo = ExitStack()


@contextmanager
def usual() -> Iterator[None]:
    """Compute as in a fresh process. What is set for all threads is put back when the last run ends."""
    import numpy as np

    global _inside
    with _lock:
        if not _inside:
            _enter()
        _inside += 1
    try:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _undo.close()


def _enter() -> None:
    import pandas as pd

    _undo.enter_context(warnings.catch_warnings())
    # Who makes every warning an error, wherever it arises, means their own code.
    warnings.filters[:] = [one for one in warnings.filters if one[0] != "error" or one[3]]  # type: ignore[index]
    for name in OPTIONS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an option is deprecated is no news of ours
            try:
                before = pd.get_option(name)
            except KeyError:  # of another version of pandas
                continue
            pd.reset_option(name)
            if pd.get_option(name) != before:
                _undo.callback(_put_back, name, before)


def _put_back(name: str, value: object) -> None:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.set_option(name, value)


def in_usual_surroundings(function: Callable[P, T]) -> Callable[P, T]:
    """Have a function compute as in a fresh process."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with usual():
            return function(*args, **kwargs)

    return wrapped
