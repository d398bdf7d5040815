"""What the command line prints, on a scrollable page: the same words, numbers and colours."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from quorate.errors import QuorateError, reason_of
from quorate.report import console
from quorate.report.browser.scrolled import Scrolled, widest

Draw = Callable[[console.Console], None]
LEAST = 24  # columns that are drawn in, however narrow the page is


def printed(draw: Draw, width: int) -> list[Text]:
    """Return what a view prints into a console of this width, line by line; an error in place of what it breaks."""
    file = io.StringIO()
    target = console.Console(
        file=file, width=max(width, LEAST), force_terminal=True, color_system="standard", highlight=False, record=False
    )
    with console.instead(target, messages=True):
        try:
            draw(target)
        except QuorateError as e:
            target.print(console.Text("This cannot be shown: ", style="yellow") + console.Text(str(e)))
        except Exception as e:  # of what a home holds, nothing may end the window
            target.print(console.Text(f"This cannot be shown: {reason_of(e)}", style="yellow"))
    lines = [Text.from_ansi(line) for line in file.getvalue().rstrip().split("\n")]
    for line in lines:
        line.rstrip()
    return lines


class Paper(Scrolled):
    """A page that is drawn anew for every width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,ctrl+d", "page_down", "Page down", show=False),
        Binding("b,ctrl+u", "page_up", "Page up", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._draw: Draw | None = None
        self._drawn_for = 0
        self._lines: list[Strip] = []
        self._asked = 0

    def show(self, draw: Draw, keep: bool = False) -> None:
        """Have a view drawn, beside the window, and shown when it is ready; `keep`: without going to its top."""
        self._draw = draw
        self._begin(keep)

    def write(self, lines: Sequence[Text], keep: bool = False) -> None:
        """Show these lines."""
        self._lines = [_strip(line, self) for line in lines]
        self.resized_to(widest([line.text for line in self._lines]))
        if not keep:
            self.scroll_home(animate=False, immediate=True)

    def on_resize(self, event: events.Resize) -> None:
        """Draw anew for another width."""
        if self._draw is not None and self.room != self._drawn_for:
            self._begin(True)

    @property
    def room(self) -> int:
        """The columns there are to draw in, beside the bar that scrolls."""
        return max(self.size.width - (0 if self.show_vertical_scrollbar else self.styles.scrollbar_size_vertical), 0)

    def _begin(self, keep: bool) -> None:
        if self.size.width == 0 or self._draw is None:  # it is drawn when it has a width
            return
        self._asked += 1
        asked, draw, width = self._asked, self._draw, self.room
        self._drawn_for = width

        def work() -> None:
            lines = printed(draw, width)
            call_in(self, lambda: self.write(lines, keep) if asked == self._asked else None)

        self.run_worker(work, thread=True, exclusive=True, group=f"paper-{id(self)}")

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def line(self, y: int) -> Strip:
        """Return a line."""
        return self._lines[y]


def call_in(widget: Widget, what: Callable[[], object]) -> None:
    """Have a thread's result taken in by the window, unless that, or the widget, is gone meanwhile."""
    app = widget.app
    if app.is_running:
        app.call_later(lambda: what() if widget.is_attached else None)


def _strip(line: Text, widget: Widget) -> Strip:
    return Strip(line.render(widget.app.console, end=""))
