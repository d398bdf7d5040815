"""The gate on alpha beside factors: what moves it, what must not, and where it decides nothing."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.evidence.evidence import AlongFactors, Evidence
from quorate.testing.markets import performance
from quorate_plugins.gates.factors import factor_alpha


def evidence(n=500, alpha=0.0, reason="", seed=0, factors=True):
    rng = np.random.default_rng(seed)
    moved = rng.normal(0.0005, 0.01, (n, 2))
    returns = alpha + moved @ [0.5, -0.3] + rng.normal(0, 0.004, n)
    along = AlongFactors(("mkt", "smb"), returns, moved, 252.0, n, reason) if factors else None
    return Evidence(performance(returns), performance(np.full(n, 0.001)), 7, factors=along)


def test_a_planted_alpha_passes_and_betas_alone_do_not():
    found = factor_alpha(evidence(alpha=0.001))
    assert found.verdict == "PASS"
    assert found.value < 0.001
    assert "betas mkt 0.5" in found.uncertainty
    assert found.inputs["betas"]["smb"] == pytest.approx(-0.3, abs=0.05)
    assert found.inputs["low"] < found.inputs["alpha"] < found.inputs["high"]
    assert found.inputs["alpha"] == pytest.approx(0.252, abs=0.1)
    assert found.sample == "500 bars"
    assert factor_alpha(evidence()).verdict == "FAIL"


def test_what_earns_by_its_betas_alone_is_wrong_as_often_as_it_says():
    verdicts = [factor_alpha(evidence(n=150, seed=seed)).verdict for seed in range(150)]
    assert verdicts.count("PASS") / 150 < 0.11


def test_without_factors_or_with_too_little_nothing_is_decided():
    none = factor_alpha(evidence(factors=False))
    assert none.verdict == "INSUFFICIENT"
    assert "[factors]" in none.reason
    few = factor_alpha(evidence(reason="80 bars in common, and 126 are needed"))
    assert few.verdict == "INSUFFICIENT"
    assert "80 bars in common" in few.reason


def test_returns_that_factors_explain_exactly_are_not_judged():
    one = evidence()
    exact = AlongFactors(("mkt", "smb"), one.factors.factors @ [1.0, 2.0], one.factors.factors, 252.0, 500)
    told = factor_alpha(Evidence(one.performance, one.benchmark, 7, factors=exact))
    assert told.verdict == "INSUFFICIENT"
    assert "last digit" in told.reason
