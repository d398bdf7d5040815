"""The commands that were begun from windows on this home, and what they print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from quorate.errors import visible
from quorate.report import console
from quorate.report.browser.jobs import Job
from quorate.report.browser.list_view import ListView
from quorate.report.browser.listing import Listing
from quorate.report.browser.paper import Paper
from quorate.report.browser.view import View

TONES = {"running": "bold yellow", "failed": "red", "stopped": "bright_black", "done": "green", **console.STYLES}


def columns(width: int) -> list[console.Column]:
    """Return the columns of the list."""
    return [
        ("begun", "left", 0, lambda job: job.began[5:16].replace("T", " ")),
        ("state", "left", 0, lambda job: Text(job.state, TONES.get(job.state, ""))),
        ("command", "left", 0, lambda job: job.command),
    ]


class JobsView(ListView):
    """The commands, newest first."""

    ROOM = "jobs"
    SAYS = "Commands that were begun here. They go on when the window is closed."
    HINT = "words of the command"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "stop", "Stop it")]

    def listing(self) -> Listing:
        """Return the list."""
        return Listing(columns, lambda job: job.id, id="rows")

    def on_mount(self) -> None:
        """Look again now and then."""
        self._there: list[str] = []
        self.set_interval(1.0, self._again)

    def _again(self) -> None:
        if not self.is_current:
            return
        jobs = self.browser.jobs.all()  # other windows begin some, too
        if [job.id for job in jobs] != self._there or any(job.state == "running" for job in jobs[:5]):
            self._there = [job.id for job in jobs]
            self.changed()

    def changed(self) -> None:
        """Show the commands that there are now, and what the one at the cursor has printed since."""
        super().changed()
        self.preview(self.rows.thing)

    def fill(self) -> None:
        """Show the commands that there are now."""
        words = self.asked.lower().split()
        jobs = [job for job in self.browser.jobs.all() if all(word in job.command.lower() for word in words)]
        self.rows.empty = "no commands yet: a shows what can be done with a run"
        self.rows.show(jobs)
        self.tell()

    @property
    def crumbs(self) -> Sequence[str]:
        """How many are going on."""
        going = sum(job.state == "running" for job in self.rows.things)
        return [f"{len(self.rows.things)}" + (f", {going} going on" if going else "")]

    @property
    def whole_command(self) -> Sequence[str]:
        """The command at the cursor."""
        return self.rows.thing.words if self.rows.thing else ()

    def preview(self, thing: Any) -> None:
        """Show what the command has printed."""
        if thing is not None:
            self.query_one("#preview", Paper).show(drawn(thing), keep=True)

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Show what the command has printed, on the whole screen."""
        self.app.push_screen(JobView(event.thing))

    def action_stop(self) -> None:
        """Stop the command at the cursor, as Ctrl-C does."""
        if self.rows.thing is not None:
            self.rows.thing.stop()
            self.fill()


class JobView(View):
    """What a command prints."""

    ROOM = "jobs"
    SAYS = "What a command has printed so far."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "stop", "Stop it")]

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def body(self) -> Any:
        """Yield the page."""
        yield Paper(id="page")

    def on_mount(self) -> None:
        """Show it, and go on to while it runs."""
        self._again()
        self.set_interval(1.0, lambda: self._again() if self.job.state == "running" or not self._over else None)

    def _again(self) -> None:
        self._over = self.job.state != "running"
        self.query_one(Paper).show(drawn(self.job), keep=True)
        self.tell()

    @property
    def crumbs(self) -> Sequence[str]:
        """The command's first words."""
        return [" ".join(self.job.words[:2])]

    @property
    def whole_command(self) -> Sequence[str]:
        """The command."""
        return self.job.words

    @property
    def copied(self) -> str:
        """All that was printed."""
        return self.job.output

    def action_stop(self) -> None:
        """Stop it, as Ctrl-C does."""
        self.job.stop()


def drawn(job: Job) -> Any:
    """Return what draws a command and its output."""

    def draw(target: console.Console) -> None:
        target.print(Text(f"$ {job.command}", "bold"))
        target.print(Text(job.state, TONES.get(job.state, "")))
        target.print()
        target.print(Text(visible(job.output)))

    return draw
