"""What is said about the ledger of trials and openings."""

from __future__ import annotations

import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quorate.cli._base import print_json
from quorate.evidence.ledger import ledger_of
from quorate.evidence.ledger.verify import verify as check
from quorate.report import console
from quorate.store import Home

NARROW, WIDE = 60, 100  # columns below which some are left out, and from which all fit


def show(home: Path | None, run: str | None, last: int, as_json: bool) -> None:
    """Print the entries, newest last, each with the trials that count against it by then."""
    from quorate.evidence.ledger import tried_so_far

    ledger = ledger_of(Home(home))
    entries = ledger.entries()
    rows = [
        {**entry, "trials": number}
        for entry, number in zip(entries, tried_so_far(ledger, entries), strict=True)
        if run is None or run in str(entry.get("run", ""))
    ]
    shown = rows[-last:] if last else rows
    left_out = len(rows) - len(shown)
    if as_json:
        print_json({"file": str(ledger.path), "entries": shown, "left_out": left_out})
        return
    if shown:
        target = console.out()
        headings, cells = _columns(target.width), [_cells(row, target.width) for row in shown]
        target.print(console.table(headings, [cells]))
    if left_out:
        print(f"{_number(left_out)} before these; --last 0 shows all")
    began = f" since {entries[0]['time'][:10]}" if entries else ""
    distinct = len({entry["key"] for entry in entries if entry["kind"] == "candidate"})
    print(f"{_number(len(entries))}{began}, {distinct:,} distinct series, in {ledger.path}")


def verify(home: Path | None, as_json: bool) -> bool:
    """Check the ledger, print what was found, and return whether all holds."""
    place = Home(home)
    found = check(place)
    if as_json:
        print_json({**asdict(found), "head": found.head._asdict(), "sound": found.sound})
        return found.sound
    for problem in found.problems:
        print(f"{'CHANGED' if problem.line else 'changed'}: {problem}")
    told = [
        ("1 entry holds" if found.entries == 1 else f"{found.entries:,} entries hold")
        + (f" up to {found.head.hash[:12]}" if found.entries else ""),
        f"{console.plural(found.files, 'stored file')} as written"
        + (f", {found.missing:,} gone: counted against the candidates" if found.missing else ""),
        f"{console.plural(found.runs, 'head')} that runs saw compared",
    ]
    if found.torn:
        told.append(
            f"the last line was not written to its end ({console.plural(found.torn, 'byte')}) and does not count"
        )
    print("; ".join(told))
    print(f"{'sound' if found.sound else 'BROKEN'}: {ledger_of(place).path}")
    return found.sound


def _columns(width: int) -> list[tuple[str, str]]:
    columns = [("time", "left"), ("kind", "left"), ("run", "left"), ("series", "left")]
    figures = [("Sharpe", "right"), ("bars", "right"), ("trials", "right")]
    if width < NARROW:
        return [columns[0], columns[3], figures[0], figures[2]]
    return [*columns, *figures]


def _cells(row: dict[str, Any], width: int) -> list[str]:
    when = row["time"][:16].replace("T", " ") if width >= WIDE else row["time"][:10]
    sharpe, trials = _figure(row), "-" if row["trials"] is None else f"{row['trials']:,}"
    if width < NARROW:
        return [when, _series(row).replace("/", "/ "), sharpe, trials]  # may break there
    # The stamp in a run's id stands in the first column; the rest is enough for other commands.
    run = re.sub(r"^\d{8}T\d{6}\.\d+-", "", str(row.get("run", "")))
    return [when, row["kind"], run, _series(row), sharpe, f"{row['bars']:,}" if "bars" in row else "-", trials]


def _series(row: dict[str, Any]) -> str:
    if row["kind"] == "candidate":
        return f"{row['series']}/{row['strategy']}"
    if row["kind"] == "opening":
        days = f"{row['first']}..{row['last']}" if row["first"] else "days not known"
        return f"holdout {days}, " + ("imported" if row["imported"] else f"look {row['looks']}")
    return f"{row['verdict']}: {row['reason']}" if row["kind"] == "override" else row["kind"]


def _figure(row: dict[str, Any]) -> str:
    """Return the Sharpe ratio, annualised as in reports."""
    value = row.get("sharpe")
    return "-" if value is None else f"{value * math.sqrt(row['bars_per_year']):.2f}"


def _number(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries:,} entries"


def override(name: str, reason: str, home: Path | None, as_json: bool) -> None:
    """Record that a run is used in spite of its verdict."""
    from quorate.evidence.ledger import record_override
    from quorate.runs.stored import load_report

    report, place = load_report(name, home=home), Home(home)
    head = record_override(place, report.run_id, report.verdict, reason)
    if as_json:
        print_json({"run": report.run_id, "verdict": report.verdict, "reason": reason.strip(), **head._asdict()})
    else:
        print(f"{report.run_id}: {report.verdict} overridden, entry {head.seq} of the ledger")
