"""Curves in characters."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from quorate.report.canvas import BLANK, Canvas, bounds, ticks


def drawn(values, width=10, height=4, ascii=False, low=0.0, high=1.0):
    canvas = Canvas(width, height, ascii)
    canvas.draw([float(value) for value in values], low, high, 0)
    return ["".join(text for text, _ in line) for line in canvas.lines()]


def test_a_rising_line_goes_from_corner_to_corner():
    lines = drawn(np.linspace(0, 1, 200), ascii=True)
    assert (lines[0][-1], lines[-1][0]) == ("*", "*")
    assert (lines[0][0], lines[-1][-1]) == (" ", " ")


def test_what_is_empty_is_a_braille_blank_and_not_a_space():
    assert set("".join(drawn([np.nan] * 5))) == {chr(BLANK)}


def test_one_bar_of_many_is_seen():
    values = np.zeros(10_000)
    values[5_000] = 1.0
    assert any(ord(mark) > BLANK for mark in drawn(values)[0])


def test_where_a_value_is_missing_there_is_no_line():
    lines = drawn([0.5, 0.5, np.nan, np.nan, np.nan, np.nan, 0.5, 0.5], width=8, ascii=True)
    assert [line for line in lines if "*" in line] == ["**    **"]


@given(arrays(float, st.integers(1, 300), elements=st.floats(-1e9, 1e9) | st.just(np.nan)), st.integers(1, 60))
def test_every_line_is_as_wide_as_the_canvas(values, width):
    low, high = bounds({"curve": values})
    for ascii_only in (False, True):
        lines = drawn(values, width, 3, ascii_only, low, high)
        assert [len(line) for line in lines] == [width] * 3


def test_a_level_line_is_drawn():
    assert "*" in "".join(drawn([7.0] * 20, ascii=True, low=7.0, high=7.0))


@pytest.mark.parametrize("width", [5, 10, 24, 40, 80, 120])
def test_days_below_a_curve_are_where_they_belong(width):
    labels = [f"2001-01-{i // 9:02d}" for i in range(200)]
    line = ticks(labels, width)
    assert len(line) <= width
    assert line.startswith(labels[0][:width])
    assert width < 26 or line.rstrip().endswith(labels[-1])
