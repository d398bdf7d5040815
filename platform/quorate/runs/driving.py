"""One execution of a run: its folder from the first second, where its fits are done, and what is left if it fails."""

from __future__ import annotations

import contextlib
import datetime as dt
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.errors import Interrupted, QuorateError, StoreError
from quorate.evidence.judging import departures
from quorate.execution import machine
from quorate.execution.executor import Executor
from quorate.execution.fit import FitResult, fit_seed
from quorate.execution.progress import Clock, Progress, Several
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.resolve import to_plain, to_toml
from quorate.recipe.schema import Recipe
from quorate.runs.log import RunLog
from quorate.runs.session import Session, keep_sources, load_bars, open_session
from quorate.store import Run
from quorate.store.files import write_text
from quorate.walkforward import part as parts
from quorate.walkforward.findings import market_figures
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.members import Fitting


def begin(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    home: str | Path | None,
    plugins: Iterable[Any],
    overrides: Iterable[str],
    clock: Clock,
) -> tuple[Session, Run]:
    """Open the session and create the run's folder with all that it takes to go on with it later."""
    with clock.stage("recipe"):
        session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=clock.progress)
        session.home.check_writable()
        keep_sources(session)
        stored = session.home.new_run(session.recipe.name)
        write_text(stored.path / "recipe.toml", to_toml(session.recipe, session.registry))
        stored.write_begun(_begun(session, stored, None))
    return session, stored


def _begun(session: Session, stored: Run, bars: Bars | None) -> dict[str, Any]:
    recipe, registry = session.recipe, session.registry
    return {
        "run": stored.id,
        "created": stored.begun_at or now(),
        "recipe_digest": recipe_digest(recipe, registry),
        "recipe": to_plain(recipe),
        "plugins": used_plugins(recipe, registry),
        "data": {"fingerprint": bars.fingerprint} if bars else None,
        "libraries": machine.libraries(),
        "machine": machine.machine(),
        "warnings": session.warnings,
    }


def bars_of(session: Session, stored: Run, clock: Clock, bars: Bars | None) -> Bars:
    """Return the bars, stored and noted in the run, so that going on with it reads the same."""
    with clock.stage("data"):
        if bars is not None:
            return bars
        bars = load_bars(session)
        session.home.keep_bars(bars)
        if session.recipe.holdout.start and holdout_start(bars, session.recipe) >= len(bars):
            session.warn(f"there is no holdout: the bars end on {bars.sessions[-1]}, before holdout.start")
        stored.write_begun(_begun(session, stored, bars))
    return bars


def start_clock(progress: Progress | None) -> Clock:
    """Return a clock whose listeners are the caller's and, once the run is known, its log."""
    return Clock(Several(progress or Progress(), RunLog()))


@contextlib.contextmanager
def driving(
    session: Session, stored: Run, clock: Clock, command: str, executor: Executor | None = None
) -> Iterator[Fitting]:
    """Hold the run and yield where its fits are done; if it fails, the run's folder says why."""
    results: list[FitResult] = []
    with (
        stored.driving(),
        _logged(stored, clock.progress, command),
        recording_failure(session, stored, results, command),
        session.fitting(executor, results=results, one_part=True) as fitting,
    ):
        yield fitting


@contextlib.contextmanager
def _logged(stored: Run, progress: Progress, command: str) -> Iterator[None]:
    progress.run(stored.path, command)
    state = "failed"
    try:
        yield
        state = "finished"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        progress.ended(state)


@contextlib.contextmanager
def recording_failure(
    session: Session, stored: Run, finished: Sequence[FitResult], command: str = "run"
) -> Iterator[None]:
    """Leave a word in the run's folder, if it does not get to its report, and say how to go on with it."""
    told = stored.path / "error.txt"
    told.unlink(missing_ok=True)
    again = f"quorate {'promote' if command == 'promote' else 'resume'} {stored.id}{session.home.option}"
    finished_before = stored.state == "finished"
    try:
        yield
    except KeyboardInterrupt:
        kept = sum(not fit.error for fit in finished) if session.recipe.execution.cache else 0
        raise Interrupted(f"interrupted; {kept} finished fits are kept; to go on: {again}") from None
    except BaseException as e:
        with contextlib.suppress(Exception):
            reason = str(e) if isinstance(e, QuorateError) else "".join(traceback.format_exception(e))
            if not finished_before:
                write_text(told, f"{reason or type(e).__name__}\n")
        if isinstance(e, StoreError):
            e.add_note(f"to go on: {again}")
        raise


def provenance_of(session: Session, stored: Run, bars: Bars, result: parts.Part) -> dict[str, Any]:
    """Return where the numbers of a run came from, for its report."""
    recipe = session.recipe
    begun = stored.begun()
    return {
        **{name: begun[name] for name in ("run", "created", "recipe_digest", "recipe")},
        "plugins": used_plugins(recipe, session.registry),
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
        },
        "holdout": {"start": _session(bars, holdout_start(bars, recipe)), "opened": None},
        "features": list(result.walk.dataset.feature_names),
        "gates": departures(recipe.gates, session.registry),
        "seeds": {name: fit_seed(recipe.seed, name) for name in recipe.models},
        "libraries": machine.libraries(),
        "machine": machine.machine(),
    }


def _session(bars: Bars, position: int) -> str | None:
    return str(bars.sessions[position]) if position < len(bars) else None


def telemetry(clock: Clock, fitting: Fitting) -> dict[str, Any]:
    """Return what computing a part took; nothing in it changes a result."""
    fits = fitting.results
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
    }


def now() -> str:
    """Return the time, for people and files."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
