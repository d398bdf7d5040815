"""What `quorate plan` says of chance alone: the record an edge takes, and what the luckiest of many shows."""

from __future__ import annotations

import io

import pytest

from quorate.report import console
from quorate.report.views.prove import render

SHARE = {"passed": 1, "n": 60, "share": 1 / 60, "low": 0.0, "high": 0.09}
LEVEL = {"edge": 0.0, "walk_forward": SHARE, "all": SHARE, "missed": {}}


def shown(edge, effective):
    proof = {
        "recipe": "mine", "draws": 60, "levels": [LEVEL], "binding": None, "remedies": [], "left_out": [],
        "data": {"first": "2000-01-01", "last": "2010-01-01", "bars": 2520, "holdout": 504, "block": 9.0},
        "trials": {"n": 50, "effective": effective, "look": 0},
        "smallest": {"edge": edge, "low": edge, "high": None},
    }  # fmt: skip
    text = io.StringIO()
    render(proof, console.Console(file=text, width=140))
    return text.getvalue()


def test_an_edge_is_told_from_zero_within_its_least_record():
    text = shown(1.0, 0.0)
    # 1 + (1 + 0.5 SR^2) (1.645 / SR)^2 bars, Bailey and Lopez de Prado (2012), with SR = 1 / sqrt(251.98).
    assert "1.00 is told from 0 within 685 bars" in text
    assert "chance alone" not in text


def test_the_luckiest_of_many_is_named():
    text = shown(1.0, 44.0)
    assert "the best of 45 trials without skill shows 0.78 on the bars before the holdout" in text
    assert "1.00 within 5.0 years" in text  # Bailey, Borwein, Lopez de Prado and Zhu (2014)
    none = shown(None, 44.0)
    assert "shows 0.78" in none
    assert "within" not in none


@pytest.mark.parametrize("edge", [None, 0.0])
def test_without_an_edge_nothing_is_said_of_one(edge):
    assert "by itself" not in shown(edge, 0.0)
