"""Doing what is scheduled: one at a time in a home, with an alert if it fails, and a line of what became of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quorate.errors import DataError, IntegrityError, QuorateError, RecipeError, StoreError, plural, reason_of
from quorate.evidence.ledger import ledger_of
from quorate.execution.progress import Progress
from quorate.plugins.specs import Alert
from quorate.recipe.digest import recipe_digest
from quorate.report.report import Report
from quorate.runs.alerting import Teller
from quorate.runs.driving import now, start_clock
from quorate.runs.imports import update_bars
from quorate.runs.registering import ModelRegistry, registered
from quorate.runs.run import promote, run_session
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.sweep import sweep
from quorate.runs.swept import overrides_of, params_of
from quorate.serving.schedules import PRESETS, Schedule, opened, without
from quorate.store import Home, schedules
from quorate.store.alerts import keep_alert, read_alerts
from quorate.store.bars.store import BarStore

VERDICTS = {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11}
INTERRUPTED = 130


@dataclass(frozen=True)
class Done:
    """What became of something scheduled.

    Parameters
    ----------
    key, what : str
        Its schedule, and in words.
    began, ended : str
        UTC.
    exit : int
        0 done; 10 or 11, if a promotion ended with FAIL or INSUFFICIENT; 1 failed; 2 the recipe is wrong; 130
        interrupted.
    told : str
        What became of it, in a line.
    run : str
        The run that was made; empty, if none was.
    verdict : str
        Of this run.
    registered : str
        The version that it became; empty, if none.
    """

    key: str
    what: str
    began: str
    ended: str
    exit: int
    told: str
    run: str = ""
    verdict: str = ""
    registered: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@in_usual_surroundings
def do(schedule: Schedule, home: Home, progress: Progress | None = None) -> Done:
    """Do what a schedule says, now.

    It is noted in the home. An error is told as an alert, noted and raised.

    Raises
    ------
    Busy
        If something scheduled is being done in this home already; nothing is noted then.
    QuorateError
        If it fails.
    """
    home.claim()
    home.check_writable()
    with schedules.holding(home.path, schedule.what):
        return _done(schedule, home, progress or Progress())


def is_due(schedule: Schedule, home: Home) -> bool:
    """Return whether the time of an installed schedule has come, or was missed, however often: it is done once.

    Raises
    ------
    StoreError
        If it is not installed in this home.
    """
    found = schedules.find(home.path, schedule.key(home.path))
    if found is None:
        raise StoreError(f"{schedule.what} is not installed in {home.path}: quorate schedule lists what is")
    return schedules.missed(found, dt.datetime.now(dt.UTC))


def _done(schedule: Schedule, home: Home, progress: Progress) -> Done:
    key, began = schedule.key(home.path), now()
    known = {one["id"] for one in read_alerts(home.path)}
    begun = {"key": key, "what": schedule.what, "began": began}

    def note(exit_code: int, told: str, **more: str) -> Done:
        found = Done(**begun, ended=now(), exit=exit_code, told=told, **more)
        schedules.log(home.path, found.to_dict())
        return found

    try:
        report, told = _work(schedule, home, progress)
    except KeyboardInterrupt:  # whoever stops it knows; it stays due
        note(INTERRUPTED, "interrupted")
        raise
    except Exception as e:
        reason = str(e) if isinstance(e, QuorateError) else reason_of(e)
        if all(one["id"] in known for one in read_alerts(home.path)):
            _tell(schedule, home, progress, reason)
        note(2 if isinstance(e, RecipeError) else 1, reason.splitlines()[0])
        _advance(home, key)
        raise
    _advance(home, key)
    if report is None:
        return note(0, told)
    version = registered(home, report.run_id) if report.promoted else None
    code = VERDICTS[report.verdict] if schedule.promote else 0
    label = version.label if version else ""
    return note(code, told, run=report.run_id, verdict=report.verdict, registered=label)


def _work(schedule: Schedule, home: Home, progress: Progress) -> tuple[Report | None, str]:
    """Return the report of the run, if one was made, and in a line what was done."""
    clock = start_clock(progress)
    ledger_of(home).entries()  # a broken one is told before the work
    session = opened(schedule, home, progress)
    _update_collection(session, home, progress)
    if schedule.sweep:
        changes = without(schedule, list(session.recipe.models))
        swept = sweep(schedule.recipe, home=home.path, overrides=changes, progress=progress)
        found = params_of(swept.document["sweep"], home.path)
        session = open_session(
            schedule.recipe, home=home.path, overrides=[*overrides_of(found, session.recipe.models), *changes],
            progress=progress,
        )  # fmt: skip
    report = run_session(session, clock, known=() if PRESETS[schedule.preset].anew else _known(session, home))
    if report is None:
        return None, "no bar is new since the last run: nothing was done"
    if schedule.promote:
        report = promote(report.run_id, home=home.path, progress=progress, **_naming(schedule, home))
        word = "promoted" if report.promoted else "not promoted"
        return report, f"{word}: {report.verdict}"
    return report, f"run: {report.verdict}"


def _naming(schedule: Schedule, home: Home) -> dict[str, Any]:
    """Return what a version is called that brings another up to date."""
    if not schedule.version:
        return {}
    before = ModelRegistry(home.path).get(schedule.recipe).standing
    return {"label": before.name, "updates": before.label}


def _update_collection(session: Session, home: Home, progress: Progress) -> None:
    """Bring the collection up to date that the recipe reads, if it reads one; any other source is asked by the run.

    Raises
    ------
    DataError
        If not all could be brought: what is run on half of the new bars is worth little.
    """
    data = session.recipe.data
    if data.source != "store":
        return
    store = data.options.get("path")
    collection = BarStore(Path(str(store)) if store else None, home.path).collection(str(data.options["collection"]))
    found = update_bars(collection, home=home.path, progress=progress)
    if found.failed:
        told = "; ".join(f"{what}: {why}" for what, why in found.failed[:3])
        raise DataError(
            f"{plural(len(found.failed), 'part')} of the collection {collection.name!r} could not be brought up to "
            f"date: {told}: quorate data update {collection.name}{home.option} tells all"
        )


def _known(session: Session, home: Home) -> tuple[str, ...]:
    """Return the fingerprint of the bars on which this recipe was run last."""
    digest = recipe_digest(session.recipe, session.registry)
    for run in reversed(home.runs()):
        try:
            begun = run.begun() if run.state == "finished" else {}
        except (StoreError, IntegrityError):
            continue
        if begun.get("recipe_digest") == digest:
            return (str(begun["data"]["fingerprint"]),)
    return ()


def _tell(schedule: Schedule, home: Home, progress: Progress, reason: str) -> None:
    """Tell of an error that came before a run could tell of it."""
    told, text = f"{schedule.what}, which is scheduled, ended with an error", reason.splitlines()
    look = f"quorate schedule --home {home.path}"
    try:
        teller = Teller(opened(schedule, home, progress), "run")
    except QuorateError:  # the recipe itself is wrong, so nobody is named: it is on record
        keep_alert(home.path, Alert("run-failed", now(), "", schedule.recipe, "", told, "\n".join([*text, look])))
        return
    teller.tell("run-failed", told, [*text, look])


def _advance(home: Home, key: str) -> None:
    """Note when an installed schedule is due next."""
    found = schedules.find(home.path, key)
    if found is not None:
        schedule = Schedule.of(found)
        known = {name: value for name, value in found.items() if name not in ("schema_version", "key")}
        schedules.keep(home.path, key, {**known, "next": schedule.next(dt.datetime.now(dt.UTC))})
