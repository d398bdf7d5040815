"""What a run would do, told before it does it; and what would mend what looks wrong."""

from __future__ import annotations

import json
import re
from math import comb
from types import SimpleNamespace

import pytest

import quorate
from quorate.execution.choose import FEW, MANY, Unstarted, make_executor, suited
from quorate.execution.executor import Remote
from quorate.report import console
from quorate.report import progress as displays
from quorate.report.views.plan import fits_text, folds_text, line, render, time_text
from quorate.runs.loaded import load_report
from support import homes

TINY = homes.recipe("tiny")
SETTING = re.compile(r"--set (\S+)")


def told(recipe, *overrides, tmp_path):
    """Return the plan of a recipe with such settings as its doubts name."""
    import tomli_w

    path = tmp_path / "told.toml"
    path.write_text(tomli_w.dumps(recipe))
    return quorate.plan(path, overrides=overrides)


def test_the_folds_and_fits_are_those_of_the_run_and_nothing_is_stored(finished):
    report = load_report(home=finished.path)
    before = sorted(p for p in (finished.path / "runs").rglob("*"))
    found = quorate.plan(homes.recipe("tiny"), home=finished.path)
    facts = ("fold", "train_first", "train_last", "train_rows", "label_end", "test_first", "test_last", "test_rows")
    for mine, its in zip(found.folds, report.results["development"]["folds"], strict=True):
        assert {name: mine[name] for name in facts} == {name: its[name] for name in facts}
    assert sum(found.fits.values()) == found.cached == report.telemetry["fits"]
    assert (found.seconds, found.guessed, found.doubts) == (0.0, False, [])
    assert found.data["fingerprint"] == report.provenance["data"]["fingerprint"]
    assert found.holdout == {"start": report.provenance["holdout"]["start"], "bars": 100}
    assert sorted(p for p in (finished.path / "runs").rglob("*")) == before


def test_in_a_home_that_is_not_there_nothing_is_made(tmp_path):
    found = quorate.plan(TINY, home=tmp_path / "none")
    assert (found.cached, found.guessed, found.executor, found.workers) == (0, True, "serial", 1)
    assert not (tmp_path / "none").exists()
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


def test_how_long_fits_took_here_before_is_what_they_are_thought_to_take(finished):
    found = quorate.plan({**homes.recipe("tiny"), "seed": 8}, home=finished.path)
    assert found.guessed is False
    assert 0 < found.seconds < 60


def test_the_splits_of_a_gate_are_counted_as_fits():
    plain = quorate.plan(TINY)
    table = {**homes.recipe("tiny"), "gates": {"cpcv": {"groups": 6, "tests": 2}}}
    asked = quorate.plan(table)
    voting = {name for name in plain.fits if name in TINY["models"]}
    assert {name: asked.fits[name] - plain.fits[name] for name in plain.fits} == {
        name: comb(6, 2) if name in voting else 0 for name in plain.fits
    }


@pytest.mark.parametrize(
    "changes, doubt",
    [
        ({"folds": {"initial": 400, "test": 250}}, "there is one fold, of 20 bars"),
        ({"folds": {"splitter": "rolling", "train": 410, "test": 250}}, "there is one fold, of 10 bars"),
        (
            {"data": {**TINY["data"], "n_bars": 700}, "folds": {"splitter": "auto", "folds": 1}},
            "there is one fold, of 120 bars",
        ),
        ({"folds": {"initial": 250, "test": 168}}, "the last fold has 2 bars, the others 168"),
        ({"folds": {"initial": 250, "test": 84}}, "the last fold has 2 bars, the others 84"),
    ],
    ids=["one", "one-rolling", "one-asked-for", "one-and-a-stub", "two-and-a-stub"],
)
def test_what_looks_wrong_comes_with_settings_that_mend_it(changes, doubt, tmp_path):
    recipe = {**homes.recipe("tiny"), **changes}
    [said] = quorate.plan(recipe).doubts
    assert said.startswith(doubt)
    settings = SETTING.findall(said)
    mended = told(recipe, *settings, tmp_path=tmp_path)
    assert mended.doubts == []
    assert len(mended.folds) == (2 if doubt.endswith("84") else 5)


def test_folds_of_calendar_periods_are_mended_by_equal_ones(tmp_path):
    recipe = {**homes.recipe("tiny"), "folds": {"splitter": "calendar", "initial": "1Y", "train": "1Y", "test": "1Y"}}
    recipe["data"]["n_bars"] = 600
    [said] = quorate.plan(recipe).doubts
    assert "--set folds.splitter=auto" in said
    assert len(told(recipe, "folds.splitter=auto", tmp_path=tmp_path).folds) == 5


def test_too_few_bars_for_the_first_fold_are_told_with_settings_that_mend_it(tmp_path):
    recipe = {**homes.recipe("tiny"), "folds": {"initial": 1000, "test": 250}}
    with pytest.raises(quorate.DataError, match=r"first fold trains on 1000 bars.*for 5 folds of 42 bars") as error:
        quorate.plan(recipe)
    assert len(told(recipe, *SETTING.findall(str(error.value)), tmp_path=tmp_path).folds) == 5


def test_a_holdout_before_the_bars_is_told_with_its_date_and_theirs(tmp_path):
    recipe = {**homes.recipe("tiny"), "holdout": {"start": "1999-01-01"}}
    with pytest.raises(
        quorate.DataError, match=r"holdout.start is 1999-01-01, and the bars are \d{4}.*extends"
    ) as error:
        quorate.plan(recipe)
    assert told(recipe, *SETTING.findall(str(error.value)), tmp_path=tmp_path).holdout["bars"] == 104


