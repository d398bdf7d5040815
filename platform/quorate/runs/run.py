"""What a notebook or a program calls; the command line calls the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, RecipeError
from quorate.evidence.judging import departures
from quorate.evidence.ledger import Recorder, ledger_of, record_opening
from quorate.execution import machine
from quorate.execution.executor import Executor
from quorate.execution.progress import Clock, Progress
from quorate.recipe.digest import digest, used_plugins
from quorate.recipe.schema import Recipe
from quorate.report.report import Report
from quorate.runs.audit import audit_session, find_audit, pipeline_key
from quorate.runs.driving import bars_of, begin, driving, now, provenance_of, recording_failure, start_clock, telemetry
from quorate.runs.session import Session, restore_session
from quorate.store import Home, Run
from quorate.store.home import REPORT_VERSION
from quorate.walkforward import part as parts
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.tables import stored_predictions


def run(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Report:
    """Run a recipe up to its holdout, judge it, and store the run.

    A fit that this home has finished before, in whichever run, is not computed again.

    Parameters
    ----------
    recipe : str, Path, mapping or Recipe
        Name of a built-in recipe, path of a TOML file, or the table itself.
    home : path, optional
        Where to store it; default ``QUORATE_HOME`` or ``.quorate``.
    plugins : iterable
        Plugin files, specs, or objects with hooks: the models, features and gates they offer join the run. A
        folder of files only makes them known.
    overrides : iterable of str
        ``key=value`` with dotted keys.
    progress : Progress, optional
        Hears what is going on.
    executor : Executor, optional
        From `quorate.executor`, to share its processes among runs; what the recipe says of the execution
        is then left aside, but for ``cache``, ``fit_seconds`` and ``fit_memory``.

    Returns
    -------
    Report
        With the development verdict; the holdout stays closed until `promote`.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    Interrupted
        On Ctrl-C; `resume` goes on.
    """
    clock = start_clock(progress)
    session, stored = begin(recipe, home, plugins, overrides, clock)
    return _develop(session, stored, clock, None, "run", executor)


def prepare_run(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Begin a run and store all that it needs, but fit nothing: `resume` does the rest, here or elsewhere."""
    clock = start_clock(progress)
    session, stored = begin(recipe, home, plugins, overrides, clock)
    with stored.driving(), recording_failure(session, stored, []):
        bars_of(session, stored, clock, None)
    return stored


