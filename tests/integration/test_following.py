"""New bars are forecast from the last ones alone, with the bits that all bars give."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.panel import FIELDS, Bars
from quorate.execution.outputs import BLOCK
from quorate.execution.progress import Progress
from quorate.runs.loaded import load_report
from quorate.runs.models import RunModels, models_of
from quorate.runs.stored import reopen
from quorate.serving.forecaster import Forecaster
from support.homes import recipe
from support.served import OnAllBars, unlike

LIMITS = {"stop": 0.05, "trailing": 0.1, "atr": 3.0, "max_bars": 10, "volatility": 0.2, "band": 0.1}
MADE: dict[str, dict[str, Any]] = {
    "trees": {"models": {"lightgbm": {"n_estimators": 10}, "logistic": {}}},
    "many seeds": {"models": {"lightgbm": {"n_estimators": 3, "seeds": 9}}},
    "limits": {"strategy": {"name": "long-short", "params": {"hysteresis": 0.5}, "risk": LIMITS}},
    "bar by bar": {
        "labels": {"name": "return"},
        "ensemble": {"method": "hedge", "interval": "adaptive"},
        "models": {"ridge": {}, "lightgbm": {"n_estimators": 10}},
    },
    "panel": {
        "labels": {"name": "return"},
        "ensemble": {"interval": "split"},
        "strategy": {"name": "top-k", "params": {"k": 1}},
        "models": {"ridge": {}, "lightgbm": {"n_estimators": 10}},
    },
}


def models_in(home: Path) -> RunModels:
    report = load_report(home=home)
    return models_of(report, *reopen(report, Progress()))


def gappy(folder: Path) -> str:
    """Return a file of a panel in which each symbol lacks some bars."""
    from quorate_data.simulated import simulated

    frame = simulated(n_bars=700, n_symbols=3, signal=0.4).to_frame()
    there = np.random.default_rng(1).uniform(size=len(frame)) > 0.05
    path = folder / "gappy.csv"
    frame[there].to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> dict[str, tuple[Forecaster, OnAllBars]]:
    """Forecasters, and what they are held against, of the recipes above."""
    found = {}
    for name, change in MADE.items():
        folder = tmp_path_factory.mktemp("served")
        table = recipe("panel" if name == "panel" else "tiny") | change
        if name == "panel":
            table["data"] = {"source": "csv", "path": gappy(folder)}
        table["execution"] = {"executor": "serial", "keep_models": "last"}
        quorate.run(table, home=folder / "home")
        models = models_in(folder / "home")
        found[name] = Forecaster(models), OnAllBars(models)
    return found


def more(bars: Bars, count: int, seed: int) -> Bars:
    """Return bars with some made-up ones after them, of which some lack symbols."""
    rng = np.random.default_rng(seed)
    last = np.array([bars.close[np.isfinite(bars.close[:, j]), j][-1] for j in range(len(bars.symbols))])
    close = last * np.exp(np.cumsum(rng.normal(scale=0.02, size=(count, len(last))), axis=0))
    opens = close * np.exp(rng.normal(scale=0.01, size=close.shape))
    new = {"open": opens, "high": np.maximum(opens, close) * 1.01, "low": np.minimum(opens, close) * 0.99,
           "close": close, "volume": rng.uniform(1e3, 1e5, size=close.shape)}  # fmt: skip
    gone = rng.uniform(size=close.shape) < (0.1 if len(last) > 1 else 0.0)
    fields = {
        name: np.asfortranarray(np.vstack([getattr(bars, name), np.where(gone, np.nan, new[name])])) for name in FIELDS
    }
    days = np.arange(1, count + 1) * np.timedelta64(1, "D")
    times, sessions = (np.concatenate([one, (one[-1] + days).astype(one.dtype)]) for one in (bars.times, bars.sessions))
    return replace(bars, times=times, sessions=sessions, **fields)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.parametrize("name", MADE)
def test_a_few_bars_are_forecast_as_all_are(served: Any, name: str, data: st.DataObject) -> None:
    forecaster, on_all = served[name]
    first, known = on_all.fold.first, forecaster.known
    cut = data.draw(st.integers(first + 1, len(known)), label="the bar that the new ones begin at")
    whole = more(known.take(0, cut), data.draw(st.integers(1, 12)), data.draw(st.integers(0, 99)))
    overlap = data.draw(st.integers(0, cut - first - 1), label="bars that are known already")
    tail = whole.take(cut - overlap, len(whole))
    assert unlike(forecaster.following(tail), on_all.at(whole)) == ""
    assert forecaster.known is known


def test_order_does_not_matter_and_nothing_is_kept(served: Any) -> None:
    for forecaster, on_all in served.values():
        known = forecaster.known
        tails = [more(known.take(0, cut), 3, cut).take(cut - 2, cut + 3) for cut in (len(known), len(known) - 7)]
        alone = [forecaster.following(tail) for tail in tails]
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(forecaster.following, tails * 3))
        assert found == alone * 3
        last = forecaster.following(known.take(len(known) - 1, len(known)))
        assert unlike(last, on_all.at(known)) == ""


def test_what_is_known_grows(served: Any) -> None:
    forecaster, on_all = served["trees"]
    known = forecaster.known
    later = more(known, 9, 5)
    try:
        forecaster.know(later.take(0, len(known) + 4))
        assert len(forecaster.known) == len(known) + 4
        assert unlike(forecaster.following(later.take(len(known) + 4, len(later))), on_all.at(later)) == ""
        with pytest.raises(quorate.DataError, match="bars must go on"):
            forecaster.know(known)
    finally:
        forecaster._known, forecaster._standings = known, forecaster._standings[:1]


def test_what_is_computed_on_all_bars_is_told(served: Any) -> None:
    assert served["trees"][0].on_all_bars == ()
    assert {one._block for one in served["trees"][0]._steps._members} == {1, BLOCK}
    assert served["limits"][0].on_all_bars == ("strategy long-short",)
    assert served["bar by bar"][0].on_all_bars == ("ensembler hedge", "interval adaptive")
    assert served["panel"][0].on_all_bars == ("feature rsi_5", "strategy top-k")


def _without(name: str, row: int, value: float) -> Any:
    def change(bars: Bars) -> Bars:
        values = getattr(bars, name).copy()
        values[row] = value
        return replace(bars, **{name: values})

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without("high", -1, 1e-3), "high must not be below the low: SIM001 at 20.*Z has 0.001"),
        (_without("low", -1, 1e9), "high must not be below the low"),
        (_without("open", -2, np.nan), "open must be a finite number: SIM001 at"),
        (_without("close", -1, np.nan), "open must be missing, as its close is"),
        (_without("close", -1, -1.0), "close must be positive"),
        (_without("open", -1, 1e9), "high must not be below open or close"),
        (_without("volume", -1, -5.0), "volume must be a finite number, not negative"),
        (_without("volume", -1, np.nan), "volume must be a number, as in all bars before"),
        (lambda bars: replace(bars, symbols=("SIM01",)), "there are some of 'SIM01'; did you mean 'SIM001'"),
        (lambda bars: replace(bars, times=bars.times[::-1]), "bars must be sorted by time, each close once"),
        (lambda bars: replace(bars, calendar=quorate.get_calendar("24x7")), "must be of the calendar us-equity"),
        (lambda bars: replace(bars, sessions=bars.sessions[[0, 1, 1]]), "must be daily, .* two of the session"),
        (lambda bars: bars.take(0, 0), "there are no bars to go on with"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bar_that_is_none_is_refused(served: Any, change: Any, told: str) -> None:
    forecaster = served["trees"][0]
    known = forecaster.known
    new = change(more(known, 3, 1).take(len(known), len(known) + 3))
    with pytest.raises(quorate.DataError, match=told):
        forecaster.following(new)
    assert forecaster.known is known


PLANTED = """
import numpy as np
import quorate