def test_a_holdout_after_the_bars_is_a_warning_and_told_with_a_setting_that_mends_it(tmp_path):
    recipe = {**homes.recipe("tiny"), "holdout": {"start": "2099-01-01"}}
    found = quorate.plan(recipe)
    assert found.holdout == {"start": None, "bars": 0}
    assert any("there is no holdout" in warning for warning in found.warnings)
    [said] = found.doubts
    assert said.startswith("holdout.start is 2099-01-01, after the last bar, ")
    assert told(recipe, *SETTING.findall(said), tmp_path=tmp_path).holdout["bars"] == 104


def test_a_default_threshold_that_serves_a_while_only_is_told(tmp_path):
    recipe = {**homes.recipe("tiny"), "threshold": {"min_bars": 60, "default": 0.05}}
    [said] = quorate.plan(recipe).doubts
    assert said.startswith("threshold.default = 0.05 serves only until 60 bars are predicted")
    assert told(recipe, *SETTING.findall(said), tmp_path=tmp_path).doubts == []
    [said] = quorate.plan({**recipe, "threshold": {"min_bars": 121, "default": 0.05}}).doubts
    assert said.startswith("before the last fold 120 bars are predicted, and a threshold is chosen from 121 on")
    assert quorate.plan({**recipe, "threshold": {"min_bars": 121, "grid": [0.05]}}).doubts == []


@pytest.mark.parametrize(
    "slots, seconds, gpus, found",
    [
        (4, FEW - 0.1, False, ("serial", 1)),
        (4, FEW, False, ("processes", 4)),
        (4, MANY + 1, False, ("ray", 4)),
        (1, MANY + 1, False, ("serial", 1)),
        (1, 0.0, True, ("ray", 1)),
    ],
)
def test_what_fits_run_on_follows_from_how_long_they_take(slots, seconds, gpus, found):
    assert suited(slots, seconds, gpus) == found
    assert Unstarted("auto", slots).expected(seconds, gpus) == found
    assert Unstarted("processes", slots).expected(seconds, gpus) == ("processes", slots)


def test_what_is_not_started_tells_where_fits_would_run_and_runs_none():
    there = make_executor("auto", 0, Remote("10.0.0.5:6379"), start=False)
    assert there.expected(1.0) == ("ray", 0)
    with pytest.raises(quorate.QuorateError, match="only tells"):
        there.run(*[SimpleNamespace()] * 4)
    with pytest.raises(quorate.RecipeError, match="leave one out"):
        make_executor("serial", 0, Remote("10.0.0.5:6379"), start=False)


def folds(*lengths):
    return [
        {"fold": i, "train_first": "2001-01-01", "train_last": "2001-12-31", "train_rows": 1, "test_rows": n,
         "test_first": f"{2002 + i}-01-01", "test_last": f"{2002 + i}-12-31", "test_bars": n}
        for i, n in enumerate(lengths)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lengths, text",
    [
        ((1,), "1 fold of 1 bar, 2002-01-01 to 2002-12-31"),
        ((248,), "1 fold of 248 bars, 2002-01-01 to 2002-12-31"),
        ((250, 250, 250), "3 folds of 250 bars, 2002-01-01 to 2004-12-31"),
        ((250, 250, 23), "3 folds of 250 bars, the last of 23, 2002-01-01 to 2004-12-31"),
        ((62, 64, 63), "3 folds of up to 64 bars, the last of 63, 2002-01-01 to 2004-12-31"),
    ],
)
def test_folds_are_counted_in_words(lengths, text):
    assert folds_text(folds(*lengths)) == text


def plan_with(**more):
    given = {
        "recipe": "mine", "holdout": {"start": "2020-01-01", "bars": 1}, "folds": folds(*[250] * 12, 9),
        "data": {"source": "csv", "symbols": ["A"], "bars": 1000, "frequency": "1d", "first": "2001-01-01",
                 "last": "2020-12-31", "bars_per_year": 252.0, "calendar": "us-equity"},
        "fits": {"ridge": 2}, "cached": 0, "seconds": 90.0, "guessed": False, "executor": "processes", "workers": 2,
        "warnings": ["odd"], "doubts": ["--set [folds].test=5"],
    }  # fmt: skip
    return {**given, **more}


@pytest.mark.parametrize(
    "more, fits, time",
    [
        ({}, "1 model, 2 fits", "about 1 min 30 s on processes (2 workers)"),
        ({"cached": 1}, "1 model, 2 fits, 1 of them kept from before", "about 1 min 30 s on processes (2 workers)"),
        ({"cached": 2}, "1 model, 2 fits, all of them kept from before", "nothing to fit"),
        ({"workers": 1, "seconds": 2.0}, "1 model, 2 fits", "some seconds one after the other"),
        ({"workers": 0, "executor": "ray"}, "1 model, 2 fits", "about 1 min 30 s of processor time on ray"),
    ],
    ids=["plain", "some-kept", "all-kept", "short", "elsewhere"],
)
def test_fits_and_time_are_told_in_words(more, fits, time):
    assert (fits_text(plan_with(**more)), time_text(plan_with(**more))) == (fits, time)
    assert time_text(plan_with(**more, guessed=True)).startswith(time)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_plan_keeps_to_the_width_of_the_terminal(width, capsys):
    target = console.Console(width=width, highlight=False)
    render(plan_with(), target)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "1 bar from 2020-01-01 on, not read" in out
    assert "warning odd" in out
    assert "--set [folds].test=5" in out
    assert len(re.findall(r"\d{4}-01-01\.\.\d{4}-12-31 +\d+ *$", out, re.MULTILINE)) == 10  # of thirteen


def test_a_run_tells_its_plan_and_what_looks_wrong(capsys):
    displays.PlainProgress().planned(plan_with())
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(line(plan_with()))
    assert second == "warning: --set [folds].test=5"
