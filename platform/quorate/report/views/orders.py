"""Orders for an account, and a broker's fills booked on it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report import console

MIDDLE, WIDE = 60, 84  # of a terminal, from which on a column has room


def render(found: Mapping[str, Any]) -> None:
    """Print orders; `found` is an `Orders` as plain data."""
    target, account, rules = console.out(), found["account"], found["rules"]
    currency = f" {account['currency']}" if account["currency"] else ""
    target.print(
        f"decided at {found['decided']}: the account is worth {account['equity']:,.2f}{currency}, "
        f"{account['cash']:,.2f} of it cash; {account['gross']:.1%} is invested"
    )
    if not rules["due"]:
        target.print(f"no {rules['on']} rebalance at this bar: positions are only ended")
    if found["orders"]:
        target.print(console.listing(columns(), [found["orders"]], target.width))
        target.print(
            f"{plural(len(found['orders']), 'order')}, {found['orders'][0]['type']}; at these prices, costs included, "
            f"they leave {account['cash_after']:,.2f}{currency} of cash"
        )
    else:
        target.print("no orders")
    for one in found["left"]:
        target.print(f"left alone: {one['quantity']:.12g} of {one['symbol']}: {one['why']}")
    warn(found["warnings"])


def warn(lines: Sequence[str]) -> None:
    """Print what is to be known beside, where it is no part of a result."""
    for line in lines:
        console.err().print(f"note: {line}", markup=False)


def columns() -> list[console.Column]:
    """Return the columns of a list of orders."""
    return [
        ("symbol", "name", 0, lambda one: one["symbol"]),
        ("side", "name", 0, lambda one: one["side"]),
        ("quantity", "right", 0, lambda one: f"{one['quantity']:,.12g}"),
        ("price", "right", MIDDLE, lambda one: console.figure(one["reference_price"], ",.6g")),
        ("value", "right", WIDE, lambda one: console.figure(one["value"], ",.2f")),
        ("reason", "name", 0, lambda one: one["reason"]),
        ("now", "right", WIDE, lambda one: console.figure(one["weight_now"], "+.2%")),
        ("wanted", "right", MIDDLE, lambda one: console.figure(one["weight_wanted"], "+.2%")),
    ]


def as_csv(orders: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return orders as a CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for one in orders:
        writer.writerow({**one, "quantity": format(one["quantity"], ".15g")})
    return text.getvalue()


def render_booked(found: Mapping[str, Any]) -> None:
    """Print an account after fills; `found` is a `Booked` as plain data."""
    target, account = console.out(), found["account"]
    target.print(f"{plural(found['entries'], 'line')} booked, {found['fees']:,.2f} of fees")
    rows = [["cash", f"{account['cash']:,.2f}"]]
    for symbol, one in account["positions"].items():
        rows.append([symbol, f"{one['quantity'] if isinstance(one, dict) else one:,.12g}"])
    target.print(console.table([("account", "name"), ("", "right")], [rows]))
    if found["differences"]:
        heads = [("symbol", "name"), ("ordered", "right"), ("filled", "right"), ("reference", "right")]
        heads += [("paid", "right"), ("cost", "right")]
        cells = [
            [one["symbol"], f"{one['ordered']:+,.12g}", f"{one['filled']:+,.12g}"]
            + [console.figure(one[name], ",.6g") for name in ("reference_price", "price")]
            + [console.figure(one["cost"], ",.2f")]
            for one in found["differences"]
        ]
        target.print(console.table(heads, [cells]))
    for line in found["notes"]:
        target.print(line, markup=False)
