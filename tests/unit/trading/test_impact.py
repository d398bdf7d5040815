"""Orders that move prices by their own size: what they pay, that it settles, and that no later bar touches it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.errors import IntegrityError, PluginError
from quorate.store.kept import KeptArrays
from quorate.testing.markets import market, panel
from quorate.trading import impact
from quorate.trading.attribution import attributed
from quorate.trading.backtest import backtest, each_symbol, equity_curves, fills
from quorate.trading.costs import CAP, Trading, check_impact
from quorate.trading.impact import CLOSE, traded_a_day
from quorate.walkforward.causality import audit_costs

pytestmark = pytest.mark.usefixtures("engine")

N = 60
SIGMA, DAILY = 0.02, 5e7


def sized(capital=1e6, n=1, **more):
    return Trading(capital=capital, impact=np.full((N, n), SIGMA / math.sqrt(DAILY)), **more)


def weights(seed, n=1, low=-1.0, stay=0.5):
    """Weights that stay for some bars, gross at most one, (N, n, 1)."""
    rng = np.random.default_rng(seed)
    drawn = np.where(rng.random((N, n)) < stay, np.nan, rng.uniform(low, 1, (N, n)))
    return pd.DataFrame(drawn).ffill().fillna(0.0).to_numpy()[:, :, None] / n


def test_one_order_pays_the_square_root_of_its_share_of_a_day():
    bars, targets = market(N), np.zeros((N, 1, 1))
    targets[10:] = 0.4
    for coefficient in (0.5, 1.0, 2.0):
        trading = Trading(capital=1e6, slippage=0.0003, impact=np.full((N, 1), coefficient * SIGMA / math.sqrt(DAILY)))
        [order] = fills(bars, targets[:, :, 0], trading).to_dict("records")
        assert order["quoted"] == bars.open[11, 0]
        assert order["size"] * order["quoted"] == pytest.approx(0.4e6, rel=1e-12)
        due = 0.0003 + coefficient * SIGMA * math.sqrt(0.4e6 / DAILY)
        assert order["price"] / order["quoted"] - 1 == pytest.approx(due, abs=1e-12)
        [result] = backtest(bars, targets, trading)
        assert result.slippage == pytest.approx(due * 0.4e6, rel=1e-10)


def test_twice_the_capital_has_the_impact_times_the_square_root_of_two():
    bars, targets = market(N), np.zeros((N, 1, 1))
    targets[10:] = 0.7
    one, two = (fills(bars, targets[:, :, 0], sized(capital)).iloc[0] for capital in (1e6, 2e6))
    moved = [order["price"] / order["quoted"] - 1 for order in (one, two)]
    assert moved[1] / moved[0] == pytest.approx(math.sqrt(2), abs=1e-9)


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(2, 11), st.sampled_from(["open", "close"]))
def test_every_order_pays_what_its_size_asks_for(seed, n, digits, fill):
    bars, targets = market(N, n), weights(seed, n)
    trading = sized(10**digits, n, fill=fill, slippage=0.0002, fees=0.0005)
    [result] = backtest(bars, targets, trading)
    orders = fills(bars, targets[:, :, 0], trading)
    orders = orders[orders["bar"] <= (np.argmax(result.equity <= 0) if (result.equity <= 0).any() else N)]
    value = orders["size"].abs() * orders["quoted"]
    due = np.minimum(0.0002 + SIGMA * np.sqrt(value / DAILY), CAP)
    paid = (orders["price"] / orders["quoted"] - 1) * np.sign(orders["size"])
    np.testing.assert_allclose(paid, due, rtol=0, atol=10 * CLOSE)
    assert equity_curves(bars, targets, trading)[:, 0].tolist() == result.equity.tolist()


def test_with_next_to_no_capital_it_is_as_without_impact():
    bars, targets = market(N, 2), weights(3, 2)
    apart = []
    for capital in (1e4, 1e2, 1.0, 1e-2):
        free = equity_curves(bars, targets, replace(sized(capital, 2), impact=0.0)) / capital
        apart.append(np.abs(equity_curves(bars, targets, sized(capital, 2)) / capital - free).max())
    assert np.array(apart[1:]) == pytest.approx(np.array(apart[:-1]) / 10, rel=0.01)  # as the square root of capital
    assert apart[-1] < 1e-5


def test_without_impact_not_a_bit_is_another():
    bars, targets = market(N, 2), weights(3, 2)
    plain = Trading(fees=0.001, slippage=0.0005)
    for none in (0.0, np.zeros((N, 2))):
        same = replace(plain, impact=none)
        assert not same.has_impact
        assert equity_curves(bars, targets, same).tobytes() == equity_curves(bars, targets, plain).tobytes()


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.integers(2, N - 1), st.floats(3, 10))
def test_no_bit_of_the_past_knows_the_future(seed, cut, digits):
    bars, targets, trading = market(N, 2), weights(seed, 2), sized(10**digits, 2, fees=0.0005)
    whole = equity_curves(bars, targets, trading)
    part = equity_curves(bars.until(cut), targets[:cut], trading.take(0, cut))
    assert part.tobytes() == whole[:cut].tobytes()
    other = targets.copy()
    other[cut:] *= -0.5
    dearer = replace(trading, impact=np.where(np.arange(N)[:, None] > cut, 10.0, 1.0) * trading.impact)
    assert equity_curves(bars, other, dearer)[: cut + 1].tobytes() == whole[: cut + 1].tobytes()


def test_a_price_that_settled_is_left_alone_though_later_ones_take_more_rounds(monkeypatch):
    bars, targets, seen, real = market(N), weights(5), [], impact.book
    monkeypatch.setattr(impact, "book", lambda *a, **k: seen.append(0) or real(*a, **k))
    trading = replace(sized(), impact=sized().impact * np.where(np.arange(N)[:, None] < 31, 1.0, 300.0))
    first = equity_curves(bars.until(31), targets[:31], trading.take(0, 31))
    rounds = len(seen)
    whole = equity_curves(bars, targets, trading)
    assert len(seen) - rounds > rounds
    assert whole[:31].tobytes() == first.tobytes()


def test_rounds_are_few_and_too_many_end_the_run(monkeypatch):
    bars, targets, seen = market(N), weights(1), []
    real = impact.book
    monkeypatch.setattr(impact, "book", lambda *a, **k: seen.append(0) or real(*a, **k))
    for capital, most in ((1e3, 5), (1e6, 9), (1e9, 25), (1e12, 50)):
        seen.clear()
        equity_curves(bars, targets, sized(capital))
        assert 2 <= len(seen) <= most, capital
    monkeypatch.setattr(impact, "ROUNDS", 2)
    with pytest.raises(IntegrityError, match="did not settle in 2 rounds"):
        equity_curves(bars, targets, sized(1e9))


def test_an_account_that_loses_everything_is_closed():
    bars = market(N)
    targets = np.where(np.arange(N) % 2, 1.0, -1.0)[:, None, None]
    [result] = backtest(bars, targets, sized(1e15))
    assert result.equity[-1] >= 0
    assert (result.equity[: np.argmax(result.equity <= 0) or N] > 0).all()


def test_the_largest_orders_pay_no_more_than_there_is():
    bars, targets = market(N), np.zeros((N, 1, 1))
    targets[10:] = 0.5
    for trading in (sized(1e15), replace(sized(1e15), slippage=0.1), sized(1e15).dearer(3)):
        [order] = fills(bars, targets[:, :, 0], trading).to_dict("records")
        assert order["price"] / order["quoted"] - 1 == pytest.approx(CAP)


@pytest.mark.parametrize("seed", range(3))
def test_each_symbol_by_itself_is_as_without_the_others(seed):
    bars, targets = market(N, 3), weights(seed, 3)[:, :, 0] * 3
    trading = replace(sized(1e7, 3), impact=sized(1e7, 3).impact * [1.0, 4.0, 0.1])
    equity, _ = each_symbol(bars, targets, trading)
    for k in range(3):
        alone = np.zeros_like(targets)
        alone[:, k] = targets[:, k]
        assert equity[:, k] == pytest.approx(equity_curves(bars, alone[:, :, None], trading)[:, 0], rel=1e-9)


def test_what_symbols_earned_adds_up_to_the_equity():
    bars, targets, trading = market(N, 3), weights(4, 3), sized(1e7, 3, fees=0.0005)
    [result] = backtest(bars, targets, trading)
    found = attributed(bars, targets[:, :, 0], trading, result.equity)
    assert found.pnl.sum(axis=1).cumsum() == pytest.approx(result.equity - 1e7, abs=1e-3)


def test_dearer_worse_and_part_of_the_bars_know_it():
    trading = replace(sized(), impact=np.arange(N)[:, None] * 1e-6)
    assert (trading.dearer(2).impact == 2 * trading.impact).all()
    assert (trading.worse(0.001).impact is trading.impact, trading.worse(0.001).slippage) == (True, 0.001)
    assert (trading.take(5, 9).impact == trading.impact[5:9]).all()
    assert replace(trading, impact=1e-6).take(5, 9).impact == 1e-6
    bars, targets = market(N), weights(1)
    curves = [equity_curves(bars, targets, sized().dearer(factor))[-1, 0] for factor in (0.0, 1.0, 2.0, 3.0)]
    assert curves == sorted(curves, reverse=True)


def test_accounts_that_are_kept_are_those_of_this_impact_and_capital(tmp_path):
    bars, targets, kept = market(N), weights(1), KeptArrays(tmp_path)
    for trading in (sized(), sized().dearer(2), sized(2e6), replace(sized(), impact=0.0)):
        found = equity_curves(bars, targets, replace(trading, kept=kept))
        assert found.tobytes() == equity_curves(bars, targets, trading).tobytes()
        again = equity_curves(bars, targets, replace(trading, kept=kept))
        assert again.tobytes() == found.tobytes()
    assert len(kept) == 4


@pytest.mark.parametrize(
    "value, said",
    [
        (-1e-9, "it was -1e-09"),
        (np.inf, "it was inf"),
        (np.nan, "it was nan"),
        (np.zeros(120), r"its shape is \(120,\)"),
        (np.where(np.arange(120)[:, None] == 70, np.nan, np.ones((120, 2))), "it was nan"),
    ],
    ids=["negative", "infinite", "nan", "a column", "one bar"],
)
def test_an_impact_that_is_none_is_refused(value, said):
    with pytest.raises(PluginError, match=f"cost model 'mine': impact must be .*{said}"):
        check_impact(value, "mine", panel(120, late=40))


def test_a_symbol_without_a_bar_has_the_impact_that_it_had_last():
    bars = panel(120, late=40)
    given_ = np.where(bars.present, 2e-6, np.nan)
    checked = check_impact(given_, "mine", bars)
    assert (checked[bars.present] == 2e-6).all()
    assert np.isfinite(checked).all()
    assert check_impact(1e-6, "mine", bars) == 1e-6


def test_an_impact_that_looks_ahead_ends_the_run():
    bars = market(100)

    def ahead(known):
        return Trading(impact=np.full(known.close.shape, 0.02 / math.sqrt(np.mean(known.volume * known.close))))

    with pytest.raises(IntegrityError, match="cost model 'mine' looks ahead: its impact before 20"):
        audit_costs("mine", ahead(bars), ahead, bars, 50)


def test_what_is_traded_a_day_is_the_sum_of_its_bars():
    bars = market(N, 2)
    assert traded_a_day(bars) == pytest.approx(bars.volume * bars.close)
    half = replace(bars, sessions=bars.sessions[np.arange(N) // 2 * 2], bars_per_year=504.0)
    value = bars.volume * bars.close
    assert traded_a_day(half)[::2] == pytest.approx(value[::2] + value[1::2])
    weekly = replace(bars, bars_per_year=52.0)
    assert traded_a_day(weekly) == pytest.approx(value / 5)
