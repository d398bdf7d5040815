"""Bringing a registered version up to date: its own recipe again, on the bars until now.

A version holds the models that were judged, and they grow old. What forecasts better afterwards is another ensemble,
with evidence of its own: so to update one is a new run, which opens its holdout again to be promoted, see ADR 92.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quorate.errors import RecipeError
from quorate.evidence.ledger import Standing, ledger_of
from quorate.execution.progress import Progress
from quorate.report.report import Report
from quorate.runs.driving import start_clock
from quorate.runs.loaded import load_report
from quorate.runs.predict import with_path
from quorate.runs.registering import ModelRegistry, Version, registered
from quorate.runs.run import promote as open_holdout
from quorate.runs.run import run_session
from quorate.runs.session import Session
from quorate.runs.stored import changed_since, restore_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home
from quorate.store.trust import require


@dataclass(frozen=True)
class Updated:
    """What became of an update.

    Parameters
    ----------
    before : Standing
        The version that was to be brought up to date; it stays as it is.
    report : Report or None
        Of the new run; None, if the bars are those of the version.
    after : Standing or None
        The new version, a candidate; None, if the run was not promoted.
    """

    before: Standing
    report: Report | None
    after: Standing | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        report = self.report
        return {
            "version": self.before.label,
            "run": report.run_id if report else None,
            "verdict": report.verdict if report else None,
            "promoted": bool(report and report.promoted),
            "registered": self.after.label if self.after else None,
        }


@in_usual_surroundings
def update(
    which: str,
    *,
    data: str | Path | None = None,
    promote: bool = False,
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> Updated:
    """Run the recipe of a registered version again, with what it chose, on the bars until now.

    The version stays as it is, and so does its stage. Its models are not refitted behind its evidence: the new run has
    models of its own, each fitted on all that its fold may know, and those with ``warm_start`` go on from fold to fold.
    Folds whose bars did not change take their fits from the home.

    Parameters
    ----------
    which : str
        As in `quorate.ModelRegistry.get`.
    data : path, optional
        A file or folder to read instead of the recipe's, for sources that take a ``path``.
    promote : bool
        Whether the holdout is opened; if the run passes, it is registered as the next version, a candidate. Each time
        is another opening of these days, which the gates of the holdout take into account.

    Raises
    ------
    StoreError
        If there is no such version.
    RecipeError
        If its recipe reads no path, and one is given.
    """
    clock = start_clock(progress)
    version = ModelRegistry(home).get(which)
    with clock.stage("recipe"):
        session = session_of(version, Home(home), clock.progress)
        if data is not None:
            session.recipe = with_path(session.recipe, str(data))
    report = run_session(session, clock, known=(version.document["data"]["fingerprint"],))
    before = version.standing
    if report is None or not promote:
        return Updated(before, report, None)
    report = open_holdout(report.run_id, label=before.name, updates=before.label, home=home, progress=progress)
    return Updated(before, report, registered(Home(home), report.run_id, before.name) if report.promoted else None)


def session_of(version: Version, home: Home, progress: Progress) -> Session:
    """Return the session of a version's recipe, with the plugin files that it keeps, to run anew in a home.

    Raises
    ------
    StoreError
        If the home is not trusted: its recipe says what is read.
    """
    require(home.path, f"{version.standing.label} would be run again, and read the bars that its recipe names")
    report = load_report(version.standing.run, home=version.path)
    assert report.source is not None  # it was loaded
    session = restore_session(report.source, progress, ())
    if session.recipe.data.until is not None:
        raise RecipeError(
            f"{version.standing.label} cannot be brought up to date: its recipe reads bars until "
            f"{session.recipe.data.until} (data.until); run a recipe without that"
        )
    session.home = home
    home.check_writable()
    ledger_of(home).entries()  # a broken one is told before the work
    for change in changed_since(report.provenance):
        session.warn(f"not as in {version.standing.label}: {change}")
    return session
