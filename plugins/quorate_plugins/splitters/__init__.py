"""Built-in splitters: which bars each fold predicts, counted in bars or cut at dates."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_splitters() -> Iterator[quorate.SplitterSpec]:
    """Yield the built-in splitters."""
    yield _splitter("by_bars:expanding", "every fold trains on all bars before it; the first on `initial`")
    yield _splitter("by_bars:rolling", "every fold trains on the last `train` bars before it")
    yield _splitter("by_dates:anchored", "every fold trains on all bars before it from the date `anchor` on")
    yield _splitter("by_dates:calendar", 'folds of whole years, quarters, months or weeks, e.g. `test = "1Q"`')
    yield _splitter("by_bars:chronological", "one validation and one test part, by shares of the history")
    yield _splitter("by_bars:auto", "`folds` equal folds after the first `ratio` of the history")
    text = "equal groups for combinatorial purged cross-validation; no walk-forward"
    yield _splitter("by_bars:combinatorial", text, combinatorial=True)


def _splitter(function: str, description: str, combinatorial: bool = False) -> quorate.SplitterSpec:
    return quorate.SplitterSpec(
        function.partition(":")[2],
        f"quorate_plugins.splitters.{function}",
        description=description,
        combinatorial=combinatorial,
    )
