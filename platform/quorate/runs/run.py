"""Running a recipe: the path from bars to a report, which the command line, a notebook and a program take alike.

1. `session` loads the plugins, reads the recipe and resolves it; `driving` asks the source for the bars (`read_bars`).
2. `walkforward.part` computes what the recipe says, up to the holdout: everything later is cut off first.

   a. `walkforward.layout`: features and labels become rows, the splitter's spans become folds. `walkforward.causality`
      cuts off the future of each and compares. `plan` tells how much there is to fit, and what looks wrong.
      `driving` makes the run's folder (`begin`), which holds the bars from then on: whatever is wrong
      before the first fit leaves nothing behind.
   b. `walkforward.members`: each member is fitted on each fold, by an executor or from the cache, and predicts the
      rows that it was not fitted on.
   c. `walkforward.series`: an ensembler combines members with weights from rows whose label had ended. Strategies turn
      scores into desired weights; parameters of a fold come from what was earned before it. The backtest trades
      them at the next bar.
   d. `evidence.judging`: metrics measure, the ledger says how much was tried, gates judge.

3. `document` assembles what was found, where the numbers came from and what they took, and stores it, sealed.

`promote` audits the pipeline, notes in the ledger that the holdout is opened, and takes steps 2 and 3 through it.
`resume` goes on at step 2.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, QuorateError, RecipeError
from quorate.evidence.evidence import Earlier
from quorate.evidence.judging import earlier_of
from quorate.evidence.ledger import Recorder, ledger_of, record_opening, tried_by_now
from quorate.execution.executor import Executor
from quorate.execution.progress import Clock, Progress
from quorate.recipe.schema import Recipe
from quorate.report.report import Report
from quorate.runs import artefacts
from quorate.runs.alerting import Teller, alerting
from quorate.runs.audit import audit_session, find_audit, pipeline_key
from quorate.runs.document import keep_development, keep_holdout
from quorate.runs.driving import begin, driving, keep_begun, opened, read_bars, start_clock
from quorate.runs.loaded import load_report
from quorate.runs.mirroring import mirrored
from quorate.runs.models import RunModels
from quorate.runs.plan import plan_of
from quorate.runs.registering import Version, register, register_models, registered
from quorate.runs.session import Session
from quorate.runs.stored import check_execution_only, reopen, reopen_unfinished
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home, Run
from quorate.walkforward import part as parts
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.members import Fitting
from quorate.walkforward.pretrained import check_licences
from quorate.walkforward.tables import stored_predictions


@in_usual_surroundings
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
    report = run_session(opened(recipe, home, plugins, overrides, clock), clock, executor)
    assert report is not None  # no bars are known already
    return report


def run_session(
    session: Session, clock: Clock, executor: Executor | None = None, known: Container[str] = ()
) -> Report | None:
    """Run the recipe of a session, as `run` does; nothing, if its bars have one of these fingerprints."""
    with alerting(session, "run") as teller:
        artefacts.ready(session.recipe.artefacts)
        with session.fitting(executor, keep=True, one_part=True) as fitting:
            bars = read_bars(session, clock)
            if bars.fingerprint in known:
                return None
            laid = _laid_out(session, bars, clock, fitting)
            stored = begin(session, bars)
            with driving(session, stored, clock, "run", fitting), teller.watching(stored, clock, fitting):
                report = _develop(session, stored, bars, laid, clock, fitting)
    teller.finished(report.verdict)
    mirrored(session.home, report.run_id, clock.progress)
    return report


@in_usual_surroundings
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
    session = opened(recipe, home, plugins, overrides, clock)
    return begin(session, read_bars(session, clock))


@in_usual_surroundings
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
        session, bars = reopen_unfinished(stored, clock.progress, overrides)
    with (
        alerting(session, "resume", stored) as teller,
        session.fitting(executor, keep=True, one_part=True) as fitting,
        driving(session, stored, clock, "resume", fitting),
        teller.watching(stored, clock, fitting),
    ):
        ledger_of(stored.home).entries()
        if bars is None:
            bars = read_bars(session, clock)
            keep_begun(session, stored, bars)
        laid = _laid_out(session, bars, clock, fitting)
        report = _develop(session, stored, bars, laid, clock, fitting)
    teller.finished(report.verdict)
    mirrored(session.home, report.run_id, clock.progress)
    return report


def _laid_out(session: Session, bars: Bars, clock: Clock, fitting: Fitting) -> parts.LaidOut:
    """Lay out the development part, and tell what there is to do."""
    laid = parts.lay_out_development(session.recipe, session.registry, bars, clock, fitting.arrays)
    clock.progress.planned(plan_of(session, bars, laid, fitting).to_dict())
    return laid


def _develop(session: Session, stored: Run, bars: Bars, laid: parts.LaidOut, clock: Clock, fitting: Fitting) -> Report:
    """Compute the development part of a run and store its report."""
    record = _recorder(session, stored, bars, "development")
    part = parts.development(laid, fitting, clock, parts.Known(record))
    report = keep_development(session, stored, bars, part, record, clock, fitting)
    artefacts.write(report, part, "development", session.recipe.artefacts, clock.progress)
    return report


@in_usual_surroundings
def promote(
    name: str = "latest",
    *,
    label: str | None = None,
    updates: str = "",
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Open the holdout of a run and judge it there; doing so again only returns what was found.

    The same walk-forward continues through the holdout on the stored bars and plugin sources, so
    what is judged is exactly what ran. What passes is registered, see `quorate.ModelRegistry`.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    label : str, optional
        What the ensemble is called, if it is registered; default: the name of the recipe.
    updates : str
        The version that the run has brought up to date, such as ``nasdaq@3``: the new one says so.

    Raises
    ------
    IntegrityError
        If what is stored is not what was computed.
    """
    clock = start_clock(progress)
    report = load_report(name, home=home)
    if report.results["holdout"] is not None:
        if report.promoted and registered(Home(home), report.run_id) is None:  # it was stopped before that
            late = partial(register, report.run_id, label=label, updates=updates, home=home, progress=progress)
            _registered(late, clock.progress)
        return report
    with clock.stage("recipe"):
        session, bars = reopen(report, clock.progress, changes="not as in the development")
        session.home.check_writable()
    stored = session.home.find(report.run_id)
    with alerting(session, "promote", stored) as teller:
        report, part = _open_holdout(report, session, stored, bars, clock, teller)
    artefacts.write(report, part, "holdout", session.recipe.artefacts, clock.progress)
    version = None
    if report.promoted:
        models = RunModels(report, session, part.walk)
        version = _registered(partial(register_models, models, label, updates), clock.progress)
    teller.judged(report, version)
    mirrored(session.home, report.run_id, clock.progress)
    return report


