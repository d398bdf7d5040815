"""The ledger: what was tried, opened and overridden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import QuorateError, reason_of, visible
from quorate.evidence.ledger import ledger_of, tried_so_far
from quorate.report import console
from quorate.report.browser.list_view import ListView
from quorate.report.browser.listing import Listing
from quorate.report.browser.paper import Paper
from quorate.report.views import ledger as views


class LedgerView(ListView):
    """The entries of the ledger, newest first."""

    ROOM = "ledger"
    SAYS = "What was tried, newest first: series that count as trials, opened holdouts, overrides."
    HINT = "words of an entry: its run, series, or reason"

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[dict[str, Any]] = []
        self._read_bytes = -1

    def listing(self) -> Listing:
        """Return the list."""
        return Listing(views.columns, lambda row: row["seq"], id="rows")

    def fill(self) -> None:
        """Read the ledger, if it was written to since, and show it."""
        ledger = ledger_of(self.browser.home)
        try:
            size = ledger.path.stat().st_size
        except OSError:
            size = 0
        if size != self._read_bytes:
            self._read_bytes = size
            self.beside(self._read, self._take)
        else:
            self._show()

    def _read(self) -> list[dict[str, Any]] | str:
        record = ledger_of(self.browser.home)
        try:
            entries = record.entries()
            return [{**entry, "trials": n} for entry, n in zip(entries, tried_so_far(record, entries), strict=True)]
        except QuorateError as e:
            return str(e)
        except Exception as e:  # a ledger that cannot be read must not look like an empty one
            return f"the ledger cannot be read: {reason_of(e)}"

    def _take(self, found: list[dict[str, Any]] | str) -> None:
        self._rows = [] if isinstance(found, str) else found[::-1]
        self.rows.empty = visible(found) if isinstance(found, str) else "nothing was tried yet"
        self._show()

    def _show(self) -> None:
        words = self.asked.lower().split()
        self.rows.show(row for row in self._rows if all(word in _said(row) for word in words))
        self.tell()

    @property
    def crumbs(self) -> Sequence[str]:
        """How many entries there are."""
        shown = len(self.rows.things)
        return [f"{shown:,}" if shown == len(self._rows) else f"{shown:,} of {len(self._rows):,}"]

    @property
    def command(self) -> Sequence[str]:
        """The command that lists them."""
        return ["ledger", "--last", "0"]

    @property
    def copied(self) -> str:
        """The run of the entry at the cursor."""
        return str((self.rows.thing or {}).get("run", ""))

    def preview(self, thing: Any) -> None:
        """Show all that an entry says."""
        if thing is not None:
            rows = [(name, visible(value)) for name, value in thing.items() if value is not None]
            self.query_one("#preview", Paper).show(lambda target: target.print(console.facts(rows)))

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Open the run of an entry."""
        run = str(event.thing.get("run", ""))
        if self.browser.row_of(run):
            from quorate.report.browser.run_view import RunView

            self.app.push_screen(RunView(run))
        else:
            self.notify("its run is not in this home any more", timeout=3)


def _said(row: Mapping[str, Any]) -> str:
    return " ".join(map(str, row.values())).lower()
