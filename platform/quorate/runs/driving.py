"""One execution of a run: what it reads, its folder from the first fit on, and what is left if it fails."""

from __future__ import annotations

import contextlib
import datetime as dt
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from quorate.bars.panel import Bars
from quorate.errors import Interrupted, QuorateError, StoreError, plural
from quorate.evidence.ledger import ledger_of
from quorate.execution import machine
from quorate.execution.progress import Clock, Progress, Several
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.environment import tell_all
from quorate.recipe.resolve import to_plain, to_toml
from quorate.recipe.schema import Recipe
from quorate.runs.covariates import covariate_facts
from quorate.runs.held_out import hold_out
from quorate.runs.loading import load_bars
from quorate.runs.log import RunLog
from quorate.runs.quality import PART
from quorate.runs.references import reference_facts
from quorate.runs.session import Session, keep_sources, open_session
from quorate.store import Run
from quorate.store.files import write_text
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.members import Fitting


def opened(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    home: str | Path | None,
    plugins: Iterable[Any],
    overrides: Iterable[str],
    clock: Clock,
) -> Session:
    """Open the session of a run to come, after checking that the home can take it."""
    with clock.stage("recipe"):
        session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=clock.progress)
        session.home.check_writable()
        ledger_of(session.home).entries()  # a broken one is told before the work
    return session


def read_bars(session: Session, clock: Clock) -> Bars:
    """Return the bars that the recipe's source gives."""
    with clock.stage("data"):
        bars = hold_out(session, load_bars(session))
        if session.recipe.holdout.start and holdout_start(bars, session.recipe) >= len(bars):
            session.warn(f"there is no holdout: the bars end on {bars.sessions[-1]}, before holdout.start")
    return bars


def begin(session: Session, bars: Bars, kind: Literal["run", "sweep"] = "run") -> Run:
    """Create the folder of a run or sweep with all that it takes to go on with it later; before, nothing is stored."""
    session.home.claim()
    keep_sources(session)
    stored = session.home.new_run(session.recipe.name, kind)
    write_text(stored.path / "recipe.toml", to_toml(session.recipe, session.registry))
    keep_begun(session, stored, bars)
    return stored


def keep_begun(session: Session, stored: Run, bars: Bars) -> None:
    """Store the bars and note all that going on with the run needs, so that it reads the same."""
    session.home.keep_bars(bars)
    quality: dict[str, Any] = {}
    if session.quality is not None:
        quality = {**session.quality.summary(), "files": stored.write_frames(PART, session.quality.frames())}
    stored.write_begun(_begun(session, stored, bars, quality))


def _begun(session: Session, stored: Run, bars: Bars, quality: Mapping[str, Any]) -> dict[str, Any]:
    recipe, registry = session.recipe, session.registry
    return {
        "run": stored.id,
        "created": stored.begun_at or now(),
        "recipe_digest": recipe_digest(recipe, registry),
        "recipe": to_plain(recipe),
        "changes": session.changes,
        "plugins": used_plugins(recipe, registry, stored.kind == "sweep", alerts=True),
        "data": {**_data(bars, recipe), **({"quality": quality} if quality else {})},
        "libraries": machine.libraries(),
        "machine": machine.machine(),
        "warnings": session.warnings,
    }


def _data(bars: Bars, recipe: Recipe) -> dict[str, Any]:
    """Return what tells the bars, what was read, and the covariates beside them, if there are some."""
    read = tell_all(bars.read, recipe.data.options)
    covariates, references = covariate_facts(bars, recipe), reference_facts(bars, recipe)
    return {
        "fingerprint": bars.fingerprint,
        **({"read": read} if read else {}),
        **({"covariates": covariates} if covariates else {}),
        **({"references": references} if references else {}),
    }


def start_clock(progress: Progress | None) -> Clock:
    """Return a clock whose listeners are the caller's and, once the run is known, its log."""
    return Clock(Several(progress or Progress(), RunLog()))


@contextlib.contextmanager
def driving(session: Session, stored: Run, clock: Clock, command: str, fitting: Fitting) -> Iterator[None]:
    """Hold the run; if it fails, its folder says why."""
    with (
        stored.driving(),
        _logged(stored, clock.progress, command),
        _recording_failure(session, stored, fitting, command),
    ):
        yield


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
def _recording_failure(session: Session, stored: Run, fitting: Fitting, command: str) -> Iterator[None]:
    """Leave a word in the run's folder, if it does not get to its report, and say how to go on with it."""
    told = stored.path / "error.txt"
    told.unlink(missing_ok=True)
    again = f"quorate promote {stored.id}{session.home.option}" if command == "promote" else stored.resume_command
    finished_before = stored.state == "finished"
    try:
        yield
    except KeyboardInterrupt:
        kept = fitting.finished if session.recipe.execution.cache else 0
        raise Interrupted(
            f"interrupted; {plural(kept, 'finished fit')} {'is' if kept == 1 else 'are'} kept; to go on: {again}"
        ) from None
    except BaseException as e:
        with contextlib.suppress(Exception):
            reason = str(e) if isinstance(e, QuorateError) else "".join(traceback.format_exception(e))
            if not finished_before:
                write_text(told, f"{reason or type(e).__name__}\n")
        if isinstance(e, StoreError):
            e.add_note(f"to go on: {again}")
        raise


def now() -> str:
    """Return the time, for people and files."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
