"""Metrics against hand values and scikit-learn; gates at their boundaries and where nothing is defined."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

import quorate
from quorate.dataset.splits import Paths
from quorate.errors import PluginError
from quorate.evidence.evidence import Earlier, Evidence, Performance, Tried
from quorate.evidence.judging import Measured, guarded, measure, run_gates
from quorate.evidence.result import GateResult, judge, plain
from quorate.evidence.verdict import overall
from quorate.plugins.registry import Registry
from quorate_plugins import metrics
from quorate_plugins.gates import headline as gates

NAMES = [
    "sharpe", "lo-sharpe", "sortino", "calmar", "total-return", "cagr", "volatility", "max-drawdown", "drawdown-bars",
    "value-at-risk-95", "expected-shortfall-95", "value-at-risk-99", "expected-shortfall-99",
    "beta", "alpha", "information-ratio",
    "win-rate", "win-rate-low", "expectancy", "profit-factor", "payoff", "closed-trades", "exposure", "turnover",
    "costs", "accuracy", "direction-accuracy", "precision", "recall", "mcc", "auc", "log-loss", "brier",
    "mse", "rmse", "mae", "wmape", "smape", "mape", "mase", "r2", "spearman", "ic", "icir",
]  # fmt: skip


def trades(*profits, open_profits=()):
    pnl = [*profits, *open_profits]
    return pd.DataFrame(
        {
            "pnl": np.array(pnl, dtype=float),
            "pnl_fraction": np.array(pnl, dtype=float) / 1000,
            "closed": [True] * len(profits) + [False] * len(open_profits),
            "entered": pd.date_range("2020-01-01", periods=len(pnl)),
        }
    )


def performance(returns=(0.01, -0.02, 0.03), closed=(), open_profits=(), p=(), y=(), binary=True, **more):
    equity = quorate.statistics.equity_curve(np.array(returns, dtype=float), 1000.0)
    return Performance(
        times=np.arange(len(equity)).astype("datetime64[D]").astype("datetime64[us]"),
        equity=equity,
        trades=trades(*closed, open_profits=open_profits),
        exposure=0.5,
        turnover=3.0,
        fees=7.0,
        slippage=2.0,
        bars_per_year=252,
        predictions=np.array(p, dtype=float),
        labels=np.array(y, dtype=float),
        binary=binary,
        **{name: np.array(value) for name, value in more.items()},
    )


def evidence(measured=None, **figures):
    """Evidence whose metrics are just these figures; all others are NaN."""
    table = dict.fromkeys(NAMES, math.nan) | {name.replace("_", "-"): value for name, value in figures.items()}
    return Evidence(measured or performance(), performance(), 0, table, dict.fromkeys(NAMES, math.nan))


# --- metrics


def test_errors_in_currency_are_of_one_symbol_and_shares_of_any():
    rows = {"p": [0.1, 0.2], "y": [0.0, 0.0], "binary": False, "entry_price": [10.0, 1000.0]}
    one = performance(**rows, forecast_bar=[0, 1])
    assert (metrics.price_mae(one), metrics.price_rmse(one)) == (
        pytest.approx(100.5),
        pytest.approx(math.sqrt(20000.5)),
    )
    two = performance(**rows, forecast_bar=[0, 0])
    assert math.isnan(metrics.price_mae(two))
    assert math.isnan(metrics.price_rmse(two))
    assert metrics.pct_mae(two) == metrics.pct_mae(one) == pytest.approx(0.15)


def test_metrics_of_a_small_history_are_those_worked_out_by_hand():
    p = performance([0.5, -0.5, 0.2], closed=[10, 0, -5, 3], open_profits=[99])
    assert metrics.total_return(p) == pytest.approx(1.5 * 0.5 * 1.2 - 1)
    assert metrics.max_drawdown(p) == pytest.approx(-0.5)
    assert metrics.cagr(p) == pytest.approx(0.9 ** (252 / 3) - 1)
    assert metrics.volatility(p) == pytest.approx(math.sqrt(0.79 / 3 * 252))
    assert metrics.sharpe(p) == pytest.approx((0.2 / 3) / np.std([0.5, -0.5, 0.2], ddof=1) * math.sqrt(252))
    assert metrics.expectancy(p) == pytest.approx((10 - 5 + 3) / 4 / 1000)
    assert (metrics.profit_factor(p), metrics.payoff(p)) == pytest.approx((13 / 5, 6.5 / 5))
    assert metrics.win_rate(p) == 0.5  # a gain of nothing is no win, an open gain no win yet
    assert metrics.closed_trades(p) == 4
    assert (metrics.exposure(p), metrics.turnover(p), metrics.costs(p)) == (0.5, 3.0, 9.0)


def test_without_a_closed_trade_there_is_no_win_rate():
    assert math.isnan(metrics.win_rate(performance(open_profits=[5])))


def forecasts(seed, ties):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 200).astype(float)
    p = np.clip(0.5 + 0.1 * (y - 0.5) + rng.normal(0, 0.2, 200), 0.01, 0.99)
    return (np.round(p, 1) if ties else p), y


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "with ties"])
@pytest.mark.parametrize("seed", range(3))
def test_forecast_metrics_agree_with_scikit_learn(seed, ties):
    p, y = forecasts(seed, ties)
    measured = performance(p=p, y=y)
    assert metrics.auc(measured) == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert metrics.log_loss(measured) == pytest.approx(log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)), rel=1e-12)
    assert metrics.brier(measured) == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    assert metrics.accuracy(measured) == pytest.approx(accuracy_score(y, p > 0.5), rel=1e-12)


def test_ties_share_their_rank_and_one_half_is_no_forecast_of_a_rise():
    measured = performance(p=[0.5, 0.5, 0.5, 0.9], y=[0, 1, 1, 1])
    assert metrics.auc(measured) == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert metrics.accuracy(measured) == 0.5


def test_a_certain_forecast_that_fails_costs_much_and_not_everything():
    assert metrics.log_loss(performance(p=[0.0, 1.0], y=[1, 0])) == pytest.approx(-math.log(1e-15), rel=1e-3)
    assert metrics.log_loss(performance(p=[1.0, 0.0], y=[1, 0])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("y", [[1, 1, 1], [0, 0, 0]], ids=["all rose", "all fell"])
def test_the_auc_of_a_single_class_is_undefined(y):
    assert math.isnan(metrics.auc(performance(p=[0.2, 0.5, 0.7], y=y)))


@pytest.mark.parametrize("name", ["wmape", "smape", "mape"])
def test_percentage_errors_of_classes_are_undefined(name):
    assert math.isnan(getattr(metrics, name)(performance(p=[0.4, 0.6], y=[1, 1])))
    assert getattr(metrics, name)(performance(p=[0.4, 0.6], y=[1, 1], binary=False)) > 0


def test_a_rise_is_above_one_half_for_classes_and_above_zero_for_returns():
    classes = performance(p=[0.9, 0.8, 0.3, 0.6, 0.2], y=[1, 0, 1, 1, 0])
    returns = performance(p=[0.4, 0.3, -0.2, 0.1, -0.3], y=[0.1, -0.1, 0.1, 0.1, -0.1], binary=False)
    for name, expected in (("precision", 2 / 3), ("recall", 2 / 3), ("mcc", 1 / 6), ("accuracy", 3 / 5)):
        for measured in (classes, returns):
            assert getattr(metrics, name)(measured) == pytest.approx(expected), name


def test_one_half_is_no_direction():
    measured = performance(p=[0.5, 0.5, 0.9], y=[0, 1, 1])
    assert metrics.direction_accuracy(measured) == pytest.approx(1 / 3)
    assert metrics.accuracy(measured) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["accuracy", "direction_accuracy", "precision", "recall", "mcc", "auc", "mse", "r2"])
def test_a_forecast_that_is_not_known_leaves_nothing_to_measure(name):
    assert math.isnan(getattr(metrics, name)(performance(p=[0.1, math.nan, 0.9], y=[0, 1, 1])))


def test_the_naive_forecast_is_the_measure_where_there_is_one():
    y, p = [0.02, 0.01, 0.04, -0.01], [0.01, -0.01, 0.02, 0.01]
    given = performance(p=p, y=y, binary=False, naive=[math.nan, 0.0, 0.0, 0.0])
    assert metrics.mase(given) == pytest.approx((2 + 2 + 2) / (1 + 4 + 1))
    assert math.isnan(metrics.mase(performance(p=p, y=y, binary=False)))
    assert math.isnan(metrics.mase(performance(p=p, y=y, binary=False, naive=[math.nan] * 4)))


def test_the_information_coefficient_is_across_symbols_where_there_are_enough():
    y, p = [0.1, 0.2, 0.3, 0.3, 0.2, 0.1], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    across = performance(p=p, y=y, binary=False, forecast_bar=[0, 0, 0, 1, 1, 1])
    assert metrics.ic(across) == pytest.approx(0, abs=1e-12)
    assert metrics.icir(across) == pytest.approx(0, abs=1e-12)
    one = performance(p=p, y=y, binary=False)
    assert metrics.ic(one) == metrics.spearman(one)


def test_figures_beside_the_market_need_one():
    beside = performance([0.02, -0.01, 0.03, -0.02], market=[0.01, -0.01, 0.02, -0.02])
    assert metrics.beta(beside) == pytest.approx(1.3)
    assert metrics.alpha(beside) == pytest.approx(0.005 * 252)
    assert metrics.information_ratio(beside) == pytest.approx(0.5 * math.sqrt(3) * math.sqrt(252))
    alone = performance([0.02, -0.01, 0.03, -0.02])
    assert all(math.isnan(f(alone)) for f in (metrics.beta, metrics.alpha, metrics.information_ratio))


def test_an_account_that_never_falls_is_in_no_drawdown():
    assert metrics.drawdown_bars(performance(np.zeros(5))) == 0
    assert metrics.drawdown_bars(performance([0.1, -0.5, 0.1])) == 2
    assert math.isnan(metrics.drawdown_bars(performance([0.1, math.nan])))


def test_the_lower_bound_of_the_win_rate_needs_trades():
    assert metrics.win_rate_low(performance(closed=[1] * 53 + [-1] * 47)) == pytest.approx(0.4482, abs=5e-5)  # Wilson
    assert math.isnan(metrics.win_rate_low(performance()))
    assert math.isnan(metrics.win_rate_low(performance(closed=[math.nan])))


@pytest.mark.parametrize("name", ["auc", "log_loss", "brier"])
def test_metrics_of_probabilities_are_undefined_without_any(name):
    function = getattr(metrics, name)
    assert math.isnan(function(performance(p=[], y=[])))
    assert math.isnan(function(performance(p=[0.01, -0.02], y=[0.03, 0.01], binary=False)))


def test_the_accuracy_of_expected_returns_is_that_of_their_signs():
    measured = performance(p=[0.01, -0.02, 0.005, -0.01], y=[0.03, 0.01, 0.001, -0.5], binary=False)
    assert metrics.accuracy(measured) == 0.75
    assert math.isnan(metrics.accuracy(performance()))


def test_every_metric_is_measured_and_what_is_undefined_is_none():
    registry = Registry.load()
    values = measure(performance(np.zeros(5)), registry)
    assert list(values)[: len(NAMES)] == NAMES
    known = plain(values)
    assert (known["sharpe"], known["auc"], known["total-return"]) == (None, None, 0.0)
    units = [registry.get(quorate.MetricSpec, name).unit for name in ("win-rate", "costs", "log-loss")]
    assert units == ["fraction", "currency", "nats"]


def test_metrics_are_the_same_when_each_is_measured_as_it_is_asked_for():
    registry, p = Registry.load(), performance([0.01, -0.02, 0.03, 0.01], closed=[3.0, -1.0])
    assert plain(dict(Measured(p, registry))) == plain(measure(p, registry, registry.names("metric")))


def test_what_nobody_asks_for_is_not_measured():
    def fails(p):
        raise ValueError("asked for")

    registry = Registry()
    registry.add_inline(Metrics(fails))
    evidence = Evidence(performance(), performance(), 7, Measured(performance(), registry))
    assert len(guarded(evidence)._metrics) == 1
    with pytest.raises(PluginError, match=r"asks for the metric 'mime', which no plugin provides.*mine"):
        guarded(evidence).metric("mime")
    with pytest.raises(PluginError, match=r"metric 'mine' failed on .*: ValueError: asked for"):
        guarded(evidence).metric("mine")


# --- gates


@pytest.mark.parametrize(
    "gate, metric, value, verdict",
    [
        (gates.sharpe, "sharpe", 1.0, "FAIL"),
        (gates.sharpe, "sharpe", 1.0001, "PASS"),
        (gates.max_drawdown, "max_drawdown", -0.30, "FAIL"),
        (gates.max_drawdown, "max_drawdown", -0.2999, "PASS"),
        (gates.max_drawdown, "max_drawdown", 0.0, "PASS"),
        (gates.win_rate, "win_rate", 0.50, "FAIL"),
        (gates.win_rate, "win_rate", 0.5001, "PASS"),
    ],
)
def test_the_headline_gates_are_strict(gate, metric, value, verdict):
    result = gate(evidence(**{metric: value}))
    assert result.verdict == verdict
    assert result.value == abs(value)
    assert bool(result.reason) == (verdict == "FAIL")
    assert (result.margin > 0) == (verdict == "PASS")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "gate, metric, reason",
    [
        (gates.sharpe, "sharpe", "nothing was traded"),
        (gates.max_drawdown, "max_drawdown", "undefined"),
        (gates.win_rate, "win_rate", "no round trip was closed"),
    ],
    ids=["sharpe", "max-drawdown", "win-rate"],
)
def test_an_undefined_figure_fails_with_the_reason(gate, metric, reason, value):
    result = gate(evidence(**{metric: value}))
    assert (result.verdict, result.value, result.margin) == ("FAIL", None, None)
    assert reason in result.reason


def test_no_drawdown_is_zero_and_not_minus_zero():
    result = gates.max_drawdown(evidence(max_drawdown=0.0))
    assert math.copysign(1, result.value) == 1


def test_thresholds_can_be_set():
    assert gates.sharpe(evidence(sharpe=0.6), threshold=0.5).verdict == "PASS"
    assert gates.max_drawdown(evidence(max_drawdown=-0.4), threshold=0.5).verdict == "PASS"
    assert gates.win_rate(evidence(win_rate=0.6), threshold=0.7).verdict == "FAIL"


@pytest.mark.parametrize(
    "n_trades, n_bars, verdict, reason",
    [
        (100, 252, "PASS", ""),
        (99, 252, "INSUFFICIENT", "needs 1 more bet to"),
        (100, 251, "INSUFFICIENT", "needs 1 more bar to"),
        (30, 10, "INSUFFICIENT", "needs 70 more bets"),
        (29, 252, "FAIL", "fewer than 30 bets"),
        (29, 10, "FAIL", "fewer than 30 bets"),
        (0, 252, "FAIL", "fewer than 30 bets"),
    ],
)
def test_the_sample_is_enough_too_small_to_judge_or_nothing(n_trades, n_bars, verdict, reason):
    measured = performance(np.full(n_bars, 0.01), closed=[1.0] * n_trades, open_profits=[1.0] * 200)
    result = gates.sample_size(evidence(measured))
    assert (result.verdict, result.value) == (verdict, n_trades)
    assert reason in result.reason
    assert bool(result.reason) == (verdict != "PASS")


@pytest.mark.parametrize(
    "before, n_trades, n_bars, verdict, threshold",
    [
        (100, 30, 252, "PASS", 30),
        (100, 29, 252, "FAIL", 30),
        (100, 30, 251, "INSUFFICIENT", 30),
        (99, 30, 252, "INSUFFICIENT", 100),
        (None, 30, 252, "INSUFFICIENT", 100),
    ],
)
def test_after_a_walk_forward_of_a_hundred_bets_a_holdout_needs_thirty(before, n_trades, n_bars, verdict, threshold):
    bets = {} if before is None else {"sample-size": gates.sample_size(evidence(performance(closed=[1.0] * before)))}
    held = performance(np.full(n_bars, 0.01), closed=[1.0] * n_trades)
    result = gates.sample_size(replace(evidence(held), earlier=Earlier(bets, Tried(1, 1.0))))
    assert (result.verdict, result.threshold) == (verdict, threshold)
    assert result.inputs["walk_forward"] == before
    # What a recipe asks for is not raised by it.
    few = gates.sample_size(replace(evidence(held), earlier=Earlier(bets, Tried(1, 1.0))), trades=20, least_trades=10)
    assert few.threshold == (20 if before is None else 10)


def test_round_trips_that_begin_at_one_bar_are_one_bet():
    measured = performance(np.full(300, 0.01), closed=[1.0] * 120)
    measured.trades["entered"] = pd.Timestamp("2020-01-01")
    result = gates.sample_size(evidence(measured))
    assert (result.verdict, result.value, result.sample) == ("FAIL", 1, "300 bars, 120 closed trades")


def test_losers_that_are_never_closed_are_losers():
    small = [1.0] * 150
    held = performance(closed=small, open_profits=[-900.0] * 3)
    result = gates.win_rate(evidence(held, win_rate=1.0))
    assert result.verdict == "FAIL"
    assert result.reason.startswith("with 3 positions still open, at their last price, the mean trade loses")
    assert gates.win_rate(evidence(performance(closed=small, open_profits=[-1.0] * 3), win_rate=1.0)).verdict == "PASS"


@pytest.mark.parametrize(
    "condition, below, equal, above",
    [
        (">", "FAIL", "FAIL", "PASS"),
        ("<", "PASS", "FAIL", "FAIL"),
        (">=", "FAIL", "PASS", "PASS"),
        ("<=", "PASS", "PASS", "FAIL"),
    ],
)
def test_judge_compares_as_the_condition_says(condition, below, equal, above):
    assert [judge("g", v, condition, 1.0).verdict for v in (0.5, 1.0, 1.5)] == [below, equal, above]
    sign = 1 if condition.startswith(">") else -1
    assert [judge("g", v, condition, 1.0).margin for v in (0.5, 1.0, 1.5)] == [-0.5 * sign, 0.0, 0.5 * sign]


# --- all gates together


class Gates:
    """A plugin whose gates answer as they were told."""

    def __init__(self, **answers):
        self._specs = [quorate.GateSpec(name, function, tier="C") for name, function in answers.items()]

    @quorate.hookimpl
    def quorate_gates(self):
        yield from self._specs


def asked(**answers):
    registry = Registry()
    registry.add_inline(Gates(**answers))
    return run_gates({name: {} for name in answers}, evidence(), registry)


def answer(verdict, value=1.0):
    return replace(judge("other", 2.0, ">", 1.0), verdict=verdict, value=value)


@pytest.mark.parametrize("value", [None, math.nan, math.inf], ids=["none", "nan", "infinite"])
def test_a_gate_that_passes_on_an_undefined_value_is_refused(value):
    with pytest.raises(PluginError, match="'lenient' passed on an undefined value"):
        asked(lenient=lambda e: answer("PASS", value))
    assert asked(strict=lambda e: answer("FAIL", value))[0].verdict == "FAIL"


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda e: True, "must return a GateResult"),
        (lambda e: 1 / 0, "ZeroDivisionError"),
        (lambda e: judge("g", e.metric("no-such"), ">", 0), "'no-such', which no plugin provides"),
    ],
    ids=["no result", "raises", "unknown metric"],
)
def test_a_gate_that_breaks_its_contract_is_named(function, message):
    with pytest.raises(PluginError, match="gate 'faulty'.*" + message):
        asked(faulty=function)


def test_the_worst_verdict_comes_first_under_the_gates_own_name():
    results = asked(good=lambda e: answer("PASS"), bad=lambda e: answer("FAIL"), thin=lambda e: answer("INSUFFICIENT"))
    assert [(r.gate, r.verdict, r.tier) for r in results] == [
        ("bad", "FAIL", "C"), ("thin", "INSUFFICIENT", "C"), ("good", "PASS", "C")
    ]  # fmt: skip
    assert all(isinstance(r, GateResult) for r in results)


@pytest.mark.parametrize(
    "verdicts, expected",
    [
        ([], "INSUFFICIENT"),
        (["PASS"], "PASS"),
        (["PASS", "PASS"], "PASS"),
        (["PASS", "INSUFFICIENT"], "INSUFFICIENT"),
        (["PASS", "INSUFFICIENT", "FAIL"], "FAIL"),
        (["FAIL"], "FAIL"),
    ],
    ids=lambda v: "+".join(v) or "nothing" if isinstance(v, list) else v,
)
def test_overall_is_the_worst_and_nothing_judged_is_not_enough(verdicts, expected):
    assert overall(verdicts) == expected
    assert overall(iter(reversed(verdicts))) == expected


# --- evidence that no reader can spoil for the others

RICH = {"market": [0.0] * 3, "naive": [0.5] * 2, "forecast_bar": [0, 1]}
ARRAYS = ["times", "equity", "predictions", "labels", "market", "naive", "forecast_bar"]


def rich():
    p = performance(closed=[1.0, -2.0], p=[0.4, 0.6], y=[0, 1], **RICH)
    more = {"candidates": {"a/s": p.returns}, "members": {"a": p}, "null_market": {"z": 1.0, "all": [1.0]}}
    paths = {(6, 3, "combinatorial"): Paths(np.zeros((3, 2)), 20)}
    return replace(evidence(p), benchmark=p, checks={"folds": 4}, **more, _paths=paths)


def write(array):
    array[:] = 1


@pytest.mark.parametrize("where", ["performance", "benchmark", "member", "candidates", "paths", *ARRAYS])
def test_a_gate_that_writes_into_an_array_is_named(where):
    def spoils(e):
        arrays = {
            "performance": e.performance.equity,
            "benchmark": e.benchmark.equity,
            "member": e.members["a"].equity,
            "candidates": e.candidates["a/s"],
            "paths": e.paths(6, 3, "combinatorial").returns,
        }
        write(arrays[where] if where in arrays else getattr(e.performance, where))
        return answer("PASS")

    registry = Registry()
    registry.add_inline(Gates(spoils=spoils))
    e = rich()
    with pytest.raises(PluginError, match=r"gate 'spoils' failed on .*: ValueError: .* are read-only, .*copy"):
        run_gates({"spoils": {}}, e, registry)
    e.performance.equity[0] = 7.0  # the platform's own arrays are as they were


def test_a_gate_that_sets_an_attribute_is_named():
    def spoils(e):
        e.performance.equity = e.performance.equity + 1

    with pytest.raises(PluginError, match=r"gate 'spoils' failed on .*: FrozenInstanceError: .* are read-only"):
        asked(spoils=spoils)


def test_an_error_that_has_nothing_to_do_with_it_is_told_as_it_is():
    with pytest.raises(PluginError) as told:
        asked(faulty=lambda e: int("x"))
    assert "read-only" not in str(told.value)


def test_tables_and_mappings_are_each_gates_own():
    def spoils(e):
        for p in (e.performance, e.benchmark, e.members["a"]):
            p.trades["pnl"] = 1e9
            p.trades.loc[:, "pnl_fraction"] = 1e9
            p.trades.insert(0, "more", 1.0)
        e.null_market["all"].clear()
        for table in (e.candidates, e.members, e.null_market, e.checks, e._metrics):
            table.clear()
        return answer("PASS")

    def reads(e):
        seen.append(e)
        return answer("PASS")

    seen, e = [], rich()
    registry = Registry()
    registry.add_inline(Gates(spoils=spoils, reads=reads))
    run_gates({"spoils": {}, "reads": {}}, e, registry)
    for found in (seen[0], e):
        for p in (found.performance, found.benchmark, found.members["a"]):
            assert "more" not in p.trades
            assert p.trades["pnl"].tolist() == [1.0, -2.0]
            assert p.trades["pnl_fraction"].tolist() == [0.001, -0.002]
        assert (list(found.candidates), found.checks, found.null_market) == (
            ["a/s"], {"folds": 4}, {"z": 1.0, "all": [1.0]}
        )  # fmt: skip
        assert found._metrics


def test_evidence_is_handed_on_without_copying_arrays():
    e = rich()
    given = guarded(e)
    assert np.shares_memory(given.performance.equity, e.performance.equity)
    assert np.shares_memory(given.candidates["a/s"], e.candidates["a/s"])
    assert given.metric("sharpe") is e.metric("sharpe")
    assert given.performance.returns.tolist() == e.performance.returns.tolist()


@pytest.mark.parametrize("where", ARRAYS)
def test_a_metric_that_writes_into_an_array_is_named(where):
    registry = Registry()
    registry.add_inline(Metrics(lambda p: write(getattr(p, where))))
    with pytest.raises(PluginError, match=r"metric 'mine' failed on .*: ValueError: .* are read-only, .*copy"):
        measure(rich().performance, registry)


def test_a_table_that_a_metric_changes_is_its_own():
    def spoils(p):
        p.trades["pnl"] = 1e9
        p.trades.loc[:, "pnl_fraction"] = 1e9
        return 1.0

    registry, p = Registry(), rich().performance
    registry.add_inline(Metrics(spoils))
    assert measure(p, registry) == {"mine": 1.0}
    assert p.trades[["pnl", "pnl_fraction"]].to_numpy().tolist() == [[1.0, 0.001], [-2.0, -0.002]]


class Metrics:
    """A plugin with one metric."""

    def __init__(self, function):
        self._function = function

    @quorate.hookimpl
    def quorate_metrics(self):
        yield quorate.MetricSpec("mine", self._function)


# --- one of a thing


def test_one_is_not_many():
    one = performance([0.01], closed=[1.0])
    assert gates.win_rate(evidence(one, win_rate=1.0)).sample == "1 closed trade"
    assert gates.sample_size(evidence(one), least_trades=1).sample == "1 bar, 1 closed trade"
    assert gates.sample_size(evidence(performance()), least_trades=1).reason == "fewer than 1 bet say nothing"
    assert gates.win_rate(evidence(performance(closed=[1.0, 2.0]), win_rate=1.0)).sample == "2 closed trades"
