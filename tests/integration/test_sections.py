"""What the sections say of a run is what its tables say, worked out again."""

from __future__ import annotations

import dataclasses
import io
import re
from itertools import pairwise

import numpy as np
import pytest

import quorate
from quorate.report import console
from quorate.report.html import page
from quorate.report.report import Report
from quorate.report.sections import sections_of
from quorate.report.sections.model import Heat, Points, Spans, Table, Text
from quorate.report.terminal import show
from quorate.statistics import diebold_mariano


@pytest.fixture
def report(finished):
    return quorate.load_report("latest", home=finished.path)


def blocks(report, name, kind):
    [section] = sections_of(report, (name,))
    return [block for block in section.blocks if isinstance(block, kind)]


def test_members_are_told_in_sample_and_out_and_against_the_naive_forecast(report):
    table = blocks(report, "members", Table)[0]
    assert [column.heading for column in table.columns] == [
        "member", "in-sample", "out-of-sample", "decay", "one way", "dispersion", "DM", "p-value", "against naive",
    ]  # fmt: skip
    known = report.predictions.dropna(subset=["label", "naive"])
    horizon = report.provenance["recipe"]["labels"]["horizon"]
    assert table.groups[0]
    for row in table.groups[0]:
        name, inside, outside, decay = (cell.value if i else cell.text for i, cell in enumerate(row[:4]))
        label, forecast = known["label"], known[f"member/{name}"]
        every = report.predictions.dropna(subset=["label"])
        right = (every["label"] > 0.5) == (every[f"member/{name}"] > 0.5)
        assert outside == pytest.approx(right.mean(), abs=0.001)  # the last row of a fold may have no label
        assert 0.4 < inside <= 1
        assert decay == pytest.approx(outside - inside)
        found = diebold_mariano(
            (label - forecast).to_numpy(), (label - known["naive"]).to_numpy(), horizon, dependence="any"
        )
        upward = (every[f"member/{name}"] > 0.5).groupby(every["fold"]).mean()
        assert row[4].value == pytest.approx(
            np.average(np.maximum(upward, 1 - upward), weights=every["fold"].value_counts(sort=False).sort_index()),
            abs=0.001,
        )
        assert (row[6].value, row[7].value) == pytest.approx((found.statistic, found.p_value))
        side = "better" if found.statistic < 0 else "worse"
        assert row[8].text == (f"{side} than naive" if found.p_value < 0.05 else "no evidence")
    baselines = {s["name"] for s in report.results["development"]["series"] if s["role"] == "baseline"}
    assert {row[0].text for row in table.groups[1]} == baselines  # what a member that says nothing comes to


def test_folds_are_told_with_their_days_and_what_was_learnt_by_heart(report):
    [table], [strip] = blocks(report, "folds", Table), blocks(report, "folds", Spans)
    place = [column.heading for column in table.columns].index("in-sample")
    members = report.results["development"]["members"]["members"]
    assert set(members) < set(report.fits["model"])  # baselines learn nothing
    for row, (name, learnt, tested), fold in zip(table.groups[0], strip.rows, report.folds.itertuples(), strict=True):
        fits = report.fits[(report.fits["fold"] == fold.fold) & report.fits["model"].isin(members)]
        assert row[place].value == pytest.approx(fits["in_sample"].mean())
        assert row[place + 1].value == pytest.approx(fits["out_of_sample"].mean())
        assert name == row[0].text == str(fold.fold)
        days = fold.train_first, fold.train_last, fold.test_first, fold.test_last
        assert (*learnt, *tested) == tuple(day.date() for day in days)


@pytest.mark.parametrize("width", [20, 60, 200])
@pytest.mark.parametrize(("encoding", "marks"), [("utf-8", "─█"), ("ascii", "-#")])
def test_a_strip_fits_every_width_and_no_fold_is_without_its_test(report, width, encoding, marks):
    [section] = sections_of(report, ("folds",))
    strip = [block for block in section.blocks if isinstance(block, Spans)]
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(dataclasses.replace(section, blocks=strip), console.Console(file=file, width=width, color_system=None))
    file.seek(0)
    lines = file.read().splitlines()
    assert max(map(len, lines)) <= width
    rows = [line for line in lines if marks[1] in line and marks[0] * 2 + " " not in line]
    assert len(rows) == (0 if width == 20 else len(report.folds))
    for row, after in pairwise(rows):
        assert row.rstrip()[-1] == marks[1]
        assert len(row.rstrip("\u2800 ")) <= len(after.rstrip("\u2800 "))


@pytest.mark.parametrize("width", [30, 44, 60, 80, 124])
def test_a_number_is_shown_whole_or_not_at_all(report, width):
    for section in sections_of(report):
        tables = [block for block in section.blocks if isinstance(block, Table)]
        cells = [cell.text for block in tables for rows in block.groups for row in rows for cell in row]
        whole = {word for text in cells for word in text.split()} | {word for c in cells for word in c.split("..")}
        file = io.StringIO()
        only = dataclasses.replace(section, sentence="", blocks=tables, title="t")
        show(only, console.Console(file=file, width=width, color_system=None))
        for word in re.findall(r"(?<=\s)[-+]?\d[\d,.]*%?(?=\s)", file.getvalue()):
            assert {word, word.rstrip(",")} & whole, (section.name, word)
        assert max(map(len, file.getvalue().splitlines())) <= width


