"""The document of a run: what was found, where its numbers came from, and what computing them took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from quorate.bars.panel import Bars
from quorate.bars.quality import market_figures
from quorate.bars.universe import ended
from quorate.evidence.ledger import Opening, Recorder, record_report
from quorate.execution import machine
from quorate.execution.progress import Clock
from quorate.execution.task import fit_seed
from quorate.plugins.specs import SourceSpec
from quorate.recipe.canonical import digest
from quorate.recipe.digest import sources_of, used_plugins
from quorate.recipe.presets import departures
from quorate.report.report import Report
from quorate.runs.driving import now
from quorate.runs.session import Session
from quorate.store import Run
from quorate.store.documents import REPORT_VERSION
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.members import Fitting
from quorate.walkforward.part import Part

# Of what was noted of the data before the first fit, what the report tells, too.
BESIDE = ("read", "covariates", "references", "quality")


def keep_development(
    session: Session, stored: Run, bars: Bars, part: Part, record: Recorder, clock: Clock, fitting: Fitting
) -> Report:
    """Store the tables and the report of the walk-forward before the holdout."""
    with clock.stage("store"):
        files = stored.write_frames("development", part.frames)
    results = {"development": _section(part, session), "holdout": None}
    provenance = {
        **_provenance(session, stored, bars, part),
        "ledger": record.provenance,
        "results_digest": digest(results),
    }
    return _seal(
        {
            "schema_version": REPORT_VERSION,
            "provenance": provenance,
            "results": results,
            "telemetry": _telemetry(clock, fitting, part),
            "files": files,
        },
        stored,
    )


def keep_holdout(
    report: Report,
    session: Session,
    stored: Run,
    part: Part,
    opening: Opening,
    record: Recorder,
    clock: Clock,
    fitting: Fitting,
) -> Report:
    """Store the tables of the opened holdout, and the report with what was found there."""
    with clock.stage("store"):
        files = stored.write_frames("holdout", part.frames)
    results = {**report.results, "holdout": _section(part, session)}
    opened = {
        **report.provenance["holdout"],
        "opened": now(),
        "recipes_that_opened_it": opening.looks,
        "ledger": record.provenance,
        "libraries": machine.libraries(),
        "machine": machine.machine(),
    }
    provenance = {
        **report.provenance,
        "gates": departures(session.recipe.gates, session.registry),
        "holdout": opened,
        "results_digest": digest(results),
    }
    return _seal(
        {
            **report.document,
            "provenance": provenance,
            "results": results,
            "telemetry": {**report.telemetry, "holdout": _telemetry(clock, fitting, part)},
            "files": {**report.document["files"], **files},
        },
        stored,
    )


def _seal(document: Mapping[str, Any], stored: Run) -> Report:
    """Store the document with its own digest, which tells later whether it is still the same."""
    report = Report({**document, "seal": Report(document).seal}, stored)
    enter_report(report)
    stored.write_report(report.document)
    return report


def enter_report(report: Report) -> None:
    """Record in the ledger of its home what a run's report says now."""
    assert report.source is not None
    part = "holdout" if report.results["holdout"] else "development"
    record_report(report.source.home, report.run_id, part, report.results[part]["verdict"], report.document["seal"])


def _section(part: Part, session: Session) -> dict[str, Any]:
    return {**part.section, "warnings": [*session.warnings, *part.section["warnings"]]}


def _provenance(session: Session, stored: Run, bars: Bars, part: Part) -> dict[str, Any]:
    """Return where the numbers of a run came from, for its report."""
    recipe = session.recipe
    begun = stored.begun()
    holdout = holdout_start(bars, recipe)
    return {
        **{name: begun[name] for name in ("run", "created", "recipe_digest", "recipe")},
        "plugins": used_plugins(recipe, session.registry, alerts=True),
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
            "market": market_figures(bars),
            **({"ended": len(over)} if (over := ended(bars)) else {}),
            **{name: told for name, told in begun["data"].items() if name in BESIDE},
            **({"read_by": read_by} if (read_by := _read_by(session)) else {}),
        },
        "holdout": {
            "start": str(bars.sessions[holdout]) if holdout < len(bars) else None,
            "opened": None,
            **({"symbols": held_out} if (held_out := recipe.holdout.held_out) else {}),
        },
        "features": list(part.walk.dataset.feature_names),
        **_categories(part),
        "gates": departures(recipe.gates, session.registry),
        "seeds": {name: fit_seed(recipe.seed, name) for name in recipe.models},
        "libraries": machine.libraries(),
        "machine": machine.machine(),
    }


def _read_by(session: Session) -> dict[str, str]:
    """Return the libraries of sources, such as a vendor's, that are not among those of every run."""
    recipe = session.recipe
    beside = [*(recipe.covariates or {}).values(), recipe.benchmark, recipe.factors]
    sources = [*sources_of(recipe), *(one.source for one in beside if one and one.source)]
    needs = [need for source in sources for need in session.registry.get(SourceSpec, source).requires]
    names = [name.strip() for need in needs for name in need.split("|")]
    return {name: version for name in names if name not in machine.LIBRARIES and (version := machine.installed(name))}


def _categories(part: Part) -> dict[str, Any]:
    """Return the categories and which models read them; nothing, where there are none."""
    names = part.walk.dataset.categories.names
    read = [name for name, spec in part.walk.members.items() if spec.categories]
    return {"categories": {"names": list(names), "models": read}} if names else {}


def _telemetry(clock: Clock, fitting: Fitting, part: Part) -> dict[str, Any]:
    """Return what computing a part took; nothing in it changes a result."""
    fits, keeping = fitting.results, fitting.keeping
    fresh = [fit for fit in fits if not fit.cached]
    per_model: dict[str, float] = {}
    for fit in fresh:
        per_model[fit.model] = per_model.get(fit.model, 0.0) + fit.cpu_seconds
    notes = Counter(f"{fit.model}: {note}" for fit in fits for note in fit.notes)
    return {
        **clock.telemetry(),
        "executor": fitting.executor.name,
        "workers": fitting.executor.workers,
        "fits": len(fits),
        "cached": len(fits) - len(fresh),
        "fit_cpu_seconds": {name: round(seconds, 4) for name, seconds in per_model.items()},
        "fit_warnings": dict(notes),
        **({"models_kept": {"models": keeping.count, "bytes": keeping.size}} if keeping and keeping.count else {}),
        **({"training": part.trainings} if part.trainings else {}),
    }
