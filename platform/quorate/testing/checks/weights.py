"""Rules of weights: a number from 0 on for each training row, from what is shown of the rows alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quorate.dataset.weights import TrainingRows
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats
from quorate.testing._base import Violation, after, call, causal
from quorate.testing.tools.compare import number, plain, seeded, watch_inputs
from quorate.testing.tools.fresh import MEMORY, fresh
from quorate.testing.tools.weights import NAMES, first_bars, rows_of, spec_of, weigh, weighed


def check_weight_input_unmodified(plugin: Plugin) -> None:
    """The rows that it is shown are left as they were."""
    rows = rows_of(plugin)
    arrays = {f"rows.{name}": getattr(rows, name) for name in NAMES}
    watch_inputs(arrays, lambda *given: call(plugin, TrainingRows(*given)))


@after("input-unmodified")
def check_weight_computes(plugin: Plugin) -> None:
    """A number for each training row, finite, 0 or more, and not all 0, whatever rows there are."""
    usual = rows_of(plugin)
    for rows in (
        usual,
        rows_of(plugin, symbols=1, horizon=1),
        rows_of(plugin, n_bars=40, symbols=5, horizon=10),
        first_bars(usual, 1),
    ):
        weigh(plugin, rows)
    if spec_of(plugin).task != "classification":
        weigh(plugin, replace(usual, labels=np.random.default_rng(2).normal(0, 0.02, len(usual))))
    weigh(plugin, replace(usual, labels=np.zeros(len(usual))))


@after("input-unmodified", "computes")
def check_weight_deterministic(plugin: Plugin) -> None:
    """The same rows have the same weights."""
    rows, found = rows_of(plugin), []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(weighed(plugin, rows))
    for again in found[1:]:
        _same(rows, found[0], again, "the next time, from the same rows: draw nothing at random")
    other = rows_of(plugin, seed=9)
    with seeded(1):
        anew, after_it = weighed(fresh(plugin), other), weighed(plugin, other)
    _same(other, anew, after_it, f"after other rows of the same size were seen: {MEMORY}")


@causal
@after("input-unmodified", "computes", "deterministic")
def check_weight_forgets_later_rows(plugin: Plugin) -> None:
    """A fold's weights are the same after it has been shown the rows of later folds: nothing of these is remembered."""
    whole = rows_of(plugin, n_bars=120)
    for n_bars in (40, 80):
        early = first_bars(whole, n_bars)
        one = fresh(plugin)
        before = weighed(one, early)
        weighed(one, whole)
        later = weighed(one, early)
        told = f"after it was shown the rows of {120 - n_bars} bars more, which were not known then: {MEMORY}"
        _same(early, before, later, told)
        _same(early, before, weighed(fresh(plugin), early), "in a process that has seen nothing else")


def _same(rows: TrainingRows, first: Floats, again: Floats, when: str) -> None:
    wrong = np.flatnonzero(first != again)
    if len(wrong):
        row = int(wrong[0])
        raise Violation(
            f"the row of bar {rows.bar[row]}, symbol {rows.symbol[row]} weighs {number(first[row], again[row])} the "
            f"first time, and {number(again[row], first[row])} {when}",
            bar=int(rows.bar[row]),
            symbol=str(rows.symbol[row]),
            expected=plain(first[row]),
            found=plain(again[row]),
        )
