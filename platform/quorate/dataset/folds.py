"""Walk-forward folds: which rows train and which are predicted, and the proof that none overlap."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import DataError, IntegrityError, PluginError
from quorate.plugins.specs import Span

Positions = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max  # the end of a label that is not known within the data
_TOLD = 3  # offending rows that an error names


@dataclass(frozen=True, eq=False)
class Shuffles:
    """What a fit is asked beside its predictions, so that they can be explained.

    Parameters
    ----------
    columns : tuple of tuple of int
        Features whose values change rows together, once per entry.
    orders : ndarray of int64, (n_repeats, n_test)
        From which test row each test row then takes their values.
    """

    columns: tuple[tuple[int, ...], ...]
    orders: Positions


@dataclass(frozen=True, eq=False)
class Fold:
    """One step of the walk-forward.

    Parameters
    ----------
    index : int
        Counted from 0 through development and holdout.
    first, stop : int
        Positions of the first test bar and of the bar after the last one.
    train, test : ndarray of int64
        Rows of the dataset, in time order.
    shuffles : Shuffles, optional
        What is predicted once more with features shuffled among the test rows; a run asks for nothing.
    spans : tuple of (first, stop)
        The bars that are predicted, where training rows lie between them; empty: all from `first` to `stop`.
    """

    index: int
    first: int
    stop: int
    train: Positions
    test: Positions
    shuffles: Shuffles | None = None
    spans: tuple[tuple[int, int], ...] = ()

    def at(self, bar: Positions) -> NDArray[np.bool_]:
        """Return which rows, given by their bars, lie at bars that are predicted."""
        found = np.zeros(len(bar), dtype=bool)
        for first, stop in self.spans or ((self.first, self.stop),):
            found |= (bar >= first) & (bar < stop)
        return found


def walk_forward(bar: Positions, end: Positions, spans: Sequence[Span], index: int = 0, embargo: int = 0) -> list[Fold]:
    """Return a fold for every span that has a row to predict.

    A row trains a fold only if its label had ended before the fold's first test bar, or before
    ``Span.train_stop``; so purging follows the labels' own end times, whatever the horizon and the splitter.

    Parameters
    ----------
    bar, end : ndarray of int64, (n_rows,)
        Position of each row's bar and of its label's end.
    spans : sequence of Span
        The bars of each fold.
    index : int
        Number of the first fold.
    embargo : int
        Bars before the test span in which no training label may end either.
    """
    folds: list[Fold] = []
    for span in spans:
        before = (span.first if span.train_stop is None else min(span.train_stop, span.first)) - embargo
        train = np.flatnonzero((end < before) & (bar >= span.train_from)).astype(np.int64)
        rows = np.flatnonzero((bar >= span.first) & (bar < span.stop)).astype(np.int64)
        if len(rows):
            folds.append(Fold(index + len(folds), span.first, span.stop, train, rows))
    return folds


def spans_in(answer: Iterable[Any]) -> list[Span]:
    """Return the spans that a splitter yields; it may yield plain tuples."""
    return [Span(*span) for span in answer]


def check_spans(spans: Sequence[Span], n_bars: int, start: int, splitter: str) -> None:
    """Raise `PluginError`, unless the spans follow one another to the last bar.

    The first begins at `start`, or anywhere, if that is 0.
    """
    told = f"splitter {splitter!r}, {n_bars} bars from bar {start} on:"
    if not spans:
        raise PluginError(f"{told} it must yield at least one Span; it yielded none")
    check_borders(spans, start or spans[0].first, n_bars, told, "span")
    for k, span in enumerate(spans):
        if not 0 <= span.train_from < span.first:
            raise PluginError(
                f"{told} span {k} must train before it predicts, 0 <= train_from < {span.first}; "
                f"train_from is {span.train_from}"
            )
        if span.train_stop is not None and not span.train_from < span.train_stop <= span.first:
            raise PluginError(
                f"{told} span {k} must stop training between what it trains from and what it predicts, "
                f"{span.train_from} < train_stop <= {span.first}; train_stop is {span.train_stop}"
            )


def check_borders(spans: Sequence[Span], first: int, n_bars: int, told: str, part: str) -> None:
    """Raise `PluginError`, unless the parts follow one another from bar `first` to the last bar."""
    stop = first
    for k, span in enumerate(spans):
        if span.first != stop or not span.first < span.stop:
            raise PluginError(
                f"{told} {part} {k} must begin where the one before stopped, bar {stop}, and end after that; "
                f"it is {span.first}..{span.stop}"
            )
        stop = span.stop
    if stop != n_bars:
        raise PluginError(f"{told} the last {part} must stop at {n_bars}, after the last bar; it stops at {stop}")


def check_training(
    folds: list[Fold], y: NDArray[np.float64], sessions: NDArray[np.datetime64], classification: bool
) -> None:
    """Raise `DataError`, if a fold has nothing to train on, or a classifier would see a single class."""
    for fold in folds:
        if len(fold.train) == 0:
            raise DataError(
                f"fold {fold.index} (from {sessions[fold.first]}) has no training row: every earlier row lacks a "
                "feature or its label, or lies in the embargo: raise folds.initial, lower folds.embargo, or leave out "
                "features of long lookback"
            )
        classes = np.unique(y[fold.train])
        if classification and len(classes) == 1:
            raise DataError(
                f"fold {fold.index} (from {sessions[fold.first]}): all {len(fold.train)} training labels are "
                f"{classes[0]:g}; a classifier needs both classes: check the prices, or use more history"
            )


def audit_folds(folds: list[Fold], bar: Positions, end: Positions, embargo: int = 0) -> None:
    """Check every fold of a walk-forward anew, independently of how it was made; arguments as in `walk_forward`.

    Raises
    ------
    IntegrityError
        If a training label reaches into a test span or its embargo, or a row is predicted twice.
    """
    for fold in folds:
        limit = fold.first - embargo
        if len(fold.train) and int(end[fold.train].max()) >= limit:
            least = f"bar {limit}, {embargo} bars (folds.embargo) before " if embargo else ""
            raise IntegrityError(
                f"fold {fold.index}: a training label ends at or after {least}the first test bar {fold.first}"
                f"{_rows_told(fold.train[end[fold.train] >= limit], bar, end)}"
            )
        if int(bar[fold.test].min()) < fold.first or int(bar[fold.test].max()) >= fold.stop:
            raise IntegrityError(f"fold {fold.index}: a test row lies outside bars {fold.first}..{fold.stop - 1}")
        audit_split(fold.train, fold.test, bar, end, embargo, f"fold {fold.index}")
    tested = np.concatenate([fold.test for fold in folds]) if folds else np.empty(0)
    if len(np.unique(tested)) != len(tested):
        raise IntegrityError("a row is predicted by two folds")


def before_of(folds: Sequence[Fold], end: Positions, embargo: int = 0) -> dict[int, Fold]:
    """Return by fold the one before it, where a model may go on from what it learnt there; others begin afresh.

    All training labels of that one, and so of those that it goes on from itself, had ended before the fold's first
    test bar. In a walk-forward that is so of every fold but the first; of splits that train on later data, of none.

    Parameters
    ----------
    end : ndarray of int64, (n_rows,)
        Position of the bar at which each row's label ends.
    embargo : int
        Bars before the test span in which none of these labels may end either.
    """
    found = {}
    for before, fold in itertools.pairwise(folds):
        if before.first < fold.first and int(end[before.train].max(initial=-1)) < fold.first - embargo:
            found[fold.index] = before
    return found


def audit_starts(
    folds: Sequence[Fold], starts: Mapping[int, Fold], bar: Positions, end: Positions, embargo: int = 0
) -> None:
    """Check anew, however they were chosen, that nothing a fold goes on from knows what the fold is to predict.

    Raises
    ------
    IntegrityError
        If a fold goes on from a later one, or a row that trained any it goes on from knows of its test rows.
    """
    known: dict[int, NDArray[np.bool_]] = {}  # by fold: which rows trained it, and all that it goes on from

    def behind(fold: Fold) -> NDArray[np.bool_]:
        before = starts.get(fold.index)
        if before is None:
            return np.zeros(len(bar), dtype=bool)
        if before.first >= fold.first:
            raise IntegrityError(f"fold {fold.index} would go on from fold {before.index}, which is no earlier one")
        if before.index not in known:
            known[before.index] = behind(before).copy()
            known[before.index][before.train] = True
        return known[before.index]

    for fold in sorted(folds, key=lambda fold: fold.first):
        if len(rows := np.flatnonzero(behind(fold))):
            told = f"fold {fold.index}, which goes on from fold {starts[fold.index].index} and those before it"
            audit_split(rows, fold.test, bar, end, embargo, told)


def audit_split(
    train: Positions, test: Positions, bar: Positions, end: Positions, embargo: int = 0, name: str = "the split"
) -> None:
    """Check that no training row knows what a test row is to predict, whichever of them is earlier.

    A row's label interval reaches from its bar to its label's end, both included; without a label it is
    the bar alone. No interval of a training row may overlap that of a test row or come within `embargo`
    bars of it (Lopez de Prado, 2018, ch. 7). The rows `train` and `test` are in any order, `bar` and `end`
    as in `walk_forward`; a message names the split by `name`.

    Raises
    ------
    IntegrityError
        Naming the first offending training rows; one without a label offends, too.
    """
    unknown = end[train] == NEVER
    order = np.argsort(bar[test], kind="stable")
    begins, ends = bar[test][order], np.where(end[test] == NEVER, bar[test], end[test])[order]
    # Of the test rows that begin up to a bar, the one that ends last tells whether any reaches further.
    # Where none has begun, what stands first reaches no bar.
    latest = np.append(-embargo - 1, np.maximum.accumulate(ends))
    begun = np.searchsorted(begins - embargo, end[train], side="right")
    overlaps = bar[train] <= latest[begun] + embargo
    bad = train[overlaps | unknown]
    if len(bad):
        near = f", with the embargo of {embargo} bars," if embargo else ""
        raise IntegrityError(
            f"{name}: no label interval of a training row may overlap that of a test row{near} and every one must "
            f"be known; of {len(train)} training rows {len(bad)} break this{_rows_told(bad, bar, end)}"
        )


def _rows_told(rows: Positions, bar: Positions, end: Positions) -> str:
    told = [
        f"row {row} (bar {bar[row]}, label {'unknown' if end[row] == NEVER else f'ends at bar {end[row]}'})"
        for row in np.sort(rows)[:_TOLD]
    ]
    return f": {', '.join(told)}{', ...' if len(rows) > _TOLD else ''}"
