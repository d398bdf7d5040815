"""The holdout of a sweep: what it found beside the recipe's own parameters, as one opening on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from quorate.bars.held_out import without
from quorate.errors import RecipeError
from quorate.evidence.ledger import record_opening
from quorate.execution.executor import Executor
from quorate.execution.progress import Progress
from quorate.plugins.registry import Registry
from quorate.recipe.digest import recipe_digest
from quorate.recipe.schema import Recipe
from quorate.runs.alerting import alerting
from quorate.runs.driving import driving, now, start_clock
from quorate.runs.mirroring import mirrored
from quorate.runs.stored import restore_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.sweep_result import span_of
from quorate.runs.swept import Sweep, load_sweep
from quorate.store.documents import seal_of
from quorate.sweeps.asked import Asked, asked_of
from quorate.sweeps.variant import variant
from quorate.sweeps.verdict import judge_models, judge_whole, of_search, options_of, with_params
from quorate.walkforward.layout import holdout_start, prepare


@in_usual_surroundings
def validate_sweep(
    name: str = "latest",
    *,
    home: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Sweep:
    """Open the holdout and judge there what a sweep found beside the recipe's own parameters.

    That is one opening of the holdout, which the ledger counts. Doing so again only returns what was found.

    Parameters
    ----------
    name : str
        The sweep's id, an unambiguous part of it, or ``latest``.

    Raises
    ------
    RecipeError
        If there is no holdout, or nothing was found that could be judged.
    """
    clock = start_clock(progress)
    done = load_sweep(name, home=home)
    stored, searches = done.source, done.document["searches"]
    if done.document.get("holdout"):
        return done
    found = {n: one["best"]["params"] for n, one in searches.items() if one["best"]["trial"] is not None}
    with clock.stage("recipe"):
        session = restore_session(stored, clock.progress, ())
        session.home.check_writable()
    recipe = session.recipe
    bars = session.home.bars(stored.begun()["data"]["fingerprint"])
    start = holdout_start(bars, recipe)
    if start >= len(bars) or not found:
        why = "no trial was better than the recipe's own parameters" if not found else "the recipe has no holdout"
        raise RecipeError(f"there is nothing to validate of sweep {stored.id}: {why}")
    asked = asked_of(recipe, session.registry)
    members = asked.members if asked.whole else list(found)
    own = recipe.model_copy(update={"models": {m: recipe.models[m] for m in members}})
    tuned, entire = (_tuned(one, session.registry, asked, found) for one in (own, recipe))
    opening = record_opening(
        stored.home, bars, start, run=stored.id, recipe_digest=recipe_digest(entire, session.registry), kind="sweep"
    )
    with (
        alerting(session, "sweep validate", stored) as teller,
        session.fitting(executor) as fitting,
        driving(session, stored, clock, "sweep validate", fitting),
        teller.watching(stored, clock, fitting),
    ):
        with clock.stage("features"):
            known = without(bars, recipe.holdout.held_out)
            whole = prepare(own, session.registry, known, [(0, start), (start, len(bars))], fitting.arrays)
        walk = replace(whole, folds=[fold for fold in whole.folds if fold.first >= start])
        with clock.stage("verdict"):
            if asked.whole:
                chosen = [(tuned, range(len(whole.folds)))]
                judged = {name: judge_whole(whole, chosen, asked.objectives, fitting, start) for name in found}
            else:
                judged = judge_models(walk, [(tuned, range(len(walk.folds)))], fitting)
    holdout = {
        **span_of(walk),
        "opened": now(),
        "recipes_that_opened_it": opening.looks,
        "searches": {n: [verdict.to_plain() for verdict in one.verdicts] for n, one in judged.items()},
        "sentences": [
            of_search(n, verdict, done.document["loss"]) for n, one in judged.items() for verdict in one.verdicts
        ],
        "ledger": opening.head._asdict(),
    }
    document = {**done.document, "holdout": holdout}
    stored.write_report({**document, "seal": seal_of(document)})
    mirrored(session.home, stored.id, clock.progress)
    return Sweep(document, stored)


def _tuned(recipe: Recipe, registry: Registry, asked: Asked, found: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """Return a recipe with what a sweep found."""
    if asked.whole:
        [params] = found.values()
        return variant(recipe, registry, params)
    return with_params(recipe, {m: {**options_of(recipe, m), **params} for m, params in found.items()})
