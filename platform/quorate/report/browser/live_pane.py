"""How far a run, or a sweep, is, from what it writes into its log."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from quorate.report.browser.scrolled import wide
from quorate.store import Run

EVERY = 0.5  # seconds


class LivePane(Vertical, can_focus=True):
    """The live view of what is going on; it looks at the log twice a second, while it is seen."""

    def compose(self) -> ComposeResult:
        """Yield the picture."""
        yield Static(id="picture", markup=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self._watched: Any = None
        self.set_interval(EVERY, self._look)

    def follow(self, run: Run) -> None:
        """Show this run."""
        from quorate.report.live import Watched

        self._watched = Watched(run)
        self._look(always=True)

    def on_resize(self) -> None:
        """Draw for another size."""
        self._look(always=True)

    def _look(self, always: bool = False) -> None:
        watched = self._watched
        if watched is None or not (self.display and self.screen.is_current and self.size.width):
            return
        if watched.update() or always or not watched.over:
            self.query_one(Static).update(watched.draw(self.size.width, self.size.height, wide(self)))
