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

import numpy as np

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, RecipeError, near_misses, one_of
from quorate.evidence.ledger.candidates import Candidate, record_candidates
from quorate.execution.executor import Executor
from quorate.execution.progress import Clock, Progress
from quorate.plugins.described import to_plain as plain_distribution
from quorate.plugins.specs import ModelSpec
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.resolve import to_plain, with_sampler
from quorate.recipe.schema import Recipe
from quorate.runs.driving import begin, driving, now, opened, read_bars, start_clock
from quorate.runs.session import Session
from quorate.runs.stored import check_execution_only, reopen_unfinished
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.swept import BEST, Sweep, load_sweep
from quorate.store import Home, Run
from quorate.store.documents import seal_of
from quorate.store.files import write_json
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.members import Fitting
from quorate.walkforward.series import trade_as_given

if TYPE_CHECKING:
    from quorate.sweeps.sampling import Sampler
    from quorate.sweeps.search import Search
    from quorate.sweeps.space import Space
    from quorate.sweeps.tuning import Tuner
    from quorate.sweeps.verdict import Verdict

CHUNK = 50  # series that are traded at once


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
    spaces = spaces_of(session)
    with session.fitting(executor) as fitting:
        sampler = sampler_of(session, spaces)
        bars = read_bars(session, clock)
        inner = _inner(session, bars, list(spaces), clock, fitting)
        stored = begin(session, bars, "sweep")
        with driving(session, stored, clock, "sweep", fitting):
            return _tune(session, stored, bars, inner, spaces, sampler, clock, fitting)


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
    spaces = spaces_of(session)
    with session.fitting(executor) as fitting, driving(session, stored, clock, "sweep", fitting):
        sampler = sampler_of(session, spaces)
        inner = _inner(session, bars, list(spaces), clock, fitting)
        return _tune(session, stored, bars, inner, spaces, sampler, clock, fitting)


def spaces_of(session: Session) -> dict[str, Space]:
    """Return what is to be tried of which models, checked before anything is fitted.

    Raises
    ------
    RecipeError
        For a model that the recipe does not have, or that has nothing to tune.
    """
    from quorate.sweeps.space import space_of
    from quorate.sweeps.verdict import options_of

    recipe, registry = session.recipe, session.registry
    specs = {name: registry.get(ModelSpec, (m.plugin if m else None) or name) for name, m in recipe.models.items()}
    for key, names in (("tuning.models", recipe.tuning.models), ("tuning.space", recipe.tuning.space)):
        for name in names:
            if name not in specs:
                raise RecipeError(
                    f"{key}: the recipe has no model {name!r}: it has {one_of(specs)}{near_misses(name, specs)}"
                )
    wanted = recipe.tuning.models or [
        name for name, spec in specs.items() if not spec.baseline and (spec.space or name in recipe.tuning.space)
    ]
    if not wanted:
        raise RecipeError("no model of this recipe has a search space: name ranges in [tuning.space.MODEL]")
    for name in wanted:
        if registry.find("model", specs[name].name).provider.inline is not None:
            raise RecipeError(f"model {name!r} is an inline plugin, which no sweep can tune: put it into a file")
    # What is said of a model that is not tuned this time is checked, too.
    found = {
        name: space_of(specs[name], recipe.tuning.space.get(name, {}), options_of(recipe, name), name)
        for name in sorted({*wanted, *recipe.tuning.space})
    }
    return {name: space for name, space in found.items() if name in wanted}


def sampler_of(session: Session, spaces: Mapping[str, Space]) -> Sampler:
    """Return the sampler that the recipe names; the session's recipe then says all of its options.

    It is asked for each model's first trial: one that fails says so before anything is fitted.

    Raises
    ------
    RecipeError, PluginError
        For an unknown sampler or option, or one that fails or gives what is not in the space.
    """
    from quorate.sweeps.sampling import Sampler
    from quorate.sweeps.tuning import study_seed

    session.recipe, spec = with_sampler(session.recipe, session.registry)
    sampler = Sampler(spec, session.recipe.tuning.sampler_options)
    for model, space in spaces.items():
        sampler.suggest(space, [], [], 0, study_seed(session.recipe, model))
    return sampler


def _inner(session: Session, bars: Bars, models: list[str], clock: Clock, fitting: Fitting) -> WalkForward:
    from quorate.sweeps.inner import inner_walk

    with clock.stage("features"):
        return inner_walk(session.recipe, session.registry, bars, models, fitting.arrays)


