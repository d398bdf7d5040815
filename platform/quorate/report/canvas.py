"""Curves in a terminal: a canvas of braille dots, two across and four down in each character."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

BLANK = 0x2800  # of the braille patterns, the one without a dot
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of the rows from above, left and right
MARKS = "*o+x#@%&$"  # of curves in ASCII, where one dot is a character


class Canvas:
    """A field of dots that curves are drawn on.

    Parameters
    ----------
    width, height : int
        In characters.
    ascii : bool
        One mark in each character, for terminals without braille.
    """

    def __init__(self, width: int, height: int, ascii: bool = False) -> None:
        self.width, self.height, self.ascii = width, height, ascii
        self._across, self._down = (1, 1) if ascii else (2, 4)
        self._owner = [[-1] * width for _ in range(height)]  # the curve that a character belongs to
        self._dots = [[0] * width for _ in range(height)]

    def draw(self, values: Sequence[float], low: float, high: float, curve: int) -> None:
        """Draw a curve from the left to the right edge; where a value is NaN, there is none.

        Parameters
        ----------
        values : sequence of float, (n,)
            Evenly spread over the width.
        low, high : float
            Values of the lower and the upper edge.
        curve : int
            Its number, from 0 on: an earlier one is not covered by a later one.
        """
        columns, rows = self.width * self._across, self.height * self._down
        room = high - low or 1.0
        before: int | None = None
        for column, (least, most) in enumerate(_envelope(values, columns)):
            if not math.isfinite(least):
                before = None
                continue
            ends = [rows - 1 - round((value - low) / room * (rows - 1)) for value in (least, most)]
            top, bottom = min(ends), max(ends)
            if before is not None:  # without a gap to the column before
                top, bottom = min(top, before + 1), max(bottom, before - 1)
            for row in range(max(top, 0), min(bottom, rows - 1) + 1):
                self._dot(column, row, curve)
            before = (ends[0] + ends[1]) // 2

    def _dot(self, column: int, row: int, curve: int) -> None:
        x, y = column // self._across, row // self._down
        if self._owner[y][x] in (-1, curve):
            self._owner[y][x] = curve
            self._dots[y][x] |= 1 if self.ascii else DOTS[row % 4][column % 2]

    def lines(self) -> list[list[tuple[str, int]]]:
        """Return the rows as pieces of text, each with the number of its curve, -1 where there is none."""
        return [self._line(y) for y in range(self.height)]

    def _line(self, y: int) -> list[tuple[str, int]]:
        pieces: list[tuple[str, int]] = []
        for dots, owner in zip(self._dots[y], self._owner[y], strict=True):
            text = (MARKS[owner % len(MARKS)] if dots else " ") if self.ascii else chr(BLANK + dots)
            if pieces and pieces[-1][1] == owner:
                pieces[-1] = (pieces[-1][0] + text, owner)
            else:
                pieces.append((text, owner))
        return pieces


def _envelope(values: Sequence[float], columns: int) -> list[tuple[float, float]]:
    """Return the least and the largest value of each column: a peak of one bar is seen, however many bars there are."""
    n = len(values)
    found = []
    for column in range(columns):
        first = column * n // columns
        known = _known(values[first : max((column + 1) * n // columns, first + 1)])
        found.append((min(known), max(known)) if known else (math.nan, math.nan))
    return found


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def bounds(curves: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the least and the largest value of all curves; (0, 0) where none has a value."""
    known = [value for values in curves.values() for value in _known(values)]
    return (min(known), max(known)) if known else (0.0, 0.0)


def ticks(labels: Sequence[str], width: int) -> str:
    """Return some of equally long labels, each below what it names, as many as there is room; the first and the last.

    Parameters
    ----------
    labels : sequence of str
        Of what is spread over the width.
    """
    if not labels:
        return ""
    long = len(labels[0])
    number = max(width // (long + 6), 1)
    line, end = labels[0][:width], width - long
    for i in range(1, number):
        middle = round(i * (len(labels) - 1) / number)
        place = round(middle * width / len(labels)) - long // 2
        if len(line) + 2 <= place <= end - long - 2:
            line += " " * (place - len(line)) + labels[middle]
    return line + " " * (end - len(line)) + labels[-1] if end >= len(line) + 2 else line
