"""The reference account agrees with the account of whole runs, fed with their orders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import quorate
from quorate.bars.panel import Bars
from quorate.execution.progress import Progress
from quorate.runs.loaded import load_report
from quorate.runs.models import models_of
from quorate.runs.stored import reopen
from quorate.statistics import Floats
from quorate.store import Home
from quorate.trading.costs import Trading
from support.accounts import assert_agrees
from support.homes import recipe


def _walk(home: Path) -> tuple[Bars, Floats, Trading]:
    report = load_report(home=home)
    walk = models_of(report, *reopen(report, Progress())).walk
    weights = report.stored("weights")
    bar = np.searchsorted(walk.bars.times, weights["time"].dt.tz_localize(None).to_numpy())
    targets = np.zeros(walk.bars.close.shape)
    targets[bar, [walk.bars.symbols.index(one) for one in weights["symbol"]]] = weights["weight"]
    first, stop = walk.folds[0].first, walk.folds[-1].stop
    return walk.bars.take(first, stop), targets[first:stop], walk.trading.take(first, stop)


def test_it_agrees_with_a_run_of_one_symbol(finished: Home) -> None:
    assert_agrees(*_walk(finished.path))


def test_it_agrees_with_a_run_of_several_long_and_short_by_rules_and_carry(home: Path) -> None:
    more = {"strategy": {"name": "long-short"}, "backtest": {"lots": 5, "band": 0.02, "rebalance": "every"}}
    table = recipe("panel") | more | {"models": {"ridge": {}}, "execution": {"executor": "serial"}}
    table["data"] |= {"cash": 0.03}
    quorate.run(table, home=home)
    assert_agrees(*_walk(home))
