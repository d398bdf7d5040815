"""What a notebook or a program calls; the command line calls the same."""

from __future__ import annotations

import contextlib
import datetime as dt
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from quorate import part as parts
from quorate import provenance
from quorate.bars import Bars
from quorate.errors import IntegrityError, QuorateError, RecipeError
from quorate.execution import Executor
from quorate.fit import FitResult, fit_seed
from quorate.progress import Clock, Progress
from quorate.recipe.resolve import to_plain, to_toml
from quorate.recipe.schema import Recipe
from quorate.report.model import Report
from quorate.session import Session, keep, load_bars, open_session, restore_session
from quorate.store import Home, Run
from quorate.store.atomic import write_text
from quorate.store.home import REPORT_VERSION
from quorate.study import holdout_start, spans_of
from quorate.tables import fit_frames, stored_predictions


def run(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Run a recipe up to its holdout, judge it, and store the run.

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

    Returns
    -------
    Report
        With the development verdict; the holdout stays closed until `promote`.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    """
    progress = progress or Progress()
    clock = Clock(progress)
    with clock.stage("recipe"):
        session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=progress)
        session.home.check_writable()
        stored = session.home.new_run(session.recipe.name)
        write_text(stored.path / "recipe.toml", to_toml(session.recipe, session.registry))
    kept: list[FitResult] = []
    with _recording_failure(stored, progress, kept), session.executor() as executor:
        with clock.stage("data"):
            bars = load_bars(session)
            keep(session, bars)
        if session.recipe.holdout.start and holdout_start(bars, session.recipe) >= len(bars):
            session.warn(f"there is no holdout: the bars end on {bars.sessions[-1]}, before holdout.start")
        result = parts.development(
            session.recipe, session.registry, bars, executor, clock, _listen(session, bars, "development", kept)
        )
        results = {"development": _with_warnings(result.section, session.warnings), "holdout": None}
        with clock.stage("store"):
            files = stored.write_frames("development", result.frames)
        document = {
            "schema_version": REPORT_VERSION,
            "provenance": {**_provenance(session, stored, bars, result), "results_digest": provenance.digest(results)},
            "results": results,
            "telemetry": _telemetry(clock, executor, result.fits),
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
    progress = progress or Progress()
    clock = Clock(progress)
    stored = Home(home).find(name)
    report = load_report(stored.id, home=home)
    if report.results["holdout"] is not None:
        return report
    with clock.stage("recipe"):
        stored.home.check_writable()
        session = restore_session(stored, progress=progress)
        bars = stored.home.bars(report.provenance["data"]["fingerprint"])
    if holdout_start(bars, session.recipe) >= len(bars):
        raise RecipeError(
            f"run {stored.id} has no holdout to open: set holdout.start, holdout.bars or holdout.fraction"
        )
    earlier = stored_predictions(report.predictions, list(session.recipe.models))
    for change in changed_since(report):
        session.warn(f"not as in the development: {change}")
    count = stored.home.record_opening(bars.fingerprint, report.provenance["recipe_digest"], stored.id)
    with session.executor() as executor:
        result = parts.holdout(
            session.recipe, session.registry, bars, earlier, executor, clock, _listen(session, bars, "holdout", [])
        )
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
            "holdout": {
                **report.provenance["holdout"],
                "opened": _now(),
                "recipes_that_opened_it": count,
                "libraries": provenance.libraries(),
                "machine": provenance.machine(),
            },
            "results_digest": provenance.digest(document["results"]),
        }
        document["telemetry"] = {**report.telemetry, "holdout": _telemetry(clock, executor, result.fits)}
        return _seal(document, stored)


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
    now = {**provenance.libraries(), **provenance.machine()}
    return provenance.differing({**report.provenance["libraries"], **report.provenance["machine"]}, now)


def _listen(session: Session, bars: Bars, part: str, kept: list[FitResult]) -> Callable[[FitResult], None]:
    recipe, progress = session.recipe, session.progress
    start = holdout_start(bars, recipe)
    spans = (
        spans_of(recipe, session.registry, bars.take(0, start))
        if part == "development"
        else spans_of(recipe, session.registry, bars, start)
    )
    progress.fits(dict.fromkeys(recipe.models, len(spans)))

    def heard(result: FitResult) -> None:
        kept.append(result)
        progress.fitted(result)

    return heard


def _with_warnings(section: dict[str, Any], more: list[str]) -> dict[str, Any]:
    return {**section, "warnings": [*more, *section["warnings"]]}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _provenance(session: Session, stored: Run, bars: Bars, result: parts.Part) -> dict[str, Any]:
    recipe, registry = session.recipe, session.registry
    return {
        "run": stored.id,
        "created": _now(),
        "recipe_digest": provenance.recipe_digest(recipe, registry),
        "recipe": to_plain(recipe),
        "data": {
            "source": recipe.data.source,
            "fingerprint": bars.fingerprint,
            "symbols": list(bars.symbols),
            "frequency": bars.frequency,
            "bars_per_year": bars.bars_per_year,
            "calendar": bars.calendar.name,
            "bars": len(bars),
            "first": str(bars.sessions[0]),
            "last": str(bars.sessions[-1]),
            "market": parts.market_figures(bars),
        },
        "holdout": {"start": _session(bars, holdout_start(bars, recipe)), "opened": None},
        "features": list(result.study.dataset.feature_names),
        "seeds": {name: fit_seed(recipe.seed, name) for name in recipe.models},
        "plugins": provenance.used_plugins(recipe, registry),
        "libraries": provenance.libraries(),
        "machine": provenance.machine(),
    }


def _session(bars: Bars, position: int) -> str | None:
    return str(bars.sessions[position]) if position < len(bars) else None


def _telemetry(clock: Clock, executor: Executor, fits: list[FitResult]) -> dict[str, Any]:
    per_model: dict[str, float] = {}
    notes: dict[str, int] = {}
    for fit in fits:
        per_model[fit.model] = per_model.get(fit.model, 0.0) + fit.cpu_seconds
        for note in fit.notes:
            notes[f"{fit.model}: {note}"] = notes.get(f"{fit.model}: {note}", 0) + 1
    return {
        **clock.telemetry(),
        "executor": executor.name,
        "workers": executor.workers,
        "fits": len(fits),
        "fit_cpu_seconds": {name: round(seconds, 4) for name, seconds in per_model.items()},
        "fit_warnings": notes,
    }


@contextlib.contextmanager
def _recording_failure(stored: Run, progress: Progress, kept: list[FitResult]) -> Iterator[None]:
    """Leave a word in the run's folder, and the fits that were finished, if it does not get to its report."""
    try:
        yield
    except BaseException as e:
        with contextlib.suppress(Exception):
            reason = str(e) if isinstance(e, QuorateError) else "".join(traceback.format_exception(e))
            write_text(stored.path / "error.txt", f"{reason or type(e).__name__}\n")
            if kept:
                stored.write_frames("unfinished", fit_frames(kept))
        raise
    finally:
        progress.close()
