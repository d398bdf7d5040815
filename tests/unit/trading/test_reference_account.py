"""The reference account: it reconciles whatever is booked, and agrees with the account of the backtest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.panel import Bars
from quorate.errors import DataError, IntegrityError
from quorate.statistics import Floats
from quorate.testing.markets import market, panel
from quorate.trading.costs import Trading
from quorate.trading.order_rules import OrderRules
from quorate.trading.reference_account import CENT, ReferenceAccount, exact
from support.accounts import assert_agrees

pytestmark = pytest.mark.usefixtures("engine")

money = st.decimals(min_value="0.01", max_value=10_000, places=4)
units = st.decimals(min_value=-1000, max_value=1000, places=6).filter(bool)
symbols = st.sampled_from(["A", "B", "C"])
entries = st.one_of(
    st.tuples(st.just("fill"), symbols, units, money, st.decimals(min_value=0, max_value=50, places=2)),
    st.tuples(st.just("split"), symbols, st.sampled_from([Decimal(2), Decimal("0.1"), Decimal("1.5"), Decimal(7)])),
    st.tuples(st.just("dividend"), symbols, money),
    st.tuples(st.just("earn"), st.decimals(min_value=-100, max_value=100, places=6)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=40), st.fixed_dictionaries(dict.fromkeys("ABC", money)), money)
def test_whatever_is_booked_reconciles_to_the_cent(
    booked: list[tuple[object, ...]], prices: dict[str, Decimal], cash: Decimal
) -> None:
    account = ReferenceAccount.of(cash, {"A": (10, 5)})
    for kind, *more in booked:
        getattr(account, str(kind))(*more)
        worth = account.reconcile(prices)
        assert abs(worth - account.worth(prices)) <= CENT / 2


def test_an_account_by_hand() -> None:
    account = ReferenceAccount.of(1000)
    account.fill("A", 10, "20.10", "1")
    account.fill("A", -4, "25", "1")  # gains 4 x 4.90
    account.split("A", 2)
    account.dividend("A", "0.5")
    account.fill("A", -20, "11", 0)  # sells 12 that cost 10.05 each, and 8 short
    account.dividend("A", 1)  # which the lender gets
    account.earn("-0.25")
    assert account.realised == Decimal("19.6") + 12 * Decimal("0.95")
    assert (account.dividends, account.fees, account.carry) == (6 - 8, 2, Decimal("-0.25"))
    assert account.positions["A"].quantity == -8
    assert account.cash == 1000 - 201 - 1 + 100 - 1 + 6 + 220 - 8 - Decimal("0.25")
    assert account.reconcile({"A": 10}) == account.cash - 80


def test_an_amount_that_is_booked_once_is_found() -> None:
    account = ReferenceAccount.of(1000)
    account.fill("A", 10, 20)
    account.cash += CENT
    with pytest.raises(IntegrityError, match=r"are worth 1000\.01, and gains and costs add up to 1000"):
        account.reconcile({"A": 20})


@pytest.mark.parametrize("value", ["x", "NaN", float("inf"), True, ""])
def test_what_is_no_number_is_refused_and_books_nothing(value: object) -> None:
    account = ReferenceAccount.of(10)
    with pytest.raises(DataError, match="must be a"):
        account.fill("A", 1, value)  # type: ignore[arg-type]
    assert (account.cash, account.positions) == (10, {})
    with pytest.raises(DataError, match="needs a quantity other than 0"):
        account.fill("A", 0, 5)
    with pytest.raises(DataError, match="ratio above 0"):
        account.split("A", 0)
    account.fill("A", 1, 5)
    with pytest.raises(DataError, match="A is held and has no price"):
        account.worth({})
    assert exact(0.1) == Decimal("0.1")


def weights(seed: int, bars: Bars) -> Floats:
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(-1, 1, bars.close.shape) / len(bars.symbols)
    return np.where(rng.random(drawn.shape) < 0.3, 0.0, drawn)


@pytest.mark.parametrize("rules", [None, "weekly"])
@pytest.mark.parametrize("n", [1, 3])
def test_it_agrees_with_the_backtest_long_and_short_with_costs_and_impact(n: int, rules: str | None) -> None:
    bars = market(80, n) if n > 1 else market(80)
    given = OrderRules.of(bars, 1.0, 0.01, rules) if rules else None  # type: ignore[arg-type]
    for more in ({}, {"fees": 0.002, "slippage": 0.001}, {"fees": 0.001, "impact": np.full((80, n), 1e-5)}):
        assert_agrees(bars, weights(n, bars), replace(Trading(capital=50_000.0, rules=given), **more))
    assert_agrees(panel(80, late=30), weights(9, panel(80, late=30)), Trading(fees=0.001, rules=None))