def slow(close):
    out = np.empty(close.shape)
    level = close[0] * 0.0
    for t in range(len(close)):
        level = level + 0.003 * (np.nan_to_num(close[t]) - level)
        out[t] = close[t] / (1.0 + level)
    return out


def wrong(close):
    out = np.full(close.shape, np.nan)
    out[3:] = close[3:] / close[:-3] - 1
    out[30:] += close[30:] / close[:-30] * 1e-6
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("slow", slow, inputs=("close",), lookback=5)
    yield quorate.FeatureSpec("wrong", wrong, inputs=("close",), lookback=4)
"""


@pytest.fixture
def planted(tmp_path: Path) -> RunModels:
    file = tmp_path / "planted.py"
    file.write_text(PLANTED)
    table = recipe("tiny") | {"features": {"use": ["return_1", "slow", "wrong"]}}
    quorate.run(table, home=tmp_path / "home", plugins=[file])
    return models_in(tmp_path / "home")


def test_features_that_go_further_back_than_they_say_are_computed_on_all_bars(planted: RunModels) -> None:
    forecaster, on_all = Forecaster(planted), OnAllBars(planted)
    assert forecaster.on_all_bars == ("feature slow", "feature wrong")
    whole = more(forecaster.known, 5, 0)
    assert unlike(forecaster.following(whole.take(len(whole) - 5, len(whole))), on_all.at(whole)) == ""
