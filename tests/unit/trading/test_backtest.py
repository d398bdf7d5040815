"""The backtest against an account kept by hand, and against the ways in which backtests fool their owners."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import quorate
from quorate import statistics
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError
from quorate.evidence.evidence import Evidence, Performance
from quorate.store.kept import KeptArrays
from quorate.trading import backtest as module
from quorate.trading import orders
from quorate.trading.backtest import backtest, each_symbol, equity_curves
from quorate.trading.costs import Trading
from quorate.trading.orders import recently
from quorate.trading.portfolio import share_of_capital
from quorate.trading.scale import Scale
from quorate_plugins import metrics
from quorate_plugins.gates import headline as gates

pytestmark = pytest.mark.usefixtures("engine")

GONE = 5  # so that short markets have symbols that end
FREE = Trading(capital=1000.0)
COSTLY = Trading(fees=0.001, slippage=0.0005, capital=1000.0)


@pytest.fixture(scope="module", autouse=True)
def _symbols_end_soon():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "GONE", GONE)
        yield


def panel(opens, closes):
    """Bars of these prices, (n_bars, n_symbols), NaN where a symbol has no bar; every row needs one."""
    opens, closes = (np.asarray(x, dtype=float).reshape(len(x), -1) for x in (opens, closes))
    days = pd.bdate_range("2020-01-06", periods=len(opens)).to_numpy()
    times = pd.DatetimeIndex(quorate.get_calendar("us-equity").close_times(days)).tz_localize("UTC")
    row, column = np.nonzero(np.isfinite(closes))
    o, c = opens[row, column], closes[row, column]
    prices = {"open": o, "high": np.maximum(o, c), "low": np.minimum(o, c), "close": c}
    frame = pd.DataFrame({"symbol": np.array(list("ABCDE"))[column], "time": times[row], **prices})
    return quorate.Bars.from_frame(frame)


def flat(*closes):
    """One symbol whose open is its close."""
    return panel(closes, closes)


def series(*weights):
    """One series of desired weights of one symbol, (n_bars, 1, 1)."""
    return np.array(weights, dtype=float)[:, None, None]


def market(seed, n_bars, n_symbols, gaps=True):
    """A random panel; the first symbol is always there, others may come late, miss bars and end."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.02, (2, n_bars, n_symbols))
    closes = 100 * np.exp(np.cumsum(steps.sum(axis=0), axis=0))
    opens = closes * np.exp(-steps[1])
    if gaps:
        missing = rng.random((n_bars, n_symbols)) < 0.15
        for column in missing.T:
            column[: rng.integers(0, n_bars // 3 + 1)] |= rng.random() < 0.5
            column[n_bars - rng.integers(0, n_bars // 2 + 1) :] |= rng.random() < 0.5
        missing[:, 0] = False
        missing[rng.integers(0, n_bars), 1:] = False  # every symbol has at least one bar
        opens[missing], closes[missing] = np.nan, np.nan
    return panel(opens, closes)


def weights_for(seed, bars, short):
    """Weights that stay for a few bars, gross at most one."""
    rng = np.random.default_rng([seed, 1])
    shape = bars.close.shape
    levels = np.array([-1.0, -0.4, 0.0, 0.3, 1.0]) if short else np.array([0.0, 0.0, 0.3, 0.5, 1.0])
    drawn = levels[rng.integers(0, len(levels), shape)]
    kept = pd.DataFrame(np.where(rng.random(shape) < 0.4, drawn, np.nan)).ffill().fillna(0.0).to_numpy()
    return kept / shape[1]


def by_hand(bars, targets, trading):
    """Keep the account bar by bar in plain Python; return its equity and its orders.

    What is desired at the close of a bar is traded at the symbol's next bar, if it differs from what
    was ordered last. Sizes come from the account's value at this bar's fill prices (a symbol without
    a bar: its last fill price), before any order. The smallest order value goes first, so sales come
    before purchases, and a purchase takes what cash there is. A symbol that has missed `GONE` bars is
    paid out at its last close, and must be decided upon anew if it comes back.
    """
    cash, equity, orders = trading.capital, [], []
    symbols = range(len(bars.symbols))
    position, ordered, desired = ([0.0] * len(symbols) for _ in range(3))
    last_bar, last_close, mark = ([None] * len(symbols) for _ in range(3))
    for t in range(len(bars)):
        wanted = {}
        for s in symbols:
            here = math.isfinite(bars.close[t, s])
            if here:
                wanted[s], mark[s] = desired[s], float(bars.fill(trading.fill)[t, s])
            elif last_bar[s] is not None and t - last_bar[s] == GONE:
                wanted[s], mark[s], desired[s] = 0.0, last_close[s], 0.0
        value = cash + sum(position[s] * mark[s] for s in symbols if position[s])
        changed = [s for s in wanted if wanted[s] != ordered[s]]
        amounts = {s: wanted[s] * value - position[s] * mark[s] for s in changed}
        for s in sorted(changed, key=lambda s: (amounts[s], s)):
            ordered[s] = wanted[s]
            size = amounts[s] / mark[s]
            paid = mark[s] * (1 + math.copysign(trading.slippage, size))
            size = min(size, cash / (paid * (1 + trading.fees)))
            if abs(size) > 1e-12:
                cash -= size * paid + abs(size) * paid * trading.fees
                position[s] += size
                orders.append((t, s, size, paid))
        for s in symbols:
            if math.isfinite(bars.close[t, s]):
                desired[s], last_bar[s], last_close[s] = float(targets[t, s]), t, float(bars.close[t, s])
        equity.append(cash + sum(position[s] * last_close[s] for s in symbols if position[s]))
    return np.array(equity), orders


def performance_of(result, bars):
    forecasts = {"predictions": np.empty(0), "labels": np.empty(0), "binary": True}
    return Performance(**vars(result), bars_per_year=bars.bars_per_year, **forecasts)


# --- whatever the unit of prices and money is


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["open", "close"]), st.integers(-10, 10), st.integers(-10, 10))
@example(3, "open", 6, -5)
def test_results_do_not_depend_on_the_unit_of_prices_or_money(seed, fill, prices, money):
    bars, trading = market(seed, 45, 2), Trading(fill, 0.001, 0.0005, 1000.0)
    unit, currency = 10.0**prices, 10.0**money
    other = replace(bars, **{name: getattr(bars, name) * unit for name in ("open", "high", "low", "close")})
    targets = weights_for(seed, bars, True)[:, :, None]
    [one] = backtest(bars, targets, trading)
    [two] = backtest(other, targets, replace(trading, capital=trading.capital * currency))
    np.testing.assert_allclose(two.equity / currency, one.equity, rtol=1e-9)
    assert len(two.trades) == len(one.trades)
    for name, by in {"entry_price": unit, "exit_price": unit, "size": currency / unit, "fees": currency}.items():
        np.testing.assert_allclose(two.trades[name] / by, one.trades[name], rtol=1e-9)
    assert two.turnover == pytest.approx(one.turnover, rel=1e-9)
    assert two.slippage == pytest.approx(one.slippage * currency, rel=1e-9)
    np.testing.assert_allclose(
        module.fills(other, targets[:, :, 0], replace(trading, capital=trading.capital * currency))["price"] / unit,
        module.fills(bars, targets[:, :, 0], trading)["price"],
        rtol=1e-9,
    )


# --- against the account kept by hand

MARKETS = {
    "seed": st.integers(0, 2**32 - 1),
    "n_bars": st.integers(2, 45),
    "n_symbols": st.integers(1, 3),
    "short": st.booleans(),
    "fill": st.sampled_from(["open", "close"]),
    "fees": st.sampled_from([0.0, 0.001, 0.02]),
    "slippage": st.sampled_from([0.0, 0.0005, 0.01]),
}


@settings(max_examples=35, deadline=None)
@given(**MARKETS)
@example(seed=1, n_bars=45, n_symbols=3, short=True, fill="open", fees=0.02, slippage=0.01)
@example(seed=3, n_bars=45, n_symbols=3, short=False, fill="close", fees=0.02, slippage=0.01)
def test_equity_fees_and_slippage_are_those_of_an_account_kept_by_hand(
    seed, n_bars, n_symbols, short, fill, fees, slippage
):
    bars = market(seed, n_bars, n_symbols)
    targets = weights_for(seed, bars, short)
    trading = Trading(fill, fees, slippage, 1000.0)
    equity, orders = by_hand(bars, targets, trading)
    result = backtest(bars, targets[:, :, None], trading)[0]
    np.testing.assert_allclose(result.equity, equity, rtol=1e-9)
    traded = sum(abs(size) * paid for _, _, size, paid in orders)
    slipped = sum(abs(size) * paid / (1 + math.copysign(slippage, size)) * slippage for _, _, size, paid in orders)
    assert result.fees == pytest.approx(traded * fees, rel=1e-9, abs=1e-9)
    assert result.slippage == pytest.approx(slipped, rel=1e-9, abs=1e-9)
    assert result.turnover == pytest.approx(traded / equity.mean() / ((n_bars - 1) / 252), rel=1e-9, abs=1e-9)
    assert result.exposure == pytest.approx(_exposure(n_bars, n_symbols, orders))


def _exposure(n_bars, n_symbols, orders):
    held = np.zeros((n_bars, n_symbols))
    for t, s, size, _ in orders:
        held[t:, s] += size
    return float((np.abs(held) > 1e-9).any(axis=1)[1:].mean())


def test_the_random_markets_hold_what_they_are_meant_to():
    """Guards the test above: gaps, late listings, ended symbols and purchases cut by lack of cash do occur."""
    ended, late, short_of_cash = 0, 0, 0
    for seed in range(40):
        bars = market(seed, 45, 3)
        alive = recently(bars.present, GONE)
        ended += bool((alive[:-1] & ~alive[1:]).any())
        late += not alive[0].all()
        targets = weights_for(seed, bars, short=False)
        rich = by_hand(bars, targets, Trading("open", 0.0, 0.0, 1000.0))[1]
        poor = by_hand(bars, targets, Trading("open", 0.02, 0.01, 1000.0))[1]
        short_of_cash += any(abs(b[2]) < 0.9 * abs(a[2]) for a, b in zip(rich, poor, strict=False))
    assert min(ended, late, short_of_cash) >= 5


def test_a_purchase_takes_what_cash_there_is():
    result = backtest(flat(10, 10, 10), series(1, 1, 1), Trading("close", fees=0.01, slippage=0.02, capital=1000.0))[0]
    size = 1000 / (10 * 1.02 * 1.01)
    assert result.trades["size"][0] == pytest.approx(size)
    assert result.equity.tolist() == pytest.approx([1000, size * 10, size * 10])


def test_sales_go_before_purchases_so_that_their_cash_can_be_spent():
    bars = panel(np.full((4, 3), 10.0), np.full((4, 3), 10.0))
    targets = np.zeros((4, 3, 1))
    targets[0, 2] = 1.0
    targets[1:, 0] = 1.0  # from the last symbol to the first, whose order would come first by column
    trades = backtest(bars, targets, FREE)[0].trades
    assert trades["symbol"].tolist() == ["A", "C"]
    assert trades["size"].tolist() == pytest.approx([100, 100])


# --- time


@pytest.mark.parametrize("fill", ["open", "close"])
def test_a_weight_never_acts_before_the_next_bar(fill):
    bars = market(5, 30, 2)
    trading = replace(COSTLY, fill=fill)
    targets = weights_for(5, bars, short=True)[:, :, None]
    before = equity_curves(bars, targets, trading)[:, 0]
    for t in range(len(bars)):
        changed = targets.copy()
        changed[t:] = -changed[t:] + 0.07
        after = equity_curves(bars, changed, trading)[:, 0]
        assert after[: t + 1].tobytes() == before[: t + 1].tobytes()
        if t < len(bars) - 1:
            assert after[t + 1] != before[t + 1]


@pytest.mark.parametrize("fill, price", [("open", 21.0), ("close", 22.0)])
def test_a_decision_is_filled_at_the_next_bars_price(fill, price):
    bars = panel([11, 21, 31, 41], [12, 22, 32, 42])
    trade = backtest(bars, series(1, 0, 0, 0), Trading(fill))[0].trades.iloc[0]
    assert trade["decided"] == pd.Timestamp(bars.times[0], tz="UTC")
    assert trade["entered"] == pd.Timestamp(bars.times[1], tz="UTC")
    assert trade["exited"] == pd.Timestamp(bars.times[2], tz="UTC")
    assert (trade["entry_price"], trade["exit_price"]) == (price, price + 10)


def test_the_last_bars_weight_is_never_traded():
    result = backtest(flat(10, 11, 12), series(0, 0, 1), COSTLY)[0]
    assert result.equity.tolist() == [1000, 1000, 1000]
    assert len(result.trades) == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(2, 44), n_symbols=st.integers(1, 3))
def test_cutting_the_future_changes_no_bit_of_the_past(seed, cut, n_symbols):
    bars = market(seed, 45, n_symbols)
    targets = weights_for(seed, bars, short=True)[:, :, None]
    whole = equity_curves(bars, targets, COSTLY)
    part = equity_curves(bars.until(cut), targets[:cut], COSTLY)
    assert part.tobytes() == whole[:cut].tobytes()


@pytest.mark.parametrize("n_symbols", [1, 2])
def test_many_series_at_once_are_each_alone_bit_for_bit(n_symbols):
    bars = market(7, 45, n_symbols)
    targets = np.stack([weights_for(seed, bars, short=seed % 2 == 0) for seed in range(5)], axis=2)
    alone = [backtest(bars, targets[:, :, [k]], COSTLY)[0] for k in range(5)]
    together = backtest(bars, targets, COSTLY)
    curves = equity_curves(bars, targets, COSTLY)
    for k in range(5):
        assert together[k].equity.tobytes() == alone[k].equity.tobytes() == curves[:, k].tobytes()
        pd.testing.assert_frame_equal(together[k].trades, alone[k].trades, check_exact=True)
        for figure in ("exposure", "turnover", "fees", "slippage"):
            assert getattr(together[k], figure) == getattr(alone[k], figure)


def of_vectorbt(bars, targets, trading, apart=False):
    """Return the value of a `Portfolio`, with settings that it takes for granted written out, of one series."""
    import vectorbt as vbt

    close, price, payout = module.prices_of(bars, trading.fill)
    scale, n = Scale.of(close, trading.capital), len(bars.symbols)
    portfolio = vbt.Portfolio.from_orders(
        pd.DataFrame(close / scale.price),
        size=module.orders_of(targets, bars.present, payout),
        size_type="targetpercent",
        direction="both",
        price=price / scale.price,
        fees=trading.fees,
        slippage=trading.slippage,
        min_size=1e-8,
        init_cash=trading.capital / scale.money,
        group_by=np.arange(n) if apart else np.zeros(n, dtype=int),
        cash_sharing=True,
        call_seq="auto",
    )
    value = portfolio.value().to_numpy().reshape(len(bars), -1) * scale.money
    return value, portfolio.orders.records, portfolio.positions.records, portfolio.assets().to_numpy()


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_accounts_are_those_of_vectorbts_portfolio_to_the_last_bit(seed, apart):
    bars = market(seed, 60, 1 + seed % 5)
    weights = weights_for(seed, bars, short=seed % 2 == 1)
    shares = np.full(bars.close.shape, 0.0007) if seed % 3 == 0 else 0.0007
    trading = Trading("open" if seed % 2 else "close", shares, 0.0003, 1000.0)
    value, orders, positions, assets = of_vectorbt(bars, weights, trading, apart)
    floor = module._Floor.of(bars, trading)
    account = floor.trade(weights, apart)
    assert (account.value * floor.scale.money).tobytes() == value.tobytes()
    assert account.assets.tobytes() == assets.tobytes()
    for mine, other in ((account.orders, orders), (account.positions(), positions)):
        pd.testing.assert_frame_equal(pd.DataFrame.from_records(mine), other, check_exact=True)


@pytest.mark.parametrize("seed", [1, 4])
def test_accounts_that_are_kept_are_those_that_were_booked(tmp_path, seed, monkeypatch):
    bars = market(seed, 60, 3)
    targets = np.stack([weights_for(s, bars, short=True) for s in range(3)], axis=2)
    targets[:, :, 2] *= 40  # ruined
    kept = replace(COSTLY, kept=KeptArrays(tmp_path))

    def everything(trading):
        return (
            equity_curves(bars, targets, trading),
            backtest(bars, targets, trading),
            each_symbol(bars, targets[:, :, 0], trading),
        )

    plainly, first = everything(COSTLY), everything(kept)
    monkeypatch.setattr(module, "book", None)  # booked no second time
    for curves, results, apart in (first, everything(kept)):
        assert curves.tobytes() == plainly[0].tobytes()
        assert [a.tobytes() for a in apart] == [a.tobytes() for a in plainly[2]]
        for one, other in zip(results, plainly[1], strict=True):
            assert one.equity.tobytes() == other.equity.tobytes()
            pd.testing.assert_frame_equal(one.trades, other.trades, check_exact=True)
            assert (one.exposure, one.turnover, one.fees) == (other.exposure, other.turnover, other.fees)
    for other in (kept.dearer(1.01), replace(kept, capital=999.0), replace(kept, fill="close")):
        with pytest.raises(TypeError):
            backtest(bars, targets, other)
    with pytest.raises(TypeError):
        equity_curves(bars.until(59), targets[:59], kept)


# --- gaps and ends


@pytest.mark.parametrize("seed", [0, 1])
def test_each_symbol_on_its_own_account_is_what_it_is_without_the_others(seed):
    bars = market(seed, 80, 3)
    weights = weights_for(seed, bars, short=True)
    trading = Trading(fees=0.001, slippage=0.0005)
    equity, closed = each_symbol(bars, weights, trading)
    for k in range(3):
        others = np.zeros_like(weights)
        others[:, k] = weights[:, k]
        [alone] = backtest(bars, others[:, :, None], trading)
        assert equity[:, k] == pytest.approx(alone.equity, rel=1e-12)
        assert closed[k] == len(alone.closed)


def test_a_change_waits_for_the_symbols_next_bar():
    prices = [[10, 10], [11, 10], [np.nan, 10], [13, 10], [14, 10]]
    bars = panel(prices, prices)
    targets = np.zeros((5, 2, 1))
    targets[:, 0, 0] = [0, 0.5, 0.9, 0.5, 0.5]  # without a bar there is no decision: 0.9 means nothing
    trades = backtest(bars, targets, FREE)[0].trades
    assert trades["entry_price"].tolist() == [13.0]
    assert trades["size"][0] == pytest.approx(500 / 13)


def test_a_symbol_that_ended_is_paid_out_at_its_last_close():
    n = 4 + GONE
    opens, closes = np.full((n, 2), 10.0), np.full((n, 2), 10.0)
    opens[2, 1], closes[2, 1] = 11.0, 12.0
    opens[3:, 1] = closes[3:, 1] = np.nan
    targets = np.zeros((n, 2, 1))
    targets[:, 1] = 0.5
    result = backtest(panel(opens, closes), targets, FREE)[0]
    trade = result.trades.iloc[0]
    assert trade["closed"]
    assert trade["exit_price"] == 12.0
    assert trade["exited"] == pd.Timestamp(result.times[2 + GONE], tz="UTC")
    assert result.equity[-1] == pytest.approx(1000 + 50 * 2)


@pytest.mark.parametrize("missing", [1, 2, GONE - 1])
def test_a_symbol_that_missed_the_last_bars_is_valued_at_its_last_close(missing):
    n = 4 + missing
    prices = np.full((n, 2), 10.0)
    prices[3, 1], prices[4:, 1] = 14.0, np.nan
    targets = np.zeros((n, 2, 1))
    targets[:, 1] = 0.5
    result = backtest(panel(prices, prices), targets, FREE)[0]
    assert result.equity.tolist() == pytest.approx([1000] * 3 + [1200] * (1 + missing))
    trade = result.trades.iloc[0]
    assert (trade["closed"], trade["exit_price"], trade["pnl"]) == (False, 14.0, pytest.approx(200))


@pytest.mark.parametrize("missing", [GONE - 1, GONE, GONE + 3], ids=["kept", "paid out", "gone for longer"])
def test_a_symbol_that_comes_back_is_held_again_in_its_share(missing):
    n = 6 + missing
    prices = np.full((n, 2), 10.0)
    prices[2 : 2 + missing, 1] = np.nan
    prices[-1] = 12.0, 11.0  # what the last bar earns tells what is held
    bars = panel(prices, prices)
    result = backtest(bars, share_of_capital(bars.present, GONE)[:, :, None], FREE)[0]
    assert result.equity[-1] == pytest.approx(1000 + 50 * 2 + 50 * 1)
    entered = pd.DatetimeIndex(result.trades["entered"][result.trades["symbol"] == "B"]).tz_localize(None)
    # Paid out, it is decided upon anew at its first bar back and traded at the one after.
    bar = 1 if missing < GONE else 3 + missing
    assert entered[-1] == bars.times[bar]


def test_recently_forgets_a_symbol_after_so_many_bars():
    present = np.array([False, True] + [False] * (GONE + 1))[:, None]
    assert recently(present, GONE)[:, 0].tolist() == [False] + [True] * GONE + [False] * 2


# --- trades and figures


def test_a_series_that_never_trades_has_no_sharpe_ratio_and_fails_the_gate():
    bars = market(2, 30, 1)
    result = backtest(bars, np.zeros((30, 1, 1)), COSTLY)[0]
    assert (result.equity == 1000).all()
    assert (len(result.trades), result.exposure, result.turnover, result.fees, result.slippage) == (0, 0, 0, 0, 0)
    idle = performance_of(result, bars)
    assert math.isnan(metrics.sharpe(idle))
    assert math.isnan(metrics.win_rate(idle))
    figures = {"sharpe": metrics.sharpe(idle), "win-rate": metrics.win_rate(idle)}
    evidence = Evidence(idle, idle, 0, figures, figures)
    for gate in (gates.sharpe, gates.win_rate):
        verdict = gate(evidence)
        assert (verdict.verdict, verdict.value) == ("FAIL", None)
        assert verdict.reason


def test_a_loss_on_the_first_traded_bar_counts_in_the_drawdown():
    bars = panel([100, 100, 50, 60], [100, 50, 60, 70])
    result = backtest(bars, series(1, 1, 1, 1), FREE)[0]
    assert result.equity.tolist() == [1000, 500, 600, 700]
    assert metrics.max_drawdown(performance_of(result, bars)) == pytest.approx(-0.5)


def test_an_open_trade_is_neither_won_nor_lost():
    bars = flat(10, 10, 9, 20, 40)
    result = backtest(bars, series(1, 0, 1, 1, 1), FREE)[0]
    assert result.trades["closed"].tolist() == [True, False]
    assert result.trades["pnl"].tolist() == pytest.approx([-100, 900])
    assert result.trades["exit_price"][1] == 40
    assert metrics.win_rate(performance_of(result, bars)) == 0.0
    assert metrics.closed_trades(performance_of(result, bars)) == 1


def test_a_flip_from_long_to_short_is_two_round_trips():
    result = backtest(flat(10, 10, 12, 9, 9), series(1, -1, 0, 0, 0), FREE)[0]
    trades = result.trades
    assert trades["side"].tolist() == ["long", "short"]
    assert trades["closed"].all()
    assert trades["exited"][0] == trades["entered"][1]
    assert trades["pnl"].tolist() == pytest.approx([200, 300])
    assert result.equity[-1] == pytest.approx(1500)


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
def test_costs_are_charged_on_both_sides(side):
    trading = Trading(fees=0.01, slippage=0.02, capital=1000.0)
    result = backtest(flat(10, 10, 10, 10), series(side / 2, 0, 0, 0), trading)[0]
    enter, leave = 10 * (1 + side * 0.02), 10 * (1 - side * 0.02)
    trade = result.trades.iloc[0]
    assert (trade["entry_price"], trade["exit_price"]) == pytest.approx((enter, leave))
    assert trade["size"] == pytest.approx(50)
    assert trade["fees"] == pytest.approx(50 * 0.01 * (enter + leave))
    assert result.fees == pytest.approx(50 * 0.01 * (enter + leave))
    assert result.slippage == pytest.approx(50 * 0.4)
    assert result.equity[-1] == pytest.approx(1000 - 50 * 0.4 - result.fees)


def test_every_trade_adds_up_to_the_equity():
    bars = market(11, 60, 3)
    result = backtest(bars, weights_for(11, bars, short=True)[:, :, None], COSTLY)[0]
    trades = result.trades
    assert len(trades) > 10
    gross = trades["size"] * (trades["exit_price"] - trades["entry_price"]) * np.where(trades["side"] == "long", 1, -1)
    np.testing.assert_allclose(trades["pnl"], gross - trades["fees"], rtol=1e-9, atol=1e-9)
    assert 1000 + trades["pnl"].sum() == pytest.approx(result.equity[-1], rel=1e-12)
    assert np.prod(1 + result.returns) == pytest.approx(result.equity[-1] / result.equity[0])
    assert (trades["decided"] < trades["entered"]).all()


ACCOUNTS = {
    "equity": np.array([1000.0, 1000.0, 1100.0, 1200.0]),
    "trades": pd.DataFrame({"pnl": [150.0, 50.0]}),
    "bar": np.array([1, 3]),
    "unexplained": np.array([0.0, 1e-12]),
    "capital": 1000.0,
}


@pytest.mark.parametrize(
    "fault, message",
    [
        ({"trades": pd.DataFrame({"pnl": [150.0, 50.01]})}, "add up"),
        ({"bar": np.array([0, 3])}, "after its decision"),
        ({"unexplained": np.array([0.0, -0.001])}, "after its decision"),
        ({"equity": np.array([1000.0, 1000.0, math.nan, 1200.0])}, "not finite"),
    ],
    ids=["profit off by a cent", "filled on the first bar", "another price", "equity not finite"],
)
def test_books_that_do_not_balance_are_refused(fault, message):
    module.check_accounts(**ACCOUNTS)
    with pytest.raises(IntegrityError, match=message):
        module.check_accounts(**{**ACCOUNTS, **fault})


def test_an_account_that_lost_everything_stays_at_zero_and_fails() -> None:
    close = np.array([10.0, 10.0, 15.0, 21.0, 31.0, 12.0, 9.0, 8.0])
    time = pd.date_range("2024-01-01 21:00", periods=len(close), tz="UTC")
    frame = pd.DataFrame({"symbol": "UP", "time": time, **dict.fromkeys(("open", "high", "low", "close"), close)})
    bars = Bars.from_frame(frame)
    trading = Trading("open", capital=1000.0)
    targets = np.full((len(bars), 1, 1), -1.0)
    (result,) = backtest(bars, targets, trading)
    assert result.equity.tolist() == [1000, 1000, 500, 0, 0, 0, 0, 0]
    assert result.returns.tolist() == [0, -0.5, -1, 0, 0, 0, 0]
    assert equity_curves(bars, targets, trading)[:, 0].tolist() == result.equity.tolist()
    assert statistics.max_drawdown(result.equity) == -1
    assert result.trades["closed"].tolist() == [False]


def test_an_account_that_lost_everything_trades_no_more():
    bars = flat(10.0, 10.0, 15.0, 31.0, 9.0, 9.0, 12.0, 12.0, 12.0)
    (result,) = backtest(bars, series(-1, -1, -1, -1, 0, 1, 1, 1, 0), FREE)
    assert result.equity.tolist() == [1000, 1000, 500, 0, 0, 0, 0, 0, 0]
    assert len(result.trades) == 1
    assert result.trades["entered"].tolist() == [pd.Timestamp(bars.times[1], tz="UTC")]
