"""Sections of a run that have a cursor: gates with their evidence, and trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from quorate.errors import QuorateError, visible
from quorate.report import console
from quorate.report.browser.listing import Listing
from quorate.report.browser.paper import Paper
from quorate.report.distance import distance
from quorate.report.figures import figure
from quorate.report.glossary import find
from quorate.report.report import Report
from quorate.report.sections.gates import SHORT, TONES, binding, lost_money, remarks, word, worst_first
from quorate.report.terminal import TONES as STYLES
from quorate.report.trades import COLUMNS, ordered, round_trips, series_of, summary
from quorate.report.views.trades import columns as trade_columns
from quorate.report.views.trades import said

Gate = Mapping[str, Any]


class GatesPane(Vertical):
    """The gates of a part, worst first, and the evidence for the one at the cursor."""

    def compose(self) -> ComposeResult:
        """Yield both."""
        yield Listing(self._columns, lambda gate: gate["gate"], id="gates")
        yield Paper(id="evidence")

    def show(self, report: Report, part: str) -> None:
        """Show the gates of a part."""
        self._part: Mapping[str, Any] = report.results[part]
        self.query_one(Listing).show(worst_first(self._part["gates"]))
        self._tell(self.query_one(Listing).thing)

    def on_listing_moved(self, event: Listing.Moved) -> None:
        """Show the evidence."""
        event.stop()
        self._tell(event.thing)

    def _columns(self, width: int) -> list[console.Column]:
        def lacks(gate: Gate) -> str:
            return distance(gate, self._part["span"]["bars"]) if gate["verdict"] == "FAIL" else ""

        return [
            ("verdict", "left", 0, lambda gate: Text(SHORT.get(word(gate), word(gate)), STYLES[TONES[word(gate)]])),
            ("gate", "left", 0, lambda gate: f"{gate['tier']} {gate['gate']}"),
            ("value", "right", 0, lambda gate: figure(binding(gate)[0], gate["unit"])),
            ("must be", "right", 0, lambda gate: f"{binding(gate)[1]} {figure(binding(gate)[2], gate['unit'])}"),
            ("buy & hold", "right", 70, lambda gate: figure(gate["benchmark"], gate["unit"])),
            ("to pass", "left", 60, lacks),
        ]

    def _tell(self, gate: Gate | None) -> None:
        if gate is not None:
            part = self._part
            self.query_one(Paper).show(lambda target: _evidence(gate, part, target))


def _evidence(gate: Gate, part: Mapping[str, Any], target: console.Console) -> None:
    """Print what a gate says, what it rests on, and what its name means."""
    value, condition, bound = binding(gate)
    head = Text(f"{gate['gate']}  ", "bold") + console.verdict_text(word(gate))
    target.print(head)
    unit = gate["unit"]
    rows = [
        ("value", f"{figure(value, unit)}, must be {condition} {figure(bound, unit)}"),
        ("to mind", remarks(gate, lost_money(part))),
        ("how sure", str(gate["uncertainty"])),
        ("sample", str(gate["sample"])),
        ("buy & hold", figure(gate["benchmark"], unit)),
        ("counts", "yes" if gate.get("required", True) else "no: it only warns"),
        *((str(name).replace("_", " "), _plain(found)) for name, found in (gate.get("inputs") or {}).items()),
    ]
    target.print(console.facts([(name, visible(text)) for name, text in rows if text not in ("", "-")]))
    try:
        _, term = find(gate["gate"])
    except QuorateError:
        return
    target.print()
    for text in term._asdict().values():
        if text:
            target.print(Text(str(text), "bright_black"))


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return format(value, ",.6g")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(found)}" for name, found in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


class TradesPane(Vertical):
    """The trades of the judged series, by any column."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort(1)", "Order"),
        Binding("S", "sort(-1)", "Order back", show=False),
        Binding("r", "turn", "Turn round"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.order, self.down = "entered", True
        self._trades: list[dict[str, Any]] = []

    def compose(self) -> ComposeResult:
        """Yield a line on all of them, and the list."""
        yield Static(id="said", markup=False)
        yield Listing(lambda width: trade_columns(), id="trades", key=_key)

    def show(self, trades: list[dict[str, Any]]) -> None:
        """Show trades, as `trades_of` returns them."""
        self._trades = trades
        self.query_one("#said", Static).update(said(summary(trades)))
        self.query_one(Listing).empty = "no trades"
        self._fill()

    def on_listing_headed(self, event: Listing.Headed) -> None:
        """Order by a column, or turn its order round."""
        name = HEADINGS.get(event.heading)
        if name == self.order:
            self.down = not self.down
        elif name:
            self.order, self.down = name, True
        self._fill()

    def action_sort(self, by: int) -> None:
        """Order by the next column, or the one before."""
        names = [name for name in HEADINGS.values() if name in COLUMNS]
        self.order = names[(names.index(self.order) + by) % len(names)]
        self._fill()

    def action_turn(self) -> None:
        """Turn the order round."""
        self.down = not self.down
        self._fill()

    def _fill(self) -> None:
        listing = self.query_one(Listing)
        listing.order = next(heading for heading, name in HEADINGS.items() if name == self.order)
        found = ordered(self._trades, self.order)
        listing.show(found[::-1] if self.down else found)


HEADINGS = {
    "entered": "entered", "exited": "exited", "symbol": "symbol", "side": "side", "bars": "bars", "size": "size",
    "entry": "entry_price", "exit": "exit_price", "return": "return", "pnl": "pnl", "ended": "ended",
}  # fmt: skip


def trades_of(report: Report) -> list[dict[str, Any]]:
    """Return the trades of the judged series."""
    return round_trips(report, series_of(report))


def _key(trade: Mapping[str, Any]) -> tuple[Any, ...]:
    return trade["part"], trade["symbol"], trade["side"], trade["entered"], trade["exited"], trade["size"]


def moment(text: str, like: datetime) -> datetime:
    """Return the end of the day, or the minute, that a trade tells, as a time like another one."""
    told = datetime.fromisoformat(text if len(text) > 10 else f"{text} 23:59:59")
    return told.replace(tzinfo=like.tzinfo)