def test_reliability_and_thresholds_are_drawn_from_what_the_tables_say(report):
    [points], [table] = blocks(report, "forecasts", Points), blocks(report, "forecasts", Table)[:1]
    assert list(points.x) == [row[2].value for row in table.groups[0]]
    assert list(points.y) == [row[3].value for row in table.groups[0]]
    [heat] = blocks(report, "thresholds", Heat)
    judged = report.results["development"]["series"][0]["strategy"]
    grid = report.grid[report.grid["strategy"] == judged].set_index(["name", "options", "threshold"])["sharpe"]
    for name, values in zip(heat.rows, heat.values, strict=True):
        expected = [grid.loc[name, "{}", float(level)] for level in heat.columns]
        assert np.array_equal(values, expected, equal_nan=True)
    assert page("t", sections_of(report, ("forecasts", "folds"))).count("<circle") == len(points.x)


def test_the_halves_of_the_forecasts_are_told_apart(report):
    [told] = [text.text for text in blocks(report, "forecasts", Text)]
    judged = report.results["development"]["series"][0]["name"]
    known = report.predictions.dropna(subset=["label"]).sort_values([f"ensemble/{judged}", "label"])["label"]
    low, high = known[: len(known) // 2].mean(), known[len(known) // 2 :].mean()
    assert told == f"The share that rose was {high:.1%} in the higher half of the forecasts, {low:.1%} in the lower."


@pytest.mark.parametrize("width", [12, 20, 26, 33, 40])
def test_a_figure_is_whole_at_any_width(report, width):
    for section in sections_of(report, ("gates", "performance", "folds", "members")):
        for table in [block for block in section.blocks if isinstance(block, Table)]:
            target = console.Console(file=io.StringIO(), width=width, color_system=None)
            show(dataclasses.replace(section, sentence="", blocks=[table]), target)
            told = " ".join(target.file.getvalue().split())
            for i, column in enumerate(table.columns):
                if column.keep == 0 and column.align == "right":
                    figures = {row[i].text for rows in table.groups for row in rows}
                    assert all(one in told for one in figures if len(one) <= width)


def test_a_run_that_did_not_keep_what_was_learnt_is_shown_without_it(report):
    class Older(Report):
        def rows(self, part, name, columns):
            if {"in_sample", "out_of_sample"} & set(columns):
                raise quorate.IntegrityError("no such column")
            return super().rows(part, name, columns)

    older = Older(report.document, report.source)
    assert "decay" not in [column.heading for column in blocks(older, "folds", Table)[0].columns]
    assert "decay" not in [column.heading for column in blocks(older, "members", Table)[0].columns]


def test_regimes_tell_every_bar_once_and_what_was_known_before_it(report):
    found, span = report.results["development"], report.results["development"]["span"]
    label = f"{found['series'][0]['name']}/{found['series'][0]['strategy']}"
    equity = report.equity.loc[span["first"] : span["last"] + " 23:59"]
    for kind in ("volatility", "trend", "year"):
        for series in (label, "buy-and-hold/hold"):
            rows = [row for row in found["regimes"] if (row["kind"], row["series"]) == (kind, series)]
            assert sum(row["bars"] for row in rows) == span["bars"] - 1
            grown = np.prod([1 + row["total_return"] for row in rows])
            assert grown == pytest.approx(equity[series].iloc[-1] / equity[series].iloc[0])
            if all(row["share"] is not None for row in rows):
                assert sum(row["share"] for row in rows) == pytest.approx(1.0)
    year = next(row for row in found["regimes"] if row["kind"] == "year" and row["bars"] > 20)
    inside = (equity[year["series"]].pct_change().dropna())[year["regime"]]
    assert year["bars"] == len(inside)
    per_year = report.provenance["data"]["bars_per_year"]
    assert year["sharpe"] == pytest.approx(quorate.statistics.sharpe(inside, per_year))
    assert (year["sharpe_low"], year["sharpe_high"]) == pytest.approx(
        quorate.statistics.sharpe_interval(inside, per_year)
    )
    broken = quorate.statistics.break_test(equity[label].pct_change().dropna())
    assert found["mean_break"]["p_value"] == pytest.approx(broken.p_value)
    assert found["mean_break"]["day"] == str(equity.index[broken.where + 1].date())
    text = blocks(report, "regimes", Text)[-1].text
    assert text.startswith("Its mean return")
    assert len(blocks(report, "regimes", Table)) == 3


def test_ladders_begin_with_what_was_traded_and_agree_with_the_gate(report):
    found = report.results["development"]
    own = found["series"][0]["metrics"]
    steps = {(row["ladder"], row["step"]): row for row in found["ladders"]}
    assert list(steps) == [("lag", n) for n in (1, 2, 3, 5)] + [("slippage", n) for n in (0, 5, 10, 20)]
    for first in (("lag", 1), ("slippage", 0)):
        told = steps[first]["sharpe"], steps[first]["total_return"]
        assert told == pytest.approx((own["sharpe"], own["total-return"]))
    [late] = [gate for gate in found["gates"] if gate["gate"] == "delay"]
    assert steps["lag", 2]["sharpe"] == pytest.approx(late["value"])
    dearer = [steps["slippage", n]["total_return"] for n in (0, 5, 10, 20)]
    assert dearer == sorted(dearer, reverse=True)
    assert len(blocks(report, "robustness", Table)) == 2
