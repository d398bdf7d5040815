"""Order rules: what they ask for holds of every order, in the backtest and of a single account."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError
from quorate.statistics import Floats
from quorate.testing.markets import market
from quorate.trading import by_rules
from quorate.trading.backtest import backtest, each_symbol, equity_curves, fills
from quorate.trading.costs import Trading
from quorate.trading.order_rules import MOST_GROSS, Holdings, OrderRules, begins, lots_of, orders_at
from quorate.walkforward.causality import other_future

pytestmark = pytest.mark.usefixtures("engine")

N = 90


def rules(n: int = 1, lots: float = 0.0, band: float = 0.0, **more: float) -> OrderRules:
    return OrderRules(np.full((n, 1), lots), band, np.ones(N, dtype=bool), **more)


def ordered(
    given: OrderRules, cash: float, held: list[float], price: list[float], wanted: list[float], cost: float = 0.0,
    due: bool = True,
) -> list[float]:  # fmt: skip
    column = [np.array(one, dtype=float)[:, None] for one in (held, price, wanted)]
    at = Holdings(np.array([cash]), column[0], column[1], np.full_like(column[0], cost))
    return [float(one) for one in np.add(*orders_at(given, column[2], at, due))[:, 0]]


def weights(seed: int, bars: Bars, low: float = -1.0) -> Floats:
    """Weights that stay for some bars, some of them nothing, gross at most one, (n_bars, n_symbols)."""
    rng = np.random.default_rng([seed, 7])
    found = np.zeros(bars.close.shape)
    for t in range(1, len(found)):
        new = np.where(rng.random(found.shape[1]) < 0.4, 0.0, rng.uniform(low, 1, found.shape[1]))
        found[t] = np.where(rng.random(found.shape[1]) < 0.7, found[t - 1], new / found.shape[1])
    return found


# --- one account at one close, by hand


def test_quantities_are_rounded_toward_zero_to_lots() -> None:
    assert ordered(rules(2, 10.0), 10_000.0, [0, 0], [33.0, 7.0], [0.5, -0.5]) == [150.0, -710.0]
    assert ordered(rules(1, 0.1), 100.0, [0], [1000.0], [1.0]) == pytest.approx([0.0])
    assert ordered(rules(1, 0.01), 100.0, [0], [1000.0], [0.5]) == pytest.approx([0.05], rel=1e-12)


def test_an_exit_sells_all_of_it_also_what_is_no_whole_lot_and_smaller_than_any_limit() -> None:
    strict = rules(1, 10.0, 0.5, least=1e6)
    assert ordered(strict, 1000.0, [7.0], [1.0], [0.0]) == [-7.0]
    assert ordered(strict, 1000.0, [-7.0], [1.0], [0.0], due=False) == [7.0]
    assert ordered(strict, 1000.0, [7.0], [1.0], [0.1]) == [0.0]


def test_a_change_below_the_band_is_left_and_one_as_large_is_made() -> None:
    for wanted, units in ((0.5499, 0.0), (0.55, 50.0), (0.4501, 0.0), (0.45, -50.0)):
        assert ordered(rules(1, 0.0, 0.05), 500.0, [500.0], [1.0], [wanted]) == pytest.approx([units])


def test_at_other_closes_positions_are_only_ended_and_the_wrong_side_is_no_position_to_keep() -> None:
    assert ordered(rules(3), 100.0, [10.0, 10.0, 0.0], [1.0] * 3, [0.5, -0.2, 0.3], due=False) == [0.0, -10.0, 0.0]


def test_what_is_sold_pays_for_what_is_bought_and_costs_are_kept_back() -> None:
    found = ordered(rules(2), 0.0, [100.0, 0.0], [1.0, 1.0], [0.0, 1.0], cost=0.01)
    assert found == pytest.approx([-100.0, 99.0 / 1.01])
    assert ordered(rules(1, reserve=40.0), 100.0, [0.0], [1.0], [1.0]) == pytest.approx([60.0])


def test_an_order_of_too_little_value_is_not_given() -> None:
    assert ordered(rules(2, least=30.0), 100.0, [0.0, 0.0], [1.0, 1.0], [0.29, 0.31]) == pytest.approx([0.0, 31.0])


def test_what_is_left_alone_takes_its_room() -> None:
    """A position of others is worth half of the account: half is left to buy, and as little to sell short."""
    assert ordered(rules(2), 50.0, [50.0, 0.0], [1.0, 1.0], [np.nan, 1.0]) == pytest.approx([0.0, 50.0])
    assert ordered(rules(2), 50.0, [50.0, 0.0], [1.0, 1.0], [np.nan, -1.0]) == pytest.approx([0.0, -50.0])


def test_what_has_no_price_is_not_traded_but_may_be_closed() -> None:
    assert ordered(rules(2), 100.0, [0.0, 3.0], [np.nan, np.nan], [1.0, 0.0]) == [0.0, -3.0]


def test_weeks_and_months_begin_where_the_session_of_the_bar_before_was_of_another() -> None:
    bars = market(N)
    days = [np.datetime64(day, "D").item() for day in bars.sessions]
    week, month = [day.isocalendar()[:2] for day in days], [(day.year, day.month) for day in days]
    for what, periods in (("weekly", week), ("monthly", month)):
        assert begins(bars, what).tolist() == [k == 0 or periods[k] != periods[k - 1] for k in range(N)]  # type: ignore[arg-type]
    assert begins(bars, "every").all()


def test_lots_are_one_number_or_by_symbol() -> None:
    assert lots_of(("A", "B"), 5).tolist() == [[5.0], [5.0]]
    assert lots_of(("A", "B"), {"B": 0.001}).tolist() == [[0.0], [0.001]]
    assert OrderRules.of(market(N), None, None, None) is None


LOTS, SEEDS = st.sampled_from([0.0, 0.001, 1.0, 25.0]), st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(SEEDS, LOTS, st.sampled_from([0.0, 0.02]), st.sampled_from([0.0, 3000.0]), st.booleans())
def test_no_account_is_overdrawn_nor_holds_more_than_it_may(
    seed: int, lot: float, band: float, reserve: float, due: bool
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    price, wanted = rng.uniform(1, 200, n), rng.dirichlet(np.ones(n)) * rng.choice([-1, 0, 1], n)
    held = np.where(rng.random(n) < 0.5, rng.integers(-40, 60, n), 0.0)
    cash, cost = float(rng.uniform(0, 20_000)), 0.002
    if cash + held @ price <= 0:
        return
    found = np.array(ordered(rules(n, lot, band, reserve=reserve), cash, held, price, wanted, cost, due))  # type: ignore[arg-type]
    after, worth = held + found, cash + held @ price
    buys, more = found > 0, np.abs(after) > np.abs(held) + 1e-9
    spent = found @ price + np.abs(found) @ price * cost
    assert cash - spent >= min(cash, 0.0) - 1e-6
    if (buys & (after > 0)).any():
        assert cash - spent >= reserve - 1e-6
    if more.any():
        assert np.abs(after) @ price <= MOST_GROSS * worth * (1 + 1e-9)
    assert ((after == 0) | (wanted != 0)).all()
    whole = found / lot if lot else np.zeros(n)
    kept = (after != 0) & (np.sign(after) == np.sign(held)) | (held == 0)
    np.testing.assert_allclose(whole[kept], np.round(whole[kept]), atol=1e-6)
    if not due:
        assert not more.any()


# --- the backtest


def traded(bars: Bars, lots: float | None = None, band: float | None = None, rebalance: object = None) -> Trading:
    given = OrderRules.of(bars, lots, band, rebalance)  # type: ignore[arg-type]
    return Trading(fees=0.001, slippage=0.0005, capital=10_000.0, rules=given)


def by_hand(bars: Bars, targets: Floats, lot: float, fee: float, slip: float, cash: float) -> list[float]:
    """Keep an account of one symbol that is never short in plain Python; return its equity."""
    held, equity = 0.0, [cash]
    for t in range(1, len(bars)):
        last, price, wanted = float(bars.close[t - 1, 0]), float(bars.open[t, 0]), float(targets[t - 1, 0])
        aim = wanted * (cash + held * last) / last
        order = -held if wanted == 0 else int((aim - held) / lot) * lot
        for paid in (last * (1 + fee + slip), price * (1 + slip) * (1 + fee)):
            if order * paid > cash:
                order = int(cash / paid / lot) * lot
        cash -= order * price * (1 + np.sign(order) * slip) + abs(order) * price * (1 + np.sign(order) * slip) * fee
        held += order
        equity.append(cash + held * float(bars.close[t, 0]))
    return equity


@pytest.mark.parametrize("seed", range(4))
def test_a_backtest_by_lots_is_what_an_account_kept_by_hand_comes_to(seed: int) -> None:
    bars = market(N)
    targets = weights(seed, bars, low=0.0)
    [found] = backtest(bars, targets[:, :, None], traded(bars, 5.0))
    expected = by_hand(bars, targets, 5.0, 0.001, 0.0005, 10_000.0)
    np.testing.assert_allclose(found.equity, expected, rtol=1e-12)
    sizes = fills(bars, targets, traded(bars, 5.0))["size"].to_numpy()
    assert len(sizes) > 5
    np.testing.assert_allclose(sizes / 5, np.round(sizes / 5), atol=1e-9)


def test_a_band_and_a_calendar_trade_less_and_exits_wait_for_nothing() -> None:
    bars = market(N, 3)
    targets = weights(3, bars)
    counts = [len(fills(bars, targets, traded(bars, None, band, on))) for band, on in
              ((0.0, "every"), (0.1, "every"), (0.1, "weekly"), (0.1, "monthly"))]  # fmt: skip
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 2
    monthly = fills(bars, targets, traded(bars, None, None, "monthly"))
    decided = monthly["bar"].to_numpy() - 1
    held = monthly.groupby("column")["size"].cumsum().to_numpy()
    opened = np.abs(held) > 1e-9 * np.abs(monthly["size"].to_numpy())
    assert begins(bars, "monthly")[decided[opened]].all()
    assert (~opened & ~begins(bars, "monthly")[decided]).any()


@pytest.mark.parametrize("impact", [0.0, 1e-5])
def test_series_and_symbols_traded_together_and_alone_have_the_same_bits(impact: float) -> None:
    bars = market(N, 3)
    targets, trading = weights(5, bars), replace(traded(bars, 1.0, 0.01, "weekly"), impact=impact)
    together = equity_curves(bars, np.stack([targets, targets / 2], axis=2), trading)
    assert together[:, 0].tobytes() == backtest(bars, targets[:, :, None], trading)[0].equity.tobytes()
    apart = each_symbol(bars, targets, trading)[0]
    for k in range(targets.shape[1]):
        alone = np.where(np.arange(targets.shape[1]) == k, targets, 0.0)
        assert apart[:, k].tobytes() == each_symbol(bars, alone, trading)[0][:, k].tobytes()


@settings(max_examples=5, deadline=None)
@given(SEEDS, st.integers(5, N - 5), LOTS, st.sampled_from(["every", "weekly"]))
def test_the_future_changes_no_order(seed: int, known: int, lot: float, on: str) -> None:
    bars = market(N, 3)
    targets, trading = weights(seed, bars), traded(bars, lot or None, 0.01, on)
    changed = np.where(np.arange(N)[:, None] < known, targets, -targets)
    then, now = fills(bars, targets, trading), fills(other_future(bars, known), changed, trading)
    before = [one[one["bar"] < known].to_numpy().tobytes() for one in (then, now)]
    assert before[0] == before[1]


def test_an_order_that_is_filled_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = market(N)
    targets, honest = weights(1, bars), by_rules.book
    monkeypatch.setattr(by_rules, "book", lambda units, *more, **named: honest(units * 1.01, *more, **named))
    with pytest.raises(IntegrityError, match=r"an order of .* units at bar \d+ was filled as"):
        backtest(bars, targets[:, :, None], traded(bars, 1.0))


def test_buy_and_hold_is_held_and_rules_that_are_not_given_change_nothing() -> None:
    bars = market(N, 3)
    targets = weights(2, bars)[:, :, None]
    plain = backtest(bars, targets, replace(traded(bars), rules=None))[0]
    assert plain.equity.tobytes() == backtest(bars, targets, traded(bars))[0].equity.tobytes()
