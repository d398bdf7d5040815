"""A broker's fills booked on an account, and held against what was ordered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from quorate.errors import DataError, near_misses, one_of
from quorate.serving.account_file import Account, number, parsed, read_text, rows_of
from quorate.trading.reference_account import NOTHING, ReferenceAccount

SIDES = {"buy": 1, "sell": -1}
NEEDED = {"fill": ("quantity", "price"), "split": ("quantity",), "dividend": ("price",), "carry": ("price",)}
KINDS = tuple(NEEDED)
FILLED = ("kind", "symbol", "side", "quantity", "price", "fees")
ORDERED = ("symbol", "side", "quantity", "reference_price")


@dataclass(frozen=True)
class Entry:
    """One line of what a broker tells.

    Parameters
    ----------
    at : str
        Where it stands.
    kind : {"fill", "split", "dividend", "carry"}
    symbol : str
        Empty for carry.
    quantity : Decimal
        Units, negative for what was sold; of a split, what one unit became.
    price : Decimal
        Per unit; of carry, the amount.
    fees : Decimal
    """

    at: str
    kind: str
    symbol: str
    quantity: Decimal
    price: Decimal
    fees: Decimal


@dataclass(frozen=True)
class Booked:
    """The account after fills, and how these differ from the orders.

    Parameters
    ----------
    account : dict
        As an account file has it.
    entries, fees : int, float
        How many were booked, and what was paid.
    differences : list of dict
        Per symbol that was ordered or filled: ``ordered`` and ``filled``, in units, negative for what was sold;
        ``reference_price``, the mean ``price``, and what that ``cost`` beside the price of reference. Empty without
        orders.
    notes : list of str
        What differs, in words.
    """

    account: dict[str, Any]
    entries: int
    fees: float
    differences: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def book(account: Account, fills: Path, ordered: Path | None = None) -> Booked:
    """Book the entries of a CSV on an account, and compare them with orders, a CSV or JSON of `quorate orders`.

    Raises
    ------
    DataError
        If a line is no entry: nothing is booked then.
    """
    entries = read_entries(fills)
    orders = read_orders(ordered) if ordered else []
    prices = {**{one.symbol: one.price for one in entries if one.kind == "fill"}, **account.prices}
    kept = ReferenceAccount.of(
        account.cash, {symbol: (units, prices.get(symbol, NOTHING)) for symbol, units in account.positions.items()}
    )
    for one in entries:
        if one.kind == "fill":
            kept.fill(one.symbol, one.quantity, one.price, one.fees)
        elif one.kind == "carry":
            kept.earn(one.price)
        elif one.symbol not in kept.positions:
            raise DataError(f"{one.at}: a {one.kind} of {one.symbol}, which is not held then")
        elif one.kind == "split":
            kept.split(one.symbol, one.quantity)
        else:
            kept.dividend(one.symbol, one.price)
    kept.reconcile({**dict.fromkeys(kept.positions, NOTHING), **prices})
    after = Account(
        kept.cash,
        {symbol: one.quantity for symbol, one in kept.positions.items()},
        {symbol: price for symbol, price in account.prices.items() if symbol in kept.positions},
        account.currency,
    )
    differences = _differences(orders, entries) if ordered else []
    notes = [f"the account is overdrawn by {-kept.cash:,.2f}"] if kept.cash < 0 else []
    notes += [text for one in differences if (text := _in_words(one))]
    return Booked(after.to_dict(), len(entries), float(kept.fees), differences, notes)


def read_entries(path: Path) -> list[Entry]:
    """Return the entries of a CSV: symbol, side, quantity, price, and perhaps fees and kind."""
    rows = rows_of(read_text(path, "the fills"), str(path), ("symbol", "quantity", "price"), FILLED)
    return [_entry(at, row) for at, row in rows]


def _entry(at: str, row: dict[str, str]) -> Entry:
    kind = row.get("kind", "").lower() or KINDS[0]
    if kind not in KINDS:
        raise DataError(f"{at}: kind must be one of {one_of(KINDS)}; it was {kind!r}{near_misses(kind, KINDS)}")
    if not row["symbol"] and kind != "carry":
        raise DataError(f"{at}: has no symbol")
    read = {
        name: number(row.get(name, "") or ("" if name in NEEDED[kind] else "0"), f"{at}: {name}")
        for name in ("quantity", "price", "fees")
    }
    if kind in ("fill", "split") and read["quantity"] <= 0:
        raise DataError(f"{at}: quantity must be above 0; it was {read['quantity']}")
    if kind != "carry" and read["price"] < 0:
        raise DataError(f"{at}: price must be 0 or more; it was {read['price']}")
    sign = _sign(at, row.get("side", "")) if kind == "fill" else 1
    return Entry(at, kind, row["symbol"], sign * read["quantity"], read["price"], read["fees"])


def _sign(at: str, side: str) -> int:
    if side.lower() not in SIDES:
        raise DataError(f"{at}: side must be buy or sell; it was {side!r}{near_misses(side, SIDES)}")
    return SIDES[side.lower()]


def read_orders(path: Path) -> list[dict[str, Any]]:
    """Return symbol, signed quantity and price of reference of the orders in a file of `quorate orders`."""
    text, where = read_text(path, "the orders"), str(path)
    if text.lstrip().startswith("{"):
        listed = parsed(text, where).get("orders")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise DataError(f"{where}: has no list of orders: it must be what quorate orders --json prints")
        rows = [(f"{where}, order {k}", one) for k, one in enumerate(listed)]
    else:
        rows = [(at, dict(row)) for at, row in rows_of(text, where, ORDERED[:3], ORDERED)]
    found = []
    for at, row in rows:
        lacking = [name for name in ORDERED[:3] if not row.get(name)]
        if lacking:
            raise DataError(f"{at}: has no {lacking[0]}")
        quantity = _sign(at, str(row["side"])) * number(row["quantity"], f"{at}: quantity")
        price = row.get("reference_price")
        reference = number(price, f"{at}: reference_price") if price else None
        found.append({"symbol": str(row["symbol"]), "quantity": quantity, "reference_price": reference})
    return found


def _differences(orders: Iterable[dict[str, Any]], entries: Iterable[Entry]) -> list[dict[str, Any]]:
    wanted = {one["symbol"]: one for one in orders}
    filled: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "fill":
            filled.setdefault(entry.symbol, []).append(entry)
    found = []
    for symbol in dict.fromkeys([*wanted, *filled]):
        order, parts = wanted.get(symbol), filled.get(symbol, [])
        units, paid = sum(one.quantity for one in parts), sum(one.quantity * one.price for one in parts)
        reference = order["reference_price"] if order else None
        found.append(
            {
                "symbol": symbol,
                "ordered": float(order["quantity"]) if order else 0.0,
                "filled": float(units),
                "reference_price": None if reference is None else float(reference),
                "price": float(paid / units) if units else None,
                "cost": None if reference is None or not units else float(paid - units * reference),
            }
        )
    return found


def _in_words(one: dict[str, Any]) -> str:
    """Return how fills of a symbol differ from its order; nothing where they do not."""
    ordered, filled = one["ordered"], one["filled"]
    if ordered == filled:
        return ""
    done = f"{'bought' if filled > 0 else 'sold'} {abs(filled):.12g}" if filled else "nothing was filled"
    if not ordered:
        return f"{one['symbol']}: {done}, which was not ordered"
    return f"{one['symbol']}: ordered to {'buy' if ordered > 0 else 'sell'} {abs(ordered):.12g}; {done}"