def _tune(
    session: Session,
    stored: Run,
    bars: Bars,
    inner: WalkForward,
    spaces: Mapping[str, Space],
    sampler: Sampler,
    clock: Clock,
    fitting: Fitting,
) -> Sweep:
    from quorate.sweeps.tuning import Limits, Tuner, searches_of
    from quorate.sweeps.verdict import judge, options_of, sentences

    rules = session.recipe.tuning
    searches = searches_of(stored.path, spaces, sampler, session.recipe, inner, clock.progress)
    tuner = Tuner(inner, searches, fitting, Limits(rules.timeout, rules.max_cost))
    with clock.stage("trials"):
        tuner.run()
    best = {name: {**options_of(session.recipe, name), **search.best.params} for name, search in searches.items()}
    with clock.stage("verdict"):
        outer = _outer(session, bars, list(spaces), fitting)
        verdicts = judge(outer, best, fitting)
        head = _record(session, stored, bars, inner, tuner)
    document: dict[str, Any] = {
        "schema_version": 1,
        "sweep": stored.id,
        "created": stored.begun_at or now(),
        "recipe": to_plain(session.recipe),
        "recipe_digest": recipe_digest(session.recipe, session.registry),
        "plugins": used_plugins(session.recipe, session.registry, sweep=True),
        "loss": "log loss" if inner.binary else "squared error",
        "inner": span_of(inner),
        "outer": span_of(outer),
        "models": {name: _found(searches[name], spaces[name], verdicts[name]) for name in spaces},
        "stopped": tuner.stopped,
        "sentences": sentences(searches, verdicts, inner.binary, tuner.stopped),
        "warnings": list(session.warnings),
        "ledger": head,
        "telemetry": {**clock.telemetry(), **tuner.told()},
    }
    kept = {name: found["kept_params"] for name, found in document["models"].items()}
    write_json(stored.path / BEST, kept)
    stored.write_report({**document, "seal": seal_of(document)})
    return Sweep(document, stored)


def _outer(session: Session, bars: Bars, models: list[str], fitting: Fitting) -> WalkForward:
    """Return the recipe's own walk-forward before its holdout, with the tuned models alone."""
    recipe = session.recipe.model_copy(update={"models": {name: session.recipe.models[name] for name in models}})
    stop = holdout_start(bars, recipe)
    return prepare(recipe, session.registry, bars.until(stop), [(0, stop)], fitting.arrays)


def span_of(walk: WalkForward) -> dict[str, Any]:
    """Return what a walk-forward predicts, for a report."""
    first, last = walk.folds[0], walk.folds[-1]
    return {
        "first": str(walk.bars.sessions[first.first]),
        "last": str(walk.bars.sessions[last.stop - 1]),
        "folds": len(walk.folds),
        "rows": int(sum(len(fold.test) for fold in walk.folds)),
    }


def _found(search: Search, space: Space, verdict: Verdict) -> dict[str, Any]:
    """Return what a report holds of a model's search."""
    best = search.best
    own = {name: v for name in space if (v := search.reference.params.get(name)) is not None}
    kept = dict(best.params) if verdict.kept == "tuned" else own
    return {
        "space": {name: plain_distribution(one) for name, one in space.items()},
        "own": {"params": own, "value": search.reference.value},
        "best": {
            "trial": best.number if best.number >= 0 else None,
            "params": dict(best.params) if best.number >= 0 else own,
            "value": best.value,
        },
        "kept": verdict.kept,
        "kept_params": kept,
        "verdict": verdict.to_plain(),
        "trials": [
            {
                "trial": trial.number,
                "state": trial.state,
                "value": trial.value if trial.used else None,
                "folds": trial.used,
                "cpu_seconds": round(trial.seconds, 3),
                "params": dict(trial.params),
                **({"error": trial.error} if trial.error else {}),
            }
            for trial in search.done
        ],
    }


def _record(session: Session, stored: Run, bars: Bars, inner: WalkForward, tuner: Tuner) -> dict[str, Any]:
    """Enter the series of every trial in the ledger: whoever chooses among them has seen them all."""
    first = inner.folds[0].first
    days = inner.bars.sessions[first + 1 :].astype("datetime64[D]").astype(np.int32)
    strategy, year = session.recipe.strategy.name, inner.bars.bars_per_year
    candidates = []
    for names, stops, predictions in tuner.series(CHUNK):
        returns = trade_as_given(inner, predictions, first)
        for j, (name, stop) in enumerate(zip(names, stops, strict=True)):
            earned = returns[: stop - first - 1, j]  # a trial that was stopped early earned nothing later
            if earned.any():
                candidates.append(Candidate(name, strategy, "member", earned, days[: len(earned)], year))
    digest = recipe_digest(session.recipe, session.registry)
    head = record_candidates(stored.home, bars, candidates, run=stored.id, part="development", recipe_digest=digest)
    return head._asdict()
