"""Pictures show the numbers of the sections: what is drawn is read back from each figure before it becomes pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

import quorate
from quorate.errors import IntegrityError
from quorate.report import picture
from quorate.report.figures import figure
from quorate.report.sections import sections_of
from quorate.report.sections.model import Heat, Lines, Points, Table
from quorate.report.written import draw
from support.command import call


@pytest.fixture
def report(finished):
    return quorate.load_report("latest", home=finished.path)


@pytest.fixture
def drawn(report, tmp_path, monkeypatch):
    """The figures by the name of their file."""
    found = {}
    monkeypatch.setattr(picture, "_save", lambda made, path: found.update({path.stem: made}))
    paths = draw(report, tmp_path)
    assert [path.stem for path in paths] == list(found)
    return found


def block_of(report, name, kind):
    [section] = sections_of(report, (name,))
    return next(block for block in section.blocks if isinstance(block, kind))


@pytest.mark.parametrize(
    ("name", "section"), [("equity_drawdown", "equity"), ("weights", "members"), ("forecast_vs_actual", "forecasts")]
)
def test_curves_are_those_of_the_section_and_so_are_the_numbers_at_their_axes(report, drawn, name, section):
    [found] = sections_of(report, (section,))
    blocks = [block for block in found.blocks if isinstance(block, Lines)]
    axes = drawn[name].axes
    assert len(axes) == len(blocks)
    for axis, block in zip(axes, blocks, strict=True):
        lines = {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in axis.lines}
        assert list(lines) == list(block.values)
        for curve, values in block.values.items():
            assert np.array_equal(lines[curve], values, equal_nan=True)
        assert axis.yaxis.get_major_formatter()(0.125) == figure(0.125, block.unit)


def test_the_grid_of_months_has_each_number_as_it_is_read(report, drawn):
    block = block_of(report, "months", Heat)
    told = [block.said(value) for values in block.values for value in values if math.isfinite(value)]
    [axis] = drawn["monthly_returns"].axes
    assert [text.get_text() for text in axis.texts] == told
    assert [label.get_text() for label in axis.get_yticklabels()] == list(block.rows)


def test_the_confusion_matrix_and_the_calibration_are_those_of_the_forecasts(report, drawn):
    [section] = sections_of(report, ("forecasts",))
    table = next(b for b in section.blocks if isinstance(b, Table) and b.columns[0].heading == "forecast")
    [axis] = drawn["confusion_matrix_valid"].axes
    assert [text.get_text() for text in axis.texts] == [cell.text for row in table.groups[0] for cell in row[1:]]
    points = block_of(report, "forecasts", Points)
    [axis] = drawn["calibration"].axes
    line = next(line for line in axis.lines if line.get_marker() == "o")
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == (list(points.x), list(points.y))


@pytest.mark.parametrize("table", ["equity", "predictions"])
def test_of_a_changed_table_no_picture_is_made(finished, tmp_path, table):
    [path] = finished.path.glob(f"runs/*/development/{table}.parquet")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(IntegrityError, match="was changed after the run"):
        draw(quorate.load_report(home=finished.path), tmp_path)
    assert "was changed after the run" in call("report", "--png", tmp_path, "--home", finished.path).stderr


def test_what_json_has_anyway_is_not_asked_for_beside_it(finished):
    for more in (("--brief",), ("--plain",), ("--section", "months")):
        done = call("report", "--json", *more, "--home", finished.path)
        assert done.exit_code == 2
        assert "--json has the whole report" in done.stderr
