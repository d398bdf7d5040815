"""Sweeps: tuning a recipe's models on the history before its walk-forward, and judging on it whether that helped.

1. The session is opened and the bars are read as for a run; the sweep's folder holds them from then on.
2. `sweeps.inner` lays out inner folds before the first bar that the recipe's walk-forward predicts; `sweeps.tuning` has
   the trials of `sweeps.search` fitted there. What was told of a trial is in the study whatever is killed then.
3. `sweeps.verdict` fits the recipe's own walk-forward with the parameters found and with the recipe's own.
4. Every trial's series enters the ledger; the report says what is kept, and ``best_params.json`` holds it.

`resume_sweep` takes the same steps again: trials that were decided are read, fits that were finished are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.bars.held_out import without
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError
from quorate.execution.executor import Executor
from quorate.execution.progress import Clock, Progress
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.resolve import to_plain, with_sampler
from quorate.recipe.schema import Recipe
from quorate.runs.alerting import alerting
from quorate.runs.driving import begin, driving, now, opened, read_bars, start_clock
from quorate.runs.mirroring import mirrored
from quorate.runs.session import Session
from quorate.runs.stored import check_execution_only, reopen_unfinished
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.sweep_result import Live, found_of, judged_of, record, told_of
from quorate.runs.swept import BEST, Sweep, load_sweep
from quorate.store import Home, Run
from quorate.store.documents import seal_of
from quorate.store.files import write_json
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.members import Fitting

if TYPE_CHECKING:
    from quorate.sweeps.asked import Asked
    from quorate.sweeps.inner import Window
    from quorate.sweeps.sampling import Sampler
    from quorate.sweeps.space import Space
    from quorate.sweeps.study import Study
    from quorate.sweeps.subject import Subject
    from quorate.sweeps.tuning import Tuner

    Windows = list[tuple[Window, dict[str, Subject] | None]]


@in_usual_surroundings
def sweep(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Sweep:
    """Tune the models of a recipe as its ``[tuning]`` says, and judge whether that helped.

    Trials see only the history before the first bar that the recipe's walk-forward predicts; the holdout stays
    closed. Arguments are those of `quorate.run`.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    Interrupted
        On Ctrl-C; `resume_sweep` goes on.
    """
    clock = start_clock(progress)
    session = opened(recipe, home, plugins, overrides, clock)
    asked, sampler = _asked(session)
    with alerting(session, "sweep") as teller, session.fitting(executor) as fitting:
        bars = read_bars(session, clock)
        windows = _windows(session, bars, asked, clock, fitting)
        stored = begin(session, bars, "sweep")
        with driving(session, stored, clock, "sweep", fitting), teller.watching(stored, clock, fitting):
            found = _tune(session, stored, bars, asked, sampler, windows, clock, fitting)
    teller.finished()
    mirrored(session.home, found.id, clock.progress)
    return found


@in_usual_surroundings
def prepare_sweep(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Begin a sweep and store all that it needs, but fit nothing: `resume_sweep` does the rest, here or elsewhere."""
    clock = start_clock(progress)
    session = opened(recipe, home, plugins, overrides, clock)
    _asked(session)
    return begin(session, read_bars(session, clock), "sweep")


