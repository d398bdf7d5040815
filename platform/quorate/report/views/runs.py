"""The runs of a home: how each ended, and how it was judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.errors import QuorateError
from quorate.report import console
from quorate.report.report import Report
from quorate.store import Run


def listed(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return runs as plain data: state, both verdicts, and the Sharpe ratio of the judged series."""
    rows = []
    for run in runs:
        row: dict[str, Any] = {"run": run.id, "state": run.state, "verdict": None, "holdout": None, "sharpe": None}
        if run.state == "finished":
            try:
                report = Report(run.report(), run)
                row["verdict"] = report.results["development"]["verdict"]
                row["holdout"] = (report.results["holdout"] or {}).get("verdict")
                row["sharpe"] = report.standing["series"][0]["metrics"]["sharpe"]
            except (QuorateError, KeyError, TypeError) as e:
                row["state"] = f"unreadable: {e}"
        rows.append(row)
    return rows


def render(rows: Sequence[Mapping[str, Any]], home: Path) -> None:
    """Print runs, one a line; one that is not finished has its state where the others have their verdict."""
    if not rows:
        console.err().print(f"no runs in {home}: start one, e.g. quorate run planted", markup=False)
        return
    columns = [("run", "left"), ("verdict", "left"), ("holdout", "left"), ("Sharpe", "right")]
    cells = [
        [
            r["run"],
            console.verdict_text(r["verdict"] or r["state"], short=True),
            console.verdict_text(r["holdout"] or ("closed" if r["verdict"] else "-"), short=True),
            console.figure(r["sharpe"], ".2f"),
        ]
        for r in rows
    ]
    console.out().print(console.table(columns, [cells]))
