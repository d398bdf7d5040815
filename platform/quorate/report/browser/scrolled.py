"""What is longer than the screen: lines that are drawn when they are seen, and can be selected and copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget


class Scrolled(ScrollView, can_focus=True):
    """Lines of which those are made that are seen; a subclass says how many there are, and what each is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
    ]

    @property
    def allow_select(self) -> bool:
        """Whether a mouse may select text."""
        return True

    def line(self, y: int) -> Strip:
        """Return a line, from the top, in its full width."""
        raise NotImplementedError

    def plain(self, y: int) -> str:
        """Return the text of a line."""
        return self.line(y).text

    @property
    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Return a line of what is seen."""
        x, top = self.scroll_offset
        place = self.place_of(y, top)
        width = self.scrollable_content_region.width
        if place is None or place >= self.count:
            return Strip.blank(width, self.rich_style)
        line = self.line(place).apply_style(self.rich_style)
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(place)) is not None:
            first, last = span
            whole = line.cell_length
            stop = whole if last == -1 else min(last, whole)
            chosen = line.crop(first, stop).apply_style(self.screen.get_component_rich_style("screen--selection"))
            line = Strip.join([line.crop(0, first), chosen, line.crop(stop, whole)])
        return line.crop_extend(x, x + width, self.rich_style).apply_offsets(x, place)

    def place_of(self, y: int, top: int) -> int | None:
        """Return which line is seen at a place of the screen, when it is scrolled to `top`."""
        return top + y

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that was selected."""
        return selection.extract("\n".join(self.plain(y) for y in range(self.count))), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw anew, with what is selected now."""
        self.refresh()

    def resized_to(self, widest: int) -> None:
        """Note how many lines there are, and how wide the widest is."""
        self.virtual_size = Size(widest, self.count)
        self.refresh()


def wide(widget: Widget) -> bool:
    """Whether the terminal shows more than ASCII."""
    return widget.app.console.encoding.lower().startswith("utf")


def widest(lines: Sequence[str]) -> int:
    """Return the width of the widest line, in cells."""
    return max(map(cell_len, lines), default=0)