def _open_holdout(
    report: Report, session: Session, stored: Run, bars: Bars, clock: Clock, teller: Teller
) -> tuple[Report, parts.Part]:
    """Audit the pipeline, if that was not done, compute the holdout, and store the report of it."""
    start = holdout_start(bars, session.recipe)
    if start >= len(bars):
        raise RecipeError(
            f"run {report.run_id} has no holdout to open: set holdout.start, holdout.bars or holdout.fraction"
        )
    check_licences(session.recipe, session.registry)
    earlier = stored_predictions(report.predictions, list(session.recipe.models))
    null_market = _audited(session, bars) if "null-market" in session.recipe.gates.judging else None
    opening = record_opening(stored.home, bars, start, run=stored.id, recipe_digest=report.provenance["recipe_digest"])
    record = _recorder(session, stored, bars, "holdout")
    with (
        session.fitting(keep_last=True, one_part=True) as fitting,
        driving(session, stored, clock, "promote", fitting),
        teller.watching(stored, clock, fitting),
    ):
        known = parts.Known(record, null_market, opening.looks, _earlier(report, stored, bars, opening.head.seq))
        part = parts.holdout(session.recipe, session.registry, bars, earlier, fitting, clock, known)
        for what, found in part.before.items():
            if found != report.results["development"]["digests"][what]:
                raise IntegrityError(
                    f"with the holdout in sight the {what} of run {stored.id} before it are others: a plugin looks "
                    "ahead, or a library changed (quorate reproduce tells)"
                )
        return keep_holdout(report, session, stored, part, opening, record, clock, fitting), part


def _registered(register_it: Callable[[], Version], progress: Progress) -> str | None:
    """Register what was promoted, and say so; that it cannot be registered changes nothing of its promotion.

    The version's name is returned, if there is one.
    """
    try:
        version = register_it().standing
    except QuorateError as e:
        progress.warn(f"it is promoted, but not registered: {e}")
        return None
    progress.note(
        f"registered as {version.label}, a {version.stage}: quorate registry stage {version.label} champion "
        "makes it what is served"
    )
    return version.label


def _earlier(report: Report, stored: Run, bars: Bars, until: int) -> Earlier:
    """Return what the walk-forward came to, and how much was tried on its days by now."""
    digest = report.provenance["recipe_digest"]
    trials = tried_by_now(stored.home, bars, run=stored.id, recipe_digest=digest, until=until)
    return earlier_of(report.results["development"], trials)


def _recorder(session: Session, stored: Run, bars: Bars, part: str) -> Recorder:
    """Return what counts the trials of a part in the ledger, and records its own."""
    digest = stored.begun()["recipe_digest"]
    return Recorder(stored.home, bars, run=stored.id, part=part, recipe_digest=digest, members=session.recipe.models)


def _audited(session: Session, bars: Bars) -> Mapping[str, Any]:
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
