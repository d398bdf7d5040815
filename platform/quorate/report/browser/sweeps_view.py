"""The sweeps of the home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quorate.report.browser.list_view import ListView
from quorate.report.browser.listing import Listing
from quorate.report.browser.paper import Paper
from quorate.report.browser.view import Subject
from quorate.report.views import sweep as sweep_views
from quorate.report.views.sweep import render


class SweepsView(ListView):
    """The sweeps of the home, newest first."""

    ROOM = "sweeps"
    SAYS = "The sweeps of this home: what was tuned, and what came of it."
    HINT = "words of its name, recipe, or what came of it"

    def listing(self) -> Listing:
        """Return the list."""
        return Listing(sweep_views.columns, lambda row: row["sweep"], id="rows")

    def fill(self) -> None:
        """Show the sweeps that there are now."""
        rows = self.browser.catalogue.rows("sweep")
        words = self.asked.lower().split()
        shown = [row for row in rows if all(word in " ".join(map(str, row.values())).lower() for word in words)]
        self.rows.empty = "none is like that" if rows else "no sweeps yet: S begins one"
        self.rows.show(shown)
        self.tell()

    @property
    def crumbs(self) -> Sequence[str]:
        """How many there are."""
        return [f"{len(self.rows.things):,}"]

    @property
    def command(self) -> Sequence[str]:
        """The command that lists them."""
        return ["sweep", "list"]

    @property
    def subject(self) -> Subject | None:
        """The sweep at the cursor."""
        return self.browser.subject_of(self.rows.thing) if self.rows.thing else None

    def preview(self, thing: Any) -> None:
        """Show what came of the sweep."""
        if thing is not None:
            load = self.browser.doors.sweep
            self.query_one("#preview", Paper).show(lambda target: render(load(thing["sweep"])))

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Open the sweep."""
        from quorate.report.browser.sweep_view import SweepView

        self.app.push_screen(SweepView(event.thing["sweep"]))
