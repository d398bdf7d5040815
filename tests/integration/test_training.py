"""How models were trained, from the fit to the report: the same in tables, sections, pictures, files and SQL."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.report import console
from quorate.report.browser.listing import Listing
from quorate.report.html import page
from quorate.report.report import Report
from quorate.report.sections import of_run, sections_of
from quorate.report.sections.model import Facts, Lines, Table, Text
from quorate.report.sections.training import curves_of
from quorate.report.sql_columns import EXAMPLES
from quorate.report.terminal import show
from support import homes
from support.command import call
from support.window import walk

GRU = {"hidden": 4, "lookback": 5, "epochs": 4, "learning_rate": 0.01, "patience": 2}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def recipe(place):
    models = {"gru": GRU, "mlp": {"epochs": 2}, "ridge": {}}
    labels = {"name": "return"}
    return {**homes.recipe("tiny"), "name": "nets", "models": models, "labels": labels, "artefacts": str(place / "out")}


@pytest.fixture(scope="module")
def report(place, recipe):
    return quorate.run(recipe, home=place / "home")


@pytest.fixture(scope="module")
def told(report):
    return {one["model"]: one for one in report.telemetry["training"]}


def kept(report, model):
    rows = report.training
    return rows[(rows["model"] == model) & rows["best"]]


def test_every_fit_has_its_epochs_and_steps(report):
    rows, fits = report.training, report.fits
    assert set(rows["model"]) == {"gru", "mlp"}
    for (model, fold), epochs in rows.groupby(["model", "fold"]):
        assert list(epochs["epoch"]) == list(range(1, len(epochs) + 1))
        assert epochs["best"].sum() == 1
        steps = report.batches[(report.batches["model"] == model) & (report.batches["fold"] == fold)]
        for epoch, some in steps.groupby("epoch"):
            assert list(some["batch"]) == list(range(1, len(some) + 1))
            assert some["loss"].mean() == pytest.approx(epochs.set_index("epoch")["train_loss"][epoch], rel=1e-5)
        if model == "gru":  # what is kept is what was best, counted from 1
            assert epochs.loc[epochs["val_loss"].idxmin(), "epoch"] == epochs.loc[epochs["best"], "epoch"].item()
    assert set(zip(rows["model"], rows["fold"], strict=True)) == {
        (model, fold) for model in ("gru", "mlp") for fold in fits["fold"].unique()
    }
    assert (fits["peak_memory_mib"].dropna() > 20).all()


def test_what_sums_it_up_is_worked_out_again_from_the_tables(report, told):
    gru, best, rows = told["gru"], kept(report, "gru"), report.training.query("model == 'gru'")
    lengths = rows.groupby("fold").size()
    assert gru["fits"] == len(best) == report.fits["fold"].nunique()
    assert gru["epochs"] == {"median": lengths.median(), "least": lengths.min(), "most": lengths.max()}
    assert gru["best_epoch"]["median"] == best["epoch"].median()
    assert gru["train_loss"] == pytest.approx(best["train_loss"].median())
    assert gru["gap"] == pytest.approx((best["val_loss"] - best["train_loss"]).median())
    assert gru["seconds"] == pytest.approx(rows["seconds"].sum())
    steps = len(report.batches.query("model == 'gru'"))
    assert gru["steps_per_second"] == pytest.approx(steps / rows["seconds"].sum())
    assert gru["milliseconds_per_step"] == pytest.approx(1000 / gru["steps_per_second"])
    assert (gru["failed"], gru["not_finite"]) == (0, 0)
    assert told["mlp"]["val_loss"] is None
    skill = report.skill.set_index("model")
    metrics = report.metrics.set_index("name").loc["gru"]
    assert (gru["dm"], gru["verdict"]) == (pytest.approx(skill["dm"]["gru"]), skill["verdict"]["gru"])
    for name in ("pct-mae", "price-mae", "price-rmse"):
        assert gru[name.replace("-", "_")] == pytest.approx(metrics[name])
    assert gru["pct_rmse"] >= gru["pct_mae"]
    assert gru["pct_mape"] > 0
    assert report.typed.telemetry.training[0].epochs.most == gru["epochs"]["most"]


@pytest.mark.parametrize("width", [80, 60])
def test_the_section_says_it_within_any_width(report, told, width):
    [section] = sections_of(report, ("training",))
    losses, cost = (block for block in section.blocks if isinstance(block, Table))
    assert [row[0].text for row in losses.groups[0]] == [row[0].text for row in cost.groups[0]] == ["gru", "mlp"]
    assert losses.groups[0][0][-1].value == told["gru"]["gap"]
    [ends] = (block for block in section.blocks if isinstance(block, Facts))
    assert all(reason in dict(ends.rows)["gru"] for reason in told["gru"]["stopped"])
    out = io.StringIO()
    show(section, console.Console(file=out, width=width, legacy_windows=False))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("epoch 1" in line and line.rstrip().endswith(("2", "3", "4")) for line in lines)


def test_the_page_has_learning_curves_with_their_range_and_the_best_epoch(report, told):
    [section] = sections_of(report, ("training",))
    gru = next(block for block in section.blocks if isinstance(block, Lines))
    medians = report.training.query("model == 'gru'").groupby("epoch")["val_loss"].median()
    assert gru.values["validation"] == pytest.approx(list(medians))
    assert gru.mark == round(told["gru"]["best_epoch"]["median"])
    text = page("t", [section])
    assert text.count('class="mark"') == 2
    assert f"best epoch {gru.mark}" in text
    assert text.count('class="area"') == 3  # both losses of one, and of the other that of training


def test_a_run_without_such_models_has_no_section_and_empty_tables(finished):
    report = quorate.load_report("latest", home=finished.path)
    assert "training" not in of_run(report)
    assert sections_of(report, ("training",)) == []
    assert list(report.training.columns)[:4] == ["part", "model", "fold", "epoch"]
    assert len(report.training) == len(report.batches) == 0


def test_of_fits_that_were_kept_it_is_told_as_it_was(report, recipe, place):
    again = quorate.run({**recipe, "artefacts": ""}, home=place / "home")
    assert again.fits["cached"].all()
    pd.testing.assert_frame_equal(again.training, report.training)
    pd.testing.assert_frame_equal(again.batches, report.batches)
    assert again.telemetry["training"] == report.telemetry["training"]
    assert again.digest == report.digest


def test_sql_and_files_say_the_same(report, told, place):
    answer = call(
        "sql", f"select count(*) n, max(epoch) last from training where run = '{report.run_id}' and model = 'gru'",
        "--json", "--home", place / "home",
    )  # fmt: skip
    [row] = json.loads(answer.stdout)
    assert row == {"n": len(report.training.query("model == 'gru'")), "last": told["gru"]["epochs"]["most"]}
    gaps = quorate.sql(EXAMPLES[next(what for what in EXAMPLES if "gap" in what)], home=place / "home")
    assert gaps.query("model == 'gru'")["gap"].iloc[0] == pytest.approx(told["gru"]["gap"])
    call("export", report.run_id, "--to", place / "tables", "--home", place / "home")
    assert {"training.parquet", "batches.parquet"} <= {path.name for path in (place / "tables").iterdir()}
    [own] = (place / "out").iterdir()
    assert (own / "learning_curves.png").stat().st_size > 1000
    assert json.loads((own / "evaluation.json").read_text())["training"] == report.telemetry["training"]
    timing = json.loads((own / "timing.json").read_text())["training"]
    for one in timing:
        rows = report.training[(report.training["model"] == one["model"]) & (report.training["fold"] == one["fold"])]
        assert one["epoch_times"] == pytest.approx(list(rows["seconds"]))
        assert (one["total_epochs"], one["warm_up_seconds"]) == (len(rows), pytest.approx(rows["seconds"].iloc[0]))
        assert one["best_epoch"] == rows.loc[rows["best"], "epoch"].item()


def test_the_holdout_has_a_section_of_its_own(report):
    later = [{**report.telemetry["training"][0], "failed": 1, "not_finite": 2}]
    results = {**report.results, "holdout": report.results["development"]}
    document = {
        **report.document,
        "results": results,
        "telemetry": {**report.telemetry, "holdout": {"training": later}},
    }
    before, after = sections_of(Report(document), ("training",))
    assert (before.part, after.part) == ("development", "holdout")
    assert not any(isinstance(block, Lines) for block in after.blocks)  # this report has no tables
    texts = [block.text for block in after.blocks if isinstance(block, Text)]
    assert texts[0] == "gru: the loss of 2 fits was no number in the end and 1 fit failed."


def test_a_median_is_of_the_fits_that_came_so_far():
    lines = curves_of("net", [[(3.0, 4.0), (2.0, 3.0)], [(1.0, 2.0)], [(2.0, np.nan)]], 1)
    assert list(lines.values["training"]) == [2.0, 2.0]
    assert list(lines.values["validation"]) == [3.0, 3.0]
    assert lines.ranges["training"] == ([1.0, 2.0], [3.0, 2.0])
    assert (lines.said(1), lines.after(1)) == ("epoch 2", 1.0)


def test_epochs_of_which_no_fit_tells_a_loss_are_not_drawn():
    """A booster tells that of every fifth round and the last."""
    fits = [[(loss, np.nan) for loss in losses] for losses in ([np.nan, 3.0, np.nan, 2.0], [np.nan, 5.0])]
    lines = curves_of("trees", fits, 3)
    assert list(lines.times) == [2, 4]
    assert lines.values == {"training": [4.0, 2.0]}
    assert lines.said(1) == "epoch 4"


def test_the_window_shows_the_section_as_the_report_does(report, place):
    async def steps(window):
        side = window.app.screen.query_one("#side", Listing)
        assert side.go("training")
        await window.settle()
        assert window.crumbs[-1] == "training"
        assert "ended: " in window.text()
        assert "validation loss" in window.text()

    walk(place / "home", steps, size=(140, 45), run=report.run_id)
