"""`quorate init`, and `quorate run RECIPE --data`: from bars of one's own to a recipe that fits them."""

import json
import re
import shlex
import tomllib

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.plugins.documented import as_toml
from quorate.store.parquet import write_parquet
from quorate_data.simulated import simulated
from support.bar_files import walk
from support.command import call, message_of

QUICK = ("--set", "models.gradient-boosting=false", "--set", "models.lightgbm=false", "--set", "models.ridge={}")
QUICK += ("--set", 'features.use=["return_1", "return_5", "zscore_20"]')


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(days, name="mine.csv", n=None, seed=0, **more):
    """Write a walk over these stamps."""
    bars = walk(len(days) if n is None else n, seed=seed)
    bars.insert(0, "time", days)
    bars.assign(**more).to_csv(name, index=False)
    return name


def weekdays(n, start="2018-01-02"):
    return pd.bdate_range(start, periods=n).strftime("%Y-%m-%d")


def fx(weeks):
    """Return hours from Sunday evening to Friday evening."""
    hours = pd.date_range("2019-01-06 22:00", periods=168 * weeks, freq="h", tz="UTC")
    return hours[(hours - hours[0]) % pd.Timedelta(days=7) < pd.Timedelta(days=5)].strftime("%Y-%m-%d %H:%M:%S+00:00")


