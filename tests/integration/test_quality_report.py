"""The quality report of bars: `quorate data check`, a run whose recipe has checks, and what a store sets apart."""

import json
import os

import pandas as pd
import pytest

import quorate
from quorate.recipe.load import validate
from quorate.recipe.resolve import to_plain
from quorate_data.simulated import simulated
from support.command import call, message_of

PRICES = ["open", "high", "low", "close"]
AT = 300


def written(folder, symbols=2, edit=None):
    """Files of bars, of which the last has a spike, and what `edit` does."""
    folder.mkdir(exist_ok=True)
    frame = simulated(n_bars=520, n_symbols=symbols, signal=0.4).to_frame()
    frame["time"] = frame["time"].dt.strftime("%Y-%m-%d")
    symbol = str(frame["symbol"].max())
    last = frame[frame["symbol"] == symbol].drop(columns="symbol").reset_index(drop=True)
    last.loc[AT, PRICES] *= 1.5
    if edit:
        edit(last)
    for name, one in frame.groupby("symbol"):
        (last if name == symbol else one.drop(columns="symbol")).to_csv(folder / f"{name}.csv", index=False)
    return folder, symbol, last["time"][AT]


def crossed(frame):
    frame.loc[100, "high"] = frame["low"][100] / 2
    frame.loc[200, "close"] = -1.0


def test_each_symbol_has_a_line_of_its_own_on_narrow_screens_too(tmp_path, monkeypatch):
    folder, symbol, day = written(tmp_path / "bars")
    found = json.loads(call("data", "check", folder, "--json").stdout)
    assert [row["symbol"] for row in found["quality"]["symbols"]] == [symbol]
    [finding] = found["quality"]["findings"]
    assert (finding["rule"], finding["symbol"], finding["first"], finding["bars"]) == ("spikes", symbol, day, 1)
    for width in ("46", "200"):
        monkeypatch.setenv("COLUMNS", width)
        shown = call("data", "check", folder)
        assert shown.exit_code == 1
        assert any(line.split()[:3] == [symbol, "spikes", "1"] for line in shown.stdout.splitlines())
        assert max(map(len, shown.stdout.splitlines())) <= int(width)


def test_rows_that_no_run_takes_are_found_beside_all_else_and_the_error_stays(tmp_path):
    folder, _, _ = written(tmp_path / "bars", edit=crossed)
    result = call("data", "check", folder, "--json")
    assert (result.exit_code, result.stderr.startswith("error: ")) == (1, True)
    assert 'data.invalid = "drop"' in result.stderr
    rules = json.loads(result.stdout)["quality"]["symbols"][0]["rules"]
    assert rules == {"bad-prices": 1, "ohlc-order": 1, "spikes": 1}
    shown = call("data", "check", folder, "--quarantine").stdout
    assert "1 bar refused by bad-prices: " in shown
    assert "close of -1" in shown


def test_a_run_sets_bars_apart_keeps_them_and_computes_the_same_again(tmp_path, tiny):
    folder, symbol, day = written(tmp_path / "bars", 1, crossed)
    checks = {"*": "warn", "bad-prices": "quarantine", "ohlc-order": "quarantine", "outliers": "quarantine"}
    recipe = {**tiny, "data": {"source": "csv", "path": str(folder), "checks": checks}}
    report = quorate.run(recipe)
    told = report.provenance["data"]
    assert told["bars"] == 517
    assert told["quality"]["set_apart"] == 3
    assert told["quality"]["rules"]["outliers"]["then"] == "quarantine"
    warned = report.results["development"]["warnings"]
    assert any(line.startswith(f"1 bar set apart by outliers: {symbol} moves +") for line in warned)
    shown = call("data", "check", "--run", "latest", "--quarantine", "--json")
    rows = json.loads(shown.stdout)["quarantine"]
    assert {(row["rule"], row["symbol"]) for row in rows} == {(name, symbol) for name in list(checks)[1:]}
    assert day in {row["session"] for row in rows}
    # SQL has the same: each bar, and each rule with the share of the symbol's bars.
    apart = quorate.sql("from quarantine order by time")
    assert sorted(apart["session"].astype(str).str[:10]) == sorted(row["session"] for row in rows)
    found = quorate.sql("from findings")
    kept = found[found["action"] == "quarantine"].set_index("rule")
    assert kept["bars"].to_dict() == dict.fromkeys([*checks][1:], 1)
    assert kept["share"].to_dict() == dict.fromkeys([*checks][1:], 1 / 520)
    assert set(found["run"]) == {report.run_id}
    assert kept.loc["outliers", "first"] == kept.loc["outliers", "worst_at"] == day
    assert "--set changes nothing of it" in message_of(call("data", "check", "--run", "latest", "--set", "a=1"), 2)
    assert quorate.reproduce().identical
    assert quorate.predict().warnings is not None
    (folder / f"{symbol}.csv").unlink()
    assert len(json.loads(call("data", "check", "--run", "latest", "--quarantine", "--json").stdout)["quarantine"]) == 3


