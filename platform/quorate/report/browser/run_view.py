"""A run: its sections, or while it is going on, how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher

from quorate.errors import QuorateError, reason_of, visible
from quorate.report import console
from quorate.report.browser.curves import CurvesView, Pane
from quorate.report.browser.listing import Listing
from quorate.report.browser.live_pane import LivePane
from quorate.report.browser.panes import GatesPane, TradesPane, moment, trades_of
from quorate.report.browser.paper import Paper
from quorate.report.browser.view import Subject, View
from quorate.report.report import PARTS, Report
from quorate.report.sections import of_run, sections_of
from quorate.report.sections.curves import curves, drawdown
from quorate.report.terminal import show

LIVE = "live"
TROUBLE = "trouble"  # why there is no report
UNFINISHED = (LIVE, "recipe", "timeline")
AFTER = ("timeline", "recipe")  # what a finished run has beside the sections of its report
COLUMNS: list[console.Column] = [("section", "left", 0, lambda name: name)]


class RunView(View):
    """A run.

    Parameters
    ----------
    run : str
        Its id.
    section : str
        The section to begin with; "" for the first.
    """

    ROOM = "runs"
    SAYS = "One run. n and p, or the list at the left, go through its sections; tab goes between list and section."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right_square_bracket", "step(1)", "Next"),
        Binding("p,left_square_bracket", "step(-1)", "Before"),
        Binding("e", "section('equity')", "Equity"),
        Binding("g", "section('gates')", "Gates"),
        Binding("t", "section('trades')", "Trades"),
        Binding("w", "section('live')", "Live view", show=False),
        Binding("h", "part", "Holdout", show=False),
    ]

    def __init__(self, run: str, section: str = "") -> None:
        super().__init__()
        self.run_id = run
        self.section = section
        self._into = bool(section)  # who asks for a section wants to be in it
        self.part = ""
        self._state: object = None  # what the view was made for
        self._state_word = ""
        self._reason = ""
        self._report: Report | None = None
        self._wanted: datetime | None = None  # where the cursor of the curves is to stand

    def body(self) -> ComposeResult:
        """Yield the names of the sections, and the one that is shown."""
        with Horizontal():
            yield Listing(lambda _: COLUMNS, lambda name: name, id="side")
            with ContentSwitcher(initial="page"):
                yield Paper(id="page")
                yield LivePane(id="live-pane")
                yield CurvesView(id="curves")
                yield GatesPane(id="gate-list")
                yield TradesPane(id="trade-list")

    def on_mount(self) -> None:
        """Have the arrows move in the list of sections."""
        self.query_one("#side").focus()

    def changed(self) -> None:
        """Read the run, if it is not as it was."""
        row = self.browser.row_of(self.run_id)
        state = row["state"] if row else "removed" if self.browser.catalogue.read else "..."
        stamp = (state, row and row["holdout"])
        if stamp == self._state:
            return
        self._state = stamp
        self._state_word = state
        if state in ("finished", "unreadable", "damaged"):
            self.beside(self._load, self._loaded)
        else:
            self._report = None
            self._offer(UNFINISHED if row else ())

    def _load(self) -> Report | str:
        """Return the report, or why there is none (beside the window)."""
        try:
            return self.browser.report_of(self.run_id)
        except QuorateError as e:
            return str(e)
        except Exception as e:
            return reason_of(e)

    def _loaded(self, found: Report | str) -> None:
        if isinstance(found, str):
            self._reason = visible(found)
            self._offer((TROUBLE, *AFTER))
            return
        self._report = found
        self.part = PARTS[1] if found.results[PARTS[1]] else PARTS[0]
        self._offer((*of_run(found), *AFTER))

    def _offer(self, names: Sequence[str]) -> None:
        """List the sections that there are, and show the one that was asked for."""
        side = self.query_one("#side", Listing)
        wanted = self.section if self.section in names else names[0] if names else ""
        with self.prevent(Listing.Moved):
            side.show(names)
            side.go(wanted)
        self._open(wanted)

    def on_listing_moved(self, event: Listing.Moved) -> None:
        """Show the section at the cursor."""
        if event.listing.id == "side" and event.thing not in (None, self.section):
            self._open(event.thing)

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Go into the section; from a trade to the curves where it began."""
        if event.listing.id == "side":
            self.action_into()
        elif event.listing.id == "trades":
            self._jump(event.thing)

    def action_into(self) -> None:
        """Put the cursor into the section that is shown."""
        shown = self.query_one(ContentSwitcher).visible_content
        if shown is not None:
            target = shown if shown.can_focus else shown.query(Listing).first()
            target.focus()

    def action_step(self, by: int) -> None:
        """Go to the next section, or the one before."""
        self.query_one("#side", Listing).action_move(by)

    def action_section(self, name: str) -> None:
        """Go to a section, and into it."""
        if self.query_one("#side", Listing).go(name):
            self._into = True
            self._open(name)
        else:
            self.notify(f"{name}: not of a run that is {self._state_word}", timeout=3)

    def action_part(self) -> None:
        """Go from the development to the holdout, or back."""
        if self._report is None or not self._report.results[PARTS[1]]:
            self.notify("its holdout is not opened", timeout=3)
        else:
            self.part = PARTS[1 - PARTS.index(self.part)]
            self._open(self.section)

    def action_back(self, leave: bool = False) -> None:
        """From a section to the list of sections, and from there to the runs."""
        side = self.query_one("#side", Listing)
        if side.display and self.focused is not side:
            side.focus()
        else:
            super().action_back(leave)

    def _open(self, name: str) -> None:
        self.section = name
        self.tell()
        opener = {"equity": self._equity, "gates": self._gates, "trades": self._trades}.get(name)
        if not name:
            self._page(lambda target: target.print(console.Text(f"{visible(self.run_id)} is not there any more")))
        elif name == LIVE:
            self._live()
        elif name == TROUBLE:
            self._page(lambda target: target.print(console.Text(self._reason, style="yellow")))
        elif name == "recipe":
            self._page(self._recipe)
        elif name == "timeline":
            self._page(self._timeline)
        elif self._report is not None:
            try:
                opener(self._report) if opener else self._page(self._section(self._report, name))
            except Exception as e:  # of what a home holds, nothing may end the window
                self._cannot(e)

    def _cannot(self, reason: Exception | str) -> None:
        told = str(reason) if isinstance(reason, str | QuorateError) else reason_of(reason)
        self._page(lambda target: target.print(console.Text(f"This cannot be shown: {visible(told)}", style="yellow")))

    def _page(self, draw: Callable[[console.Console], None]) -> None:
        self._switch("page")
        self.query_one("#page", Paper).show(draw)

    def _section(self, report: Report, name: str) -> Callable[[console.Console], None]:
        def draw(target: console.Console) -> None:
            found = sections_of(report, [name])
            for section in found:
                show(section, target)
            if not found:
                target.print("There is nothing of this in the run.")

        return draw

    def _equity(self, report: Report) -> None:
        part = self.part

        def take(found: Any) -> None:
            if self.section != "equity":
                return
            if found is None or isinstance(found, Exception):
                self._cannot(found or "the run has no table of it")
                return
            times, values = found
            falls = {name: drawdown(one) for name, one in values.items()}
            panes = [Pane("equity", values, "currency", log=True), Pane("drawdown", falls, "fraction")]
            daily = not str(report.provenance["data"]["frequency"]).endswith("min")
            self.query_one(CurvesView).show(times, panes, daily, self._wanted)
            self._wanted = None
            self._switch("curves")

        self.beside(lambda: _or_why(lambda: curves(report, part)), take, "section")

    def _switch(self, name: str) -> None:
        """Show a section with a cursor; one who was in the section before is in this one."""
        inside = self._into or (self.focused is not None and self.focused.id != "side")
        self.query_one(ContentSwitcher).current = name
        if inside:
            self._into = False
            self.action_into()

    def _gates(self, report: Report) -> None:
        self.query_one(GatesPane).show(report, self.part)
        self._switch("gate-list")

    def _trades(self, report: Report) -> None:
        def take(found: Any) -> None:
            if self.section != "trades":
                return
            if isinstance(found, Exception):
                self._cannot(found)
                return
            self.query_one(TradesPane).show(found)
            self._switch("trade-list")

        self.beside(lambda: _or_why(lambda: trades_of(report)), take, "section")

    def _jump(self, trade: Any) -> None:
        """Go to the curves where a trade was entered."""
        if self._report is None:
            return
        self.part = trade["part"]
        found = curves(self._report, self.part)
        self._wanted = moment(trade["entered"], found[0][0]) if found and found[0] else None
        self.action_section("equity")

    def _recipe(self, target: console.Console) -> None:
        run = self.browser.run_of(self.run_id)
        run.check()
        target.print(console.Text(visible((run.path / "recipe.toml").read_text(encoding="utf-8"))))

    def _timeline(self, target: console.Console) -> None:
        from quorate.report.timeline import make_timeline
        from quorate.report.views.timeline import render
        from quorate.store.log import read_log

        run = self.browser.run_of(self.run_id)
        render(make_timeline(run.id, read_log(run.path), running=run.state == "running"), target)

    def _live(self) -> None:
        self.query_one(LivePane).follow(self.browser.run_of(self.run_id))
        self._switch("live-pane")

    @property
    def crumbs(self) -> Sequence[str]:
        """The run, its section, and its part where it has two."""
        parts = self._report is not None and self._report.results[PARTS[1]]
        named = f"{self.section} ({self.part})" if parts and self.section in ("equity", "gates") else self.section
        return [self.run_id.partition("-")[2] or self.run_id, named]

    @property
    def command(self) -> Sequence[str]:
        """The command that shows the section."""
        own = {"gates": ["gate"], "trades": ["trades"], LIVE: ["watch"], "timeline": ["timeline"]}
        if self.section == "recipe":
            return ()
        if self.section in own:
            return [*own[self.section], self.run_id]
        if self._report is None:
            return ["report", self.run_id]
        return ["report", self.run_id, *(["--section", self.section] if self.section else [])]

    @property
    def subject(self) -> Subject | None:
        """The run."""
        row = self.browser.row_of(self.run_id)
        return self.browser.subject_of(row) if row else None

    @property
    def copied(self) -> str:
        """What the cursor reads on a curve; else the run's id."""
        shown = self.query_one(CurvesView)
        return shown.reading() if self.focused is shown else self.run_id


def _or_why(read: Callable[[], Any]) -> Any:
    """Return what is read, or the error in its place."""
    try:
        return read()
    except Exception as e:
        return e
