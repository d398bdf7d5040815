"""A sweep: what came of it, and its trials, by what they were worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher

from quorate.errors import QuorateError, reason_of, visible
from quorate.report import console
from quorate.report.browser.listing import Listing
from quorate.report.browser.live_pane import LivePane
from quorate.report.browser.paper import Paper
from quorate.report.browser.scatter import Point, Scatter
from quorate.report.browser.view import Subject, View
from quorate.report.figures import span
from quorate.report.views.sweep import params_text, render
from quorate.store import Run

OVERVIEW = "overview"


class SweepView(View):
    """A sweep; of one that is going on how far it is.

    Parameters
    ----------
    sweep : str
        Its id.
    """

    ROOM = "sweeps"
    SAYS = (
        "One sweep. The overview says what came of it; each search has its trials: of one objective from trial to "
        "trial, of two in a plane, where those that no other beats in both are stressed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right_square_bracket", "step(1)", "Next"),
        Binding("p,left_square_bracket", "step(-1)", "Before"),
        Binding("s", "sort", "Order"),
    ]

    def __init__(self, sweep: str) -> None:
        super().__init__()
        self.run_id = sweep
        self.search = OVERVIEW
        self._document: Mapping[str, Any] = {}
        self._order = 0
        self._state = ""

    def body(self) -> ComposeResult:
        """Yield the names of the searches, and the one that is shown."""
        with Horizontal():
            yield Listing(lambda _: [("search", "left", 0, str)], str, id="side")
            with ContentSwitcher(initial="page"):
                yield Paper(id="page")
                yield LivePane(id="live")
                with Vertical(id="trial-list"):
                    yield Scatter(id="plane")
                    yield Listing(self._columns, lambda trial: trial["trial"], id="trials")
                    yield Paper(id="parameters")

    def on_mount(self) -> None:
        """Have the arrows move in the list of searches."""
        self.query_one("#side").focus()

    def changed(self) -> None:
        """Read the sweep, if it is not as it was."""
        row = self.browser.catalogue.row("sweep", self.run_id)
        state = row["state"] if row else "removed" if self.browser.catalogue.read else "..."
        if state == self._state:
            return
        self._state = state
        if state == "finished":
            self.beside(self._load, self._loaded)
        elif row:
            self.query_one(LivePane).follow(Run(self.browser.home, self.run_id, "sweep"))
            self.query_one(ContentSwitcher).current = "live"
        else:
            self._say(f"{self.run_id} is not there any more")

    def _load(self) -> Mapping[str, Any] | str:
        try:
            return self.browser.doors.sweep(self.run_id)
        except QuorateError as e:
            return str(e)
        except Exception as e:
            return reason_of(e)

    def _loaded(self, found: Mapping[str, Any] | str) -> None:
        if isinstance(found, str):
            self._say(found)
            return
        self._document = found
        self.query_one("#side", Listing).show([OVERVIEW, *found["searches"]])
        self._open(self.search)

    def _say(self, text: str) -> None:
        self.query_one(ContentSwitcher).current = "page"
        self.query_one("#page", Paper).show(lambda target: target.print(console.Text(visible(text), style="yellow")))

    def _open(self, name: str) -> None:
        self.search = name
        switcher, document = self.query_one(ContentSwitcher), self._document
        if name == OVERVIEW:
            switcher.current = "page"
            self.query_one("#page", Paper).show(lambda target: render(document))
        else:
            switcher.current = "trial-list"
            self._fill()
        self.tell()

    def _fill(self) -> None:
        """Show the trials of the search, in the order that is asked for."""
        try:
            self._show_trials()
        except Exception as e:  # of what a home holds, nothing may end the window
            self._say(f"This cannot be shown: {reason_of(e)}")

    def _show_trials(self) -> None:
        trials, k = self._trials, self._order
        if k:
            sign = -1 if self._objectives[k - 1]["higher_is_better"] else 1
            trials = sorted(trials, key=lambda trial: _last(sign * value(trial, k - 1)))
        listing = self.query_one("#trials", Listing)
        listing.order = ("trial", *(one["name"] for one in self._objectives))[k]
        listing.show(trials)
        plane = self.query_one(Scatter)
        points, stressed, names = self._points()
        plane.show(points, stressed, names)
        self._at(listing.thing)

    def _points(self) -> tuple[list[Point], set[Any], tuple[str, str]]:
        """Return the trials as points, those that are stressed, and what the axes are."""
        aims, trials = self._objectives, self._trials
        if len(aims) > 1:
            points = [Point(one["trial"], value(one, 0), value(one, 1)) for one in trials]
            return points, set(self._found["front"]), (_named(aims[0]), _named(aims[1]))
        points = [Point(one["trial"], float(one["trial"]), value(one, 0)) for one in trials]
        better = max if aims[0]["higher_is_better"] else min
        known = [one for one in points if math.isfinite(one.y)]
        best = accumulate((one.y for one in known), better)
        stressed = {one.key for one, y in zip(known, best, strict=True) if one.y == y}
        return points, stressed, ("trial", _named(aims[0]))

    @property
    def _found(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._document["searches"][self.search]
        return found

    @property
    def _trials(self) -> list[Mapping[str, Any]]:
        return list(self._found["trials"])

    @property
    def _objectives(self) -> list[Mapping[str, Any]]:
        return list(self._document["objectives"])

    def _columns(self, width: int) -> list[console.Column]:
        values: list[console.Column] = [
            (one["name"], "right", 0, lambda trial, k=k: console.figure(value(trial, k), ".5g"))  # type: ignore[misc]
            for k, one in enumerate(self._objectives)
        ]
        return [
            ("trial", "right", 0, lambda trial: f"{'*' if trial['trial'] == self._best else ''}{trial['trial']}"),
            ("state", "left", 60, lambda trial: trial["state"]),
            *values,
            ("CPU", "right", 90, lambda trial: span(trial["cpu_seconds"])),
            ("parameters", "left", 0, lambda trial: params_text(trial["params"])),
        ]

    @property
    def _best(self) -> Any:
        return self._found["best"]["trial"] if self._found["best"] else None

    def _at(self, trial: Mapping[str, Any] | None) -> None:
        if trial is not None:
            self.query_one(Scatter).point(trial["trial"])
            rows = [(name, f"{found:.6g}" if isinstance(found, float) else str(found)) for name, found in _told(trial)]
            self.query_one("#parameters", Paper).show(lambda target: target.print(console.facts(rows)))

    def on_listing_moved(self, event: Listing.Moved) -> None:
        """Show the search, or the trial, at the cursor."""
        if event.listing.id == "trials":
            self._at(event.thing)
        elif event.thing is not None and event.thing != self.search:
            self._open(event.thing)

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Go into the search."""
        if event.listing.id == "side":
            shown = self.query_one(ContentSwitcher).current
            self.query_one("#trials" if shown == "trial-list" else "#page").focus()

    def on_scatter_pointed(self, event: Scatter.Pointed) -> None:
        """Go to the trial that was clicked."""
        self.query_one("#trials", Listing).go(event.key)

    def on_listing_headed(self, event: Listing.Headed) -> None:
        """Order by the column whose heading was clicked."""
        names = ["trial", *(one["name"] for one in self._objectives)]
        if event.heading in names:
            self._order = names.index(event.heading)
            self._fill()

    def action_sort(self) -> None:
        """Order by trial, or by an objective, best first."""
        if self._document and self.search != OVERVIEW:
            self._order = (self._order + 1) % (len(self._objectives) + 1)
            self._fill()

    def action_step(self, by: int) -> None:
        """Go to the next search, or the one before."""
        self.query_one("#side", Listing).action_move(by)

    def action_back(self, leave: bool = False) -> None:
        """From a search to the list of searches, and from there to the sweeps."""
        side = self.query_one("#side", Listing)
        if side.display and self.focused is not side:
            side.focus()
        else:
            super().action_back(leave)

    @property
    def crumbs(self) -> Sequence[str]:
        """The sweep, and the search."""
        return [self.run_id.partition("-")[2] or self.run_id, self.search]

    @property
    def command(self) -> Sequence[str]:
        """The command that shows the same."""
        return ["sweep", "show", self.run_id] if self._state == "finished" else ["watch", self.run_id]

    @property
    def subject(self) -> Subject | None:
        """The sweep."""
        row = self.browser.catalogue.row("sweep", self.run_id)
        return self.browser.subject_of(row) if row else None


def value(trial: Mapping[str, Any], k: int) -> float:
    """Return what a trial was worth by an objective; NaN, if that is not known."""
    found = trial["values"][k] if trial.get("values") else trial["value"] if k == 0 else None
    return math.nan if found is None else float(found)


def _last(number: float) -> tuple[bool, float]:
    """Return what orders a number, what is not known last."""
    return math.isnan(number), number


def _named(objective: Mapping[str, Any]) -> str:
    return f"{objective['name']} ({'higher' if objective['higher_is_better'] else 'lower'} is better)"


def _told(trial: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [("trial", f"{trial['trial']}, {trial['state']}"), *trial["params"].items()]
