"""Points in a plane, of which one has the cursor: trials by what they were worth."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from rich.text import Text
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from quorate.report.browser.curves import MARGIN
from quorate.report.browser.scrolled import wide


class Point(NamedTuple):
    """A point, and what it stands for."""

    key: Hashable
    x: float
    y: float


class Scatter(Widget):
    """Points; those of a front are stressed, and the one at the cursor most."""

    class Pointed(Message):
        """A point was clicked, or the nearest one to the click."""

        def __init__(self, key: Hashable) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._points: list[Point] = []
        self._stressed: Collection[Hashable] = ()
        self._names = ("", "")
        self._cursor: Hashable = None
        self._lines: list[Text] = []
        self._drawn: object = None

    def show(self, points: Sequence[Point], stressed: Collection[Hashable], names: tuple[str, str]) -> None:
        """Show points; `names` say what x and y are."""
        self._points = [one for one in points if math.isfinite(one.x) and math.isfinite(one.y)]
        self._stressed, self._names, self._drawn = stressed, names, None
        self.refresh()

    def point(self, key: Hashable) -> None:
        """Put the cursor at a point."""
        self._cursor = key
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Say which point is nearest."""
        if self._points:
            x, y = (event.x - MARGIN) / self._width, 1 - (event.y - 1) / self._height
            near = min(self._points, key=lambda one: math.dist((x, y), self._share(one)))
            self.post_message(self.Pointed(near.key))

    def render_line(self, y: int) -> Strip:
        """Return a line of what is seen."""
        state = (self.size, self._cursor, len(self._points))
        if self._drawn != state:
            self._drawn, self._lines = state, self._draw() if self._points and self._width > 8 else []
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip(self._lines[y].render(self.app.console, end="")).adjust_cell_length(self.size.width)
        return strip.apply_style(self.rich_style)

    def _draw(self) -> list[Text]:
        """Return the lines: what y is, the plane with its bounds, and what x is."""
        plain, stressed, chosen = ("•", "◆", "█") if wide(self) else (".", "*", "@")
        low, high = self._bounds
        grid = [[" "] * self._width for _ in range(self._height)]
        styles: dict[tuple[int, int], str] = {}
        last = [one for one in self._points if one.key == self._cursor]
        for one in (*self._points, *last):  # what the cursor stands at is over all others
            x, y = self._share(one)
            place = self._height - 1 - round(y * (self._height - 1)), round(x * (self._width - 1))
            front, here = one.key in self._stressed, one.key == self._cursor
            if here or grid[place[0]][place[1]] != stressed:
                grid[place[0]][place[1]] = chosen if here else stressed if front else plain
                styles[place] = "bold yellow" if here else "bold green" if front else ""
        lines = [Text(self._names[1], style="bold")]
        for row, cells in enumerate(grid):
            label = figure_of(high[1]) if row == 0 else figure_of(low[1]) if row == self._height - 1 else ""
            line = Text().append(f"{label:>{MARGIN - 1}} ", "bright_black")
            for column, cell in enumerate(cells):
                line.append(cell, styles.get((row, column), ""))
            lines.append(line)
        left, right = figure_of(low[0]), figure_of(high[0])
        name = self._names[0][: max(self._width - len(left) - len(right) - 4, 0)]
        middle = f"{name:^{max(self._width - len(left) - len(right), 0)}}"
        return [*lines, Text(" " * MARGIN + left + middle + right, style="bright_black")]

    @property
    def _width(self) -> int:
        return max(self.size.width - MARGIN - 1, 1)

    @property
    def _height(self) -> int:
        return max(self.size.height - 2, 1)

    @property
    def _bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The least and the largest of x and y."""
        across, up = [one.x for one in self._points], [one.y for one in self._points]
        return (min(across), min(up)), (max(across), max(up))

    def _share(self, one: Point) -> tuple[float, float]:
        """Return where a point lies, from the left and from below, as shares of the plane."""
        (left, down), (right, top) = self._bounds
        return (one.x - left) / ((right - left) or 1.0), (one.y - down) / ((top - down) or 1.0)


def figure_of(value: float) -> str:
    """Return a bound as it is read."""
    return format(value, ".5g")
