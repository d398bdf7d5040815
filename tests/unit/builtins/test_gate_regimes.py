"""The gate on regimes: what moves it, what must not, and what it says of too little."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from quorate import statistics
from quorate.evidence.evidence import Evidence
from quorate.testing.markets import performance
from quorate_plugins.gates.regimes import regimes

N = 1000
DRAWS = 200
DAYS = np.datetime64("2020-01-01") + np.arange(505)


def words(n=N):
    """Return regimes that last for two months each."""
    month = np.arange(n) // 42
    return {
        "volatility": np.array(["calm", "usual", "wild"])[month % 3],
        "trend": np.array(["above", "below"])[(month // 3) % 2],
    }


def evidence(returns, told=None):
    judged = performance(np.asarray(returns))
    told = words(len(returns)) if told is None else told
    return Evidence(judged, performance(np.full(len(returns), 0.001)), 7, regimes=told)


def noise(seed, mean=0.0, n=N):
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def test_a_gain_of_all_times_passes():
    result = regimes(evidence(noise(1, 0.001)))
    assert (result.verdict, result.condition, result.threshold) == ("PASS", ">=", 0.05)
    assert set(result.inputs["regimes"]) == {
        "volatility calm", "volatility usual", "volatility wild", "trend above", "trend below",
    }  # fmt: skip
    assert result.sample == "1000 bars, 5 regimes"


def test_a_regime_that_loses_beyond_chance_fails_and_is_named():
    told = words()
    wild = told["volatility"] == "wild"
    returns = noise(2, 0.003) - 0.006 * wild
    result = regimes(evidence(returns))
    assert result.verdict == "FAIL"
    assert result.reason == "it loses where the market's volatility is wild, beyond chance"
    assert result.value == pytest.approx(5 * statistics.sharpe_test(returns[wild]).probability)
    below = regimes(evidence(noise(2, 0.003) - 0.006 * (told["trend"] == "below")))
    assert below.reason == "it loses where the market's price is below its trailing mean, beyond chance"
    # Too few bars of it, or none that is known, and it is not judged.
    assert regimes(evidence(returns), bars=600).verdict == "INSUFFICIENT"
    unknown = {name: np.where(wild, "", one) for name, one in told.items()}
    assert regimes(evidence(returns, unknown)).verdict == "PASS"


def test_a_gain_that_ended_fails_and_one_that_began_passes():
    half = np.where(np.arange(N) < N // 2, 0.003, -0.0005)
    faded = regimes(evidence(noise(3) + half))
    assert faded.verdict == "FAIL"
    assert faded.reason.startswith("its mean return changed about ")
    assert faded.reason.endswith("and is not above zero since then")
    assert faded.value == pytest.approx(statistics.break_test(noise(3) + half).p_value)
    begun = regimes(evidence(noise(3) + half[::-1]))
    assert begun.inputs["break"]["p_value"] < 0.05
    assert begun.verdict == "PASS"


def test_of_too_little_nothing_is_decided():
    assert regimes(evidence(noise(4, -0.01, 251))).reason == "needs 252 bars to tell regimes apart"
    for told in ({}, {"trend": np.array(["above"] * 5)}, {"trend": np.full(N, "")}):
        assert regimes(evidence(noise(4, -0.01), told)).verdict == "INSUFFICIENT"
    assert regimes(evidence(np.zeros(N))).verdict == "INSUFFICIENT"


@pytest.mark.parametrize(("yearly", "least", "most"), [(0.0, 0.02, 0.13), (1.0, 0.0, 0.07)])
def test_it_hardly_ever_fails_what_gains_at_all_times(yearly, least, most):
    rng, told, failed = np.random.default_rng(5), words(504), 0
    for _ in range(DRAWS):
        returns = rng.normal(0.01 * yearly / math.sqrt(252), 0.01, 504)
        read = SimpleNamespace(returns=returns, bars_per_year=252.0, times=DAYS)  # all that it reads
        failed += regimes(SimpleNamespace(performance=read, regimes=told)).verdict == "FAIL"
    assert least <= failed / DRAWS < most