def test_a_rule_refuses_and_what_it_cannot_do_is_said(tmp_path, tiny):
    folder, symbol, _ = written(tmp_path / "bars", 1)
    data = {"source": "csv", "path": str(folder)}
    with pytest.raises(quorate.DataError, match=rf"data\.checks refuses such bars.*\n  {symbol} closes at"):
        quorate.run({**tiny, "data": {**data, "checks": {"spikes": "refuse"}}})
    for checks, told in (
        ({"spike": "warn"}, "did you mean 'spikes'"),
        ({"spikes": "quarantine"}, "spikes cannot set bars apart"),
        ({"ohlc-order": "off"}, "which no bars can hold"),
        ({"stale": "wan"}, "did you mean 'warn'"),
        ({"duplicates": {"limit": 3.0}}, "has no limit to choose"),
        ({"*": {"limit": 3.0}}, "takes then alone"),
    ):
        with pytest.raises(quorate.RecipeError, match=told):
            validate({**tiny, "data": {**data, "checks": checks}}, "given")


def test_a_recipe_without_checks_is_what_it_was(tiny):
    assert "checks" not in to_plain(validate(tiny, "given"))["data"]
    assert "quality" not in quorate.run(tiny).provenance["data"]
    asked = quorate.run({**tiny, "data": {**tiny["data"], "checks": {"*": "quarantine"}}}).provenance["data"]["quality"]
    assert (asked["rules"], asked["set_apart"]) == ({}, 0)
    shown = call("data", "check", "--run", "latest", "--quarantine")
    assert (shown.exit_code, "nothing to ask" in shown.stdout) == (0, True)


def test_a_recipe_says_what_is_asked_of_its_bars(tmp_path):
    folder, _, _ = written(tmp_path / "bars", 1)
    recipe = tmp_path / "mine.toml"
    recipe.write_text(f'extends = "nasdaq"\nname = "mine"\n[data]\nsource = "csv"\npath = "{folder}"\n')
    assert "spikes" in call("data", "check", recipe).stdout
    quiet = call("data", "check", recipe, "--set", "checks.spikes=off", "--set", "checks.outliers.limit=1000")
    assert (quiet.exit_code, "nothing to ask" in quiet.stdout) == (0, True)


def test_what_lies_outside_the_span_of_a_recipe_is_not_told(tmp_path):
    folder, _, day = written(tmp_path / "bars", 1, crossed)
    apart = [part for name in ("bad-prices", "ohlc-order") for part in ("--set", f"checks.{name}=quarantine")]
    shown = call("data", "check", folder, *apart, "--set", f"since={day}", "--quarantine", "--json")
    assert json.loads(shown.stdout)["quarantine"] == []


def test_a_store_keeps_what_is_set_apart_and_tells_what_was_rewritten(tmp_path, monkeypatch):
    folder, symbol, _ = written(tmp_path / "bars", 2, crossed)
    apart = ["--set", "checks.bad-prices=quarantine", "--set", "checks.ohlc-order=quarantine"]
    assert call("data", "add", folder, "--to", "us", *apart).exit_code == 0
    path = folder / f"{symbol}.csv"
    frame = pd.read_csv(path)
    frame.loc[[400, 401], "close"] *= 1.01
    frame["high"] = frame[["high", "close"]].max(axis=1).where(frame.index != 100, frame["high"])
    frame.to_csv(path, index=False)
    assert call("data", "update", "us").exit_code == 0
    found = json.loads(call("data", "check", "us", "--quarantine", "--json").stdout)
    assert sorted(row["rule"] for row in found["quarantine"]) == ["bad-prices", "ohlc-order"]
    imports = quorate.sql("from imports order by import, symbol")
    assert imports.groupby("collection")["new"].sum().to_dict() == {"us": 1038}
    assert imports["rewritten"].sum() == 2
    [wrong] = imports[imports["set_apart"] > 0].to_dict("records")[:1]
    assert (wrong["symbol"], wrong["set_apart"], [*wrong["rules"]]) == (symbol, 2, ["bad-prices", "ohlc-order"])
    [drift] = [one for one in found["quality"]["findings"] if one["rule"] == "rewritten"]
    assert (drift["symbol"], drift["bars"], drift["first"]) == (symbol, 2, frame["time"][400])
    assert drift["worst"] == pytest.approx(0.01)
    monkeypatch.setattr(os, "access", lambda *_: False)
    told = message_of(call("data", "add", folder, "--to", "us"), 1)
    assert "--store FOLDER or QUORATE_STORE, or a home with --home FOLDER" in told


def test_a_symbol_called_after_a_month_is_told_with_what_names_it(tmp_path):
    folder, symbol, _ = written(tmp_path / "bars", 1)
    dated = folder / "BTC-2024-03.csv"
    (folder / f"{symbol}.csv").rename(dated)
    assert 'symbol = "BTC" calls it so' in call("data", "check", dated, "--json").stdout.replace("\\", "")
    told = call("data", "add", dated, "--to", "btc", "--json").stdout
    assert "--set symbol=BTC" in told
    assert 'symbol = "BTC"' not in call("data", "check", dated, "--set", "symbol=BTC", "--json").stdout
