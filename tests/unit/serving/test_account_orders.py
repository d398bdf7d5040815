"""Orders for an account that is read from a file, and fills that are booked on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quorate.errors import DataError, RecipeError
from quorate.report.views.orders import as_csv
from quorate.serving.account_file import Account, read_account
from quorate.serving.booking import book
from quorate.serving.orders import COLUMNS, Wished, make_orders, read_prediction
from quorate.testing.markets import market
from quorate.trading.backtest import fills
from quorate.trading.costs import Trading
from quorate.trading.order_rules import OrderRules, begins
from quorate.trading.reference_account import ReferenceAccount

PREDICTION: dict[str, Any] = {
    "run": "r",
    "verdict": "PASS",
    "decided": "2026-01-02T21:00:00Z",
    "fill": "close",
    "warnings": [],
    "market": {
        "symbols": [
            {"symbol": "AAA", "price": 10.0, "weight": 0.5, "cost": 0.001},
            {"symbol": "BBB", "price": 20.0, "weight": -0.25, "cost": 0.001},
            {"symbol": "CCC", "price": 5.0, "weight": 0.0, "cost": 0.001},
            {"symbol": "DDD", "price": 50.0, "weight": None, "cost": 0.001},
        ],
        "begins": ["weekly"],
        "rules": {"lots": 10.0, "band": None, "rebalance": "monthly"},
    },
}


def account(path: Path, text: str, name: str = "account.json") -> Account:
    (path / name).write_text(text)
    return read_account(path / name)


HELD = '{"cash": 600, "currency": "USD", "positions": {"CCC": 33, "DDD": 2, "XYZ": {"quantity": 5, "price": 47}}}'


def test_what_is_ordered_of_what_is_held_and_desired(tmp_path: Path) -> None:
    found = make_orders(PREDICTION, account(tmp_path, HELD), Wished(on="weekly", lots={"BBB": 0.1}))
    assert found.account["equity"] == 600 + 165 + 100 + 235
    assert [(one["symbol"], one["side"], one["quantity"], one["reason"]) for one in found.orders] == [
        ("BBB", "sell", 12.7, "entry"),  # of 13.7: with what is left alone all would be 1.05 of the account
        ("CCC", "sell", 33.0, "exit"),
        ("AAA", "buy", pytest.approx(55 * 765 / 824), "entry"),
    ]
    first = found.orders[0]
    assert (first["type"], first["reference_price"], first["value"]) == ("market-on-close", 20.0, 254.0)
    assert (first["weight_now"], first["weight_wanted"]) == (0.0, -0.25)
    assert [(one["symbol"], one["why"]) for one in found.left] == [
        ("DDD", "it has no bar at this time"),
        ("XYZ", "the ensemble does not know it"),
    ]
    assert found.account["cash_after"] == pytest.approx(
        600 - sum((1 if one["side"] == "buy" else -1) * one["value"] + 0.001 * one["value"] for one in found.orders)
    )
    assert any("backtest.lots, backtest.rebalance" in line for line in found.warnings)


def test_at_other_bars_what_is_not_desired_is_sold_and_nothing_else(tmp_path: Path) -> None:
    found = make_orders(PREDICTION, account(tmp_path, HELD))  # the recipe says monthly
    assert [(one["symbol"], one["reason"]) for one in found.orders] == [("CCC", "exit")]
    assert not found.rules["due"]


def test_others_are_closed_if_that_is_asked_for_also_without_a_price(tmp_path: Path) -> None:
    held = account(tmp_path, '{"cash": 600, "positions": {"XYZ": 5}}')
    found = make_orders(PREDICTION, held, Wished(close_others=True))
    [one] = found.orders
    assert (one["symbol"], one["side"], one["quantity"], one["reason"]) == ("XYZ", "sell", 5.0, "closed")
    assert (one["value"], one["reference_price"], one["weight_now"]) == (None, None, None)
    assert found.left == []
    assert "XYZ is held, and its price is not known" in found.warnings[0]
    assert ",closed,," in as_csv(found.orders, COLUMNS)


def test_what_cannot_be_ordered_is_refused(tmp_path: Path) -> None:
    short = account(tmp_path, '{"cash": 600, "positions": {"XYZ": -5}}')
    with pytest.raises(DataError, match="XYZ is held short, and the ensemble does not know its price"):
        make_orders(PREDICTION, short)
    with pytest.raises(DataError, match="the account is worth 0"):
        make_orders(PREDICTION, account(tmp_path, '{"cash": 0}'))
    with pytest.raises(RecipeError, match="no symbol 'AAB'; did you mean 'AAA'"):
        make_orders(PREDICTION, account(tmp_path, HELD), Wished(lots={"AAB": 1.0}))
    with pytest.raises(RecipeError, match="tells no prices, as of an earlier version"):
        make_orders({**PREDICTION, "market": None}, account(tmp_path, HELD))
    (tmp_path / "p.json").write_text('{"run": "r"}')
    with pytest.raises(DataError, match="must be what quorate predict --json prints; it has no 'verdict'"):
        read_prediction(tmp_path / "p.json")
    (tmp_path / "p.json").write_text(json.dumps(PREDICTION))
    assert read_prediction(tmp_path / "p.json") == PREDICTION


def test_an_account_of_a_table_is_that_of_a_document(tmp_path: Path) -> None:
    rows = "Symbol, Quantity, Price\ncash,600\nCCC,33,\nDDD,2,\nXYZ,5,47\n".replace("cash,600", "CASH,600,")
    one, other = account(tmp_path, HELD), account(tmp_path, rows, "account.csv")
    assert (one.cash, one.positions, one.prices) == (other.cash, other.positions, other.prices)


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"cash": NaN}', "NaN is no number"),
        ('{"cash": 1e999999}', "cash must be a finite number"),
        ('{"cash": "5"}', "cash must be a number; it was '5'"),
        ('{"cash": true}', "cash must be a number; it was True"),
        ('{"positions": {}}', "has no cash"),
        ('{"cash": 1, "position": {}}', "'position' is not known; did you mean 'positions'"),
        ('{"cash": 1, "positions": []}', "positions must be a table of symbols"),
        ('{"cash": 1, "positions": {"A": null}}', "positions.A must be a number; it was None"),
        ('{"cash": 1, "positions": {"A": {"qty": 1}}}', "positions.A: 'qty' is not known"),
        ('{"cash": 1, "positions": {"A": {"quantity": 1, "price": -1}}}', "positions.A.price must be 0 or more"),
        ('{"cash": 1, "positions": {"A": 1, "A": 2}}', "'A' is there twice"),
        ('{"cash": 1, "currency": 5}', "currency must be a text"),
        ('{"cash": ', "is no JSON"),
        ("[1]", "must be an object"),
    ],
)
def test_a_document_that_is_no_account_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as e:
        account(tmp_path, text)
    assert "account.json" in str(e.value)


@pytest.mark.parametrize(
    "text, said",
    [
        ("symbol,qty\ncash,5\n", "has no column 'quantity'"),
        ("symbol,quantity,prise\ncash,5,\n", "the column 'prise' is not known; did you mean 'price'"),
        ("symbol,quantity\nA,1\n", "has no row whose symbol is 'cash'"),
        ("symbol,quantity\ncash,5\nA,x\n", "line 3: the quantity of A must be a number; it was 'x'"),
        ("symbol,quantity\ncash,5\nA,\n", "line 3: the quantity of A must be a number"),
        ("symbol,quantity\ncash,5\nA,1\nA,2\n", "line 4: A is there twice"),
        ("symbol,quantity\ncash,5,6\n", "line 2: must have 2 cells"),
        ("symbol,quantity\ncash,inf\n", "must be a finite number"),
    ],
)
def test_a_table_that_is_no_account_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        account(tmp_path, text, "account.csv")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the account, .*none\.json: No such file"):
        read_account(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="it is no text"):
        read_account(tmp_path / "b.json")


# --- a broker's fills

FILLS = """symbol,side,quantity,price,fees,kind
AAA,buy,40,10.01,1,
CCC,sell,33,4.9,1,fill
NEW,buy,1,7,0,
CCC,buy,2,5,0,
CCC,,2,,,split
CCC,,,0.25,,dividend
,,,-0.5,,carry
"""


def test_fills_are_booked_and_held_against_what_was_ordered(tmp_path: Path) -> None:
    held = account(tmp_path, HELD)
    (tmp_path / "fills.csv").write_text(FILLS)
    found = make_orders(PREDICTION, held, Wished(on="weekly"))
    for name, text in (("o.csv", as_csv(found.orders, COLUMNS)), ("o.json", json.dumps(found.to_dict()))):
        (tmp_path / name).write_text(text)
        done = book(held, tmp_path / "fills.csv", tmp_path / name)
        cash = 600 - 400.4 - 1 + 33 * 4.9 - 1 - 7 - 10 + 1 - 0.5
        assert done.account == {
            "cash": pytest.approx(cash, abs=1e-9),
            "currency": "USD",
            "positions": {"DDD": 2.0, "XYZ": {"quantity": 5.0, "price": 47.0}, "AAA": 40.0, "NEW": 1.0, "CCC": 4.0},
        }
        assert done.fees == 2.0
        told = {one["symbol"]: one for one in done.differences}
        assert told["AAA"]["cost"] == pytest.approx(0.4)
        assert told["NEW"]["ordered"] == 0.0
        assert done.notes == [
            "BBB: ordered to sell 10; nothing was filled",
            "CCC: ordered to sell 33; sold 31",
            *(["AAA: ordered to buy 50; bought 40"]),
            "NEW: bought 1, which was not ordered",
        ]
    again = account(tmp_path, json.dumps(done.account), "after.json")
    assert again.to_dict() == done.account


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "symbol,side,quantity,price\nA,bay,1,1\n",
            "line 2: side must be buy or sell; it was 'bay'; did you mean",
        ),
        ("symbol,side,quantity,price\nA,buy,-1,1\n", "line 2: quantity must be above 0; it was -1"),
        ("symbol,side,quantity,price\nA,buy,1,\n", "line 2: price must be a number; it was ''"),
        ("symbol,side,quantity,price\nA,buy,1,nan\n", "price must be a finite number"),
        ("symbol,side,quantity,price,fee\nA,buy,1,1,1\n", "'fee' is not known; did you mean 'fees'"),
        ("symbol,side,quantity,price,kind\nA,buy,1,1,filled\n", "kind must be one of .*; did you mean 'fill'"),
        ("symbol,quantity,price,kind\nA,2,,split\n", "a split of A, which is not held then"),
        ("symbol,side,quantity,price\n,buy,1,1\n", "line 2: has no symbol"),
    ],
)
def test_fills_that_are_none_say_where_and_book_nothing(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "fills.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        book(account(tmp_path, HELD), tmp_path / "fills.csv")


def test_an_account_that_is_overdrawn_says_so(tmp_path: Path) -> None:
    (tmp_path / "fills.csv").write_text("symbol,side,quantity,price\nA,buy,100,10\n")
    assert book(account(tmp_path, HELD), tmp_path / "fills.csv").notes == ["the account is overdrawn by 400.00"]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("on", ["every", "weekly"])
def test_orders_for_the_account_of_a_backtest_are_those_that_it_fills_next(on: Any) -> None:
    bars = market(60, 3)
    rng = np.random.default_rng(4)
    targets = np.repeat(rng.uniform(-0.3, 0.3, (20, 3)) * (rng.random((20, 3)) < 0.7), 3, axis=0)
    rules = OrderRules.of(bars, 5.0, 0.02, on)
    trading = Trading(fees=0.0005, slippage=0.0002, capital=100_000.0, rules=rules)
    filled = fills(bars, targets, trading)
    kept, compared = ReferenceAccount.of(100_000), 0
    for t in range(59):
        for one in filled[filled["bar"] == t].to_dict("records"):
            kept.fill(bars.symbols[one["column"]], round(one["size"], 6), one["price"], one["fees"])
        told = [
            {"symbol": name, "price": bars.close[t, k], "weight": targets[t, k], "cost": 0.0007}
            for k, name in enumerate(bars.symbols)
        ]
        begun = [one for one in ("weekly", "monthly") if begins(bars, one)[t]]
        given = {"lots": 5.0, "band": 0.02, "rebalance": on}
        prediction = PREDICTION | {"market": {"symbols": told, "begins": begun, "rules": given}}
        held = Account(kept.cash, {name: one.quantity for name, one in kept.positions.items()})
        orders = {
            one["symbol"]: one["quantity"] * (1 if one["side"] == "buy" else -1)
            for one in make_orders(prediction, held).orders
        }
        then = filled[filled["bar"] == t + 1]
        sizes = dict(zip(np.array(bars.symbols)[then["column"]].tolist(), then["size"].round(6), strict=True))
        assert orders == sizes
        compared += len(sizes)
    assert compared > 15
