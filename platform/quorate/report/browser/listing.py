"""A table of things, a row each: it draws what is seen of thousands, has a cursor, marks, and an order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from quorate.errors import visible
from quorate.report.browser.scrolled import Scrolled
from quorate.report.console import Column

GAP = 2  # between columns
LEAST = 8  # of a column of words that gives way
LOOKED_AT = 100  # rows whose cells tell how wide columns are, at first; a wider one that is seen widens them


class Listing(Scrolled):
    """Things in rows, of which one has the cursor.

    Parameters
    ----------
    columns : callable
        Takes a width, and returns the columns of a table that wide.
    key : callable
        What a thing is known by: the cursor and the marks stay with it.
    gives : sequence of str
        Headings of columns that give way where there is too little room, in this order; default: those of words,
        the widest first.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"listing--head", "listing--cursor", "listing--mark"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000000)", "First", show=False),
        Binding("end", "move(1000000000)", "Last", show=False),
        Binding("enter", "choose", "Open"),
    ]

    class Moved(Message):
        """The cursor stands at another thing, or that is not as it was; None, where there is none."""

        def __init__(self, listing: Listing, thing: Any) -> None:
            super().__init__()
            self.listing, self.thing = listing, thing

        @property
        def control(self) -> Listing:
            """Whose cursor."""
            return self.listing

    class Chosen(Moved):
        """A thing is to be opened."""

    class Headed(Message):
        """The heading of a column was clicked."""

        def __init__(self, listing: Listing, heading: str) -> None:
            super().__init__()
            self.listing, self.heading = listing, heading

    def __init__(
        self,
        columns: Callable[[int], Sequence[Column]],
        key: Callable[[Any], Hashable],
        gives: Sequence[str] = (),
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns_of, self._key, self._gives = columns, key, gives
        self._columns: list[Column] = []
        self._widths: list[int] = []
        self._things: list[Any] = []
        self._keys: list[Hashable] = []
        self._made: dict[Hashable, tuple[Any, tuple[Text, ...]]] = {}  # a thing that was seen, and its cells
        self._strips: dict[Hashable, tuple[object, Strip]] = {}  # a row as it was drawn, and for what
        self._made_for = -1
        self.cursor = 0
        self.marks: dict[Hashable, None] = {}  # in the order in which they were made
        self.order = ""  # the heading that rows are ordered by
        self.empty = ""  # what is said where there is no row

    def show(self, things: Iterable[Any]) -> None:
        """Show these things; the cursor stays with the one at which it stands, if that is among them."""
        here, before = (self._keys[self.cursor], self.thing) if self._keys else (None, None)
        self._things = list(things)
        self._keys = [self._key(thing) for thing in self._things]
        self._lay_out()
        places = {key: i for i, key in enumerate(self._keys)}
        self.marks = {key: None for key in self.marks if key in places}
        self.cursor = places.get(here, min(self.cursor, max(len(self._keys) - 1, 0)))
        self._keep_seen()
        if not self._keys or self._keys[self.cursor] != here or self.thing != before:
            self.post_message(self.Moved(self, self.thing))

    def go(self, key: Hashable) -> bool:
        """Move the cursor to a thing; whether it is there."""
        if key not in self._keys:
            return False
        self._to(self._keys.index(key))
        return True

    @property
    def thing(self) -> Any:
        """The thing that has the cursor; None, where there is none."""
        return self._things[self.cursor] if self._things else None

    @property
    def things(self) -> list[Any]:
        """All things, in their order."""
        return self._things

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by as many rows as are seen."""
        self._to(self.cursor + by * max(self._room - 1, 1))

    def action_choose(self) -> None:
        """Say that the thing at the cursor is to be opened."""
        if self._things:
            self.post_message(self.Chosen(self, self.thing))

    def mark(self) -> None:
        """Mark the row at the cursor, or take its mark away, and go on to the next."""
        if self._things:
            key = self._keys[self.cursor]
            if key in self.marks:
                del self.marks[key]
            else:
                self.marks[key] = None
            self.refresh()
            self.action_move(1)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the columns for which there is room."""
        if self.size.width != self._made_for:
            self._lay_out()
        self._keep_seen()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a row; a second click, or one on the row that has it, opens it."""
        place = self.place_of(int(event.y), self.scroll_offset.y)
        if place == 0:
            if heading := self._heading_at(int(event.x) + self.scroll_offset.x):
                self.post_message(self.Headed(self, heading))
        elif place is not None and place <= len(self._things):
            if event.chain > 1:
                self.action_choose()
            else:
                self._to(place - 1)

    @property
    def count(self) -> int:
        """How many lines there are: the headings, and a row for each thing, or what is said where there is none."""
        return max(len(self._things), 1) + 1

    def place_of(self, y: int, top: int) -> int | None:
        """Return which line is seen at a place: the headings stay at the top."""
        return 0 if y == 0 else top + y

    def line(self, y: int) -> Strip:
        """Return the headings, or a row."""
        if y == 0:
            self._check(self.scroll_offset.y)
            style = self.get_component_rich_style("listing--head")
            return Strip([Segment(self._heads(), style)])
        if y > len(self._things):
            return Strip([Segment(f"  {self.empty}")])
        strip = self._row(y - 1)
        if y - 1 == self.cursor:
            style = self.get_component_rich_style("listing--cursor")
            pieces = [Segment(piece.text, (piece.style or Style()) + style) for piece in strip]
            strip = Strip(pieces).extend_cell_length(self.scrollable_content_region.width, style)
        return strip

    def _row(self, i: int) -> Strip:
        """Return a row as it is without the cursor; one that was seen is kept."""
        key = self._keys[i]
        marked, cells = key in self.marks, self._cells(i)
        state = (marked, tuple(self._widths), id(cells))
        found = self._strips.get(key)
        if found is None or found[0] != state:
            mark = Text(" ")
            if marked:
                mark = Text().append("●", self.get_component_rich_style("listing--mark", partial=True))
            found = self._strips[key] = state, Strip(self._joined(cells, mark).render(self.app.console, end=""))
        return found[1]

    def _joined(self, texts: Sequence[Text], mark: Text) -> Text:
        """Return the cells of a row side by side, its mark before them."""
        whole = mark
        for k, (text, width, column) in enumerate(zip(texts, self._widths, self._columns, strict=True)):
            gap = " " * (GAP if k else 1)
            space = " " * max(width - text.cell_len, 0)
            whole.append(gap)
            if column[1] == "right":
                whole.append(space).append_text(text)
            else:
                if text.cell_len > width:
                    text = text.copy()
                    text.truncate(width, overflow="ellipsis")
                whole.append_text(text).append(" " * max(width - text.cell_len, 0))
        return whole

    def _lay_out(self) -> None:
        """Choose columns and widths for the things there are."""
        width = self.size.width
        if width == 0:  # later, when there is a width
            return
        if width != self._made_for:
            self._made, self._strips, self._made_for = {}, {}, width
            self._columns = [column for column in self._columns_of(width) if width >= column[2]]
        self._widths = [len(column[0]) for column in self._columns]
        n = len(self._things)
        self._widen({i * n // LOOKED_AT for i in range(LOOKED_AT)} if n > LOOKED_AT else range(n))
        self._yield(width - self.styles.scrollbar_size_vertical)
        needed = sum(self._widths) + GAP * len(self._widths)
        self.resized_to(needed if self._things else max(needed, cell_len(self.empty) + GAP))

    def _cells(self, i: int) -> tuple[Text, ...]:
        """Return the cells of a row."""
        key, thing = self._keys[i], self._things[i]
        found = self._made.get(key)
        if found is None or found[0] is not thing:
            found = self._made[key] = thing, tuple(_text(cell, thing) for *_, cell in self._columns)
        return found[1]

    def _widen(self, rows: Iterable[int]) -> None:
        for i in rows:
            for k, text in enumerate(self._cells(i)):
                self._widths[k] = max(self._widths[k], text.cell_len)

    def _check(self, top: int) -> None:
        """Widen columns of numbers for what is seen now: of a number no part is left out."""
        seen = range(top, min(top + self._room, len(self._things)))
        cells = [self._cells(i) for i in seen]
        for k, column in enumerate(self._columns):
            if column[1] == "right":
                widest = max((row[k].cell_len for row in cells), default=0)
                if widest > self._widths[k]:
                    self._widths[k] = widest
                    self.call_later(self.refresh)

    def _yield(self, room: int) -> None:
        """Let columns of words give way until all fit: the first that is named, then the next; numbers never do."""
        over = sum(self._widths) + GAP * len(self._widths) - room
        headings = [column[0] for column in self._columns]
        words = [k for k, column in enumerate(self._columns) if column[1] == "left"]
        named = [headings.index(name) for name in self._gives if name in headings]
        for k in named or sorted(words, key=self._widths.__getitem__, reverse=True):
            if over > 0 and self._widths[k] > LEAST:
                given = min(over, self._widths[k] - LEAST)
                self._widths[k] -= given
                over -= given

    def _heads(self) -> str:
        """Return the headings; beside the one that rows are ordered by, in the gap, is a mark."""
        heads, stop = self._joined([Text(column[0]) for column in self._columns], Text(" ")).plain, GAP
        for column, width in zip(self._columns, self._widths, strict=True):
            if self.order and column[0] == self.order:
                at = stop + (width if column[1] == "right" else min(len(self.order), width))
                return f"{heads[:at]}▾{heads[at + 1 :]}" if at < len(heads) else f"{heads}▾"
            stop += width + GAP
        return heads

    def _heading_at(self, x: int) -> str:
        stop = 2
        for column, width in zip(self._columns, self._widths, strict=True):
            if x < stop + width:
                return column[0]
            stop += width + GAP
        return ""

    @property
    def _room(self) -> int:
        """How many rows are seen at a time."""
        return max(self.scrollable_content_region.height - 1, 1)

    def _to(self, place: int) -> None:
        place = min(max(place, 0), len(self._things) - 1)
        if place < 0 or place == self.cursor:
            return
        before, self.cursor = self.cursor, place
        top = self.scroll_offset.y
        self._keep_seen()
        if self.scroll_offset.y == top:
            self.refresh_line(before + 1 - top)
            self.refresh_line(place + 1 - top)
        self.post_message(self.Moved(self, self.thing))

    def _keep_seen(self) -> None:
        top = self.scroll_offset.y
        wanted = min(max(top, self.cursor - self._room + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True, force=True)


def _text(cell: Callable[[Any], str | Text], thing: Any) -> Text:
    """Return what a cell says; of what a home holds, nothing may end the window."""
    try:
        said = cell(thing)
    except Exception:
        return Text("?", "yellow")
    return said if isinstance(said, Text) else Text(visible(said), no_wrap=True)
