"""The account that orders are made for, read and written: JSON, or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from quorate.errors import DataError, near_misses
from quorate.store.files import io_reason
from quorate.trading.reference_account import exact

KEYS = ("cash", "currency", "positions")
COLUMNS = ("symbol", "quantity", "price")
CASH = "cash"  # the row of a CSV that has it


@dataclass(frozen=True)
class Account:
    """Cash and positions.

    Parameters
    ----------
    cash : Decimal
    positions : dict of str to Decimal
        Units, negative where short; none is 0.
    prices : dict of str to Decimal
        Of symbols whose price the account tells.
    currency : str
        That of cash and prices, empty where it is not said.
    """

    cash: Decimal
    positions: dict[str, Decimal] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    currency: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as an account file has it."""
        positions = {
            symbol: {"quantity": float(units), "price": float(self.prices[symbol])}
            if symbol in self.prices
            else float(units)
            for symbol, units in self.positions.items()
        }
        return {"cash": float(self.cash), "currency": self.currency, "positions": positions}


def read_account(path: Path) -> Account:
    """Return the account in a JSON or CSV file.

    Raises
    ------
    DataError
        If it is no account: the message says where.
    """
    text = read_text(path, "the account")
    if text.lstrip().startswith("{"):
        return _of_document(str(path), parsed(text, str(path)))
    if path.suffix.lower() == ".json":
        raise DataError(f"{path}: must be an object such as " + '{"cash": 100000, "positions": {"SPY": 10}}')
    return _of_rows(str(path), rows_of(text, str(path), COLUMNS[:2], COLUMNS))


def read_text(path: Path, what: str) -> str:
    """Return the text of a file that people gave."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as e:
        raise DataError(f"cannot read {what}, {path}: {e.strerror or io_reason(e, path)}") from e
    except UnicodeDecodeError as e:
        raise DataError(f"cannot read {what}, {path}: it is no text (UTF-8)") from e


def parsed(text: str, where: str) -> Any:
    """Return JSON with its numbers as they are written; what is named twice in a table is an error."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for k, (key, _) in enumerate(pairs) if key in dict(pairs[:k]))
            raise DataError(f"{where}: {twice!r} is there twice")
        return found

    def no_number(word: str) -> Any:
        raise DataError(f"{where}: {word} is no number that can be counted with")

    try:
        return json.loads(
            text, object_pairs_hook=once, parse_constant=no_number, parse_float=Decimal, parse_int=Decimal
        )
    except (json.JSONDecodeError, RecursionError) as e:
        raise DataError(f"{where}: is no JSON: {e}") from e


def rows_of(text: str, where: str, needed: tuple[str, ...], known: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a CSV with a header, each with where it is; columns that are not known are left out.

    Raises
    ------
    DataError
        If a column is missing or misspelt, or a row has more cells than the header.
    """
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    for name in needed:
        if name not in header:
            raise DataError(f"{where}: has no column {name!r}{near_misses(name, header)}; it has {', '.join(header)}")
    for name in header:
        if name not in known and (near := near_misses(name, [one for one in known if one not in header])):
            raise DataError(f"{where}: the column {name!r} is not known{near}")
    found = []
    for row in reader:
        at = f"{where}, line {reader.line_num}"
        if None in row or None in row.values():
            raise DataError(f"{at}: must have {len(header)} cells, as the header")
        found.append((at, {name: row[name].strip() for name in known if name in row}))
    return found


def number(value: Any, what: str) -> Decimal:
    """Return a finite number of a file, or raise `DataError` that says what it is of."""
    if not isinstance(value, Decimal | str) or value == "":
        raise DataError(f"{what} must be a number; it was {value!r}")
    try:
        return exact(value)
    except DataError as e:
        raise DataError(f"{what} {e}") from e


def _of_document(where: str, told: Mapping[str, Any]) -> Account:
    for key in told:
        if key not in KEYS:
            raise DataError(f"{where}: {key!r} is not known{near_misses(key, KEYS)}; an account has {', '.join(KEYS)}")
    if CASH not in told:
        raise DataError(f"{where}: has no cash, a number")
    currency, listed = told.get("currency", ""), told.get("positions", {})
    if not isinstance(currency, str):
        raise DataError(f'{where}: currency must be a text such as "USD"; it was {currency!r}')
    if not isinstance(listed, dict):
        raise DataError(f"{where}: positions must be a table of symbols; it was {listed!r}")
    positions, prices = {}, {}
    for symbol, one in listed.items():
        what = f"{where}: positions.{symbol}"
        if isinstance(one, dict):
            for key in one:
                if key not in COLUMNS[1:]:
                    raise DataError(f"{what}: {key!r} is not known{near_misses(key, COLUMNS[1:])}")
            if "price" in one:
                prices[symbol] = _price(one["price"], f"{what}.price")
            one = one.get("quantity", "")
            what += ".quantity"
        positions[symbol] = _units(one, what)
    return Account(_units(told[CASH], f"{where}: cash"), _some(positions), prices, currency)


def _units(value: Any, what: str) -> Decimal:
    if isinstance(value, str):  # JSON has numbers of its own
        raise DataError(f"{what} must be a number; it was {value!r}")
    return number(value, what)


def _of_rows(where: str, rows: list[tuple[str, dict[str, str]]]) -> Account:
    positions: dict[str, Decimal] = {}
    prices = {}
    for at, row in rows:
        symbol = CASH if row["symbol"].lower() == CASH else row["symbol"]
        if not symbol:
            raise DataError(f"{at}: has no symbol")
        if symbol in positions:
            raise DataError(f"{at}: {symbol} is there twice")
        positions[symbol] = number(row["quantity"], f"{at}: the quantity of {symbol}")
        if row.get("price"):
            prices[symbol] = _price(row["price"], f"{at}: the price of {symbol}")
    if CASH not in positions:
        raise DataError(f"{where}: has no row whose symbol is {CASH!r}, and whose quantity is how much of it there is")
    return Account(positions.pop(CASH), _some(positions), prices)


def _price(value: Any, what: str) -> Decimal:
    found = number(value, what)
    if found < 0:
        raise DataError(f"{what} must be 0 or more; it was {found}")
    return found


def _some(positions: dict[str, Decimal]) -> dict[str, Decimal]:
    return {symbol: units for symbol, units in positions.items() if units}