def chosen(*arguments):
    result = call("init", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    with open(found["file"], encoding="utf-8") as file:
        text = file.read()
    return tomllib.loads(text), text, found


def test_a_recipe_that_init_writes_runs_is_judged_and_every_setting_says_why():
    simulated(n_bars=520, signal=0.4).to_frame().drop(columns="symbol").to_csv("My Bars.csv", index=False)
    table, text, found = chosen("My Bars.csv", *QUICK)
    assert table["name"] == "my-bars"
    assert "520 daily bars of My Bars, " in text.splitlines()[0]
    settings = [line for line in text.splitlines() if " = " in line and not line.startswith(("#", "path"))]
    assert [line for line in settings if "  # " not in line and len(line) <= 60] == []
    dry, run, promote = (shlex.split(line) for line in found["next"])
    folds = json.loads(call(*dry[1:], "--json").stdout)["folds"]
    said = re.search(r"(\d+) folds of (\d+) bars after (\d+)", text)
    assert (len(folds), folds[0]["test_bars"]) == (int(said[1]), int(said[2]))
    assert folds[-1]["test_last"] < str(table["holdout"]["start"])
    result = call(*run[1:], "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["provenance"]["data"]["bars"] == 520
    assert promote == ["quorate", "promote"]


@pytest.mark.parametrize(
    "calendar,days",
    [
        ("24x7", pd.date_range("2020-01-01", periods=700).strftime("%Y-%m-%d")),
        ("24x7", pd.date_range("2020-01-01", periods=1200, freq="h").strftime("%Y-%m-%d %H:%M:%S")),
        ("weekdays", weekdays(700)),
        ("weekdays", fx(12)),
        ("us-equity", quorate.get_calendar("us-equity").name),
    ],
)
def test_the_calendar_is_that_of_the_days_with_bars(calendar, days):
    if calendar == "us-equity":
        from quorate.bars.us_equity import holidays as us_holidays

        every = pd.bdate_range("2018-01-02", periods=700)
        days = every[~every.isin(us_holidays())].strftime("%Y-%m-%d")
    table, _, found = chosen(written(days))
    assert table["data"]["calendar"] == calendar
    assert found["doubts"] == []
    assert table["costs"]["fees"] == (0.001 if calendar == "24x7" else 0.0005)


def test_fewer_bars_have_shorter_features_and_too_few_are_refused_with_the_number_that_it_takes():
    table, text, found = chosen(written(weekdays(300)))
    assert "return_126" in table["features"]["exclude"]
    assert "too long for so few" in text
    assert table["threshold"]["min_bars"] == table["folds"]["test"]
    assert "252 judged bars, which the gate sample-size wants" in found["lacks"][0]
    result = call("run", "./mine.toml", "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["doubts"] == []
    message = message_of(call("init", written(weekdays(150), "few.csv")), 1)
    needed = int(re.search(r"it takes (\d+)", message)[1])
    assert f"give {needed - 150} more" in message
    assert chosen(written(weekdays(needed), "enough.csv"))


def test_bars_of_one_day_are_held_out_by_their_number():
    minutes = pd.date_range("2024-03-04 00:00", periods=600, freq="min", tz="UTC").strftime("%Y-%m-%d %H:%M:%S+00:00")
    table, _, _ = chosen(written(minutes))
    assert table["holdout"] == {"bars": 120}
    assert call("run", "./mine.toml", "--dry-run").exit_code == 0


def test_without_volume_and_with_opens_that_repeat_the_close_the_recipe_does_not_trade_on_them():
    bars = walk(700).drop(columns="volume")
    bars["open"] = bars["close"].shift(fill_value=bars["close"][0])
    bars["high"], bars["low"] = bars.max(axis=1), bars.min(axis=1)
    bars.assign(time=weekdays(700)).to_csv("mine.csv", index=False)
    table, text, _ = chosen("mine.csv")
    assert table["features"]["exclude"][0] == "group:volume"
    assert table["backtest"] == {"fill": "close"}
    assert "of opens repeat the close before" in text


def test_a_horizon_is_as_long_as_it_takes_to_move_by_more_than_trading_costs():
    bars = 100 + (walk(700) - 100) / 8  # a market that hardly moves in a day
    bars.assign(time=weekdays(700)).to_csv("mine.csv", index=False)
    table, text, _ = chosen("mine.csv")
    assert table["labels"]["horizon"] > 1
    known = bars["close"].iloc[: sum(str(day)[:10] < str(table["holdout"]["start"]) for day in weekdays(700))]
    moves = np.abs(known.pct_change(table["labels"]["horizon"])).median()  # what the holdout does decides nothing
    assert moves > 2 * 0.0014
    assert f"{moves:.2%}" in text
    (100 + (walk(700) - 100) / 200).assign(time=weekdays(700)).to_csv("still.csv", index=False)
    assert "moves that are worth their costs" in chosen("still.csv")[2]["lacks"][-1]


def test_options_are_asked_for_as_by_data_check_and_given_ones_are_written():
    bars = walk(400).assign(time=pd.bdate_range("2018-01-02", periods=400).strftime("%d/%m/%Y"))
    bars = bars.rename(columns={"close": "wertix"}).sample(frac=1.0, random_state=0)
    bars.to_csv("mine.csv", index=False)
    asked = message_of(call("init", "mine.csv"), 1)
    assert asked == message_of(call("data", "check", "mine.csv"), 1)
    assert "wertix" in asked
    table, text, _ = chosen("mine.csv", "--set", "columns.close=wertix", "--set", "seed=11", "--set", "folds.test=50")
    assert table["data"]["columns"] == {"close": "wertix"}
    assert table["data"]["sort"] is True
    assert (table["seed"], table["folds"]["test"]) == (11, 50)
    assert "test = 50  # as it was given" in text
    wrong = call("init", "mine.csv", "--set", "columns.close=wertix", "--set", "folds.tests=50", "--out", "other.toml")
    assert "has no option 'tests'" in message_of(wrong, 2)
    wrong = call("init", "mine.csv", "--set", "columns.close=wertix", "--set", "fold.test=50", "--out", "other.toml")
    assert "fold: unknown key" in message_of(wrong, 2)
    assert "did you mean 'folds'" in wrong.stderr
    assert "mine.toml is a recipe already" in message_of(call("init", "mine.toml"), 2)


def test_what_comes_from_the_environment_is_written_nowhere(monkeypatch, tmp_path):
    (tmp_path / "vault-8871").mkdir()
    monkeypatch.setenv(
        "BARS", str(tmp_path / "vault-8871" / written(weekdays(400), "vault-8871/own.csv").rpartition("/")[2])
    )
    table, text, found = chosen("${BARS}", "--set", "symbol=ABC")
    assert table["data"]["path"] == "${BARS}"
    assert "8871" not in text + json.dumps(found)
    assert "8871" not in call("init", "${BARS}").output
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_there_is_not_overwritten_unasked():
    path = written(weekdays(400))
    assert call("init", path).exit_code == 0
    with open("mine.toml", "a", encoding="utf-8") as file:
        file.write("# my own\n")
    assert "mine.toml is there already, and is left as it is" in message_of(call("init", path), 2)
    with open("mine.toml", encoding="utf-8") as file:
        assert "# my own" in file.read()
    assert call("init", path, "--overwrite").exit_code == 0
    with open("mine.toml", encoding="utf-8") as file:
        assert "# my own" not in file.read()
    assert "wrote  deep/other.toml" in call("init", path, "--out", "deep/other.toml").stdout


def test_a_folder_is_a_panel_and_parquet_is_read_as_such(tmp_path):
    (tmp_path / "bars").mkdir()
    for k, name in enumerate("ABC"):
        written(weekdays(420), f"bars/{name}.csv", seed=k)
    table, text, _ = chosen("bars")
    assert "420 daily bars of 3 symbols" in text
    assert table["data"]["path"] == "bars"
    assert "relative to the folder that quorate is run in" in text
    write_parquet(simulated(n_bars=400).to_frame(), tmp_path / "one.parquet")
    assert chosen("one.parquet")[0]["data"]["source"] == "parquet"


def test_a_recipe_is_run_on_bars_of_ones_own_and_reproduced():
    simulated(n_bars=520, signal=0.4).to_frame().drop(columns="symbol").to_csv("mine.csv", index=False)
    quick = [f"models.{name}=false" for name in ("mlp", "catboost", "xgboost", "lightgbm", "random-forest")]
    sets = [part for item in (*quick, "models.gradient-boosting=false") for part in ("--set", item)]
    result = call("run", "nasdaq", "--data", "mine.csv", *sets, "--set", "costs.fees=0.002", "--json")
    assert result.exit_code == 0, result.stderr
    told = " ".join(result.stderr.split())
    assert "520 daily bars of mine" in told
    assert "quorate init mine.csv writes them, with reasons, to mine.toml" in told
    recipe = json.loads(result.stdout)["provenance"]["recipe"]
    assert recipe["data"]["path"] == "mine.csv"
    assert recipe["costs"]["fees"] == 0.002
    call("init", "mine.csv")
    with open("mine.toml", "rb") as file:
        table = tomllib.load(file)
    assert recipe["holdout"]["start"] == str(table["holdout"]["start"])
    assert {**recipe["folds"], **table["folds"]} == recipe["folds"]
    assert call("reproduce").exit_code == 0


@pytest.mark.parametrize(
    "value", ['a"b\\c\n\x7f', True, 3, 0.1, 1e-7, pd.Timestamp("2020-01-02").date(), ["a", 1], {"a b": {"c": []}}]
)
def test_what_is_written_is_read_as_it_was(value):
    assert tomllib.loads(f"value = {as_toml(value)}") == {"value": value}
