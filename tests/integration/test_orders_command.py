"""From a run to orders, at the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.store import Home


def call(home: Home, *args: str, code: int = 0) -> str:
    found = CliRunner().invoke(app, ["orders", *args, "--home", str(home.path)], env={"COLUMNS": "110"})
    assert found.exit_code == code, found.output
    return found.stdout if code == 0 else found.stderr


@pytest.fixture
def predicted(finished: Home, tmp_path: Path) -> str:
    ahead = quorate.predict(home=finished.path)
    assert ahead.market is not None
    [symbol] = [one["symbol"] for one in ahead.market["symbols"]]
    told = CliRunner().invoke(app, ["predict", "--json", "--home", str(finished.path)]).stdout
    assert json.loads(told)["market"] == ahead.market
    assert ahead.market["symbols"][0]["weight"] == ahead.targets[0]["weight"]
    table = json.loads(told)
    table["market"]["symbols"][0]["weight"] = 0.5
    (tmp_path / "prediction.json").write_text(json.dumps(table))
    return str(symbol)


def test_orders_are_written_booked_and_compared(finished: Home, tmp_path: Path, predicted: str) -> None:
    prediction, orders, after = (str(tmp_path / name) for name in ("prediction.json", "orders.csv", "after.json"))
    given = ("--prediction", prediction, "--capital", "100000", "--lots", "10")
    call(finished, *given, "--csv", orders)
    [row] = csv.DictReader(Path(orders).read_text().splitlines())
    assert (row["symbol"], row["side"], row["type"], row["reason"]) == (predicted, "buy", "market-on-open", "entry")
    assert float(row["quantity"]) % 10 == 0
    document = json.loads(call(finished, *given, "--json"))
    assert document["orders"][0]["quantity"] == float(row["quantity"])
    assert call(finished, *given, "--csv", "-") == Path(orders).read_text()
    assert predicted in call(finished, *given)
    fills = tmp_path / "fills.csv"
    fills.write_text(f"symbol,side,quantity,price\n{predicted},buy,{row['quantity']},{row['reference_price']}\n")
    account = tmp_path / "account.json"
    account.write_text('{"cash": 100000}')
    told = call(finished, "--book", str(fills), "--account", str(account), "--ordered", orders, "--out", after)
    assert "1 line booked" in told
    assert json.loads(Path(after).read_text())["positions"] == {predicted: float(row["quantity"])}
    assert account.read_text() == '{"cash": 100000}'
    # What was bought is what was desired: nothing is left to be ordered.
    again = json.loads(call(finished, "--prediction", prediction, "--account", after, "--lots", "10", "--json"))
    assert again["orders"] == []


def test_a_run_is_asked_as_predict_asks_it(finished: Home) -> None:
    found = json.loads(call(finished, "latest", "--capital", "5000", "--json"))
    wanted = quorate.predict(home=finished.path).targets[0]["weight"]
    assert [one["weight_wanted"] for one in found["orders"]] == ([wanted] if wanted else [])


@pytest.mark.parametrize(
    "args, said",
    [
        ((), "say what the account holds: --account FILE, or --capital 100000"),
        (("--capital", "5", "--account", "a.json"), "say what the account holds"),
        (("--capital", "5", "--lots", "x"), "--lots must be a number above 0"),
        (("--capital", "5", "--lots", "1", "--lots", "A=1"), "it was both"),
        (("--capital", "5", "--csv", "-", "--json"), "--csv and --json exclude each other"),
        (("some", "--capital", "5", "--version", "v"), "each say what is desired"),
        (("--capital", "5", "--prediction", "p.json", "--kept"), "a prediction is made already"),
        (("--book", "fills.csv"), "give --account FILE, too"),
        (("--capital", "5", "--out", "x.json"), "--out goes with --book"),
    ],
)
def test_mistakes_on_the_command_line_are_told(finished: Home, args: tuple[str, ...], said: str) -> None:
    assert said in call(finished, *args, code=2)
