"""Forecasts that say nothing are seen, and honest ones are not accused."""

from __future__ import annotations

import html
import math
import re
from pathlib import Path

import numpy as np
import pytest

import quorate
from quorate.report.sections import sections_of
from quorate.walkforward.collapse import ONE_DIRECTION, ONE_VALUE, spread_of

RNG = np.random.default_rng(5)
LABELS = (RNG.random(400) < 0.54).astype(np.float64)
RETURNS = RNG.normal(0.0003, 0.01, 400)


@pytest.mark.parametrize(
    "labels, predictions, binary, said",
    [
        (LABELS, np.full(400, 0.54), True, ONE_VALUE),
        (LABELS, 0.54 + RNG.normal(0, 1e-5, 400), True, ONE_VALUE),
        (LABELS, 0.7 + RNG.normal(0, 0.02, 400), True, ONE_DIRECTION),
        (LABELS, 0.51 + RNG.normal(0, 0.02, 400), True, ""),
        (RETURNS, np.full(400, 0.0003), False, ONE_VALUE),
        (RETURNS, 0.0003 + RNG.normal(0, 0.0002, 400), False, ""),  # R2 of 0.04 %
        (RETURNS, -0.01 + RNG.normal(0, 0.001, 400), False, ONE_DIRECTION),
        (np.abs(RETURNS), 0.01 + RNG.normal(0, 0.001, 400), False, ""),  # so are the labels
        (np.zeros(400), np.zeros(400), False, ""),
        (LABELS[:49], np.full(49, 0.5), True, ""),  # too few to say
        (np.full(400, np.nan), np.full(400, 0.5), True, ""),
    ],
)
def test_what_has_collapsed_is_told_from_what_is_weak(labels, predictions, binary, said):
    assert spread_of(labels, predictions, binary).collapsed == said


def test_shares_and_deviations_are_over_the_rows_with_a_label():
    labels = np.array([1.0, 1.0, 0.0, np.nan])
    found = spread_of(labels, np.array([0.6, 0.4, 0.3, 0.9]), True)
    assert found.rows == 3
    assert found.direction_share == pytest.approx(2 / 3)
    assert found.label_direction_share == pytest.approx(2 / 3)
    assert math.isclose(found.sd, np.std([0.6, 0.4, 0.3]))
    assert math.isclose(found.label_sd, np.std([1, 1, 0]))


PLUGIN = """
import numpy as np
import quorate


class Still:
    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Up(Still):
    def predict(self, X):
        return 0.75 + 0.2 * np.tanh(10 * X[:, 0])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("still", Still, task="regression")
    yield quorate.ModelSpec("up", Up, task="regression")
"""


def test_a_collapsed_member_is_named_with_its_folds_in_every_rendering(home: Path, tiny, tmp_path: Path) -> None:
    path = tmp_path / "still.py"
    path.write_text(PLUGIN)
    report = quorate.run(tiny, home=home, plugins=[path])
    told = [text for text in report.results["development"]["warnings"] if "has collapsed" in text]
    assert [text.partition(" (")[0] for text in told] == [
        "member 'still' has collapsed on folds 0, 1",  # the last one has too few rows to say
        "member 'up' has collapsed on folds 0, 1",
    ]
    assert "it predicts nearly one value" in told[0]
    assert "all of its forecasts are of one direction, and at most 5" in told[1]
    assert all(re.search(r"it tells [\d.]+% of directions right there \(majority [\d.]+%, pers", text) for text in told)
    fits = report.fits.set_index(["model", "fold"])
    assert list(fits.loc["still"]["collapsed"]) == ["one value", "one value", ""]
    assert list(fits.loc["up"]["collapsed"]) == ["one direction", "one direction", ""]
    assert set(fits.loc["logistic"]["collapsed"]) == set(fits.loc["ridge"]["collapsed"]) == {""}
    asked = quorate.sql("select distinct model from fits where collapsed = 'one direction'", home=home)
    assert list(asked["model"]) == ["up"]
    assert "member 'up' has collapsed" in html.unescape(report.to_html(static=True))
    assert "member 'up' has collapsed" in report.to_markdown()


def test_a_run_with_honest_members_has_no_alarm(finished) -> None:
    report = quorate.load_report(home=finished.path)
    assert not [text for text in report.results["development"]["warnings"] if "collapsed" in text]
    members = report.fits[report.fits["model"].isin(["logistic", "ridge"])]
    assert (members["sd"] > 0.01).all()
    [section] = sections_of(report, ["members"])
    table = next(
        block for block in section.blocks if hasattr(block, "columns") and block.columns[0].heading == "member"
    )
    assert [column.heading for column in table.columns][4:6] == ["one way", "dispersion"]
    shown = {row[0].text: row for group in table.groups for row in group}
    assert list(shown) == ["logistic", "ridge", "majority", "persistence"]
    assert shown["majority"][4].text == "100.0%"
