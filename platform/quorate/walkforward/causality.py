"""Causality checks that every run makes: what was computed must not change when the future is cut off.

A few cuts catch a feature, label or strategy that reads ahead everywhere, as most faulty ones do; one
that does so on rare bars only can slip through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import FIELDS, Bars
from quorate.dataset.columns import Columns
from quorate.dataset.labels import Labels
from quorate.dataset.rows import Dataset
from quorate.errors import DataError, IntegrityError
from quorate.plugins.specs import StrategySpec
from quorate.trading.asking import ask_strategy
from quorate.trading.costs import Trading

# Float32 values that agree to this are the same: a transform may round by the length of its input.
RELATIVE, ABSOLUTE = 1e-4, 1e-6
SHARE = 1e-4  # of a feature's deviation, whatever its unit is
STRATEGY_CUTS = 25  # a strategy is asked in no time, features and labels are not


def cuts(first: int, n_bars: int) -> list[int]:
    """Return how many bars each check knows: just after the first prediction, half-way, all but one."""
    return sorted({k for k in (first + 1, (first + n_bars) // 2, n_bars - 1) if 0 < k < n_bars})


def audit_rows(
    bars: Bars,
    dataset: Dataset,
    columns: Callable[[Bars], Columns] | None,
    labels: Callable[[Bars], Labels],
    first: int,
    at: Sequence[int] = (),
) -> None:
    """Compute the features again without the future, the labels with another one, too, and compare.

    A label may need to see that its trade is over, so without the future it can be unknown still; but
    once it is known and has ended, no future may change it or its end.

    Parameters
    ----------
    bars : Bars
        What `dataset` was built from.
    columns, labels : callable
        From bars to the features of rows and to labels. Without `columns` the features are left alone.
    first : int
        Position of the first bar that is predicted.
    at : sequence of int
        How many bars each check knows; default: `cuts`.

    Raises
    ------
    IntegrityError
        Naming the feature or label, the bar, and both values.
    """
    for known in at or cuts(first, len(bars)):
        cut = bars.until(known)
        if columns is not None:
            try:
                part = columns(cut)
            except DataError:  # no row yet that has all its features
                continue
            after = bars.sessions[known - 1]
            _check_features(bars, dataset, part, len(part.bar), columns, f"the bars after {after} are not known")
        _check_known(bars, dataset, labels(cut), known)
        other = labels(other_future(bars, known)).values[dataset.bar, dataset.symbol]
        wrong = (dataset.end < known) & (other != dataset.y)
        if wrong.any():
            row = int(wrong.argmax())
            raise IntegrityError(
                f"the label looks past its own end: {_where(bars, dataset, row)} it is {dataset.y[row]:g} and said "
                f"to be known on {bars.sessions[int(dataset.end[row])]}, but it is {other[row]:g} when other "
                f"bars follow after {bars.sessions[known - 1]}"
            )


def audit_other(bars: Bars, dataset: Dataset, columns: Callable[[Bars], Columns], known: int) -> None:
    """Compute the features again with other bars from position `known` on, and compare them before it.

    Raises
    ------
    IntegrityError
        Naming the feature, the bar, and both values.
    """
    other = columns(other_future(bars, known))
    n = int(np.searchsorted(dataset.bar, known))
    same = np.array_equal(other.bar[:n], dataset.bar[:n]) and np.array_equal(other.symbol[:n], dataset.symbol[:n])
    if not same:
        raise IntegrityError(
            f"which rows have all their features before {bars.sessions[known]} depends on the bars from there on"
        )
    _check_features(bars, dataset, other, n, columns, f"other bars follow after {bars.sessions[known - 1]}")


def _check_features(
    bars: Bars, dataset: Dataset, other: Columns, n: int, columns: Callable[[Bars], Columns], when: str
) -> None:
    """Raise `IntegrityError`, if one of the first `n` rows has other features than in the dataset."""
    found = []
    for j, values in enumerate(other.values):
        whole, again = dataset.X[:, j], values[:n]
        apart = SHARE * min(float(whole.std(dtype=np.float64)), ABSOLUTE / SHARE)
        changed = ~np.isclose(again, whole[:n], rtol=RELATIVE, atol=apart)
        if changed.any():
            found.append((row := int(changed.argmax()), j, again[row]))
    if not found:
        return
    row, column, now = min(found)
    name, was = dataset.feature_names[column], dataset.X[row, column]
    if next(islice(columns(bars).values, column, None))[row] != was:
        raise IntegrityError(
            f"feature {name!r} gives other values each time it is computed, {_where(bars, dataset, row)} {was:g} and "
            f"{now:g}: what is random must be seeded anew in each call"
        )
    raise IntegrityError(
        f"feature {name!r} looks ahead: {_where(bars, dataset, row)} it is {was:g}, but {now:g} when {when}"
    )


def _check_known(bars: Bars, dataset: Dataset, part: Labels, known: int) -> None:
    """Raise `IntegrityError` if a label that was known without the later bars is another one, or ends elsewhere."""
    n = int(np.searchsorted(dataset.bar, known))
    y, end, row = dataset.y[:n], dataset.end[:n], (dataset.bar[:n], dataset.symbol[:n])
    told, ended = part.values[row], part.ends[row]
    same = np.isclose(told, y, rtol=RELATIVE, atol=ABSOLUTE) & (ended == end)
    wrong = ~np.isnan(told) & (ended < known) & ~same
    if wrong.any():
        first = int(wrong.argmax())
        now = f"{y[first]:g} and known on {bars.sessions[int(end[first])]}" if np.isfinite(y[first]) else "not known"
        raise IntegrityError(
            f"the label looks past its own end: {_where(bars, dataset, first)} it is {now}, but {told[first]:g} and "
            f"known on {bars.sessions[int(ended[first])]} when the bars after {bars.sessions[known - 1]} are missing"
        )


def audit_strategy(
    spec: StrategySpec,
    params: Mapping[str, Any],
    score: NDArray[np.float64],
    threshold: float,
    bars: Bars,
    facts: Mapping[str, Any],
    first: int,
) -> None:
    """Ask a strategy again without the later scores and bars, and with others, and compare its weights.

    Parameters
    ----------
    score : ndarray of float64, (n_bars, n_symbols)
        On `bars`.
    facts : mapping
        As in `quorate.trading.asking.strategy_arguments`.
    first : int
        Position of the first bar that is predicted.

    Raises
    ------
    IntegrityError
        If a weight changed.
    """

    def weights(scores: NDArray[np.float64], market: Bars) -> NDArray[np.float64]:
        return ask_strategy(spec, scores, threshold, market, facts, params)

    whole, n = weights(score, bars), len(score)
    for known in sorted({*cuts(first, n), *np.linspace(first + 1, n - 1, STRATEGY_CUTS, dtype=int).tolist()}):
        other = score.copy()
        other[known:] *= -0.5
        for change, part in (
            ("are not known", weights(score[:known], bars.take(0, known))),
            ("are others", weights(other, other_future(bars, known))),
        ):
            if np.array_equal(part[:known], whole[:known]):
                continue
            if not _same(part[:known], whole[:known]).all():
                row, column = (int(i) for i in np.argwhere(~_same(part[:known], whole[:known]))[0])
                raise IntegrityError(
                    f"strategy {spec.name!r} looks ahead: its weight of {bars.symbols[column]} on {bars.sessions[row]} "
                    f"is {whole[row, column]:g}, but {part[row, column]:g} when scores and bars from "
                    f"{bars.sessions[known]} on {change}"
                )


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = np.isclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    return same


def audit_costs(model: str, trading: Trading, cost: Callable[[Bars], Trading], bars: Bars, first: int) -> None:
    """Ask a cost model again without the later bars and compare, and so rates of interest.

    Raises
    ------
    IntegrityError
        If what an order costs, or a rate, changed.
    """
    for known in cuts(first, len(bars)):
        part, whole = cost(bars.until(known)), trading.take(0, known)
        for name, apart in (("fees", ABSOLUTE), ("slippage", ABSOLUTE), ("impact", 0.0)):  # impact is small by its unit
            now, then = getattr(part, name), getattr(whole, name)
            if not np.allclose(now, then, rtol=RELATIVE, atol=apart):
                raise IntegrityError(
                    f"cost model {model!r} looks ahead: its {name} before {bars.sessions[known]} change when the bars "
                    "from there on are not known"
                )
        for name, then in vars(whole.carry).items() if whole.carry else ():
            now = getattr(part.carry, name)
            if not np.array_equal(now, then, equal_nan=now.dtype.kind == "f"):
                raise IntegrityError(
                    f"the rates of {name} look ahead: those before {bars.sessions[known]} change when what came from "
                    "there on is not known"
                )


def other_future(bars: Bars, known: int) -> Bars:
    """Return the bars with other prices, volumes and covariates from position `known` on: halves and doubles."""
    factor = np.where(np.arange(len(bars)) % 2, 2.0, 0.5)[:, None]  # by position: cuts meet falls and rises
    factor[:known] = 1.0
    covariates = {name: one.other_after(bars.times[known - 1]) for name, one in bars.covariates.items()}
    fills = None if bars.fills is None else bars.fills.scaled(bars.times, factor)
    fields: dict[str, Any] = {name: getattr(bars, name) * factor for name in FIELDS}
    other = replace(bars, fills=fills, covariates=covariates, **fields)
    if bars.finer is None:
        return other
    # What a longer bar is made of changes as it does.
    of = factor[np.searchsorted(bars.times, bars.finer.times)]
    return replace(other, finer=replace(bars.finer, **{name: getattr(bars.finer, name) * of for name in FIELDS}))


def _where(bars: Bars, dataset: Dataset, row: int) -> str:
    return f"for {bars.symbols[dataset.symbol[row]]} on {bars.sessions[dataset.bar[row]]}"
