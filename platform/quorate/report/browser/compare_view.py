"""Runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from quorate.report import console
from quorate.report.browser.deeds import Deed, on_comparison
from quorate.report.browser.paper import Paper
from quorate.report.browser.view import Subject, View
from quorate.report.terminal import show


class CompareView(View):
    """What ``quorate compare`` says of runs; the others are compared with the first.

    Parameters
    ----------
    runs : sequence of str
        Their ids.
    """

    ROOM = "runs"
    SAYS = "Runs beside each other: each is compared with the first. f makes the next one the first."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "turn", "Another first")]

    def __init__(self, runs: Sequence[str]) -> None:
        super().__init__()
        self.runs = list(runs)

    def body(self) -> ComposeResult:
        """Yield the page."""
        yield Paper(id="page")

    def on_mount(self) -> None:
        """Show it."""
        self._show()
        self.query_one(Paper).focus()

    def _show(self) -> None:
        compare, runs = self.browser.doors.compare, list(self.runs)
        kept: list[Any] = []  # it takes longer than drawing it

        def draw(target: console.Console) -> None:
            if not kept:
                kept.extend(compare(runs))
            for section in kept:
                show(section, target)

        self.query_one(Paper).show(draw)
        self.tell()

    def action_turn(self) -> None:
        """Compare with another one."""
        self.runs = [*self.runs[1:], self.runs[0]]
        self._show()

    @property
    def subject(self) -> Subject:
        """The runs."""
        return Subject(" beside ".join(self.runs), "compared", "")

    @property
    def possible(self) -> list[Deed]:
        """What can be done with them."""
        return on_comparison(self.runs)

    @property
    def crumbs(self) -> Sequence[str]:
        """That it is a comparison, and of how many."""
        return [f"{len(self.runs)} compared"]

    @property
    def command(self) -> Sequence[str]:
        """The command that says the same."""
        return ["compare", *self.runs]
