"""Gates of statistical evidence and robustness: what moves them, what must not, and what they say without data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from quorate import statistics
from quorate.evidence.evidence import Earlier, Evidence, Performance, Tried
from quorate.testing.markets import performance
from quorate_plugins.gates import forecasts, integrity, robustness, single, statistical

N = 1000


def noise(seed, mean=0.0, n=N):
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def evidence(returns, others=(), trials=None, market=None, **more):
    judged = performance(returns, market=market)
    hold = performance(noise(99) if market is None else market, trades=np.empty(0))
    candidates = {"judged/s": judged.returns, **{f"mean/{k}": r for k, r in enumerate(others)}}
    metrics = {"sharpe": statistics.sharpe(judged.returns, 252)}
    return Evidence(judged, hold, 7, metrics, metrics, judged="judged/s", candidates=candidates, trials=trials, **more)


# --- one series


def test_psr_says_how_many_bars_are_missing():
    e = evidence(noise(3) - noise(3).mean() + 0.0003)
    result = single.psr(e)
    assert result.verdict == "FAIL"
    missing = int(result.reason.split("about ")[1].split(" more")[0].replace(",", ""))
    found = statistics.sharpe_test(e.performance.returns)
    assert result.value == pytest.approx(found.probability)
    assert found.bars(0.95) == N + missing
    assert "it lost" in single.psr(evidence(noise(3, -0.002))).reason
    assert single.psr(evidence(noise(3, 0.002))).verdict == "PASS"


def test_each_look_at_a_holdout_asks_for_more_and_says_what_it_cost():
    e = evidence(noise(3) - noise(3).mean() + 0.0006)
    assert 0.95 < single.psr(e).value < 0.99
    asked = [single.psr(replace(e, look=look)).threshold for look in (0, 1, 2, 3)]
    assert asked == pytest.approx([0.95, 0.96, 0.995, 1 - 0.01 / 6])
    first, second = (single.psr(replace(e, look=look)) for look in (1, 2))
    assert (first.verdict, second.verdict) == ("PASS", "FAIL")
    assert "enough for a first look" in second.reason
    assert (first.inputs["look"], first.inputs["next"]) == (1, pytest.approx(0.005))
    assert first.uncertainty == "look 1: 4.00% of 5%"


def test_exposure_alone_is_no_alpha():
    market = noise(99, 0.0009)
    held = single.alpha(evidence(0.8 * market + noise(7) / 20, market=market))
    assert (held.verdict, held.inputs["beta"]) == ("FAIL", pytest.approx(0.8, abs=0.02))
    skilled = single.alpha(evidence(0.5 * market + noise(8, 0.0015), market=market))
    assert skilled.verdict == "PASS"
    assert skilled.value == pytest.approx(statistics.alpha_test(0.5 * market + noise(8, 0.0015), market).p_value)
    assert single.alpha(evidence(market, market=market)).verdict == "INSUFFICIENT"
    assert single.alpha(evidence(noise(8, n=100), market=noise(9, n=100))).verdict == "INSUFFICIENT"


@settings(max_examples=20, deadline=None)
@given(few=st.floats(1, 50), more=st.floats(1, 50))
def test_more_trials_leave_more_to_chance_and_a_single_one_no_more_than_itself(few, more):
    few, more = sorted((few, more))
    e = evidence(noise(5, 0.001))
    values = [single.selection(replace(e, trials=Tried(60, n))).value for n in (1.0, few, more)]
    assert values[0] == pytest.approx(statistics.sharpe_test(e.performance.returns).p_value)
    assert values[0] <= values[1] <= values[2]


def test_selection_neither_rewards_clones_nor_punishes_bad_models():
    base = noise(5, 0.0012)
    alone = single.selection(evidence(base, trials=Tried(1, 1.0))).value
    clones = single.selection(evidence(base, [base * 1.01] * 20, trials=Tried(21, 1.0))).value
    poor = single.selection(evidence(base, [noise(k, -0.004) for k in range(5)], trials=Tried(6, 1.0))).value
    assert alone == clones == poor


def test_the_best_of_trials_without_skill_passes_as_often_as_it_says():
    rng, passed, n = np.random.default_rng(4), 0, math.nan
    for _ in range(300):
        series = math.sqrt(0.6) * rng.normal(0, 0.01, (300, 1)) + math.sqrt(0.4) * rng.normal(0, 0.01, (300, 12))
        best = series[:, int(series.mean(axis=0).argmax())]
        n = n if math.isfinite(n) else statistics.effective_trials(series)  # alike in all of them
        passed += statistics.best_of(statistics.sharpe_test(best).p_value, n) < 0.05
    assert 0.02 <= passed / 300 <= 0.085


def test_dsr_between_its_bounds_passes_with_a_warning_and_without_trials_is_not_judged():
    e = evidence(noise(5, 0.0007))
    probability = statistics.psr(e.performance.returns)
    assert 0.9 < probability < 0.995
    result = single.dsr(replace(e, trials=Tried(1, 1.0)), sure=probability + 0.001)
    assert (result.verdict, bool(result.warning)) == ("PASS", True)
    assert result.value == pytest.approx(probability)
    assert single.dsr(replace(e, trials=Tried(60, 40.0))).value < probability
    assert single.dsr(e).verdict == "INSUFFICIENT"


def test_a_single_trial_or_candidate_or_bar_is_one():
    e = evidence(noise(3, -0.001), trials=Tried(1, 1.0))
    assert single.selection(e).reason.startswith("1 trial without skill show")
    assert single.selection(e).sample == "1 of 1 trial, 1000 bars"
    assert single.selection(replace(e, trials=Tried(9, 2.5))).reason.startswith("2.5 trials without skill")
    assert single.selection(evidence(noise(5))).verdict == "INSUFFICIENT"
    assert statistical.spa(e).sample.startswith("1 candidate, ")
    assert "without the 1 best trade nothing" in robustness.concentration(
        replace(e, performance=performance(noise(1, 0.003), trades=np.array([5.0] + [-0.1] * 90))), trades=1
    ).reason  # fmt: skip
    assert robustness.delay(evidence(noise(1), _retrade=retraded(lambda f: noise(1), noise(2))), bars=2).sample == (
        "2 bars late"
    )


# --- many candidates


def test_spa_and_stepm_tell_skill_from_luck():
    lucky = [noise(k) for k in range(30)]
    skilled = evidence(noise(50, 0.0025), lucky)
    assert statistical.spa(skilled).verdict == statistical.stepm(skilled).verdict == "PASS"
    best = max(lucky, key=lambda r: r.mean())
    unlucky = evidence(best, [r for r in lucky if r is not best])
    assert statistical.spa(unlucky).verdict == statistical.stepm(unlucky).verdict == "FAIL"


def test_a_judged_ensemble_that_others_carry_is_not_named_by_stepm():
    result = statistical.stepm(evidence(noise(1), [noise(50, 0.0025)]))
    assert result.verdict == "FAIL"
    assert "others beat cash: mean/0" in result.reason


@pytest.mark.parametrize("gate", [statistical.spa, statistical.stepm, statistical.mcs])
def test_leverage_changes_nothing(gate):
    others = [noise(k, 0.0004) for k in range(4)]
    one = gate(evidence(noise(50, 0.001), others))
    two = gate(evidence(2 * noise(50, 0.001), [2 * r for r in others]))
    assert one.value == pytest.approx(two.value)


def test_buy_and_hold_with_leverage_beats_cash_and_not_buy_and_hold():
    market = noise(99, 0.002)
    result = statistical.spa(evidence(1.5 * market + noise(7) / 50, market=market))
    assert result.inputs["p_cash"] < 0.01
    assert result.inputs["p_hold"] > 0.05
    assert result.verdict == "FAIL"


def test_the_confidence_set_leaves_out_what_is_clearly_worse_and_says_when_simple_is_as_good():
    good = noise(50, 0.003)
    result = statistical.mcs(evidence(noise(51, -0.003), [good]))
    assert result.verdict == "FAIL"
    assert "others are clearly better: mean/0" in result.reason
    assert 'ensemble.method = "mean" and strategy.name = "0" has mean/0 judged' in result.reason
    assert result.inputs["instead"] == {"ensemble.method": "mean", "strategy.name": "0"}
    assert "simpler is as good" in statistical.mcs(evidence(good, [good + noise(4) / 20])).warning


def test_the_best_of_those_that_are_better_is_named_first_and_the_way_to_judge_it():
    judged, better, best = noise(50), noise(51, 0.0027), noise(52, 0.003)
    e = evidence(judged)
    others = {"judged/both": better, "mean/both": best, "mean/s": noise(53, -0.003)}
    one = statistical.mcs(replace(e, candidates={"judged/s": judged, **others}))
    assert "others are clearly better: mean/both, judged/both; " in one.reason
    # Neither is told from the best: the one that changes less of the recipe is to be judged.
    assert 'strategy.name = "both" has judged/both judged' in one.reason
    assert "should not be in strategy.compare" in one.reason
    assert one.inputs["instead"] == {"strategy.name": "both"}
    alone = statistical.mcs(
        replace(e, candidates={"judged/s": judged, "lstm/s": best}, members={"lstm": e.performance})
    )
    assert "leave the other members out of [models]" in alone.reason
    assert "instead" not in alone.inputs
    assert "instead" not in statistical.mcs(replace(e, candidates={"judged/s": best, "mean/s": judged})).inputs


def gaining(count, seed=0):
    """Noise that happened to gain, so that it is a candidate."""
    found = (noise(seed + k) for k in range(1000))
    return [r for r, _ in zip((r for r in found if r.mean() > 0), range(count), strict=False)]


def test_pbo_only_warns_where_it_cannot_judge():
    first, *others = gaining(20)
    few = statistical.pbo(evidence(first, others[:4]))
    assert not few.required
    many = statistical.pbo(evidence(first, others))
    assert many.required
    assert many.value == pytest.approx(statistics.pbo(np.column_stack([first, *others])).pbo)


def test_losers_shorts_and_clones_do_not_buy_a_low_probability_of_overfitting():
    first, *others = gaining(11)
    alone = statistical.pbo(evidence(first, others))
    assert (alone.verdict, alone.required) == ("FAIL", True)
    losers = [noise(500 + k, -0.004) for k in range(11)]
    assert statistics.pbo(np.column_stack([first, *others, *losers])).pbo < 0.05  # what they would have bought
    shorts, clones = [-r for r in (first, *others)], [1.5 * r for r in others]
    for padding in (losers, shorts, clones, [*losers, *shorts]):
        padded = statistical.pbo(evidence(first, [*others, *padding]))
        assert (padded.value, padded.verdict) == (alone.value, "FAIL")
    assert alone.inputs["family"] == ["judged/s", *(f"mean/{k}" for k in range(10))]
    skilled = statistical.pbo(evidence(noise(50, 0.003), others))
    assert (skilled.verdict, skilled.required) == ("PASS", True)
    equals = statistical.pbo(evidence(noise(50, 0.002), [noise(60 + k, 0.002) for k in range(11)]))
    assert (equals.required, equals.value > 0.2, equals.inputs["p_loss"] < 0.1) == (False, True, True)
    assert "as good as each other" in equals.warning


@pytest.mark.parametrize("gate", [statistical.spa, statistical.stepm, statistical.mcs, statistical.pbo])
def test_without_candidates_or_bars_nothing_is_concluded(gate):
    assert gate(evidence(noise(1, 0.01, 30), [noise(2, n=30)])).verdict == "INSUFFICIENT"
    assert gate(evidence(np.zeros(N), [noise(2)])).verdict == "INSUFFICIENT"
    bare = evidence(noise(1, 0.01))
    assert gate(replace(bare, candidates={}, judged="")).verdict == "INSUFFICIENT"


# --- forecasts


def forecasting(skill):
    rng = np.random.default_rng(4)
    y = (rng.random(N) < 0.5).astype(float)
    p = np.clip(0.5 + skill * (y - 0.5) + rng.normal(0, 0.05, N), 0.01, 0.99)
    return replace(evidence(noise(1)), performance=performance(noise(1), predictions=p, labels=y))


def coin(forecasts_of, seeds=40):
    """How often forecasts of a fair coin pass, beside the mean of its past."""
    passed = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        y = (rng.random(300) < 0.5).astype(float)
        naive = (np.cumsum(y) - y) / np.maximum(np.arange(300), 1)
        p = performance(n=250, predictions=forecasts_of(rng)[50:], labels=y[50:], naive=naive[50:])
        passed += forecasts.forecast(replace(evidence(noise(1)), performance=p)).verdict == "PASS"
    return passed


def test_forecasts_that_are_right_about_a_coin_and_know_nothing_do_not_pass():
    assert coin(lambda rng: np.full(300, 0.5)) == 0
    assert coin(lambda rng: 0.5 + rng.normal(0, 0.02, 300)) <= 6


def test_forecasts_are_compared_with_the_base_rate():
    good, none = forecasts.forecast(forecasting(0.2)), forecasts.forecast(forecasting(0.0))
    assert (good.verdict, none.verdict) == ("PASS", "FAIL")
    assert "better than naive" in good.uncertainty
    assert "no evidence" in none.reason
    assert forecasts.forecast(replace(forecasting(0.2), performance=performance(labels=np.empty(0),
                              predictions=np.empty(0)))).verdict == "INSUFFICIENT"  # fmt: skip


@pytest.mark.parametrize("gate", [statistical.spa, statistical.stepm])
def test_bars_that_are_few_for_how_they_depend_on_each_other_decide_nothing(gate):
    rng = np.random.default_rng(4)
    lasting = signal.lfilter([1.0], [1.0, -0.8], rng.normal(0.01, 0.01, (3, 326)), axis=1)[:, 200:]
    result = gate(evidence(lasting[0], lasting[1:], market=noise(9, n=126)))
    assert result.verdict == "INSUFFICIENT"
    assert result.value < 0.05
    assert result.inputs["least"] == math.ceil(25 * max(result.inputs["block"], result.inputs.get("block_hold", 1)))
    assert f"needs {result.inputs['least']} bars: returns depend on each other in blocks of" in result.reason
    enough = gate(evidence(noise(7, 0.006, 126), [noise(8, 0.0, 126)], market=noise(9, n=126)))
    assert (enough.verdict, enough.inputs["least"]) == ("PASS", 126)


# --- robustness


def retraded(at_costs, late):
    def trade(costs: float, delay: int) -> Performance:
        return performance(late if delay else at_costs(costs))

    return trade


def test_costs_and_delay():
    gross, cost = noise(1, 0.002), 0.0004
    e = evidence(gross - cost, _retrade=retraded(lambda f: gross - f * cost, noise(2, 0.0001)))
    stressed = robustness.cost_stress(e)
    assert stressed.value == pytest.approx(statistics.sharpe(gross - 2 * cost, 252))
    assert f"break-even {gross.mean() / cost:.1f}x" in stressed.sample
    late = robustness.delay(e)
    assert (late.verdict, late.required) == ("FAIL", False)
    assert "most of it is gone" in late.warning
    losing = evidence(noise(1, -0.004), _retrade=retraded(lambda f: gross, noise(2, -0.001)))
    assert robustness.delay(losing).warning == "it earned nothing that a delay could take"
    assert robustness.delay(replace(e, horizon=5)).required
    assert robustness.delay(evidence(noise(1))).verdict == "INSUFFICIENT"
    assert robustness.cost_stress(evidence(noise(1))).verdict == "INSUFFICIENT"


def test_of_a_holdout_costs_are_stressed_over_both_parts():
    cost = 0.0004

    def part(gross):
        return evidence(gross - cost, _retrade=retraded(lambda f: gross - f * cost, gross))

    before, after = noise(1, 0.002), noise(5, n=250)
    after = after - after.mean() + 2.1 * cost  # by itself it has next to nothing at twice the costs
    walked, alone = robustness.cost_stress(part(before)), robustness.cost_stress(part(after))
    assert (walked.verdict, alone.verdict) == ("PASS", "FAIL")
    held = replace(part(after), part="holdout", earlier=Earlier({"cost-stress": walked}, Tried(1, 1.0)))
    result = robustness.cost_stress(held)
    both = np.concatenate([before, after])
    assert result.verdict == "PASS"
    assert result.value == pytest.approx(statistics.sharpe(both - 2 * cost, 252))
    assert result.uncertainty == f"3x: {statistics.sharpe(both - 3 * cost, 252):.2f}"
    assert f"holdout alone {alone.value:.2f}, break-even {both.mean() / cost:.1f}x" in result.sample
    assert result.inputs["own"] == alone.inputs["returns"]
    # Where nothing was traded, or nothing is known of it, the walk-forward does not stand in.
    silent = replace(held, _retrade=retraded(lambda f: np.zeros(250), after))
    assert (robustness.cost_stress(silent).verdict, robustness.cost_stress(silent).value) == ("FAIL", None)
    unknown = replace(
        walked, inputs={**walked.inputs, "returns": [dict.fromkeys(("mean", "deviation"), None) | {"n": 9}] * 3}
    )
    lost = replace(held, earlier=Earlier({"cost-stress": unknown}, Tried(1, 1.0)))
    assert (robustness.cost_stress(lost).verdict, robustness.cost_stress(lost).value) == ("FAIL", None)


def test_without_costs_there_is_nothing_to_stress():
    free = replace(performance(noise(1, 0.002)), fees=0.0, slippage=0.0)
    e = replace(evidence(noise(1, 0.002), _retrade=retraded(lambda f: noise(1, 0.002), noise(2))), performance=free)
    result = robustness.cost_stress(e)
    assert (result.verdict, result.value > 0.5) == ("INSUFFICIENT", True)
    assert "trading costs nothing" in result.reason


def test_what_is_not_known_is_no_error_and_no_pass():
    unknown = noise(1)
    unknown[7] = math.nan
    e = evidence(noise(1), _retrade=retraded(lambda f: unknown, unknown))
    for gate in (robustness.cost_stress, robustness.delay):
        result = gate(e)
        assert (result.verdict, result.value) == ("FAIL", None)
        assert math.isnan(
            (result.inputs["returns"] if gate is robustness.delay else result.inputs["returns"][1])["mean"]
        )
    assert statistical.spa(evidence(noise(50, 0.003), market=unknown)).verdict == "INSUFFICIENT"
    assert single.selection(evidence(noise(50, 0.003), trials=Tried(0, math.nan))).verdict == "INSUFFICIENT"
    still = single.selection(evidence(np.zeros(N), trials=Tried(1, 1.0)))
    assert (still.verdict, still.value) == ("FAIL", None)
    assert single.psr(evidence(np.array([0.01, 0.02]))).verdict == "INSUFFICIENT"


def test_returns_that_do_not_vary_are_told_from_no_trade():
    flat = replace(evidence(noise(1)), performance=performance(np.full(300, 0.001)))
    assert robustness.halves(flat).reason == "it is undefined: the returns do not vary"
    nothing = replace(flat, performance=performance(np.zeros(300), trades=np.empty(0)))
    assert robustness.halves(nothing).reason == "it is undefined: nothing was traded"


def test_a_gain_of_one_month_or_of_few_trades_is_no_gain():
    returns = np.full(600, -0.0001) + np.where(np.arange(600) % 2, 0.001, -0.001)
    returns[180:200] += 0.02
    month = robustness.concentration(evidence(returns))
    assert month.verdict == "FAIL"
    assert month.reason.startswith("without 2015-07")
    p = performance(noise(1, 0.003), trades=np.array([5.0] * 4 + [-0.1] * 90))
    few = replace(evidence(noise(1, 0.003)), performance=p)
    assert "without the 5 best trades" in robustness.concentration(few).reason
    assert robustness.concentration(evidence(noise(1, 0.003))).verdict == "PASS"


def test_both_halves_must_gain():
    first = np.concatenate([noise(1, 0.004, 500), noise(2, -0.002, 500)])
    assert robustness.halves(evidence(first)).reason == "the second half gains nothing"
    assert robustness.halves(evidence(noise(1, 0.004))).verdict == "PASS"
    assert robustness.halves(evidence(np.zeros(100))).value is None


# --- integrity


def test_the_null_market_is_judged_by_both_limits_and_needs_an_audit():
    def judged(**figures):
        found = {"draws": 20, "undefined": 0, "z": 0.5, "rms": 1.0, **figures}
        return integrity.null_market(replace(evidence(noise(1)), null_market=found))

    assert judged().verdict == "PASS"
    assert judged(z=-4.1).verdict == judged(rms=1.8).verdict == "FAIL"
    for figures in ({"undefined": 6}, {"draws": 5}, {"rms": None}, {"z": None, "rms": None, "undefined": 20}):
        assert judged(**figures).verdict == "INSUFFICIENT"
    assert judged(draws=5).reason == "it was audited on 5 markets, not 20: quorate audit RECIPE"
    assert integrity.null_market(evidence(noise(1))).reason.startswith("this pipeline was not audited")


def test_returns_that_do_not_vary_are_no_result():
    flat = replace(evidence(noise(1)), performance=performance(np.zeros(50)), _metrics={"sharpe": math.nan})
    assert "nothing was traded" in integrity.integrity(flat).reason
    assert integrity.integrity(evidence(noise(1))).verdict == "PASS"


def test_a_promotion_judges_the_walk_forward_by_all_that_was_tried_up_to_then():
    e = evidence(noise(5, 0.0012), trials=Tried(3, 2.9))
    before = single.selection(e)
    assert before.verdict == "PASS"
    holdout = replace(evidence(noise(6, n=252), trials=Tried(1, 1.0)), part="holdout", look=1)
    few, many = (
        single.selection(replace(holdout, earlier=Earlier({"selection": before}, tried)))
        for tried in (Tried(3, 2.9), Tried(400, 300.0))
    )
    assert few.value == pytest.approx(before.value)
    assert few.inputs["p_alone"] == before.inputs["p_alone"]
    assert (few.verdict, many.verdict) == ("PASS", "FAIL")
    assert many.reason.startswith("300 trials without skill show")
    assert single.selection(replace(holdout, earlier=Earlier({}, Tried(3, 2.9)))).verdict == "INSUFFICIENT"
