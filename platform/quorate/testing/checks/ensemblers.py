"""Rules for ensemblers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.ensemble.combine import combine_all
from quorate.ensemble.combiner import EnsembleHistory, EnsembleRows
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import EnsemblerSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after, causal, default_options
from quorate.testing.tools import altered
from quorate.testing.tools.compare import number
from quorate.testing.tools.ensembles import (
    ask,
    histories,
    history,
    labels_of,
    listed,
    rows_after,
    two_symbols,
    until,
)
from quorate.testing.tools.fresh import fresh


def check_ensembler_computes(plugin: Plugin) -> str | None:
    """Weights finite, none negative, not all zero, or finite predictions: of members right, wrong, alike or flat."""
    for name, one in histories(plugin).items():
        ask(plugin, one, name)
    return None


@causal
@after("computes")
def check_ensembler_future_free(plugin: Plugin) -> str | None:
    """What it makes of a history does not depend on a longer one that was seen before."""
    long = history(240, 4, labels_of(plugin)[0], seed=3)
    short = until(long, 60)
    rows = rows_after(short)
    expected = ask(fresh(plugin), short, "60 rows", rows).values
    if plugin.provider.local and not np.array_equal(ask(fresh(plugin), short, "60 rows", rows).values, expected):
        raise NotApplicable("the same history gives another answer each time: see 'deterministic'")
    earlier = fresh(plugin)  # it sees the short history first, the plugin the long one
    kept = ask(earlier, short, "60 rows", rows)
    other = 1 - long.labels if long.binary else -long.labels
    for later in (long, replace(long, labels=np.where(long.bars >= 60, other, long.labels))):
        for one in (earlier, plugin):
            ask(one, later, "240 rows")
        for found in (kept.again(rows), ask(plugin, short, "60 rows", rows).values):
            if not np.allclose(found, expected, rtol=1e-9, atol=1e-12):
                raise Violation(
                    f"a history of 60 rows gives {listed(expected, found)} at first, and {listed(found, expected)} "
                    "after a history of "
                    "240 rows was seen: it remembers what lies in the future of the first. Compute from the given "
                    "history alone; keep nothing in globals, defaults, caches or attributes",
                    rows=60,
                    expected=listed(expected, found),
                    found=listed(found, expected),
                )
    return None


@causal
@after("computes", "future-free", "deterministic")
def check_ensembler_prefix_invariant(plugin: Plugin) -> str | None:
    """Weights through time do not change when labels that end later are cut off, or come out otherwise."""
    assert isinstance(plugin.spec, EnsemblerSpec)
    if plugin.spec.update != "bar":
        raise NotApplicable("it learns once per fold")
    for binary in labels_of(plugin):
        for one in (history(160, 4, binary, seed=7), two_symbols(80, 3, binary, seed=8)):
            bars = np.unique(one.ends)
            whole = ask(plugin, one, "all labels").values
            other = 1 - one.labels if binary else -3 * one.labels
            for last in (1, 2, 7, len(bars) // 2, len(bars) - 1):
                late = one.ends > bars[last - 1]
                shorter = ask(plugin, one.take(~late), f"labels of the first {last} bars").values
                changed = ask(plugin, replace(one, labels=np.where(late, other, one.labels)), "other labels").values
                for found, how in ((shorter, "are cut off"), (changed[:last], "come out otherwise")):
                    _same_path(whole[:last], found, bars, how)
    return None


def _same_path(expected: Floats, found: Floats, bars: NDArray[np.int64], how: str) -> None:
    differs = np.abs(found - expected).max(axis=1)
    if differs.max() > 1e-8:
        entry = int(differs.argmax())
        raise Violation(
            f"entry {entry} of {len(expected)}, for bar {int(bars[entry])}, is "
            f"{listed(expected[entry], found[entry])}, and "
            f"{listed(found[entry], expected[entry])} when the labels that end after bar "
            f"{int(bars[len(expected) - 1])} {how}: it reads "
            "them. An entry may read only rows whose label ended by its bar: cumulative sums, never a mean, a scale or "
            "a smoother over the whole history",
            bar=int(bars[entry]),
            expected=listed(expected[entry], found[entry]),
            found=listed(found[entry], expected[entry]),
        )


@causal
@after("computes", "future-free", "deterministic")
def check_ensembler_rows_independent(plugin: Plugin) -> str | None:
    """A Combiner gives a row the same, whichever other rows are combined with it, later ones above all."""
    combines = False
    for binary in labels_of(plugin):
        one = history(240, 4, binary, seed=9)
        rows = rows_after(one)
        answer = ask(plugin, one, "240 rows", rows)
        combines = combines or answer.combiner is not None
        orders = [np.arange(1), np.arange(7), np.arange(len(rows.bars))[::-1], np.arange(0, len(rows.bars), 3)]
        for order in orders if answer.combiner is not None else ():
            some = EnsembleRows(rows.predictions[order], rows.bars[order], rows.volatility[order])
            found, expected = answer.again(some), answer.values[order]
            if not np.allclose(found, expected, rtol=1e-9, atol=1e-12):
                j = int(np.abs(found - expected).argmax())
                raise Violation(
                    f"row {int(order[j])} gets {number(expected[j], found[j])} among {len(rows.bars)} rows and "
                    f"{number(found[j], expected[j])} among "
                    f"{len(order)} of them: later rows change earlier predictions. Combine each row by itself; means, "
                    "ranks and scales come from the history",
                    row=int(order[j]),
                    expected=float(expected[j]),
                    found=float(found[j]),
                )
    if not combines:
        raise NotApplicable("it answers with weights")
    return None


@after("computes")
def check_ensembler_one_member(plugin: Plugin) -> str | None:
    """A single member is enough."""
    for binary in labels_of(plugin):
        for rows in (1, 5, 60, 500):
            ask(plugin, history(rows, 1, binary), f"one member, {rows} rows")
    return None


@after("computes", "future-free", "deterministic", "prefix-invariant", "rows-independent")
def check_ensembler_members_with_gaps(plugin: Plugin) -> str | None:
    """Where a member has no predictions in a fold, those that have make the ensemble."""
    one = history(120, 3, labels_of(plugin)[0], seed=4)
    gaps = one.predictions.copy()
    gaps[60:90, 1] = np.nan
    bar = np.arange(120, dtype=np.int64)
    rows = np.zeros((120, 1), dtype=np.float32)
    dataset = Dataset(rows, ("x",), bar, bar * 0, one.labels, bar + 1, np.zeros((120, 5)), bar, rows)
    folds = [Fold(k, s, s + 30, bar[:s], bar[s : s + 30]) for k, s in enumerate((30, 60, 90))]
    assert isinstance(plugin.spec, EnsemblerSpec)
    options = default_options(plugin)
    try:
        [combined] = combine_all(
            [(plugin.spec, options)], one.members, gaps, dataset, folds, one.binary, volatility=one.volatility
        )
    except Exception as e:
        raise Violation(
            f"with a member that has no predictions in one of three folds it failed: {e}. The history then holds "
            "the other members only: take their number and names from it",
            members=list(one.members),
        ) from e
    missing = np.flatnonzero(~np.isfinite(combined.predictions[30:]))
    if len(missing):
        raise Violation(
            f"the ensemble has no prediction on row {30 + int(missing[0])}, though a member has: weigh those that have",
            row=30 + int(missing[0]),
        )
    return None


@after("computes", "future-free", "deterministic")
def check_ensembler_members_exchangeable(plugin: Plugin) -> str | None:
    """Members in another order get the same weights, each its own, or make the same predictions."""
    for binary in labels_of(plugin):
        one = history(240, 4, binary, seed=5)
        rows = rows_after(one)
        expected = ask(plugin, one, "four members", rows)
        for order in ([3, 1, 0, 2], [1, 0, 3, 2], [3, 2, 1, 0]):
            moved = _reordered(one, order)
            there = replace(rows, predictions=rows.predictions[:, order])
            found = ask(plugin, moved, "in another order", there)
            if expected.form == found.form == "combiner":
                _same_predictions(expected.values, found.values, order)
            elif expected.form == found.form:
                _same_weights(expected.values[..., order], found.values, moved.members, order)
    return _tie(plugin)


def _reordered(one: EnsembleHistory, order: list[int]) -> EnsembleHistory:
    return replace(one, members=tuple(one.members[j] for j in order), predictions=one.predictions[:, order])


def _same_weights(expected: Floats, found: Floats, members: tuple[str, ...], order: list[int]) -> None:
    wanted, got = np.atleast_2d(expected), np.atleast_2d(found)
    differs = np.abs(got - wanted)
    if differs.max() > 0.005:
        entry, j = (int(i) for i in np.unravel_index(differs.argmax(), differs.shape))
        raise Violation(
            f"member {members[j]!r} gets {wanted[entry, j]:.4f} of the weight as column {order[j]} and "
            f"{got[entry, j]:.4f} as column {j}: the order of the columns means nothing, weigh what members did",
            member=members[j],
            expected=float(wanted[entry, j]),
            found=float(got[entry, j]),
        )


def _same_predictions(expected: Floats, found: Floats, order: list[int]) -> None:
    differs = np.abs(found - expected)
    if differs.max() > 0.02 * max(float(expected.std()), 1e-9):
        row = int(differs.argmax())
        raise Violation(
            f"row {row} is combined to {number(expected[row], found[row])}, and to "
            f"{number(found[row], expected[row])} with the members' columns in the "
            f"order {order}: the order of the columns means nothing, weigh what members did",
            row=row,
            expected=float(expected[row]),
            found=float(found[row]),
        )


def _tie(plugin: Plugin) -> str | None:
    """Return a remark, if of members that say the same one is preferred for its place."""
    one = history(240, 4, labels_of(plugin)[0], seed=5)
    first = ask(plugin, one, "four members")
    if first.form != "weights":
        return None
    best = int(np.argmax(first.values))
    twins = one.predictions.copy()
    twins[:, [0, 3]] = twins[:, [best, best]]
    found = ask(plugin, replace(one, predictions=twins), "two members that are alike").values
    if abs(found[0] - found[3]) <= 0.005:
        return None
    return f"of two members that say the same, one gets {found[0]:.2f} and the other {found[3]:.2f} of the weight"


@after("computes", "future-free")
def check_ensembler_deterministic(plugin: Plugin) -> str | None:
    """The same history gives the same answer."""
    one = history(120, 4, labels_of(plugin)[0], seed=6)
    rows = rows_after(one)
    expected = ask(fresh(plugin), one, "120 rows", rows).values
    for _ in range(3):
        found = ask(plugin, one, "120 rows, again", rows).values
        if not np.array_equal(found, expected):
            raise Violation(
                f"the same history gave {listed(expected, found)} and then {listed(found, expected)}: seed what is "
                "drawn at random with "
                "a fixed number, and keep nothing between calls",
                expected=listed(expected, found),
                found=listed(found, expected),
            )
    return None


def check_ensembler_input_unmodified(plugin: Plugin) -> str | None:
    """The history, and the rows to combine, are as they were."""
    for name, one in histories(plugin).items():
        rows = rows_after(one)
        before, there = altered.snapshot(one), altered.snapshot(rows)
        with suppress(Violation):  # what is wrong with the answer is said elsewhere
            ask(plugin, one, name, rows, copied=False)
        for what, field in (
            ("history", altered.first_change(before, altered.snapshot(one))),
            ("rows", altered.first_change(there, altered.snapshot(rows))),
        ):
            if field is not None:
                raise Violation(
                    f"it changed {what}.{field} in place: work on a copy, e.g. {what}.{field}.copy()",
                    field=field,
                    history=name,
                )
    return None
