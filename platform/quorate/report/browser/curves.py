"""Curves that fill their place, with a cursor that reads their values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from quorate.report.browser.scrolled import wide
from quorate.report.canvas import BLANK, Canvas, bounds, ticks
from quorate.report.figures import figure
from quorate.report.terminal import CURVES

LEAST = 12  # bars that are seen when looked at most closely
FALLS = 4  # of so many parts of the height one is that of each pane but the first
MARGIN = 12  # columns for the bounds at the left


@dataclass(frozen=True)
class Pane:
    """Curves below each other have the same times; each pane has its own scale."""

    title: str
    values: Mapping[str, Sequence[float]]
    unit: str
    log: bool = False


class CurvesView(Widget, can_focus=True):
    """Panes of curves over the same times, with one cursor through all of them.

    Parameters
    ----------
    times : sequence of datetime, (n,)
        Ascending.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Bar before"),
        Binding("right", "move(1)", "Bar after"),
        Binding("shift+left,b", "move(-20)", "20 back", show=False),
        Binding("shift+right,f", "move(20)", "20 on", show=False),
        Binding("home", "move(-1000000000)", "First bar", show=False),
        Binding("end", "move(1000000000)", "Last bar", show=False),
        Binding("plus,equals_sign,i", "zoom(0.5)", "Closer"),
        Binding("minus,o", "zoom(2.0)", "Wider"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.times: Sequence[datetime] = ()
        self.panes: Sequence[Pane] = ()
        self.daily = True
        self.place = 0
        self._first, self._last = 0, 0  # of what is seen
        self._made: tuple[object, list[Text]] = ((), [])
        self._kept: tuple[object, list[list[Text]]] = ((), [])

    def show(self, times: Sequence[datetime], panes: Sequence[Pane], daily: bool, at: datetime | None = None) -> None:
        """Show curves; the cursor stands at a time, or at the last one."""
        self.times, self.panes, self.daily = times, panes, daily
        self._first, self._last = 0, len(times) - 1
        self.place = len(times) - 1
        self._made, self._kept = ((), []), ((), [])
        if at is not None:
            self.go(at)
        self.refresh()

    def go(self, time: datetime) -> None:
        """Move the cursor to the last bar that is no later than a time."""
        self.place = max(sum(one <= time for one in self.times) - 1, 0)
        self._keep_seen()
        self.refresh()

    @property
    def allow_select(self) -> bool:
        """A mouse moves the cursor here."""
        return False

    def action_move(self, by: int) -> None:
        """Move the cursor by bars."""
        if self.times:
            self.place = min(max(self.place + by, 0), len(self.times) - 1)
            self._keep_seen()
            self.refresh()

    def action_zoom(self, by: float) -> None:
        """Look closer, around the cursor, or at more."""
        if not self.times:
            return
        n = min(max(round((self._last - self._first + 1) * by), min(LEAST, len(self.times))), len(self.times))
        share = (self.place - self._first) / max(self._last - self._first, 1)
        self._first = min(max(self.place - round(share * (n - 1)), 0), len(self.times) - n)
        self._last = self._first + n - 1
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to where it was clicked."""
        self._point(int(event.x))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the cursor along with a button that is held."""
        if event.button:
            self._point(int(event.x))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look closer."""
        self.action_zoom(0.5)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look at more."""
        self.action_zoom(2.0)

    def reading(self) -> str:
        """Return what the curves are at the cursor, as it is told above them."""
        if not self.times:
            return ""
        values = [
            f"{name} {figure(values[self.place], pane.unit)}"
            for pane in self.panes
            for name, values in pane.values.items()
        ]
        return f"{self.stamp}  {'  '.join(values)}"

    @property
    def stamp(self) -> str:
        """The time at the cursor."""
        return str(self.times[self.place])[: 10 if self.daily else 16]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a part of what is seen."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return a line of what is seen."""
        lines = self._lines()
        if y >= len(lines):
            return Strip.blank(self.size.width, self._base)
        strip = Strip(lines[y].render(self.app.console, end="")).adjust_cell_length(self.size.width)
        return strip.apply_style(self._base)

    def _lines(self) -> list[Text]:
        """Return all lines: for each pane its names with their values at the cursor, and its curves; days at the end.

        They are kept until something is not as it was.
        """
        state = (self.size, self._first, self._last, self.place, self.has_focus)
        if self._made[0] != state:
            self._made = state, self._draw() if self.times and self.size.width > 2 * MARGIN else []
        return self._made[1]

    def _draw(self) -> list[Text]:
        lines = [Text(f"{self.stamp}  ", style="bold") + self._now(self.panes[0]), Text()]
        for k, (pane, drawn) in enumerate(zip(self.panes, self._drawn(), strict=True)):
            lines += [self._now(pane)] if k else []
            lines += [self._pointed(line) for line in drawn]
        days = [str(time)[:10] for time in self.times[self._first : self._last + 1]]
        return [*lines, Text(" " * MARGIN + ticks(days, self._columns), style="bright_black")]

    def _drawn(self) -> list[list[Text]]:
        """Return the curves of each pane without the cursor; they are kept while the same is seen."""
        state = (self.size, self._first, self._last)
        if self._kept[0] != state:
            rows = max(self.size.height - 2 * len(self.panes) - 1, 2 * len(self.panes))
            below = rows // FALLS
            heights = [rows - below * (len(self.panes) - 1), *[below] * (len(self.panes) - 1)]
            curves = [self._curves(pane, max(n, 2)) for pane, n in zip(self.panes, heights, strict=True)]
            self._kept = state, curves
        return self._kept[1]

    def _now(self, pane: Pane) -> Text:
        """Return the name of a pane, and what its curves are at the cursor."""
        line = Text(f"{pane.title}", style="bold")
        for k, (name, values) in enumerate(pane.values.items()):
            line.append(f"  {name} {figure(values[self.place], pane.unit)}", CURVES[k % len(CURVES)])
        return line

    def _curves(self, pane: Pane, height: int) -> list[Text]:
        seen = {name: list(values[self._first : self._last + 1]) for name, values in pane.values.items()}
        low, high = bounds(seen)
        canvas = Canvas(self._columns, height, not wide(self))
        scaled = pane.log and low > 0
        edges = (math.log(low), math.log(high)) if scaled else (low, high)
        for k, values in enumerate(seen.values()):
            canvas.draw([math.log(value) for value in values] if scaled else values, *edges, k)
        labels = {0: figure(high, pane.unit), height - 1: figure(low, pane.unit)}
        lines = []
        for y, pieces in enumerate(canvas.lines()):
            line = Text().append(f"{labels.get(y, ''):>{MARGIN - 1}} ", "bright_black")
            for text, curve in pieces:
                line.append(text, CURVES[curve % len(CURVES)] if curve >= 0 else "")
            lines.append(line)
        return lines

    def _pointed(self, line: Text) -> Text:
        """Return a line with the cursor in it: a bar where there is no curve."""
        at, whole = MARGIN + self._column, line.plain
        shown = line.copy()
        if whole[at] in (" ", chr(BLANK)):
            shown.plain = f"{whole[:at]}{'│' if wide(self) else '|'}{whole[at + 1 :]}"
        shown.stylize("bold yellow" if self.has_focus else "bright_black", at, at + 1)
        return shown

    @property
    def _columns(self) -> int:
        """How wide the curves are."""
        return max(self.size.width - MARGIN - 1, 1)

    @property
    def _column(self) -> int:
        """Where the cursor is seen."""
        n = self._last - self._first + 1
        return min((self.place - self._first) * self._columns // max(n, 1), self._columns - 1)

    def _point(self, x: int) -> None:
        n = self._last - self._first + 1
        share = min(max(x - MARGIN, 0) / self._columns, 1.0)
        self.focus()
        self.action_move(self._first + min(int(share * n), n - 1) - self.place)

    def _keep_seen(self) -> None:
        n = self._last - self._first
        if self.place < self._first:
            self._first, self._last = self.place, self.place + n
        elif self.place > self._last:
            self._first, self._last = self.place - n, self.place
