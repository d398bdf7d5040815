"""The glossary has every word of the report, and every gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.report.glossary import GLOSSARY, find
from quorate.report.report import Report
from quorate.report.sections import sections_of
from quorate.report.sections.model import Table
from quorate.report.sections.series import METRICS
from quorate.report.sections.walk import LETTERS
from support.command import call

ROOT = Path(__file__).parents[3]
DOCUMENT = json.loads((ROOT / "tests/snapshots/report.json").read_text(encoding="utf-8"))


def test_every_heading_and_every_gate_is_a_word_of_it():
    report = Report(DOCUMENT)
    tables = [block for section in sections_of(report) for block in section.blocks if isinstance(block, Table)]
    headings = {column.heading for table in tables for column in table.columns}
    headings -= set(LETTERS)  # they stand for members, which are named beside them
    headings |= {heading for heading, *_ in METRICS}
    gates = {plugin.name for plugin in Registry.load(environment=False) if plugin.kind == "gate"}
    assert len(headings) > 20
    assert headings | gates <= set(GLOSSARY)


def test_each_term_says_three_things():
    for term in GLOSSARY.values():
        assert all(len(text) > 2 and "\n" not in text for text in term)
        assert term.meaning.endswith(".")


@pytest.mark.parametrize("word", ["Sharpe", "sharpe", "max dd", "CAGR", "cagr", "buy & hold", "win rate", "win-rate"])
def test_a_word_is_found_however_it_is_written(word):
    name, term = find(word)
    assert name.lower().replace("-", " ") == word.lower().replace("-", " ")
    assert term == GLOSSARY[name]


def test_a_word_that_is_not_there_is_refused_with_what_is_near():
    with pytest.raises(RecipeError, match="volatility"):
        find("volatilty")


def test_the_command():
    done = call("explain-term", "dsr")
    assert done.exit_code == 0
    assert all(word in done.stdout for word in ("dsr", "means", "reckoned", "source", "Bailey"))
    assert "Sharpe" in call("explain-term").stdout
    assert json.loads(call("explain-term", "dsr", "--json").stdout)["dsr"]["source"].startswith("Bailey")
    assert call("explain-term", "nonsense").exit_code == 2
