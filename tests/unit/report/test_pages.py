"""The report as a page and as Markdown: every number is that of the sections, and nothing breaks out of its place."""

from __future__ import annotations

import io
import json
import math
import random
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from quorate.errors import StoreError, visible
from quorate.report import console
from quorate.report.html import fragment, page
from quorate.report.html.chart import POINTS, thinned
from quorate.report.markdown import page as markdown
from quorate.report.report import Report
from quorate.report.sections import NAMES, named, sections_of, usual_of
from quorate.report.sections.curves import by_month, drawdown, rolling_sharpe
from quorate.report.sections.gates import binding
from quorate.report.sections.model import Cell, Column, Facts, Heat, Lines, Section, Table, Text
from quorate.report.terminal import render
from quorate.statistics import sharpe

DOCUMENT = json.loads((Path(__file__).parents[2] / "snapshots" / "report.json").read_text(encoding="utf-8"))
EMPTY = {"meta", "line", "polyline", "polygon"}  # elements without an end


class Reader(HTMLParser):
    """Collects the texts of cells and scripts, elements that are never closed, and what would load something."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.open, self.tags, self.loads = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [f"{tag} {n}={v}" for n, v in attrs if n in ("src", "srcset", "action", "data")]
        self.loads += [f"{tag} {n}={v}" for n, v in attrs if n == "href" and not v.startswith("#")]
        self.loads += [f"{tag} {n}" for n, _ in attrs if n.startswith("on")]
        if tag in ("td", "th", "dd", "dt"):
            self.cells.append("")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in EMPTY or self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th", "dd", "dt"} & set(self.open):
            self.cells[-1] += data


def texts_of(sections):
    """Return what every table and fact of sections says."""
    told = []
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                told += [column.heading for column in block.columns]
                told += [cell.text for rows in block.groups for row in rows for cell in row]
            elif isinstance(block, Facts):
                told += [text for row in block.rows for text in row]
    return told


def curves(n=5000, k=6, seed=1):
    rng = random.Random(seed)
    start = datetime(2001, 1, 1)
    values = {}
    for i in range(k):
        value, path = 100.0, []
        for _ in range(n):
            value *= math.exp(rng.gauss(0, 0.01))
            path.append(value)
        values[f"curve {i}"] = path
    return Lines("equity", [start + timedelta(days=i) for i in range(n)], values, "currency", log=True)


def test_a_page_and_markdown_say_in_every_cell_what_the_sections_say():
    sections = sections_of(Report(DOCUMENT))
    wanted = texts_of(sections)
    assert len(wanted) > 500
    read = Reader(page("a run", sections)).cells
    assert read == wanted
    lines = [line for line in markdown("a run", sections).splitlines() if line.startswith("| ")]
    cells = [re.sub(r"\\(.)", r"\1", c.strip()) for line in lines for c in re.split(r"(?<!\\)\|", line)[1:-1]]
    table = [text for section in sections for text in texts_of([section])]
    assert set(cells) - {"---", "---:"} <= {text.strip() for text in table}
    facts = [text for s in sections for b in s.blocks if isinstance(b, Facts) for row in b.rows for text in row]
    assert len(cells) - sum(cell in ("---", "---:") for cell in cells) == len(wanted) - len(facts)


def test_it_asks_nobody_for_anything_and_is_the_same_again():
    sections = [*sections_of(Report(DOCUMENT)), Section("equity", "Equity", "It grew.", [curves(500, 2)])]
    text = page("a run", sections)
    assert Reader(text).loads == []
    assert "://" not in text
    assert "default-src 'none'" in text
    assert text == page("a run", sections)


def test_without_a_script_there_is_none():
    sections = [Section("equity", "Equity", "It grew.", [curves(300, 2)])]
    assert "script" in Reader(page("a run", sections)).tags
    for text in (page("a run", sections, static=True), fragment(sections)):
        assert "script" not in Reader(text).tags


def test_five_thousand_bars_of_six_curves_stay_below_two_megabytes():
    sections = [Section("equity", "Equity", "It grew.", [curves()])]
    assert len(page("a run", sections).encode()) < 2_000_000


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=60)
def test_no_text_breaks_out_of_its_place(one, other):
    times = [datetime(2001, 1, 1), datetime(2001, 6, 1)]
    blocks = [
        Table([Column(one, "left"), Column(other)], [[[Cell(other), Cell(one, 1.0, "good")]]], other),
        Facts([(one, other)]),
        Text(one, "warn"),
        Heat(other, [one], [other], [[0.1]], "fraction"),
        Lines(one, times, {f"1{other}": [1.0, 2.0], f"2{one}": [2.0, math.nan]}, "ratio"),
    ]
    sections = [Section("a", one, other, blocks)]
    read = Reader(page(one, sections))
    assert read.open == []
    assert read.loads == []
    plain = Reader(page("x", [Section("a", "x", "x", _like(blocks))]))
    assert read.tags == plain.tags
    assert read.cells[:4] == [visible(one), visible(other), visible(other), visible(one)]


def _like(blocks):
    table, *_, lines = blocks
    return [
        Table([Column("x", "left"), Column("x")], [[[Cell("x"), Cell("x", 1.0, "good")]]], "x" if table.title else ""),
        Facts([("x", "x")]), Text("x", "warn"), Heat("x", ["x"], ["x"], [[0.1]], "fraction"),
        Lines("x", lines.times, {"x": [1.0, 2.0], "y": [2.0, math.nan]}, "ratio"),
    ]  # fmt: skip


@pytest.mark.parametrize("n", [10, 1000, 1001, 7000])
def test_thinned_curves_keep_every_extreme(n):
    values = list(curves(n, 3).values.values())
    places = thinned(values)
    assert len(places) == n if n <= POINTS else len(places) <= POINTS + 2
    assert places == sorted(set(places))
    assert {places[0], places[-1]} == {0, n - 1}
    for curve in values:
        shown = [curve[i] for i in places]
        assert (min(shown), max(shown)) == (min(curve), max(curve))


# --- sections


def test_every_name_is_a_section_and_another_is_refused_with_what_is_near():
    assert {section.name for section in sections_of(Report(DOCUMENT))} <= set(NAMES)
    assert named("all") == NAMES
    assert named(" months, gates") == ("months", "gates")
    with pytest.raises(Exception, match=r"no section 'month'.*months"):
        named("month")
    with pytest.raises(Exception, match="needs a name"):
        named(" , ")


@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=60), st.integers(0, 400))
def test_months_multiply_to_the_whole_and_years_to_their_months(steps, shift):
    equity = [100.0]
    for step in steps:
        equity.append(equity[-1] * step)
    times = [datetime(2003, 1, 31) + timedelta(days=shift + 11 * i) for i in range(len(equity))]
    grid, years = by_month(times, equity)
    known = [1 + value for row in grid for value in row[:12] if math.isfinite(value)]
    assert math.prod(known) == pytest.approx(equity[-1] / equity[0])
    assert math.prod(1 + row[12] for row in grid) == pytest.approx(equity[-1] / equity[0])
    assert years[-1] == times[-1].year


def test_drawdown_is_measured_from_the_highest_before():
    assert drawdown([100.0, 120.0, 90.0, 130.0]) == [0.0, 0.0, -0.25, 0.0]


@given(st.integers(3, 40), st.integers(0, 10_000))
def test_a_rolling_ratio_is_that_of_the_last_returns(window, seed):
    [path] = curves(3 * window, 1, seed).values.values()
    found = rolling_sharpe(path, window, 252.0)
    assert len(found) == len(path)
    assert [math.isnan(value) for value in found] == [i < window for i in range(len(path))]
    returns = np.diff(path[-window - 1 :]) / path[-window - 1 : -1]
    assert found[-1] == pytest.approx(sharpe(returns, 252.0), rel=1e-9)


def bankrupt(monkeypatch):
    """A report whose equity ends at nothing."""
    report = Report(json.loads(json.dumps(DOCUMENT)))
    times = [datetime(2001, 12, 3) + timedelta(days=i) for i in range(1200)]
    left = [100_000.0 * max(1 - i / 600, 0.0) for i in range(1200)]
    tables = {"equity": list(zip(times, left, [100_000.0] * 1200, strict=True))}

    def rows(self, part, name, columns):
        if name not in tables:
            raise StoreError("there is no such table")
        return [row[: len(columns)] for row in tables[name]]

    monkeypatch.setattr(Report, "rows", rows)
    return report


def test_of_an_account_of_which_nothing_is_left_everything_is_shown(monkeypatch):
    report = bankrupt(monkeypatch)
    found = {section.name for section in sections_of(report)}
    assert {"equity", "months", "rolling", "folds"} <= found
    for text in (page("x", sections_of(report)), markdown("x", sections_of(report))):
        assert "-100.0%" in text or "\\-100.0%" in text
    out = console.Console(file=io.StringIO(), width=120, color_system=None)
    render(report, out, NAMES)
    assert "-100.0%" in out.file.getvalue()


def test_unasked_the_part_that_stands_is_shown_and_by_name_both(monkeypatch):
    report = bankrupt(monkeypatch)
    assert {section.part for section in usual_of(report)} == {"", "holdout"}
    assert [section.part for section in sections_of(report, ("months",))] == ["development", "holdout"]
    report.results["holdout"] = None
    assert {section.part for section in usual_of(report)} == {"", "development"}


@pytest.mark.parametrize(
    "closed, bars, verdict, told",
    [
        (250, 100, "INSUFFICIENT", (100, 252)),
        (60, 900, "INSUFFICIENT", (60, 100)),
        (12, 900, "FAIL", (12, 100)),
        (250, 900, "PASS", (250, 100)),
    ],
)
def test_of_trades_and_bars_the_bound_that_lacks_is_shown(closed, bars, verdict, told):
    inputs = {"closed": closed, "bars": bars, "least_bars": 252, "least_trades": 30}
    gate = {"gate": "sample-size", "verdict": verdict, "value": closed, "condition": ">=", "threshold": 100}
    value, _, bound = binding({**gate, "inputs": inputs})
    assert (value, bound) == told


def test_no_two_of_many_curves_look_the_same():
    times = [datetime(2020, 1, 1), datetime(2020, 1, 2)]
    lines = Lines("many", times, {f"c{i}": [float(i), i + 1.0] for i in range(36)}, "ratio")
    drawn = re.findall(r'<polyline class="curve" ([^>]*?) points', page("t", [Section("s", "S", "", [lines])]))
    assert len(drawn) == len(set(drawn)) == 36
