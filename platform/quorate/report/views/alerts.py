"""Alerts: what was told, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from quorate.errors import plural, visible
from quorate.report import console

NARROW, WIDE = 80, 120  # columns below which some are left out, and from which all fit


def render(alerts: Sequence[Mapping[str, Any]], home: Path, every: int) -> None:
    """Print alerts, one a line, and below the table what was not delivered.

    Parameters
    ----------
    every : int
        How many there are in all.
    """
    if not alerts:
        print(f"no alert was told yet in {visible(home)}: docs/alerts.md says who is told what")
        return
    target = console.out()
    columns: list[console.Column] = [
        ("time, UTC", "left", 0, lambda row: str(row["time"])[: 19 if target.width >= WIDE else 16].replace("T", " ")),
        ("event", "left", NARROW, itemgetter("event")),
        ("what", "left", 0, itemgetter("subject")),
        ("told", "left", 0, _told),
    ]
    target.print(console.listing(columns, [list(alerts)], target.width))
    for alert in alerts:
        for one in alert["deliveries"]:
            if not one["delivered"]:
                print(visible(f"{str(alert['time'])[:16]} {one['to']}: not delivered: {one.get('reason', '')}"))
    if every > len(alerts):
        print(f"the latest {len(alerts)} of {plural(every, 'alert')}: --last 0 lists all")


def render_test(found: Sequence[Mapping[str, Any]]) -> None:
    """Print what became of a test through each alert."""
    for one in found:
        print(visible(f"{one['to']}: {'delivered' if one['delivered'] else 'not delivered: ' + one['reason']}"))


def _told(alert: Mapping[str, Any]) -> str:
    done = [one["to"] for one in alert["deliveries"] if one["delivered"]]
    failed = len(alert["deliveries"]) - len(done)
    return ", ".join([*done, *([f"{failed} failed"] if failed else [])]) or "log"
