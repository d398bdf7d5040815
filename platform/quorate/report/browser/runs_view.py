"""The runs of the home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from quorate.errors import plural
from quorate.report import console
from quorate.report.browser.list_view import ListView, parsed
from quorate.report.browser.listing import Listing
from quorate.report.browser.paper import Paper
from quorate.report.browser.view import Subject
from quorate.report.sections import BRIEF, sections_of
from quorate.report.terminal import show
from quorate.report.views import runs as run_views

SORTS = {"begun": "begun", "Sharpe": "sharpe", "verdict": "verdict"}  # headings, and what --sort calls them


def columns(width: int) -> list[console.Column]:
    """Return the columns of the list: those of ``quorate runs``, and tags."""
    return [*run_views.columns(width), ("tags", "left", 90, lambda row: ", ".join(row["tags"]))]


class RunsView(ListView):
    """The runs of the home, newest first."""

    ROOM = "runs"
    SAYS = "The runs of this home. Mark two or more with space, and c shows them beside each other."
    HINT = "words; tag:good  recipe:nasdaq  verdict:pass"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark"),
        Binding("c", "compare", "Compare"),
        Binding("g", "section('gates')", "Gates", show=False),
        Binding("e", "section('equity')", "Equity", show=False),
        Binding("t", "section('trades')", "Trades", show=False),
        Binding("s", "sort", "Order"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.sort = "begun"

    def listing(self) -> Listing:
        """Return the list."""
        return Listing(columns, lambda row: row["run"], ("tags", "name", "data"), id="rows")

    def fill(self) -> None:
        """Show the runs that there are now."""
        catalogue = self.browser.catalogue
        rows = catalogue.rows("run")
        shown = list(self._chosen(rows))
        self.rows.order = next(heading for heading, name in SORTS.items() if name == self.sort)
        home = self.browser.home.path
        self.rows.empty = "none is like that" if rows else f"no runs in {home}: N begins one" if catalogue.read else ""
        self.rows.show(shown)
        self._count = (f"{len(shown):,} of " if len(shown) < len(rows) else "") + plural(len(rows), "run")
        if self.browser.first and (catalogue.read or any(row["run"] == self.browser.first for row in rows)):
            first, self.browser.first = self.browser.first, ""
            self.rows.go(first)
            self._open(first)
        self.tell()

    def _chosen(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        asked = self._options()
        found = run_views.chosen(
            rows,
            tags=asked["tag"],
            recipe=next(iter(asked["recipe"]), None),
            verdict=next(iter(asked["verdict"]), None),
            find=asked["find"],
        )
        return found if self.sort == "begun" else run_views.chosen(found, sort=self.sort)

    def _options(self) -> dict[str, list[str]]:
        """Return what the list is narrowed down to, by the option of ``quorate runs`` that does the same."""
        asked, words = parsed(self.asked)
        verdicts = [one for text in asked["verdict"] for one in run_views.VERDICTS if one.startswith(text.upper())]
        return {**asked, "recipe": asked["recipe"][-1:], "verdict": verdicts[-1:], "find": words}

    @property
    def crumbs(self) -> Sequence[str]:
        """How many there are."""
        marked = f", {len(self.rows.marks)} marked" if self.rows.marks else ""
        return [f"{getattr(self, '_count', '...')}{marked}"]

    @property
    def command(self) -> Sequence[str]:
        """The command that lists the same runs."""
        asked = self._options().items()
        options = [word for name, values in asked for value in values for word in (f"--{name}", value)]
        return ["runs", *options, *(["--sort", self.sort] if self.sort != "begun" else [])]

    @property
    def subject(self) -> Subject | None:
        """The run at the cursor."""
        return self.browser.subject_of(self.rows.thing) if self.rows.thing else None

    def preview(self, thing: Any) -> None:
        """Show what became of the run."""
        if thing is None:
            return
        browser, run = self.browser, thing["run"]

        def draw(target: console.Console) -> None:
            if thing["state"] != "finished":
                target.print(console.Text(f"{run}\n{thing['state']}\n", style="bold") + console.Text(thing["reason"]))
                return
            for section in sections_of(browser.report_of(run), BRIEF):
                show(section, target)

        self.query_one("#preview", Paper).show(draw)

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Open the run."""
        self._open(event.thing["run"])

    def on_listing_headed(self, event: Listing.Headed) -> None:
        """Order by the column whose heading was clicked."""
        if event.heading in SORTS:
            self.sort = SORTS[event.heading]
            self.fill()

    def action_mark(self) -> None:
        """Mark the run, for comparing."""
        self.rows.mark()
        self.tell()

    def action_sort(self) -> None:
        """Order by the next of begun, Sharpe and verdict."""
        names = [*SORTS.values()]
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self.fill()

    def action_section(self, name: str) -> None:
        """Open the run at a section."""
        if self.rows.thing:
            self._open(self.rows.thing["run"], name)

    def action_compare(self) -> None:
        """Show the marked runs beside each other; with one of them, the one at the cursor beside it."""
        from quorate.report.browser.compare_view import CompareView

        names = [str(key) for key in self.rows.marks]
        if self.rows.thing and len(names) == 1:
            names = list(dict.fromkeys([*names, self.rows.thing["run"]]))
        if len(names) < 2:
            self.notify("mark two runs or more with space, then press c", timeout=4)
        else:
            self.app.push_screen(CompareView(names))

    def _open(self, run: str, section: str = "") -> None:
        from quorate.report.browser.run_view import RunView

        self.app.push_screen(RunView(run, section))
