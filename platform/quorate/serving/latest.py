"""The rows of the last bars, made of these and of as many before them as features look back.

What a feature is at a bar must not change, in any bit, with how many bars lie before those that it says it reads. That
is tried on bars of the fold. One that does change, as a recursive one, is computed on more bars, and if it still does,
on all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.categories import Categories
from quorate.dataset.columns import computed, values_of
from quorate.dataset.folds import NEVER
from quorate.dataset.labels import Labels
from quorate.dataset.packing import Packing
from quorate.dataset.rows import Dataset, build_dataset
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats

RECURSIVE = 1024  # bars that a recursion is tried with: what lies further back has left the last of its digits
MARGIN = 2  # times the bars that a feature was tried with are read
ENDS = 8  # of histories that features are tried on
COMPARED = 64  # bars up to each end
LEAST = 32  # bars that rows are made of: a volatility of twenty returns is among what is read of them


class LatestRows:
    """Makes the rows of the last bars.

    Parameters
    ----------
    features : sequence of FeatureSpec
        On the bars' own frequency.
    history, window : int
        Bars that rows and windows of models need, as of `build_dataset`.
    categories : sequence of str
        Texts of the rows.
    raw : bool
        Whether a model reads bars as they are.
    bars : Bars
        What features are tried on.
    first : int
        The first bar of the fold.

    Attributes
    ----------
    on_more, on_all : tuple of str
        Features that are computed on more bars than they look back, and on all.
    """

    def __init__(
        self,
        features: Sequence[FeatureSpec],
        history: int,
        window: int,
        categories: Sequence[str],
        raw: bool,
        bars: Bars,
        first: int,
    ) -> None:
        import scipy.signal  # noqa: F401  # with it a recursion takes a fiftieth of the time

        # Imported once: to ask for a module each time takes as long as some features do.
        features = [replace(one, function=one.resolve()) for one in features]
        self._features, self._history, self._window = features, history, window
        self._categories, self._raw = categories, raw
        longest = max(*(one.lookback for one in features), history)
        self._need = longest + max(window - 1, 0)
        self._nothing: dict[tuple[int, ...], Labels] = {}
        short = _unequal(features, bars, first, longest)
        more = _unequal([one for one in features if one.name in short], bars, first, max(RECURSIVE, longest))
        self.on_all = tuple(one.name for one in features if one.name in more)
        self.on_more = tuple(one.name for one in features if one.name in short - more)

    def start(self, bars: Bars, last: int) -> int:
        """Return from which bar on all is read of which rows of the `last` bars are made."""
        return start_of(bars, last, max(MARGIN * self._need, LEAST))

    def of(self, bars: Bars, last: int) -> tuple[Dataset, int]:
        """Return the rows of the `last` bars, and at which bar those begin by which they count."""
        start = self.start(bars, last)
        part = bars.take(start, len(bars))
        made = build_dataset(
            part,
            self._features,
            self._unlabelled(part.close.shape),
            self._history,
            self._window,
            self._categories,
            _On(bars, last, {**dict.fromkeys(self.on_more, MARGIN * RECURSIVE), **dict.fromkeys(self.on_all, 0)}),
            raw=self._raw,
            since=len(part) - last,
        )
        return made, start

    def _unlabelled(self, shape: tuple[int, ...]) -> Labels:
        """Return labels that nothing is known of."""
        if shape not in self._nothing:
            self._nothing = {shape: Labels(np.full(shape, np.nan), np.full(shape, NEVER))}
        return self._nothing[shape]


class _On:
    """Computes some features on more bars than the rows are made of; the others as they are."""

    def __init__(self, bars: Bars, last: int, reach: Mapping[str, int]) -> None:
        self._bars, self._last, self._reach = bars, last, reach
        self._parts: dict[int, tuple[Bars, Packing, dict[tuple[str, bool], Floats]]] = {}

    def __call__(
        self, spec: FeatureSpec, part: Bars, compute: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        reach = self._reach.get(spec.name)
        if reach is None:
            return compute()
        if reach not in self._parts:
            start = start_of(self._bars, self._last, reach) if reach else 0
            more = self._bars.take(min(start, len(self._bars) - len(part)), len(self._bars))
            self._parts[reach] = more, Packing(more), {}
        return values_of(spec, *self._parts[reach])[-len(part) :]


def start_of(bars: Bars, last: int, need: int) -> int:
    """Return the bar from which on each symbol with one among the `last` has `need` before that, or all that it had."""
    n = len(bars)
    start = max(n - last - need, 0)
    present = bars.present
    if start == 0 or present[start:].all():
        return start
    there = present[n - last :].any(axis=0)
    if not there.any():
        return start
    before = np.cumsum(present[: n - last, there][::-1], axis=0)
    full = before >= need
    started = n - last - 1 - np.where(full.any(axis=0), full.argmax(axis=0), n - last - 1)
    return int(min(start, started.min()))


def _unequal(features: Sequence[FeatureSpec], bars: Bars, first: int, need: int) -> set[str]:
    """Return the names of features that change with bars before the last `need`, or of which that cannot be told."""
    ends = np.unique(np.linspace(first + 1, len(bars), ENDS).astype(int)).tolist()
    tried: set[str] = set()
    found: set[str] = set()
    for end in ends if features else []:
        whole = bars.take(0, end)
        start = start_of(whole, min(COMPARED, end), need)
        if start == 0:
            continue
        part = whole.take(start, end)
        for spec, one, other in _values(features, whole, part):
            tried.add(spec.name)
            if not _same(one[-COMPARED:], other[-COMPARED:]):
                found.add(spec.name)
    return found | ({spec.name for spec in features} - tried)


def _values(features: Sequence[FeatureSpec], whole: Bars, part: Bars) -> Iterator[tuple[FeatureSpec, Floats, Floats]]:
    made: list[tuple[Bars, Packing, dict[tuple[str, bool], Floats]]] = [
        (bars, Packing(bars), {}) for bars in (whole, part)
    ]
    for spec in features:
        one, other = (computed(spec, *each) for each in made)
        yield spec, one, other


def _same(one: Floats, other: Floats) -> bool:
    """Say whether numbers are the same in every bit; two that are not known are."""
    unlike = np.ascontiguousarray(one).view(np.int64) != np.ascontiguousarray(other).view(np.int64)
    return not (unlike & ~(np.isnan(one) & np.isnan(other))).any()


def anchors_of(dataset: Dataset, train: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the few training rows that tell all that models are told of them: the first, each symbol, each text."""
    found = {int(train[0])}
    for codes in (dataset.symbol, *dataset.categories.codes.T):
        found |= set(train[np.unique(codes[train], return_index=True)[1]].tolist())
    return np.array(sorted(found), dtype=np.int64)


def anchored(
    whole: Dataset, anchors: NDArray[np.int64], made: Dataset, start: int, times: NDArray[np.datetime64]
) -> Dataset:
    """Return rows that count from bar `start`, after few of the training rows, as they count among all bars."""
    n = len(anchors) + len(made)
    return replace(
        made,
        X=np.concatenate([whole.X[anchors], made.X]),
        bar=np.concatenate([whole.bar[anchors], made.bar + start]),
        symbol=np.concatenate([whole.symbol[anchors], made.symbol]),
        y=np.full(n, np.nan),
        end=np.full(n, NEVER),
        context=np.concatenate([np.zeros(len(anchors), dtype=np.int64), made.context]),
        categories=_of(whole, anchors).joined(made.categories),
        times=times,
    )


def _of(dataset: Dataset, rows: NDArray[np.int64]) -> Categories:
    told = dataset.categories
    return replace(told, codes=told.codes[rows]) if told.names else told
