"""The report of a stored run, as it was written: what reads it needs neither plugins nor bars."""

from __future__ import annotations

from pathlib import Path

from quorate.errors import IntegrityError
from quorate.report.report import Report
from quorate.store import Home


def load_report(name: str = "latest", *, home: str | Path | None = None) -> Report:
    """Return the report of a stored run, after checking that it is as it was written.

    Raises
    ------
    IntegrityError
        If it was changed.
    """
    stored = Home(home).find(name)
    report = Report(stored.report(), stored)
    if report.document.get("seal") != report.seal:
        raise IntegrityError(f"{stored.path / 'report.json'} was changed after the run: it has another seal")
    return report
