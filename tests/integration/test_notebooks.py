"""What a notebook shows and works with: every result draws itself, and tables are what their description says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import quorate
from quorate.report import console
from quorate.report.columns import TABLES
from quorate.report.views import plan as plan_view


class Text(HTMLParser):
    """Collects the text of HTML, and whether an element is left open."""

    def __init__(self, html):
        super().__init__()
        self.text, self.open, self.scripts = "", [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.scripts += tag == "script"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def shown(result):
    found = Text(result._repr_html_())
    assert (found.open, found.scripts) == ([], 0)
    return found.text


@pytest.fixture
def report(finished):
    return quorate.load_report("latest", home=finished.path)


def test_results_show_in_a_notebook_what_the_terminal_does(finished, tiny, report, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(console.NOTEBOOK_WIDTH))
    planned = quorate.plan(tiny, home=finished.path)
    text = shown(planned)
    capsys.readouterr()
    plan_view.render(planned.to_dict())
    assert text.split() == capsys.readouterr().out.split()
    again = quorate.reproduce(report.run_id, home=finished.path)
    assert f"{report.run_id}: identical" in shown(again)
    audited = quorate.audit(tiny, home=finished.path)
    assert all(finding.detector in shown(audited) for finding in audited.findings)
    ahead = quorate.predict(report.run_id, home=finished.path)
    assert f"decided at {ahead.decided}" in shown(ahead)
    assert report.verdict in shown(ahead)  # also what the terminal tells on stderr
    explained = quorate.explain(report.run_id, home=finished.path)
    assert " ".join(explained.sentence.split()) in " ".join(shown(explained).split())


def test_a_name_in_a_result_is_shown_as_text():
    def draw():
        console.out().print("<script>alert(1)</script> & [bold]", markup=False)

    assert Text(console.as_html(draw)).text.strip() == "<script>alert(1)</script> & [bold]"
    assert "<script" not in console.as_html(draw)


@pytest.mark.parametrize("name", [name for name in TABLES if name != "unseen"])  # that run holds no symbols out
def test_a_table_has_the_columns_and_types_that_its_description_names(report, name):
    table = getattr(report, name)
    if table.index.name == "time":
        table = table.reset_index().rename(columns={"time": "time (index)"})
    described = {}
    for column in TABLES[name][1]:
        for one in column.name.split(", "):
            # A word in capitals stands for any name.
            pattern = re.sub(r"\b[A-Z]{3,}\b", ".+", re.escape(one).replace(r"\ ", " "))
            described[pattern] = column.dtype
    for column, dtype in table.dtypes.items():
        [exact] = [p for p in described if re.fullmatch(p, column) and ".+" not in p] or [None]
        loose = [p for p in described if ".+" in p and re.fullmatch(p, column)]
        assert exact or loose, column
        assert str(dtype) == described[exact or loose[0]], column
    for pattern in described.keys() - {"cash"}:  # which a recipe with data.cash has alone
        assert any(re.fullmatch(pattern, column) for column in table), pattern


def test_one_key_names_a_series_in_every_table(report):
    keys = set(report.metrics["series"])
    assert keys == set(report.equity.columns) - {"part"}
    assert set(report.trades["series"]) <= keys
    assert set(report.grid["series"]) <= keys
    assert len(report.metrics.query("series == 'buy-and-hold/hold' and `max-drawdown` < 0")) == 1
    assert len(report.equity.query("`buy-and-hold/hold` > 0")) == len(report.equity)


def test_tables_by_time_are_cut_by_dates(report):
    first = report.equity.index[0]
    assert str(first.tz) == "UTC"
    year = report.equity.loc[str(first.year)]
    assert 0 < len(year) <= len(report.equity)
    assert (year.index.year == first.year).all()
    assert report.predictions.index.equals(report.votes.index)


def test_runs_are_listed_as_a_table(finished, report):
    [row] = quorate.list_runs(home=finished.path).to_dict("records")
    assert (row["run"], row["state"], row["verdict"]) == (report.run_id, "finished", report.verdict)
    assert row["sharpe"] == report.standing["series"][0]["metrics"]["sharpe"]
    assert quorate.list_runs(home=finished.path, tags=["none"]).empty
    assert quorate.list_runs(home=finished.path, tags=["none"]).columns.tolist() == list(row)
    for wrong in ({"sort": "sharp"}, {"verdict": "pass"}):
        with pytest.raises(quorate.RecipeError, match=r"must be one of .*; it was"):
            quorate.list_runs(home=finished.path, **wrong)


def test_a_plugin_is_checked_from_the_top_level(tmp_path):
    file = tmp_path / "my_metric.py"
    file.write_text(
        "import quorate\n\n\ndef best(performance):\n    return float(performance.returns.max())\n\n\n"
        "@quorate.hookimpl\ndef quorate_metrics():\n    yield quorate.MetricSpec('best', best)\n"
    )
    states = {outcome.state for outcome in quorate.check(file, isolate=False)}
    assert states <= {"passed", "not-applicable", "excused", "failed"}
    assert "passed" in states
