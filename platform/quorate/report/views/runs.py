"""The runs of a home: on what, how each ended, and how it was judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.errors import QuorateError, plural
from quorate.report import console
from quorate.report.report import Report
from quorate.store import Run

WIDE, WIDEST = 100, 124  # columns from which on times, and paths and ids, are written out
SYMBOLS = 3  # that are named


def listed(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return runs as plain data: recipe, data, state, both verdicts, the Sharpe ratio of the judged series.

    ``reason`` is why a run failed or cannot be read, empty for all others.
    """
    return [_listed(run) for run in runs]


def _listed(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {
        "run": run.id, "recipe": None, "source": None, "data": None, "state": run.state,
        "verdict": None, "holdout": None, "sharpe": None, "reason": "",
    }  # fmt: skip
    try:
        if run.state == "finished":
            report = Report(run.report(), run)
            row |= _on_what(report.provenance["recipe"], report.provenance["data"]["symbols"])
            row["verdict"] = report.results["development"]["verdict"]
            row["holdout"] = (report.results["holdout"] or {}).get("verdict")
            row["sharpe"] = report.standing["series"][0]["metrics"]["sharpe"]
        elif run.begun_at:
            row |= _on_what(run.begun()["recipe"], ())
    except (QuorateError, LookupError, TypeError, AttributeError) as e:
        row["state"], row["reason"] = "unreadable", str(e)
    if row["state"] in ("failed", "damaged"):
        row["reason"] = run.failure
    return row


def _on_what(recipe: Mapping[str, Any], symbols: Sequence[str]) -> dict[str, Any]:
    data = recipe["data"]
    asked = data.get("symbols") or data.get("symbol") or ()
    names = list(symbols) or ([asked] if isinstance(asked, str) else list(asked))
    more = f" and {len(names) - SYMBOLS:,} more" if len(names) > SYMBOLS else ""
    told = data.get("path") or data.get("dataset") or ", ".join(names[:SYMBOLS]) + more
    return {"recipe": recipe["name"], "source": data["source"], "data": str(told)}


def render(rows: Sequence[Mapping[str, Any]], home: Path) -> None:
    """Print runs, one a line; one that is not finished has its state where the others have their verdict."""
    if not rows:
        console.err().print(f"no runs in {home}: start one, e.g. quorate run planted", markup=False)
        return
    target = console.out()
    target.print(console.listing(_columns(target.width), [rows], target.width))
    told = [(_short(row["run"]), _why(row)) for row in rows if row["verdict"] is None]
    if told := [(name, text) for name, text in told if text]:
        target.print(console.facts(told))
    told_of = f"{plural(len(rows), 'run')} in {home}; a part of its id names a run"
    target.print(told_of, style="bright_black", markup=False)


def _columns(width: int) -> list[console.Column]:
    def when(row: Mapping[str, Any]) -> str:
        found = re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)", row["run"])
        return "-".join(found.groups()[:3]) + (f" {found[4]}:{found[5]}" if width >= WIDE else "") if found else ""

    def on(row: Mapping[str, Any]) -> str:
        data = row["data"] or ""
        return data if width >= WIDEST else Path(data).name

    def verdict(row: Mapping[str, Any]) -> str | console.Text:
        return console.verdict_text(row["verdict"] or row["state"], short=True)

    def holdout(row: Mapping[str, Any]) -> str | console.Text:
        return console.verdict_text(row["holdout"] or ("closed" if row["verdict"] else "-"), short=True)

    return [
        ("begun", "left", 0, when),
        ("run", "left", 0, lambda row: _short(row["run"])),
        ("source", "left", 72, lambda row: row["source"] or ""),
        ("data", "left", 0, on),
        ("verdict", "left", 0, verdict),
        ("holdout", "left", 72, holdout),
        ("Sharpe", "right", 0, lambda row: console.figure(row["sharpe"], ".2f")),
    ]


def _short(run: str) -> str:
    """Return the end of a run's id, which other commands take: what begins it stands beside it."""
    return re.sub(r"^\d{8}T\d{6}\.\d+-", "", run)


def _why(row: Mapping[str, Any]) -> str:
    if row["reason"]:
        return f"{row['state']}: {row['reason'].splitlines()[0]}"
    return f"to go on: quorate resume {_short(row['run'])}" if row["state"] in ("interrupted", "failed") else ""
