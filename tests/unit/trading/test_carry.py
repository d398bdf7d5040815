"""What cash earns and positions pay: against an account kept by hand, and against knowing rates too early."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate import statistics
from quorate.bars.panel import Bars
from quorate.bars.records import covariate_of
from quorate.errors import DataError, IntegrityError
from quorate.evidence.evidence import Evidence, Performance
from quorate.evidence.judging import guarded
from quorate.recipe.schema import RateOf
from quorate.statistics._excess import excess_of
from quorate.store.kept import KeptArrays
from quorate.trading.backtest import BacktestResult, backtest, each_symbol, equity_curves
from quorate.trading.carry import Carry, Rates, check_known, in_excess, rates_of
from quorate.trading.costs import Trading
from quorate.walkforward.causality import audit_costs
from quorate_plugins import metrics
from quorate_plugins.gates import headline, robustness, single, statistical

pytestmark = pytest.mark.usefixtures("engine")

YEAR_DAYS = 365.25


def panel(closes: object, opens: object = None) -> Bars:
    """Daily bars, (n_bars, n_symbols), over weekends."""
    closes = np.asarray(closes, dtype=float)
    opens = closes if opens is None else np.asarray(opens, dtype=float)
    days = pd.bdate_range("2020-01-02", periods=len(closes)).to_numpy()
    times = pd.DatetimeIndex(quorate.get_calendar("us-equity").close_times(days)).tz_localize("UTC")
    row, column = np.indices(closes.shape).reshape(2, -1)
    o, c = opens[row, column], closes[row, column]
    prices = {"open": o, "high": np.maximum(o, c), "low": np.minimum(o, c), "close": c}
    return quorate.Bars.from_frame(
        pd.DataFrame({"symbol": np.array(list("ABCDE"))[column], "time": times[row], **prices})
    )


def market(seed: int, n_bars: int, n_symbols: int) -> Bars:
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.01, (2, n_bars, n_symbols))
    closes = 100 * np.exp(np.cumsum(steps.sum(axis=0), axis=0))
    return panel(closes, closes * np.exp(-steps[1]))


def drawn(seed: int, bars: Bars) -> Rates:
    """Rates that change from bar to bar, some below zero."""
    rng = np.random.default_rng([seed, 3])
    shape = bars.close.shape
    return Rates(
        bars.times, rng.normal(0.03, 0.03, shape[0]), rng.uniform(-0.01, 0.2, shape), rng.normal(0, 0.1, shape)
    )


def weights(seed: int, bars: Bars, count: int = 1) -> np.ndarray:
    rng = np.random.default_rng([seed, 5])
    return rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], (*bars.close.shape, count)) / len(bars.symbols)


def measured(result: BacktestResult, bars: Bars, market: np.ndarray | None = None) -> Performance:
    none = np.empty(0)
    more = {} if market is None else {"market": market}
    return Performance(
        **vars(result), bars_per_year=bars.bars_per_year, predictions=none, labels=none, binary=True, **more
    )


def evidence_of(own: Performance, held: Performance, **more: object) -> Evidence:
    figures = {"sharpe": metrics.sharpe(own), "max-drawdown": metrics.max_drawdown(own)}
    return Evidence(own, held, 1, figures, figures, **more)


def test_an_account_of_five_bars_kept_by_hand() -> None:
    closes = np.array([[10.0, 20.0], [11.0, 19.0], [12.0, 21.0], [12.0, 18.0], [13.0, 18.0]])
    bars = panel(closes)  # Thursday, Friday, Monday, Tuesday, Wednesday
    targets = np.array([[0.5, -0.25], [0.5, -0.25], [0.2, 0.0], [0.2, 0.0], [0.0, 0.0]])[:, :, None]
    cash = np.array([0.04, 0.05, 0.05, 0.02, 9.0])  # the last is known too late to earn anything
    borrow = np.column_stack([np.full(5, 0.5), [0.01, 0.02, 0.03, 0.04, 9.0]])
    funding = np.column_stack([[0.10, -0.10, 0.20, 0.0, 9.0], np.full(5, 0.08)])
    trading = Trading("close", 0.001, 0.0, 1000.0, carry=Rates(bars.times, cash, borrow, funding))
    # At the close of the second bar half of 1,000 is bought and a quarter sold short; at that of the fourth a fifth is
    # left. Each order costs a thousandth of its value.
    ordered = {1: [0.5, -0.25], 3: [0.2, 0.0]}
    money, units, traded, equity, days = 1000.0, np.zeros(2), [1000.0], [1000.0], [1, 3, 1, 1]
    for t in range(1, 5):
        held = units * closes[t - 1] / traded[-1]
        if t in ordered:
            size = np.array(ordered[t]) * (money + units @ closes[t]) / closes[t] - units
            money -= size @ closes[t] + np.abs(size) @ closes[t] * 0.001
            units = units + size
        traded.append(money + units @ closes[t])
        earned = (1 - held.sum()) * cash[t - 1] - max(-held[1], 0) * borrow[t - 1, 1] - held @ funding[t - 1]
        equity.append(equity[-1] * (traded[t] / traded[t - 1] + earned * days[t - 1] / YEAR_DAYS))
    [result] = backtest(bars, targets, trading)
    assert result.traded == pytest.approx(traded, rel=1e-9)
    assert result.equity == pytest.approx(equity, rel=1e-9)
    assert abs(equity[-1] - traded[-1]) > 0.05  # some of it is carry
    excess = np.diff(equity) / equity[:-1] - cash[:4] * np.array(days) / YEAR_DAYS
    assert result.returns == pytest.approx(excess, abs=1e-12)
    assert result.total_returns == pytest.approx(np.diff(equity) / equity[:-1], abs=1e-12)
    [bare] = backtest(bars, targets, replace(trading, carry=None))
    assert result.traded.tolist() == bare.equity.tolist()
    pd.testing.assert_frame_equal(result.trades, bare.trades)  # trades, fees and turnover are without it
    assert (result.turnover, result.fees) == (bare.turnover, bare.fees)


def test_cash_alone_earns_its_rate_has_no_excess_and_passes_nothing() -> None:
    bars = market(1, 400, 2)
    trading = Trading(carry=rates_of(bars, 0.04, None, None))
    idle, held = backtest(bars, np.stack([np.zeros((400, 2)), np.full((400, 2), 0.5)], axis=2), trading)
    years = (bars.times[-1] - bars.times[0]) / np.timedelta64(1, "D") / YEAR_DAYS
    assert idle.equity[-1] / idle.equity[0] == pytest.approx(math.exp(0.04 * years), rel=1e-4)
    assert not idle.returns.any()  # not even by rounding
    judged = measured(idle, bars, held.returns)
    assert metrics.cagr(judged) > 0.035
    for figure in (metrics.sharpe, metrics.sortino, metrics.lo_sharpe):
        assert math.isnan(figure(judged)), figure
    own = {"idle": judged.returns}
    evidence = evidence_of(judged, measured(held, bars), judged="idle", candidates=own)
    for gate in (headline.sharpe, single.psr, single.alpha, single.selection, statistical.spa, statistical.stepm):
        assert gate(evidence).verdict != "PASS", gate
    assert robustness.halves(evidence).verdict != "PASS"


def test_a_sharpe_ratio_of_one_that_is_mostly_interest_does_not_pass() -> None:
    """Volatility 8 %, Sharpe ratio 1.1 with cash at 4 %: in excess it is 0.6."""
    n, cash = 2520, 0.04
    rng = np.random.default_rng(7)
    noise = rng.standard_normal(n)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    returns = 0.08 / math.sqrt(252) * noise + 1.1 * 0.08 / 252
    per_bar = np.full(n, cash / 252)
    times = np.arange(n + 1) * np.timedelta64(1, "D") + np.datetime64("2010-01-01", "us")
    account = statistics.equity_curve(returns, 1000.0)
    nothing = np.zeros(n)
    carry = Carry(per_bar, nothing, nothing, nothing, account, 10.0)
    trades = pd.DataFrame({"pnl": [1.0], "pnl_fraction": [0.1], "closed": [True], "entered": times[:1]})
    none = np.empty(0)
    plain = Performance(times, account, trades, 1.0, 1.0, 1.0, 1.0, bars_per_year=252, predictions=none, labels=none,
                        binary=True)  # fmt: skip
    passed = headline.sharpe(evidence_of(plain, plain))
    assert (passed.verdict, passed.value) == ("PASS", pytest.approx(1.1))
    in_truth = replace(plain, carry=carry)
    failed = headline.sharpe(evidence_of(in_truth, in_truth))
    assert (failed.verdict, failed.value) == ("FAIL", pytest.approx(0.6, abs=0.001))
    assert failed.inputs["cash_per_year"] == pytest.approx(0.04)
    for figure in (metrics.total_return, metrics.cagr, metrics.max_drawdown, metrics.volatility, metrics.calmar):
        assert figure(in_truth) == figure(plain)  # of the account as it is
    assert metrics.sortino(in_truth) < metrics.sortino(plain)
    assert not guarded(in_truth).carry.cash.flags.writeable


def test_half_of_a_market_that_earns_what_cash_does_passes_as_often_as_chance() -> None:
    rng = np.random.default_rng(79)
    market = 0.04 / 252 + 0.16 / math.sqrt(252) * rng.standard_normal((500, 504))
    cash = np.full(504, 0.04 / 252)
    passed = np.zeros(2)
    for one in market:
        equity = statistics.equity_curve(0.5 * one + 0.5 * cash)
        for k, returns in enumerate((statistics.returns_of(equity), excess_of(equity, cash))):
            passed[k] += statistics.sharpe_test(returns).probability >= 0.95
    assert passed[0] / 500 > 0.12
    assert 0.03 < passed[1] / 500 < 0.075


def test_a_book_as_long_as_it_is_short_earns_all_of_cash_and_pays_to_borrow() -> None:
    bars = panel(np.full((253, 2), 50.0))
    targets = np.tile([0.5, -0.5], (253, 1))[:, :, None]
    for fill in ("open", "close"):
        [book] = backtest(bars, targets, Trading(fill, carry=rates_of(bars, 0.04, 0.01, 0.10)))
        years = (bars.times[-1] - bars.times[1]) / np.timedelta64(1, "D") / YEAR_DAYS
        assert book.carry.interest[1:].sum() == pytest.approx(0.04 * years)
        assert book.carry.borrow.sum() == pytest.approx(0.005 * years)
        assert book.carry.funding.sum() == pytest.approx(0.0, abs=1e-12)  # paid on one side, earned on the other
        assert book.returns.sum() == pytest.approx(-0.005 * years, rel=1e-3)
        assert book.carry.financing == pytest.approx(-0.005 * years * 100_000, rel=1e-3)


def test_what_is_bought_and_held_has_no_cash_left() -> None:
    bars = market(3, 300, 1)
    carry = rates_of(bars, 0.04, None, None)
    held, bare = (backtest(bars, np.ones((300, 1, 1)), Trading(carry=one))[0] for one in (carry, None))
    assert held.carry.interest[1:] == pytest.approx(0.0, abs=1e-12)
    assert held.equity[1:] / held.equity[1] == pytest.approx(bare.equity[1:] / bare.equity[1], rel=1e-9)
    assert metrics.sharpe(measured(held, bars)) < metrics.sharpe(measured(bare, bars))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 39), st.sampled_from(["open", "close"]))
def test_a_rate_that_comes_later_changes_no_equity_before(seed: int, cut: int, fill: str) -> None:
    bars = market(seed, 40, 2)
    rates, targets = drawn(seed, bars), weights(seed, bars)
    trading = Trading(fill, 0.001, 0.001, carry=rates)
    later = np.arange(40) >= cut - 1  # known at the close of the last bar before the cut, it earns after it
    other = Rates(
        bars.times,
        np.where(later, 0.5, rates.cash),
        np.where(later[:, None], 0.5, rates.borrow),
        np.where(later[:, None], -0.5, rates.funding),
    )
    before, after = (equity_curves(bars, targets, replace(trading, carry=one)) for one in (rates, other))
    assert before[:cut].tolist() == after[:cut].tolist()
    part = equity_curves(bars.until(cut), targets[:cut], trading.take(0, cut))
    assert part.tolist() == before[:cut].tolist()


def test_curves_results_and_single_symbols_agree_kept_or_not(tmp_path) -> None:
    bars = market(11, 60, 1)
    targets = weights(11, bars, 3)
    trading = Trading("open", 0.001, 0.0005, carry=drawn(11, bars))
    kept = replace(trading, kept=KeptArrays(tmp_path, "here"))
    for again in (trading, kept, kept):
        curves, results = equity_curves(bars, targets, again), backtest(bars, targets, again)
        assert curves.tolist() == np.column_stack([one.equity for one in results]).tolist()
        assert in_excess(curves, again.carry).tolist() == np.column_stack([one.returns for one in results]).tolist()
        alone, _ = each_symbol(bars, targets[:, :, 0], again)
        assert alone[:, 0] == pytest.approx(results[0].equity, rel=1e-12)
    other = replace(kept, carry=drawn(12, bars))  # of other rates nothing is taken for the same
    assert equity_curves(bars, targets, other)[-1].tolist() != curves[-1].tolist()


def test_who_lost_everything_earns_no_interest() -> None:
    bars = panel(np.array([[10.0], [10.0], [25.0], [25.0], [25.0]]))
    [ruined] = backtest(bars, np.full((5, 1, 1), -1.0), Trading("close", carry=rates_of(bars, 0.04, 0.01, None)))
    assert ruined.equity.tolist()[2:] == [0.0, 0.0, 0.0]
    assert ruined.returns[1] < -1
    assert ruined.returns.tolist()[2:] == [0.0, 0.0]


def test_a_gain_that_is_less_than_cash_is_concentrated_on_it() -> None:
    """A trade a month, each with the same gain: in all less than the money would have earned as cash."""
    bars = panel(100 * np.exp(0.02 / 252 * np.arange(505))[:, None])
    weights = np.where(np.arange(505) % 20 < 18, 1.0, 0.0)[:, None, None]
    for cash, verdict in ((None, "PASS"), (0.04, "FAIL")):
        [result] = backtest(bars, weights, Trading("close", carry=rates_of(bars, cash, None, None)))
        judged = measured(result, bars)
        found = robustness.concentration(evidence_of(judged, judged), trades=1)
        assert found.verdict == verdict
        assert robustness.halves(evidence_of(judged, judged)).verdict == verdict


def test_costs_that_are_raised_raise_what_borrowing_costs() -> None:
    bars = panel(np.full((50, 1), 10.0))
    trading = Trading("close", carry=rates_of(bars, 0.0, 0.1, 0.1))
    rebate = Trading("close", carry=rates_of(bars, None, -0.1, None))
    short = np.full((50, 1, 1), -1.0)
    paid, more = (backtest(bars, short, trading.dearer(factor))[0].carry for factor in (1, 2))
    assert more.borrow == pytest.approx(2 * paid.borrow)
    assert more.funding.tolist() == paid.funding.tolist()
    earned, same = (backtest(bars, short, rebate.dearer(factor))[0].carry.borrow.sum() for factor in (1, 2))
    assert earned == same < 0  # what is earned to lend is no cost to raise


# --- rates that covariates tell


def with_rates(bars: Bars, values: dict[str, list[float]], symbols: list[str] | None = None, first: int = 0) -> Bars:
    times = pd.DatetimeIndex(bars.times).tz_localize("UTC")[first :: max((len(bars) - first) // 4, 1)][:4]
    frame = pd.DataFrame({"time": times, "published_at": times, **{k: v[: len(times)] for k, v in values.items()}})
    if symbols:
        frame = pd.concat([frame.assign(symbol=one) for one in symbols])
    return bars.with_covariates({"f": covariate_of(frame, None, "drop", None, "missing", None)})


def test_rates_are_read_per_time_and_in_per_cent() -> None:
    bars = with_rates(market(1, 40, 2), {"rate": [0.01, 0.02, 0.03, 0.04]})
    plain = rates_of(bars, "f", None, "f")
    assert plain.cash[[0, 12, 39]].tolist() == [0.01, 0.02, 0.04]
    assert plain.funding[12].tolist() == [0.02, 0.02]
    assert not plain.borrow.any()
    hours = rates_of(bars, None, None, RateOf(covariate="f", per="8h"))
    assert hours.funding == pytest.approx(plain.funding * 3 * YEAR_DAYS)
    percent = rates_of(with_rates(market(1, 40, 2), {"rate": [1.0, 2.0, 3.0, 4.0]}),
                       RateOf(covariate="f", percent=True), None, None)  # fmt: skip
    assert percent.cash == pytest.approx(plain.cash)
    assert rates_of(bars, None, None, None) is None


def test_rates_of_symbols_are_for_positions_alone() -> None:
    bars = with_rates(market(1, 40, 2), {"rate": [0.01, 0.02, 0.03, 0.04]}, ["A", "B"])
    assert rates_of(bars, None, "f", None).borrow[0].tolist() == [0.01, 0.01]
    with pytest.raises(DataError, match=r"data.cash: cash earns one rate, and the records of 'f' are of symbols"):
        rates_of(bars, "f", None, None)


def test_a_rate_in_per_cent_is_refused_and_says_so() -> None:
    bars = with_rates(market(1, 40, 2), {"rate": [0.5, 4.2, 4.3, 4.4]})
    with pytest.raises(DataError, match=r"data.cash: .*'f' must tell fractions per year.*it is 4.2.*percent"):
        rates_of(bars, "f", None, None)
    several = with_rates(market(1, 40, 2), {"rate": [0.1] * 4, "other": [0.1] * 4})
    with pytest.raises(DataError, match=r"costs.borrow: the covariate 'f' is read as f.other or f.rate or"):
        rates_of(several, None, "f", None)
    assert rates_of(several, None, "f.other", None).borrow[0, 0] == 0.1


def test_a_rate_that_is_not_known_when_trading_begins_is_an_error_and_no_later_one_stands_for_it() -> None:
    bars = with_rates(market(1, 40, 2), {"rate": [0.01, 0.02, 0.03, 0.04]}, first=10)
    rates = rates_of(bars, "f", None, None)
    assert np.isnan(rates.cash[:10]).all()
    check_known(rates, bars, bars.present, 10)
    with pytest.raises(DataError, match=f"data.cash: no rate was known at the close of {bars.sessions[8]}, 2 in all"):
        check_known(rates, bars, bars.present, 8)
    # A symbol that cannot be held needs none.
    paid = rates_of(bars, None, "f", None)
    check_known(paid, bars, np.arange(40)[:, None] >= np.array([10, 12]), 0)
    with pytest.raises(DataError, match=f"costs.borrow: no rate of B was known at the close of {bars.sessions[9]}, 1"):
        check_known(paid, bars, np.arange(40)[:, None] >= np.array([10, 9]), 0)
    check_known(None, bars, bars.present, 0)


def test_rates_that_look_ahead_are_found() -> None:
    bars = market(1, 60, 1)

    def traded(some: Bars) -> Trading:
        last = np.full(len(some), some.close[-1, 0] / 1000)
        return Trading(carry=Rates(some.times, last, np.zeros((len(some), 1)), np.zeros((len(some), 1))))

    with pytest.raises(IntegrityError, match="the rates of cash look ahead"):
        audit_costs("fixed", traded(bars), traded, bars, 20)
    steady = rates_of(bars, 0.04, 0.01, None)
    audit_costs("fixed", Trading(carry=steady), lambda some: Trading(carry=rates_of(some, 0.04, 0.01, None)), bars, 20)
