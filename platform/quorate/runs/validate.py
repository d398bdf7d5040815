"""The holdout of a sweep: what it found beside the recipe's own parameters, as one opening on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quorate.errors import RecipeError
from quorate.evidence.ledger import record_opening
from quorate.execution.executor import Executor
from quorate.execution.progress import Progress
from quorate.recipe.digest import recipe_digest
from quorate.runs.driving import driving, now, start_clock
from quorate.runs.stored import restore_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.runs.sweep import span_of
from quorate.runs.swept import Sweep, load_sweep
from quorate.store.documents import seal_of
from quorate.sweeps.verdict import judge, of_model, options_of, with_params
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
    stored, models = done.source, done.document["models"]
    if done.document.get("holdout"):
        return done
    found = {m: one["best"]["params"] for m, one in models.items() if one["best"]["trial"] is not None}
    with clock.stage("recipe"):
        session = restore_session(stored, clock.progress, ())
        session.home.check_writable()
    bars = session.home.bars(stored.begun()["data"]["fingerprint"])
    start = holdout_start(bars, session.recipe)
    if start >= len(bars) or not found:
        why = "no trial came below the recipe's own parameters" if not found else "the recipe has no holdout"
        raise RecipeError(f"there is nothing to validate of sweep {stored.id}: {why}")
    best = {m: {**options_of(session.recipe, m), **params} for m, params in found.items()}
    opening = record_opening(
        stored.home,
        bars,
        start,
        run=stored.id,
        recipe_digest=recipe_digest(with_params(session.recipe, best), session.registry),
        kind="sweep",
    )
    with session.fitting(executor) as fitting, driving(session, stored, clock, "sweep validate", fitting):
        with clock.stage("features"):
            recipe = session.recipe.model_copy(update={"models": {m: session.recipe.models[m] for m in best}})
            whole = prepare(recipe, session.registry, bars, [(0, start), (start, len(bars))], fitting.arrays)
        walk = replace(whole, folds=[fold for fold in whole.folds if fold.first >= start])
        with clock.stage("verdict"):
            verdicts = judge(walk, best, fitting)
    holdout = {
        **span_of(walk),
        "opened": now(),
        "recipes_that_opened_it": opening.looks,
        "models": {m: verdict.to_plain() for m, verdict in verdicts.items()},
        "sentences": [of_model(m, verdict, done.document["loss"]) for m, verdict in verdicts.items()],
        "ledger": opening.head._asdict(),
    }
    document = {**done.document, "holdout": holdout}
    stored.write_report({**document, "seal": seal_of(document)})
    return Sweep(document, stored)
