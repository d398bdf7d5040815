"""Histories to ask an ensembler about, and its answer in whichever form, checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from quorate.ensemble.asking import checked_path, checked_rows
from quorate.ensemble.combiner import Combiner, EnsembleHistory, EnsembleRows
from quorate.errors import QuorateError
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import EnsemblerSpec
from quorate.statistics import Floats
from quorate.testing._base import Violation
from quorate.testing.tools import altered


@dataclass(frozen=True, eq=False)
class Answer:
    """What an ensembler answered.

    Parameters
    ----------
    form : {"weights", "path", "combiner"}
        One weight per member, weights through time, or a way of combining.
    values : ndarray of float64
        (n_members,), (n_entries, n_members), or what it makes of rows to combine, (n_rows,).
    combiner : Combiner or None
        The way of combining.
    """

    form: Literal["weights", "path", "combiner"]
    values: Floats
    combiner: Combiner | None = None

    def again(self, rows: EnsembleRows) -> Floats:
        """Return the weights, or what it makes of these rows now."""
        if self.combiner is None:
            return self.values
        with np.errstate(all="ignore"):
            try:
                return np.asarray(self.combiner.combine(rows), dtype=np.float64)
            except Exception as e:
                raise Violation(f"its Combiner raised {type(e).__name__}: {e} on {len(rows.bars)} rows") from e


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
    bars = np.arange(rows, dtype=np.int64)
    volatility = 0.01 * np.exp(0.5 * np.sin(bars / 9.0))
    volatility[:20] = np.nan
    return EnsembleHistory(names, predictions, labels, bars, binary, volatility, bars + 2)


def two_symbols(bars: int, members: int, binary: bool, seed: int) -> EnsembleHistory:
    """Return a history with two rows per bar whose labels end at different bars, in the order of their ends."""
    one = history(2 * bars, members, binary, seed)
    bar = np.arange(2 * bars, dtype=np.int64) // 2
    one = replace(one, bars=bar, ends=bar + 1 + np.random.default_rng(seed).integers(1, 6, 2 * bars))
    return one.take(np.argsort(one.ends, kind="stable"))


def until(one: EnsembleHistory, rows: int) -> EnsembleHistory:
    """Return the first rows of a history."""
    return one.take(np.arange(rows))


def rows_after(one: EnsembleHistory, n: int = 40) -> EnsembleRows:
    """Return rows to combine that follow a history: as its own, then sure, undecided and beyond what was seen."""
    later = history(n, len(one.members), one.binary, seed=99)
    predictions = later.predictions.copy()
    predictions[-3:] = [[0.0], [0.5], [1.0]] if one.binary else [[-0.5], [0.0], [0.5]]
    start = int(one.bars.max(initial=0)) + 1
    return EnsembleRows(predictions, later.bars + start, later.volatility.copy())


def labels_of(plugin: Plugin) -> tuple[bool, ...]:
    """Return whether it is asked about probabilities, expectations or both, by its `task`."""
    assert isinstance(plugin.spec, EnsemblerSpec)
    return {"any": (True, False), "classification": (True,), "regression": (False,)}[plugin.spec.task]


def histories(plugin: Plugin) -> dict[str, EnsembleHistory]:
    """Return histories of all sorts, by what they are, that the plugin's `task` covers."""
    out = {}
    for binary in labels_of(plugin):
        what = "probabilities" if binary else "expected returns"
        for rows in (1, 5, 500):
            for members in (2, 5):
                out[f"{what}, rows: {rows}, members: {members}"] = history(rows, members, binary)
        one = history(60, 3, binary, seed=1)
        for rows, seen in ((60, one), (240, history(240, 3, binary, seed=1))):
            out |= {f"{what}, {name}, rows: {rows}": unusual for name, unusual in _unusual(seen).items()}
        out[f"{what}, two rows per bar"] = replace(one, bars=np.arange(60, dtype=np.int64) // 2)
        out[f"{what}, volatility not known"] = replace(one, volatility=np.full(60, np.nan))
    if True in labels_of(plugin):
        one = history(160, 3, seed=2)
        out["labels of one class"] = replace(one, labels=np.ones(160))
        sure = one.predictions.copy()
        sure[:, 1] = sure[:, 1] > 0.5
        out["a member that says 0 or 1, as a forest may"] = replace(one, predictions=sure)
    return out


def _unusual(one: EnsembleHistory) -> dict[str, EnsembleHistory]:
    """Return histories of members that are alike, always right, flat, or all wrong."""
    n, binary = len(one.labels), one.binary
    right = one.predictions.copy()
    right[:, 1] = one.labels
    flat = np.broadcast_to([0.5, 0.6, 0.4], (n, 3)) - (0.0 if binary else 0.5)
    wrong = (1 if binary else 0) - one.labels[:, None] + one.predictions * 0.1
    return {
        "members that are alike": replace(one, predictions=np.repeat(one.predictions[:, :1], 3, axis=1)),
        "a member that is always right": replace(one, predictions=right),
        "members that never vary": replace(one, predictions=flat * (1.0 if binary else 0.01)),
        "members that are all wrong": replace(one, predictions=np.clip(wrong, 0.01, 0.99) if binary else wrong),
    }


def ask(
    plugin: Plugin, one: EnsembleHistory, name: str, rows: EnsembleRows | None = None, copied: bool = True
) -> Answer:
    """Return the answer, weights summing to one, or raise `Violation` naming the history."""
    assert isinstance(plugin.spec, EnsemblerSpec)
    given = one.take(np.arange(len(one.labels))) if copied else one
    try:
        found: Any = altered.quiet(plugin, given)
    except Violation as e:
        told = {"history": name, "rows": len(one.labels), "members": len(one.members)}
        raise Violation(f"on the history {name!r} {e.message}", **told) from e
    if plugin.spec.update == "fold" and not isinstance(found, Combiner):
        return Answer("weights", _weights(found, one, name))
    try:
        if plugin.spec.update == "bar":
            return Answer("path", checked_path(plugin.spec, found, one))
        with np.errstate(all="ignore"):
            values, _ = checked_rows(plugin.spec, found, rows or rows_after(one))
    except QuorateError as e:
        raise Violation(f"on the history {name!r}: {e}", history=name, rows=len(one.labels)) from e
    return Answer("combiner", values, found)


def _weights(found: Any, one: EnsembleHistory, name: str) -> Floats:
    n = len(one.members)
    example = {"history": name, "rows": len(one.labels), "members": n, "found": repr(found)}
    try:
        weights = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise Violation(
            f"on the history {name!r} it returned {found!r}; it must return {n} numbers, one per member, or a "
            "quorate.Combiner",
            **example,
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
        raise Violation(f"on the history {name!r} it gave {listed(weights)}, which {fault}", **example)
    return np.asarray(weights / weights.sum())


def listed(values: Floats, beside: Floats | None = None) -> list[Any]:
    """Return numbers as a list for a message: the first of many, so that they differ from those `beside`."""
    other = values[:0] if beside is None or beside.shape != values.shape else beside
    first = int((values != other).reshape(len(values), -1).any(axis=1).argmax()) if len(other) else 0
    some = slice(first - first % 8, first - first % 8 + 8)
    digits = 6 if not len(other) or (np.round(values[some], 6) != np.round(other[some], 6)).any() else 17
    return np.round(values[some], digits).tolist()  # type: ignore[no-any-return]
