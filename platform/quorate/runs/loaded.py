"""The report of a stored run, as it was written: what reads it needs neither plugins nor bars."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from quorate.errors import IntegrityError
from quorate.report.report import Report
from quorate.report.views.runs import chosen, listed
from quorate.store import Home

if TYPE_CHECKING:
    import pandas as pd


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


def list_runs(
    *,
    home: str | Path | None = None,
    tags: Iterable[str] = (),
    recipe: str | None = None,
    verdict: str | None = None,
    sort: str = "begun",
    limit: int = 0,
) -> pd.DataFrame:
    """Return the runs of a home, a row each, as ``quorate runs`` lists them.

    Parameters
    ----------
    home : path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.
    tags : iterable of str
        Only runs that have all of them.
    recipe : str, optional
        Only runs of the recipe of this name.
    verdict : {"PASS", "FAIL", "INSUFFICIENT"}, optional
        Only runs that ended so.
    sort : {"begun", "sharpe", "verdict"}
        Oldest first, or best first.
    limit : int
        At most so many, the newest or the best; 0: all.

    Returns
    -------
    DataFrame
        ``run``, ``name``, ``recipe``, ``source``, ``data``, ``state``, ``verdict``, ``holdout``, ``sharpe``, ``tags``,
        ``note``, ``reason``.
    """
    import pandas as pd

    rows = chosen(listed(Home(home).runs()), tags=tags, recipe=recipe, verdict=verdict, sort=sort, limit=limit)
    names = [
        "run",
        "name",
        "recipe",
        "source",
        "data",
        "state",
        "verdict",
        "holdout",
        "sharpe",
        "tags",
        "note",
        "reason",
    ]
    return pd.DataFrame(rows, columns=names).astype({"sharpe": "float64"})
