"""The ledger of candidates, openings and overrides: its entries, and whether they hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import visible
from quorate.report import console

if TYPE_CHECKING:
    from quorate.evidence.ledger.verify import Verification

NARROW, WIDE = 60, 100  # columns below which some are left out, and from which all fit


def render(shown: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the entries that are shown, newest last, and how many there are of all."""
    if shown["entries"]:
        target = console.out()
        target.print(console.listing(columns(target.width), [shown["entries"]], target.width))
    if shown["left_out"]:
        print(f"{_number(shown['left_out'])} before these; --last 0 shows all")
    began = f" since {entries[0]['time'][:10]}" if entries else ""
    distinct = len({entry["key"] for entry in entries if entry["kind"] == "candidate"})
    print(f"{_number(len(entries))}{began}, {distinct:,} distinct series, in {shown['file']}")


def render_verification(found: Verification, file: Path) -> None:
    """Print what of the ledger was changed, how much of it holds, and whether all does."""
    for problem in found.problems:
        print(f"{'CHANGED' if problem.line else 'changed'}: {visible(problem)}")
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
    print(f"{'sound' if found.sound else 'BROKEN'}: {file}")


def columns(width: int) -> list[console.Column]:
    """Return the columns of a list of entries."""
    slash = "/ " if width < NARROW else "/"  # may break there
    return [
        ("time", "left", 0, lambda row: row["time"][:16].replace("T", " ") if width >= WIDE else row["time"][:10]),
        ("kind", "left", NARROW, itemgetter("kind")),
        # The stamp in a run's id stands in the first column; the rest is enough for other commands.
        ("run", "left", NARROW, lambda row: re.sub(r"^\d{8}T\d{6}\.\d+-", "", str(row.get("run", "")))),
        ("series", "left", 0, lambda row: _series(row).replace("/", slash)),
        ("Sharpe", "right", 0, _sharpe),
        ("bars", "right", NARROW, lambda row: console.figure(row.get("bars"), ",")),
        ("trials", "right", 0, lambda row: console.figure(row["trials"], ",")),
    ]


def _series(row: Mapping[str, Any]) -> str:
    """Return what an entry is about, and in a home that is shared who it is by."""
    return _about(row) + (f", by {visible(row['by'])}" if "by" in row else "")


def _about(row: Mapping[str, Any]) -> str:
    if row["kind"] == "candidate":
        return f"{row['series']}/{row['strategy']}"
    if row["kind"] == "opening":
        days = f"{row['first']}..{row['last']}" if row["first"] else "days not known"
        return f"holdout {days}, " + ("imported" if row["imported"] else f"look {row['looks']}")
    if row["kind"] == "report":
        return f"{row['part']}: {row['verdict']}"
    if row["kind"] == "version":
        return f"{row['name']}@{row['version']} registered"
    if row["kind"] == "forward":
        return "forward record, entry {entries:,}: {said}".format(
            entries=row["entries"], said=", ".join(f"{name} {verdict}" for name, verdict in row["verdicts"].items())
        )
    if row["kind"] == "stage":
        return f"{row['name']}@{row['version']}: {row['stage']}"
    return f"{row['verdict']}: {row['reason']}" if row["kind"] == "override" else str(row["kind"])


def _sharpe(row: Mapping[str, Any]) -> str:
    """Return the Sharpe ratio, annualised as in reports."""
    value = row.get("sharpe")
    return "-" if value is None else f"{value * math.sqrt(row['bars_per_year']):.2f}"


def _number(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries:,} entries"
