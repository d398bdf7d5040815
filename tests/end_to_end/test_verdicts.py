"""What must never be promoted, and whether the report's first paragraph says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.report.sections.words import paragraph

STRATEGIES = """
import numpy as np
import quorate


def flat(score, threshold):
    return np.zeros_like(score)


def hold(score, threshold):
    return np.ones_like(score)


def once(score, threshold):
    weights = np.zeros_like(score)
    weights[700:760] = 1.0
    return weights


def lucky(score, threshold):
    # In and out all the time with next to nothing at stake, but for one month.
    weights = np.where(np.arange(len(score)) % 4 < 2, 0.002, 0.0)[:, None] * np.ones_like(score)
    weights[FIRST:LAST] = 1.0
    return weights


@quorate.hookimpl
def quorate_strategies():
    for function in (flat, hold, once, lucky):
        yield quorate.StrategySpec(function.__name__, function)
"""

RECIPE = {
    "name": "odd",
    "data": {"source": "simulated", "n_bars": 1900, "signal": 0.0, "seed": 11},
    "holdout": {"bars": 300},
    "features": {"use": ["return_1", "zscore_20"]},
    "folds": {"initial": 500, "test": 250},
    "models": {"logistic": {}, "ridge": {}},
    "ensemble": {"compare": []},
    "execution": {"executor": "serial"},
}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The strategies; the lucky one is given the best month of the very market that it trades."""
    from quorate_data.simulated import simulated

    bars = simulated(n_bars=1900, signal=0.0, seed=11)
    first = np.unique(bars.sessions.astype("datetime64[M]"), return_index=True)[1]
    gains = bars.open[first[1:], 0] / bars.open[first[:-1], 0]
    best = max((k for k in range(len(gains)) if 600 < first[k] < 1500), key=lambda k: gains[k])
    text = STRATEGIES.replace("FIRST", str(first[best] - 1)).replace("LAST", str(first[best + 1] - 1))
    path = tmp_path_factory.mktemp("odd") / "odd_strategies.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "name, words",
    [
        ("flat", ["integrity: the returns do not vary: nothing was traded"]),
        ("hold", ["sample-size: fewer than 30 bets say nothing"]),
        ("once", ["sample-size: fewer than 30 bets say nothing"]),
        ("lucky", ["concentration: without ", "nothing is left of the gain"]),
    ],
)
def test_it_is_not_promoted_and_the_first_paragraph_says_why(
    plugin: Path, tmp_path: Path, name: str, words: list[str]
) -> None:
    table: dict[str, Any] = {**RECIPE, "strategy": {"name": name, "compare": []}}
    report = quorate.run(table, plugins=[plugin], home=tmp_path)
    assert report.verdict == "FAIL"
    told = paragraph(report)
    assert told.startswith("Over ")  # what it earned comes first
    assert " Not promoted: " in told
    for word in words:
        assert word in told


def test_fewer_gates_and_an_opened_holdout_are_told(small: dict[str, object], tmp_path: Path) -> None:
    gates = {"preset": "headline", "max-drawdown": {"threshold": 0.9}}
    facts = {"preset": "headline", "changed": {"max-drawdown": {"threshold": 0.9}}}
    for strategy, seen in (("long-flat", False), ("long-short", True)):
        chosen = {"name": strategy, "compare": []}
        table = {**small, "gates": gates, "models": {"logistic": {}}, "strategy": chosen, "ensemble": {"compare": []}}
        report = quorate.promote(quorate.run(table, home=tmp_path).run_id, home=tmp_path)
        assert facts.items() <= report.provenance["gates"].items()
        assert len(report.provenance["gates"]["without"]) == 15
        told = paragraph(report)
        assert "Judged by the preset headline: 15 gates of standard are left out." in told
        assert "Judged with other options: max-drawdown (threshold 0.9)." in told
        assert ("This is the 2nd recipe that was judged on this holdout: it is no longer unseen." in told) == seen
