"""Combinatorial purged cross-validation: many paths through one history, for the evidence and never for a decision.

The bars are cut into groups; every choice of some of them is predicted by a fit on the others. Each group is
then predicted several times, and together these predictions make several paths through the whole history
(Lopez de Prado, 2018, *Advances in Financial Machine Learning*, ch. 12). A fit trains on later data, too: what
a path earns is no backtest of anything that could have been traded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import NEVER, Fold, Positions, check_borders, spans_in
from quorate.errors import DataError, PluginError, RecipeError
from quorate.plugins.calling import call
from quorate.plugins.specs import Span, SplitterSpec
from quorate.statistics import Floats

SPLITS = 500  # each is one more fit of every member


@dataclass(frozen=True, eq=False)
class Split:
    """One choice of test groups, as a fold that the fit machinery takes as it is.

    Parameters
    ----------
    groups : tuple of int
        Which groups are predicted, counted from 0 in time order.
    spans : tuple of Span
        The bars of each of them.
    fold : Fold
        Its rows. `first` and `stop` embrace all test groups, so training rows may lie between them; `index`
        is the split's position in the list.
    """

    groups: tuple[int, ...]
    spans: tuple[Span, ...]
    fold: Fold


@dataclass(frozen=True, eq=False)
class Paths:
    """What every path through a history would have earned; its fits trained on later data, too: not causal.

    Parameters
    ----------
    returns : ndarray of float64, (n_bars - 1, n_paths)
        Net returns, from the first bar of the first group on; empty, if there is no path.
    splits, embargo : int
        Choices of test groups, and bars that lie between training and test labels.
    reason : str
        Why there is no path.
    lost : tuple of str
        Which members failed on some splits, and so had no vote there.
    unseen : ndarray of float64, (n_bars - 1, n_paths)
        The same on symbols that are held out, as the same fits forecast them; empty, if there are none.
    """

    returns: Floats
    splits: int = 0
    embargo: int = 0
    reason: str = ""
    lost: tuple[str, ...] = ()
    unseen: Floats = field(default_factory=lambda: np.empty((0, 0)))


def group_spans(
    splitter: SplitterSpec, sessions: NDArray[np.datetime64], groups: int, tests: int, first: int = 0
) -> list[Span]:
    """Ask a combinatorial splitter for the borders of its groups.

    Parameters
    ----------
    sessions : ndarray of datetime64[D], (n_bars,)
        The dates of all bars that may be known.
    groups, tests : int
        How many groups there are, and how many of them each split predicts.
    first : int
        Position of the first bar that has a row; the groups begin there.

    Raises
    ------
    RecipeError
        If the splitter is not combinatorial, or `groups` and `tests` do not fit together or make more than
        `SPLITS` splits.
    PluginError
        If it breaks its contract.
    """
    if not splitter.combinatorial:
        raise RecipeError(
            f"splitter {splitter.name!r} lays out a walk-forward; combinatorial cross-validation needs one that yields "
            'groups, e.g. "combinatorial"'
        )
    _check_sizes(groups, tests)
    known = sessions[first:]
    given = call(splitter, f"{len(known)} bars", (known, groups, tests), splitter.params, spans_in)
    spans = [Span(span.first + first, span.stop + first) for span in given]
    told = f"splitter {splitter.name!r}"
    if len(spans) != groups:
        raise PluginError(f"{told} must yield {groups} groups, as it is asked to; it yielded {len(spans)}")
    check_borders(spans, first, len(sessions), f"{told}:", "group")
    return spans


def combinatorial_folds(
    bar: Positions, end: Positions, n_bars: int, groups: Sequence[Span], tests: int, embargo: int = 0
) -> list[Split]:
    """Return a split for every choice of `tests` groups, in lexicographic order.

    A row trains a split only if its label interval, from its bar to its label's end, overlaps none of the
    intervals of the split's test groups; such an interval reaches from the group's first bar to the last end
    of its labels (Lopez de Prado, 2018, ch. 7.4).

    Parameters
    ----------
    bar, end : ndarray of int64, (n_rows,)
        Position of each row's bar and of its label's end.
    n_bars : int
        Bars that may be known.
    groups : sequence of Span
        The bars of each, one after the other, see `group_spans`.
    tests : int
        Groups that each split predicts.
    embargo : int
        Bars before a test group in which no training label may end, and after the last end of its labels in
        which no training row may begin.

    Raises
    ------
    RecipeError
        If `groups` and `tests` do not fit together, or make more than `SPLITS` splits.
    DataError
        If a group has no row to predict, or a split none to train on.
    """
    _check_sizes(len(groups), tests)
    check_borders(groups, groups[0].first, n_bars, "the groups:", "group")
    rows = [np.flatnonzero((bar >= span.first) & (bar < span.stop)).astype(np.int64) for span in groups]
    clear = [_clear(bar, end, groups[k], inside, k, embargo) for k, inside in enumerate(rows)]
    splits = []
    for index, chosen in enumerate(combinations(range(len(groups)), tests)):
        train = np.flatnonzero(np.logical_and.reduce([clear[k] for k in chosen])).astype(np.int64)
        if not len(train):
            raise DataError(
                f"split {index}, which predicts groups {', '.join(map(str, chosen))} of {len(groups)}, has no training "
                "row left by purge and embargo: take more groups, fewer test groups, or a smaller embargo"
            )
        test = np.concatenate([rows[k] for k in chosen])
        spans = tuple((groups[k].first, groups[k].stop) for k in chosen)
        fold = Fold(index, spans[0][0], spans[-1][1], train, test, spans=spans)
        splits.append(Split(chosen, tuple(groups[k] for k in chosen), fold))
    return splits


def paths(groups: int, tests: int) -> Positions:
    """Return which split predicts which group on which path, (n_paths, groups).

    Splits are counted as `combinatorial_folds` returns them. Each group is tested by as many splits as there
    are paths, ``tests / groups * comb(groups, tests)``, and the k-th path takes the k-th of them; so every
    prediction is used exactly once (Lopez de Prado, 2018, ch. 12.3).

    Raises
    ------
    RecipeError
        If `groups` and `tests` do not fit together, or make more than `SPLITS` splits.
    """
    _check_sizes(groups, tests)
    chosen = list(combinations(range(groups), tests))
    testing = [[index for index, some in enumerate(chosen) if group in some] for group in range(groups)]
    return np.array(testing, dtype=np.int64).T


def along_paths(splits: Sequence[Split], values: Sequence[Floats], bar: Positions) -> Floats:
    """Return the values of every path, (n_paths, n_rows), NaN on rows of no group.

    Parameters
    ----------
    splits : sequence of Split
        All of them, as `combinatorial_folds` returned them.
    values : sequence of ndarray of float64
        What came of each split's test rows, in their order: for instance the predictions of a fit.
    bar : ndarray of int64, (n_rows,)
        Position of each row's bar.
    """
    table = paths(1 + max(max(split.groups) for split in splits), len(splits[0].groups))
    out = np.full((len(table), len(bar)), np.nan)
    for group, testing in enumerate(table.T):
        for path, index in enumerate(testing):
            split = splits[index]
            span = split.spans[split.groups.index(group)]
            at = bar[split.fold.test]
            inside = (at >= span.first) & (at < span.stop)
            out[path, split.fold.test[inside]] = values[index][inside]
    return out


def _clear(bar: Positions, end: Positions, span: Span, rows: Positions, group: int, embargo: int) -> NDArray[np.bool_]:
    """Return which rows have a known label whose interval lies clear of a group's."""
    if not len(rows):
        raise DataError(
            f"group {group} (bars {span.first}..{span.stop - 1}) has no row to predict: begin where all features are "
            "known, or take fewer groups"
        )
    known = end[rows][end[rows] != NEVER]
    last = int(known.max(initial=span.stop - 1))
    clear: NDArray[np.bool_] = (end != NEVER) & ((end < span.first - embargo) | (bar > last + embargo))
    return clear


def _check_sizes(groups: int, tests: int) -> None:
    if not 1 <= tests < groups:
        raise RecipeError(
            f"combinatorial cross-validation predicts some of its groups, 1 <= tests < groups; groups is {groups} and "
            f"tests is {tests}"
        )
    if comb(groups, tests) > SPLITS:
        raise RecipeError(
            f"combinatorial cross-validation fits every member on every split; {groups} groups of which {tests} are "
            f"tested make {comb(groups, tests):,} splits, and it must be at most {SPLITS}: take fewer groups, or "
            "fewer test groups"
        )
