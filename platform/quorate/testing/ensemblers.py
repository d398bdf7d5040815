"""Rules for ensemblers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset import Dataset
from quorate.ensemble import EnsembleHistory, combine
from quorate.folds import Fold
from quorate.providers import Plugin
from quorate.specs import EnsemblerSpec
from quorate.testing import _altered as altered
from quorate.testing._base import NotApplicable, Violation, after, causal, default_options
from quorate.testing._fresh import fresh

Floats = NDArray[np.float64]


def check_ensembler_computes(plugin: Plugin) -> str | None:
    """One weight per member, finite, none negative, not all zero: also of members right, wrong, alike or flat."""
    for name, history in _histories().items():
        _weights(plugin, history, name)
    return None


@causal
@after("computes")
def check_ensembler_future_free(plugin: Plugin) -> str | None:
    """Weights from a history do not depend on a longer one that was seen before."""
    long = history(rows=240, members=4, seed=3)
    short = until(long, 60)
    expected = _weights(fresh(plugin), short, "60 rows")
    if plugin.provider.local and not np.array_equal(_weights(fresh(plugin), short, "60 rows"), expected):
        raise NotApplicable("the same history gives other weights each time: see 'deterministic'")
    for later in (long, replace(long, labels=np.where(long.bars >= 60, 1 - long.labels, long.labels))):
        _weights(plugin, later, "240 rows")
        found = _weights(plugin, short, "60 rows")
        if not np.allclose(found, expected, rtol=1e-9, atol=1e-12):
            raise Violation(
                f"a history of 60 rows gets the weights {_list(expected)} at first, and {_list(found)} after a "
                "history of 240 rows was seen: it remembers what lies in the future of the first. Compute the weights "
                "from the given history alone; keep nothing in globals, defaults, caches or attributes",
                rows=60,
                expected=_list(expected),
                found=_list(found),
            )
    return None


@after("computes")
def check_ensembler_one_member(plugin: Plugin) -> str | None:
    """A single member gets all the weight."""
    for binary in (True, False):
        for rows in (1, 5, 60, 500):
            _weights(plugin, history(rows, 1, binary), f"one member, {rows} rows")
    return None


@after("computes", "future-free", "deterministic")
def check_ensembler_members_with_gaps(plugin: Plugin) -> str | None:
    """Where a member has no predictions in a fold, those that have make the ensemble."""
    one = history(rows=120, members=3, seed=4)
    gaps = one.predictions.copy()
    gaps[60:90, 1] = np.nan
    bar = np.arange(120, dtype=np.int64)
    rows = np.zeros((120, 1), dtype=np.float32)
    dataset = Dataset(rows, ("x",), bar, bar * 0, one.labels, bar + 1, np.zeros((120, 5)), bar, rows)
    folds = [Fold(k, s, s + 30, bar[:s], bar[s : s + 30]) for k, s in enumerate((30, 60, 90))]
    assert isinstance(plugin.spec, EnsemblerSpec)
    try:
        combined, _ = combine(plugin.spec, default_options(plugin), one.members, gaps, dataset, folds, one.binary)
    except Exception as e:
        raise Violation(
            f"with a member that has no predictions in one of three folds it failed: {e}. The history then holds "
            "the other members only: take their number and names from it",
            members=list(one.members),
        ) from e
    missing = np.flatnonzero(~np.isfinite(combined[30:]))
    if len(missing):
        raise Violation(
            f"the ensemble has no prediction on row {30 + int(missing[0])}, though a member has: weigh those that have",
            row=30 + int(missing[0]),
        )
    return None


@after("computes", "future-free", "deterministic")
def check_ensembler_members_exchangeable(plugin: Plugin) -> str | None:
    """Members in another order get the same weights, each its own."""
    for binary in (True, False):
        one = history(rows=240, members=4, binary=binary, seed=5)
        expected = _weights(plugin, one, "four members")
        for order in ([3, 1, 0, 2], [1, 0, 3, 2], [3, 2, 1, 0]):
            members = tuple(one.members[j] for j in order)
            found = _weights(
                plugin, replace(one, members=members, predictions=one.predictions[:, order]), "in another order"
            )
            differs = np.abs(found - expected[order])
            if differs.max() > 0.005:
                j = int(differs.argmax())
                raise Violation(
                    f"member {members[j]!r} gets {expected[order][j]:.4f} of the weight as column {order[j]} and "
                    f"{found[j]:.4f} as column {j}: the order of the columns means nothing, weigh what members did",
                    member=members[j],
                    expected=float(expected[order][j]),
                    found=float(found[j]),
                )
    return _tie(plugin)


def _tie(plugin: Plugin) -> str | None:
    """Return a remark, if of members that say the same one is preferred for its place."""
    one = history(rows=240, members=4, seed=5)
    best = int(np.argmax(_weights(plugin, one, "four members")))
    twins = one.predictions.copy()
    twins[:, [0, 3]] = twins[:, [best, best]]
    found = _weights(plugin, replace(one, predictions=twins), "two members that are alike")
    if abs(found[0] - found[3]) <= 0.005:
        return None
    return f"of two members that say the same, one gets {found[0]:.2f} and the other {found[3]:.2f} of the weight"


@after("computes", "future-free")
def check_ensembler_deterministic(plugin: Plugin) -> str | None:
    """The same history gives the same weights."""
    one = history(rows=120, members=4, seed=6)
    expected = _weights(fresh(plugin), one, "120 rows")
    for _ in range(3):
        found = _weights(plugin, one, "120 rows, again")
        if not np.array_equal(found, expected):
            raise Violation(
                f"the same history gave the weights {_list(expected)} and then {_list(found)}: seed what is drawn "
                "at random with a fixed number, and keep nothing between calls",
                expected=_list(expected),
                found=_list(found),
            )
    return None


def check_ensembler_input_unmodified(plugin: Plugin) -> str | None:
    """The history is as it was."""
    for name, one in _histories().items():
        before = altered.snapshot(one)
        with suppress(Violation):  # what is wrong with the weights is said elsewhere
            _weights(plugin, one, name, copied=False)
        field = altered.first_change(before, altered.snapshot(one))
        if field is not None:
            raise Violation(
                f"it changed history.{field} in place: work on a copy, e.g. history.{field}.copy()",
                field=field,
                history=name,
            )
    return None


def history(rows: int, members: int, binary: bool = True, seed: int = 0) -> EnsembleHistory:
    """Return out-of-fold rows of members that know more or less, the middle ones best; one row per bar."""
    rng = np.random.default_rng(seed)
    skill = 0.02 + 0.08 * np.sin(1.0 + 1.7 * np.arange(members)) ** 2
    if binary:
        labels = (rng.random(rows) < 0.5).astype(np.float64)
        noise = rng.normal(0, 0.1, (rows, members))
        predictions = np.clip(0.5 + skill * (2 * labels[:, None] - 1) + noise, 0.02, 0.98)
    else:
        labels = rng.normal(0.0003, 0.01, rows)
        predictions = skill * 4 * labels[:, None] + rng.normal(0, 0.002, (rows, members))
    names = tuple(f"member-{chr(ord('a') + j)}" for j in range(members))
    return EnsembleHistory(names, predictions, labels, np.arange(rows, dtype=np.int64), binary)


def until(one: EnsembleHistory, rows: int) -> EnsembleHistory:
    """Return the first rows of a history."""
    return replace(one, predictions=one.predictions[:rows], labels=one.labels[:rows], bars=one.bars[:rows])


def _histories() -> dict[str, EnsembleHistory]:
    out = {}
    for binary in (True, False):
        what = "probabilities" if binary else "expected returns"
        for rows in (1, 5, 500):
            for members in (2, 5):
                out[f"{what}, rows: {rows}, members: {members}"] = history(rows, members, binary)
        one = history(60, 3, binary, seed=1)
        out[f"{what}, members that are alike"] = replace(one, predictions=np.repeat(one.predictions[:, :1], 3, axis=1))
        right, flat = one.predictions.copy(), np.broadcast_to([0.5, 0.6, 0.4], (60, 3)) - (0.0 if binary else 0.5)
        right[:, 1] = one.labels
        out[f"{what}, a member that is always right"] = replace(one, predictions=right)
        out[f"{what}, members that never vary"] = replace(one, predictions=flat * (1.0 if binary else 0.01))
        out[f"{what}, members that are all wrong"] = replace(
            one,
            predictions=np.clip(1 - one.labels[:, None] + one.predictions * 0.1, 0.01, 0.99)
            if binary
            else -one.labels[:, None] + one.predictions * 0.1,
        )
        out[f"{what}, two rows per bar"] = replace(one, bars=np.arange(60, dtype=np.int64) // 2)
    one = history(60, 3, seed=2)
    out["labels of one class"] = replace(one, labels=np.ones(60))
    sure = one.predictions.copy()
    sure[:, 1] = sure[:, 1] > 0.5
    out["a member that says 0 or 1, as a forest may"] = replace(one, predictions=sure)
    return out


def _weights(plugin: Plugin, one: EnsembleHistory, name: str, copied: bool = True) -> Floats:
    """Return the weights, summing to one, or raise `Violation` naming the history."""
    given = replace(one, predictions=one.predictions.copy(), labels=one.labels.copy()) if copied else one
    n = len(one.members)
    try:
        found: Any = altered.quiet(plugin, given)
    except Violation as e:
        raise Violation(f"on the history {name!r} {e.message}", history=name, rows=len(one.labels), members=n) from e
    example = {"history": name, "rows": len(one.labels), "members": n, "found": repr(found)}
    try:
        weights = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise Violation(
            f"on the history {name!r} it returned {found!r}; it must return {n} numbers, one per member", **example
        ) from e
    fault = ""
    if weights.shape != (n,):
        fault = f"has the shape {weights.shape}; it must be ({n},), one weight per member"
    elif not np.isfinite(weights).all():
        fault = "is not finite; guard what it divides by, or fall back on equal weights"
    elif (weights < 0).any():
        fault = "is negative; clip it at zero, e.g. np.maximum(weights, 0)"
    elif weights.sum() <= 0:
        fault = "is all zero; fall back on equal weights where no member earned any"
    if fault:
        raise Violation(f"on the history {name!r} it gave {_list(weights)}, which {fault}", **example)
    return np.asarray(weights / weights.sum())


def _list(weights: Floats) -> list[Any]:
    return np.round(weights, 6).tolist()  # type: ignore[no-any-return]
