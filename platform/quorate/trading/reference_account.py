"""An account kept in decimals, entry by entry: what was filled, split, paid and earned, to the last digit.

It shares nothing with the account of the backtest, and is held against it: the same orders must leave the same value.
It also keeps the account that `quorate orders --book` writes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from quorate.errors import DataError, IntegrityError

DIGITS = 40  # more than prices, quantities and fees of any market have together
CENT = Decimal("0.01")
NOTHING = Decimal(0)

Number = Decimal | int | float | str


@dataclass
class Position:
    """Units of a symbol, negative where short, and what they were bought or sold short for, fees left out."""

    quantity: Decimal = NOTHING
    spent: Decimal = NOTHING


@dataclass
class ReferenceAccount:
    """Cash and positions, and what came of them so far.

    Every amount is booked twice: as a change of cash or of a position, and as a gain or a cost. `reconcile` holds both
    against each other.

    Parameters
    ----------
    cash : Decimal
        In the account's currency.
    positions : dict of str to Position
        Those that are not empty.
    realised, dividends, carry, fees : Decimal
        Gains of what was closed; earned less paid on positions; earned less paid on cash and what was borrowed; paid.
    put_in : Decimal
        Cash, and what positions cost, at the beginning.
    """

    cash: Decimal = NOTHING
    positions: dict[str, Position] = field(default_factory=dict)
    realised: Decimal = NOTHING
    dividends: Decimal = NOTHING
    carry: Decimal = NOTHING
    fees: Decimal = NOTHING
    put_in: Decimal = NOTHING

    @classmethod
    def of(cls, cash: Number, positions: Mapping[str, tuple[Number, Number]] | None = None) -> ReferenceAccount:
        """Return an account that begins with cash, and with positions: quantity, and the price they are booked at."""
        account = cls(exact(cash))
        with localcontext(prec=DIGITS):
            for symbol, (quantity, price) in (positions or {}).items():
                units = exact(quantity)
                if units:
                    account.positions[symbol] = Position(units, units * exact(price))
            account.put_in = account.cash + sum((one.spent for one in account.positions.values()), NOTHING)
        return account

    def fill(self, symbol: str, quantity: Number, price: Number, fees: Number = 0) -> None:
        """Book an order that was filled.

        Parameters
        ----------
        quantity : number
            Units, negative for what was sold.
        price : number
            Per unit, as it was paid: with slippage.
        fees : number
            In currency; negative, where trading was paid for.

        Raises
        ------
        DataError
            If a number is not finite, the price is negative, or nothing was traded.
        """
        units, paid, due = (exact(one) for one in (quantity, price, fees))
        if not units or paid < 0:
            raise DataError(
                f"a fill of {symbol} needs a quantity other than 0 and a price of 0 or more: {units} at {paid}"
            )
        with localcontext(prec=DIGITS):
            self.cash -= units * paid + due
            self.fees += due
            held = self.positions.pop(symbol, Position())
            closed = NOTHING
            if held.quantity * units < 0:
                closed = max(-held.quantity, units) if units < 0 else min(-held.quantity, units)
                share = held.spent * (-closed / held.quantity)
                self.realised += -closed * paid - share
                held = Position(held.quantity + closed, held.spent - share)
                if not held.quantity:  # what rounding left of its cost is gone with it
                    self.realised -= held.spent
                    held = Position()
            rest = units - closed
            self._hold(symbol, Position(held.quantity + rest, held.spent + rest * paid))

    def split(self, symbol: str, ratio: Number) -> None:
        """Book that each unit became `ratio` units, above 0; of a symbol that is not held nothing changes."""
        by = exact(ratio)
        if by <= 0:
            raise DataError(f"a split of {symbol} needs a ratio above 0; it was {by}")
        held = self.positions.get(symbol)
        if held:
            with localcontext(prec=DIGITS):
                self._hold(symbol, Position(held.quantity * by, held.spent))

    def dividend(self, symbol: str, per_unit: Number) -> None:
        """Book what each unit paid, in currency: earned by what is held, paid for what is short."""
        held = self.positions.get(symbol)
        if held:
            with localcontext(prec=DIGITS):
                amount = held.quantity * exact(per_unit)
                self.cash += amount
                self.dividends += amount

    def earn(self, amount: Number) -> None:
        """Book carry, in currency: interest of cash, less what was paid to borrow and for funding."""
        with localcontext(prec=DIGITS):
            self.cash += exact(amount)
            self.carry += exact(amount)

    def worth(self, prices: Mapping[str, Number]) -> Decimal:
        """Return cash and positions at these prices.

        Raises
        ------
        DataError
            If a symbol that is held has none.
        """
        lacking = [symbol for symbol in self.positions if symbol not in prices]
        if lacking:
            raise DataError(f"{lacking[0]} is held and has no price")
        with localcontext(prec=DIGITS):
            return self.cash + sum(
                (one.quantity * exact(prices[symbol]) for symbol, one in self.positions.items()), NOTHING
            )

    def reconcile(self, prices: Mapping[str, Number]) -> Decimal:
        """Return what the account is worth, to the cent, after checking that gains and costs come to the same.

        Raises
        ------
        IntegrityError
            If they do not.
        """
        worth = self.worth(prices)
        with localcontext(prec=DIGITS):
            open_ = sum(
                (one.quantity * exact(prices[symbol]) - one.spent for symbol, one in self.positions.items()), NOTHING
            )
            gained = self.put_in + self.realised + open_ + self.dividends + self.carry - self.fees
            if abs(gained - worth) >= CENT / 2:
                raise IntegrityError(f"cash and positions are worth {worth}, and gains and costs add up to {gained}")
            return worth.quantize(CENT, ROUND_HALF_EVEN)

    def _hold(self, symbol: str, position: Position) -> None:
        if position.quantity:
            self.positions[symbol] = position
        else:
            self.positions.pop(symbol, None)


def exact(value: Number) -> Decimal:
    """Return a finite number as it is written: 0.1 is a tenth.

    Raises
    ------
    DataError
        If it is not a finite number.
    """
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value))
    except ArithmeticError as e:
        raise DataError(f"must be a number; it was {value!r}") from e
    if isinstance(value, bool) or not math.isfinite(float(found)):
        raise DataError(f"must be a finite number; it was {value!r}")
    return found
