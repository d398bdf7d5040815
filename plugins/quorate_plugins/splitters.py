"""Built-in splitters: which bars each fold predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HERE = "quorate_plugins.splitters"


@quorate.hookimpl
def quorate_splitters() -> Iterator[quorate.SplitterSpec]:
    """Yield the built-in splitters."""
    yield quorate.SplitterSpec(
        "expanding", f"{HERE}:expanding", description="every fold trains on all bars before it; the first on `initial`"
    )
    yield quorate.SplitterSpec(
        "rolling", f"{HERE}:rolling", description="every fold trains on the last `train` bars before it"
    )


def expanding(
    sessions: NDArray[np.datetime64], start: int, initial: int = 1000, test: int = 250
) -> Iterator[quorate.Span]:
    """Yield folds of `test` bars; the first trains on `initial` bars, the last may be shorter."""
    first = _first(len(sessions), start, initial, "initial", test)
    for begin in range(first, len(sessions), test):
        yield quorate.Span(begin, min(begin + test, len(sessions)))


def rolling(sessions: NDArray[np.datetime64], start: int, train: int = 1000, test: int = 250) -> Iterator[quorate.Span]:
    """Yield folds of `test` bars, each with the `train` bars before it; the last may be shorter."""
    first = _first(len(sessions), start, train, "train", test)
    for begin in range(first, len(sessions), test):
        yield quorate.Span(begin, min(begin + test, len(sessions)), max(begin - train, 0))


def _first(n_bars: int, start: int, train: int, option: str, test: int) -> int:
    for name, value, least in ((option, train, 10), ("test", test, 1)):
        if value < least:
            raise quorate.RecipeError(f"folds.{name} must be at least {least}; it was {value}")
    if not start and n_bars <= train:
        raise quorate.DataError(
            f"the first fold trains on {train} bars (folds.{option}) and must leave some to predict; before the "
            f"holdout there are {n_bars}: give more history, or lower folds.{option} or the holdout"
        )
    return start or train