@in_usual_surroundings
def resume_sweep(
    name: str = "latest",
    *,
    home: str | Path | None = None,
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Sweep:
    """Finish a sweep that was interrupted; it finds what one that was not finds. A finished one is only read.

    Parameters
    ----------
    name : str
        The sweep's id, an unambiguous part of it, or ``latest``: the latest that is not finished.
    overrides : iterable of str
        For ``execution`` only.
    """
    check_execution_only(overrides := list(overrides), "sweep resume")
    clock = start_clock(progress)
    stored = Home(home).find(name, unfinished=True, kind="sweep")
    if stored.state == "finished":
        return load_sweep(stored.id, home=home)
    with clock.stage("recipe"):
        session, bars = reopen_unfinished(stored, clock.progress, overrides)
    if bars is None:
        raise IntegrityError(f"sweep {stored.id} was stopped before it had read its bars: start it again")
    asked, sampler = _asked(session)
    with (
        alerting(session, "sweep", stored) as teller,
        session.fitting(executor) as fitting,
        driving(session, stored, clock, "sweep", fitting),
        teller.watching(stored, clock, fitting),
    ):
        windows = _windows(session, bars, asked, clock, fitting)
        found = _tune(session, stored, bars, asked, sampler, windows, clock, fitting)
    teller.finished()
    mirrored(session.home, found.id, clock.progress)
    return found


def _asked(session: Session) -> tuple[Asked, Sampler]:
    """Return what is to be tuned and the sampler; the session's recipe then says all options of that."""
    from quorate.sweeps.asked import asked_of, check_sampler
    from quorate.sweeps.sampling import Sampler

    asked = asked_of(session.recipe, session.registry)
    session.recipe, spec = with_sampler(session.recipe, session.registry)
    sampler = Sampler(spec, session.recipe.tuning.sampler_options, session.warn)
    check_sampler(sampler, asked, session.recipe)
    return asked, sampler


def _windows(session: Session, bars: Bars, asked: Asked, clock: Clock, fitting: Fitting) -> Windows:
    """Lay out the inner folds; those of the first window are audited before anything is stored."""
    from quorate.sweeps.asked import subjects_of
    from quorate.sweeps.inner import reach_of, windows_of
    from quorate.sweeps.trial import REFERENCE, Trial

    recipe, registry = session.recipe, session.registry
    with clock.stage("features"):
        reach = 0 if asked.whole else reach_of(recipe, registry, asked.spaces)
        windows = windows_of(recipe, registry, without(bars, recipe.holdout.held_out), asked.members, reach)
        first = subjects_of(asked, recipe, registry, windows[0], fitting)
        for subject in first.values():
            subject.ground(Trial(REFERENCE, {}))
    return [(windows[0], first), *((window, None) for window in windows[1:])]


def _tune(
    session: Session,
    stored: Run,
    bars: Bars,
    asked: Asked,
    sampler: Sampler,
    windows: Windows,
    clock: Clock,
    fitting: Fitting,
) -> Sweep:
    from quorate.sweeps.asked import searches_of, subjects_of
    from quorate.sweeps.tuning import Limits, Tuner

    recipe, registry, rules = session.recipe, session.registry, session.recipe.tuning
    tuners: list[tuple[Window, Tuner]] = []
    limits = Limits(rules.timeout, rules.max_cost)
    with clock.stage("trials"):
        for window, first in windows:
            subjects = first or subjects_of(asked, recipe, registry, window, fitting)
            suffix = "" if len(windows) == 1 else f"_fold_{window.outer[0]:03d}"
            live = Live(session, bars, window, clock.progress, suffix)
            searches = searches_of(
                asked,
                subjects,
                lambda name, space: _study(session, stored, asked, name, space),
                sampler,
                recipe,
                suffix,
                live.told,
            )
            tuner = live.tuner = Tuner(searches, subjects, fitting, limits)
            tuner.run()
            tuners.append((window, tuner))
            limits = limits.less(tuner)
    with clock.stage("verdict"):
        outer = _outer(session, bars, asked, fitting)
        judged = judged_of(asked, outer, tuners, fitting)
        head = record(session, stored, bars, tuners)
    document: dict[str, Any] = {
        "schema_version": 1,
        "sweep": stored.id,
        "created": stored.begun_at or now(),
        "recipe": to_plain(recipe),
        "recipe_digest": recipe_digest(recipe, registry),
        "plugins": used_plugins(recipe, registry, sweep=True, alerts=True),
        **found_of(asked, outer, tuners, judged),
        "warnings": list(session.warnings),
        "ledger": head,
        "telemetry": {**clock.telemetry(), **told_of(tuners)},
    }
    document["sentences"] += _not_repeatable(sampler)
    sweep = Sweep(document, stored)
    write_json(stored.path / BEST, sweep.best_params)
    stored.write_report({**document, "seal": seal_of(document)})
    return sweep


def _study(session: Session, stored: Run, asked: Asked, name: str, space: Space) -> Study:
    """Return the study of a search: in the sweep's folder, or in a database that others share."""
    from quorate.sweeps.shared import SharedStudy, facts_of
    from quorate.sweeps.study import Study

    rules = session.recipe.tuning
    if not rules.storage:
        return Study(stored.path, name, space, asked.objectives)
    facts = facts_of(
        recipe_digest(session.recipe, session.registry),
        stored.begun()["data"]["fingerprint"],
        rules.model_dump(include={"folds", "scope", "deviation"}),
        {key: str(one) for key, one in space.items()},
        asked.objectives.names,
    )
    named = f"{rules.study}-{name}" if rules.study else name
    return SharedStudy(rules.storage, named, space, asked.objectives, facts, stored.id)


def _not_repeatable(sampler: Sampler) -> list[str]:
    gap = sampler.spec.known_gaps.get("repeat")
    return [f"Another sweep of this recipe will try other parameters: {sampler.spec}: {gap}."] if gap else []


def _outer(session: Session, bars: Bars, asked: Asked, fitting: Fitting) -> WalkForward:
    """Return the recipe's own walk-forward before its holdout, with the models that take part alone."""
    from quorate.sweeps.inner import reach_of

    models = {name: session.recipe.models[name] for name in asked.members}
    recipe = session.recipe.model_copy(update={"models": models})
    reach = 0 if asked.whole else reach_of(recipe, session.registry, asked.spaces)
    stop = holdout_start(bars, recipe)
    known = without(bars.until(stop), recipe.holdout.held_out)
    return prepare(recipe, session.registry, known, [(0, stop)], fitting.arrays, reach)
