"""A list: what narrows it down, and beside it what the cursor stands at."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input

from quorate.report.browser.listing import Listing
from quorate.report.browser.paper import Paper
from quorate.report.browser.view import View

WRITTEN = 0.05  # seconds that the keys rest before the list is narrowed down
SETTLES = 0.15  # seconds that the cursor rests before what it stands at is read
ASKED = ("tag", "recipe", "verdict")
_WORD = re.compile(r'(?:(\w+):)?(?:"([^"]*)"?|(\S+))')


def parsed(text: str) -> tuple[dict[str, list[str]], list[str]]:
    """Return what is asked of each of `ASKED`, and the words that are asked for anywhere: ``tag:good "second try"``."""
    asked: dict[str, list[str]] = {name: [] for name in ASKED}
    words = []
    for name, quoted, plain in _WORD.findall(text):
        value = quoted or plain
        if name in asked:
            asked[name] += [value] if value else []
        elif value and value.rstrip(":") not in asked:  # what is asked for is not written yet
            words.append(f"{name}:{value}" if name else value)
    return asked, words


class ListView(View):
    """A list, with a place to narrow it down, and what the cursor stands at beside it where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("slash", "filter", "Find", key_display="/")]
    HINT: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.asked = ""
        self._writing: Timer | None = None

    def body(self) -> ComposeResult:
        """Yield them."""
        yield Input(placeholder=self.HINT, id="filter", compact=True)
        with Horizontal():
            yield self.listing()
            yield Paper(id="preview")

    def listing(self) -> Listing:
        """Return the list."""
        raise NotImplementedError

    @property
    def rows(self) -> Listing:
        """The list."""
        return self.query_one(Listing)

    def on_mount(self) -> None:
        """Have the arrows move in the list."""
        self.rows.focus()

    def changed(self) -> None:
        """Show what there is now."""
        self.fill()

    def fill(self) -> None:
        """Show what there is now."""
        raise NotImplementedError

    def preview(self, thing: Any) -> None:
        """Show what the cursor stands at."""

    def on_listing_moved(self, event: Listing.Moved) -> None:
        """Have shown what the cursor stands at, once it rests."""
        self.tell()
        if self.query_one("#preview").display:
            self.set_timer(SETTLES, lambda: self.preview(event.thing) if event.thing is self.rows.thing else None)

    def on_resize(self) -> None:
        """Where there is room now, show what the cursor stands at."""
        if self.query_one("#preview").display and self.rows.thing is not None:
            self.preview(self.rows.thing)

    def action_filter(self) -> None:
        """Write what the list is to be narrowed down to."""
        place = self.query_one("#filter", Input)
        place.add_class("shown")
        place.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list down, once the writing rests."""
        if self._writing is not None:
            self._writing.stop()
        self._writing = self.set_timer(WRITTEN, lambda: self._narrow(event.value))

    def _narrow(self, asked: str) -> None:
        if asked != self.asked:
            self.asked = asked
            self.fill()
            self.tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Narrow the list down, and go to it."""
        self._narrow(event.value)
        self.rows.focus()

    def action_back(self, leave: bool = False) -> None:
        """Take away what narrows the list down, before it is left."""
        place = self.query_one("#filter", Input)
        if place.has_class("shown"):
            place.value = ""
            self._narrow("")
            place.remove_class("shown")
            self.rows.focus()
        else:
            super().action_back(leave)