def resume(
    name: str = "latest",
    *,
    home: str | Path | None = None,
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Report:
    """Finish a run that was interrupted; its results are those of a run that was not.

    Fits that were finished are not repeated. A finished run is only read.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``: the latest one that is not finished.
    overrides : iterable of str
        For ``execution`` only.

    Raises
    ------
    StoreError
        If there is none, or it is still going on.
    """
    check_execution_only(overrides := list(overrides), "resume")
    clock = start_clock(progress)
    stored = Home(home).find(name, unfinished=True)
    if stored.state == "finished":
        return load_report(stored.id, home=home)
    with clock.stage("recipe"):
        stored.home.check_writable()
        session = restore_session(stored, progress=clock.progress, overrides=overrides)
        begun = stored.begun()
        fingerprint = begun["data"] and begun["data"]["fingerprint"]
        bars = stored.home.bars(fingerprint) if fingerprint else None
        session.warnings += begun["warnings"]
        before = {**begun["libraries"], **begun["machine"]}
        for change in machine.differing(before, {**machine.libraries(), **machine.machine()}):
            session.warn(f"not as when the run was begun: {change}")
        code = {(p["kind"], p["name"]): p.get("code") for p in begun["plugins"]}
        for plugin in used_plugins(session.recipe, session.registry):
            if plugin.get("code") != code.get((plugin["kind"], plugin["name"])):
                session.warn(
                    f"not as when the run was begun: the code of {plugin['kind']} {plugin['name']!r}, in a module that "
                    "it imports: the results are those of the code as it is now"
                )
    return _develop(session, stored, clock, bars, "resume", executor)


def check_execution_only(overrides: Iterable[str], command: str) -> None:
    """Raise `RecipeError`, if an override is for more than where fits run."""
    for item in overrides:
        if not item.startswith("execution."):
            raise RecipeError(f"{command} takes --set for execution only: {item} would make it another run")


def _develop(
    session: Session, stored: Run, clock: Clock, bars: Bars | None, command: str, executor: Executor | None
) -> Report:
    """Compute the development part of a run and store its report."""
    with driving(session, stored, clock, command, executor) as fitting:
        bars = bars_of(session, stored, clock, bars)
        ledger_of(stored.home).entries()  # a broken one is told before the work
        record = recorder(session, stored, bars, "development")
        result = parts.development(session.recipe, session.registry, bars, fitting, clock, parts.Known(record))
        results = {"development": _with_warnings(result.section, session.warnings), "holdout": None}
        with clock.stage("store"):
            files = stored.write_frames("development", result.frames)
        document = {
            "schema_version": REPORT_VERSION,
            "provenance": {
                **provenance_of(session, stored, bars, result),
                "ledger": record.provenance,
                "results_digest": digest(results),
            },
            "results": results,
            "telemetry": telemetry(clock, fitting),
            "files": files,
        }
        return _seal(document, stored)


def promote(name: str = "latest", *, home: str | Path | None = None, progress: Progress | None = None) -> Report:
    """Open the holdout of a run and judge it there; doing so again only returns what was found.

    The same walk-forward continues through the holdout on the stored bars and plugin sources, so
    what is judged is exactly what ran.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.

    Raises
    ------
    IntegrityError
        If what is stored is not what was computed.
    """
    clock = start_clock(progress)
    stored = Home(home).find(name)
    report = load_report(stored.id, home=home)
    if report.results["holdout"] is not None:
        return report
    with clock.stage("recipe"):
        stored.home.check_writable()
        session = restore_session(stored, progress=clock.progress)
        bars = stored.home.bars(report.provenance["data"]["fingerprint"])
    if holdout_start(bars, session.recipe) >= len(bars):
        raise RecipeError(
            f"run {stored.id} has no holdout to open: set holdout.start, holdout.bars or holdout.fraction"
        )
    earlier = stored_predictions(report.predictions, list(session.recipe.models))
    for change in changed_since(report):
        session.warn(f"not as in the development: {change}")
    null_market = audited(session, bars) if "null-market" in session.recipe.gates.judging else None
    start, recipe_digest = holdout_start(bars, session.recipe), report.provenance["recipe_digest"]
    opening = record_opening(stored.home, bars, start, run=stored.id, recipe_digest=recipe_digest)
    record = recorder(session, stored, bars, "holdout")
    with driving(session, stored, clock, "promote") as fitting:
        known = parts.Known(record, null_market)
        result = parts.holdout(session.recipe, session.registry, bars, earlier, fitting, clock, known)
        for what, found in result.before.items():
            if found != report.results["development"]["digests"][what]:
                raise IntegrityError(
                    f"with the holdout in sight the {what} of run {stored.id} before it are others: a plugin looks "
                    "ahead, or a library changed (quorate reproduce tells)"
                )
        with clock.stage("store"):
            files = stored.write_frames("holdout", result.frames)
        document = {**report.document, "files": {**report.document["files"], **files}}
        document["results"] = {**report.results, "holdout": _with_warnings(result.section, session.warnings)}
        document["provenance"] = {
            **report.provenance,
            "gates": departures(session.recipe.gates, session.registry),
            "holdout": {
                **report.provenance["holdout"],
                "opened": now(),
                "recipes_that_opened_it": opening.looks,
                "ledger": record.provenance,
                "libraries": machine.libraries(),
                "machine": machine.machine(),
            },
            "results_digest": digest(document["results"]),
        }
        document["telemetry"] = {**report.telemetry, "holdout": telemetry(clock, fitting)}
        return _seal(document, stored)


def recorder(session: Session, stored: Run, bars: Bars, part: str) -> Recorder:
    """Return what counts the trials of a part in the ledger, and records its own."""
    digest = stored.begun()["recipe_digest"]
    return Recorder(stored.home, bars, run=stored.id, part=part, recipe_digest=digest, members=session.recipe.models)


def audited(session: Session, bars: Bars) -> Mapping[str, Any]:
    """Return what the pipeline made of markets without anything to find; audits it, if that was not done before.

    Raises
    ------
    IntegrityError
        If the audit found a leak.
    """
    found = find_audit(session.home, pipeline_key(session))
    if found is None:
        session.progress.note("this pipeline was not audited yet: that comes before the holdout is opened")
        found = audit_session(session, bars).to_dict()
    for finding in found["findings"]:
        if finding["state"] == "alarm":
            raise IntegrityError(
                f"the audit found a leak, so the holdout stays closed: {finding['detector']}: {finding['detail']}"
            )
    figures: Mapping[str, Any] = next(f["figures"] for f in found["findings"] if f["detector"] == "null market")
    return figures


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


def _seal(document: Mapping[str, Any], stored: Run) -> Report:
    """Store the document with its own digest, which tells later whether it is still the same."""
    sealed = {**document, "seal": Report(document).seal}
    stored.write_report(sealed)
    return Report(sealed, stored)


def changed_since(report: Report) -> list[str]:
    """Return libraries and processor that are not what they were when the run was made."""
    now = {**machine.libraries(), **machine.machine()}
    return machine.differing({**report.provenance["libraries"], **report.provenance["machine"]}, now)


def _with_warnings(section: dict[str, Any], more: list[str]) -> dict[str, Any]:
    return {**section, "warnings": [*more, *section["warnings"]]}
