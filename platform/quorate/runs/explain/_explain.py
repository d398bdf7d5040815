"""Explaining a stored run: sampled rows, fits with shuffled features, and what they say.

1. Bars are cut before the holdout, and rows and folds laid out as the run did.
2. Of each fold's labelled test rows some are sampled; features, and groups of them, are shuffled among these.
3. Every member that reads features is fitted again and predicts the rows as they are and shuffled.
4. The judged ensemble weighs what its members say then as it weighed them in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from quorate.bars.held_out import without
from quorate.dataset.folds import Fold
from quorate.errors import RecipeError
from quorate.evidence.result import plain
from quorate.execution.executor import Executor
from quorate.execution.outputs import contribution_name, shuffled_name
from quorate.execution.progress import Clock, Progress
from quorate.execution.task import FitResult
from quorate.plugins.specs import TransformSpec
from quorate.report.report import Report
from quorate.runs.explain.ensemble import WITHIN, combined, weights_of
from quorate.runs.explain.explanation import VERSION, Explanation, find_explanation, keep
from quorate.runs.explain.importance import Answers, holm, rank_agreement, rises, t_values
from quorate.runs.explain.layout import Units, sampled, shuffles_of, units_of
from quorate.runs.loaded import load_report
from quorate.runs.session import Session
from quorate.runs.stored import reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.statistics import Floats
from quorate.store import Home
from quorate.walkforward.failures import failures_by_model
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.tables import stored_predictions


@in_usual_surroundings
def explain(
    name: str = "latest",
    *,
    home: str | Path | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Explanation:
    """Say what the forecasts of a run rest on, in its walk-forward; the holdout stays closed.

    What is found is kept in the run's folder: a second call only reads it. The run itself stays as it is.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    home, progress, executor
        As of `quorate.run`.

    Returns
    -------
    Explanation

    Raises
    ------
    StoreError
        If there is no such run, it is not finished, or what it was made of is gone.
    RecipeError
        If no member reads features.
    DataError
        If no fold has labelled rows enough.
    FitError
        If no member of a fold can be fitted again.
    """
    stored = Home(home).find(name)
    report = load_report(stored.id, home=home)
    found = find_explanation(stored)
    if found is not None:
        return found
    clock = Clock(progress or Progress())
    session, bars = reopen(report, clock.progress, changes="not as in the run")
    stop = holdout_start(bars, session.recipe)
    with clock.stage("features"):
        known = without(bars.until(stop), session.recipe.holdout.held_out)
        walk = prepare(session.recipe, session.registry, known, [(0, stop)])
    units = units_of(walk)
    if made := _made_anew(walk):
        session.warn(
            f"{', '.join(made)} makes other columns of the features: what these contribute is no feature's and is not "
            "told; importance is that of the features themselves"
        )
    folds = sampled(walk, units)
    with clock.stage("fits"):
        fits = _fit(walk, folds, session, executor)
    with clock.stage("importance"):
        explanation = Explanation(plain(_document(walk, report, folds, fits, units, session)))
        keep(explanation, stored)
    clock.progress.close()
    return explanation


def _made_anew(walk: WalkForward) -> list[str]:
    """Return the transforms of a recipe that make other columns of the features."""
    steps = [step for chain in walk.recipe.features.transforms.values() if chain for step in chain]
    return sorted({one.name for one in steps if walk.registry.get(TransformSpec, one.name).renames})


def _fit(walk: WalkForward, folds: Sequence[Fold], session: Session, executor: Executor | None) -> list[FitResult]:
    """Fit every member that reads features; one that fails is told, and left out where it does."""
    members = {name: walk.members[name] for name in walk.voting if walk.members[name].input != "bars"}
    if not members:
        raise RecipeError(
            f"no member of the run reads features, so there is nothing to shuffle: {', '.join(walk.voting)} "
            'read raw bars (input="bars")'
        )
    asked = replace(walk, members=members, recipe=walk.recipe.model_copy(update={"on_failure": "drop"}))
    with session.fitting(executor) as fitting:
        fits = fitting.run(asked, folds)
    for name, of in failures_by_model(walk, fits).items():
        session.warn(
            f"model {name!r} failed on {len(of)} of {len(folds)} folds, e.g. {of[0]['fold']}: {of[0]['reason']}"
        )
    return fits


def _document(
    walk: WalkForward, report: Report, folds: Sequence[Fold], fits: Sequence[FitResult], units: Units, session: Session
) -> dict[str, Any]:
    """Return all that is said, the judged ensemble first."""
    frame, names = report.predictions, list(walk.members)
    known = stored_predictions(frame[frame["part"] == WITHIN], names)
    answers: dict[str, dict[int, Answers]] = {fit.model: {} for fit in fits}
    compared = differing = 0
    by_index = {fold.index: fold for fold in folds}
    for fit in fits:
        fold = by_index[fit.fold]
        before = known[fold.test, names.index(fit.model)]
        # Where its fit failed, then or now, a member took no part, or nothing is known of it.
        if not fit.error and np.isfinite(before).all():
            answers[fit.model][fit.fold] = _answers(fit, fold, walk, units)
            compared, differing = compared + len(before), differing + int((fit.predictions != before).sum())
    if differing:
        session.warn(
            f"{differing:,} of {compared:,} predictions are not those of the run (quorate reproduce tells more): what "
            "is explained are the members as they are fitted now"
        )
    told = [_said(one, "member", answers[one], walk.binary, units) for one in answers if answers[one]]
    unexplained = {one: "it reads raw bars, no features" for one in walk.voting if one not in answers}
    unexplained |= {one: "none of its fits succeeded" for one in answers if not answers[one]}
    ensemble = str(report.results[WITHIN]["series"][0]["name"])
    why, weights = weights_of(walk, report, ensemble, known)
    if weights is not None:
        every = {fold.index: combined(walk, fold, answers, known, weights) for fold in folds}
        sound = {index: one for index, one in every.items() if one is not None}
        told = [_said(ensemble, "ensemble", sound, walk.binary, units), *told] if sound else told
        why = "" if sound else "on no fold could all of its members be fitted again"
    days = walk.bars.sessions
    return {
        "schema_version": VERSION,
        "run": report.run_id,
        "part": WITHIN,
        "loss": "log loss" if walk.binary else "mean squared error",
        "span": {"first": str(days[folds[0].first]), "last": str(days[folds[-1].stop - 1])},
        "folds": [{"fold": fold.index, "rows": len(fold.test)} for fold in folds],
        "repeats": len(shuffles_of(folds[0]).orders),
        "forecasters": told,
        "unexplained": [
            {"name": n, "reason": r} for n, r in {**({ensemble: why} if why else {}), **unexplained}.items()
        ],
        "warnings": session.warnings,
    }


def _answers(fit: FitResult, fold: Fold, walk: WalkForward, units: Units) -> Answers:
    n_units, repeats = len(units.columns), len(shuffles_of(fold).orders)
    shuffled = np.array([[fit.outputs[shuffled_name(u, r)] for r in range(repeats)] for u in range(n_units)])
    labels = walk.dataset.y[fold.test]
    if contribution_name(0) not in fit.outputs:
        return Answers(labels, fit.predictions, shuffled)
    told = [fit.outputs.get(contribution_name(j)) for j in range(len(units.features) + 1)]
    found = np.column_stack([column for column in told if column is not None])[:, :-1]  # the last is of no feature
    contributions = np.zeros((len(labels), len(units.features)))  # one that does not read a category owes it nothing
    contributions[:, : found.shape[1]] = found
    return Answers(labels, fit.predictions, shuffled, contributions)


def _said(name: str, role: str, answers: dict[int, Answers], binary: bool, units: Units) -> dict[str, Any]:
    """Return what is said of one forecaster, most important features and groups first."""
    found = [rises(one, binary) for one in answers.values()]
    rise, chance = (np.array(values) for values in zip(*found, strict=True))
    n = len(units.features)
    shap = [
        np.abs(np.column_stack([one.contributions[:, list(columns)].sum(axis=1) for columns in units.columns])).mean(0)
        for one in answers.values()
        if one.contributions is not None
    ]
    sizes = np.mean(shap, axis=0) if shap else np.full(len(units.columns), np.nan)
    told: dict[str, Any] = {"name": name, "role": role, "folds": list(answers)}
    for kind, names, part in (("features", units.features, slice(n)), ("groups", tuple(units.groups), slice(n, None))):
        told[kind] = _rows(names, rise[:, part], chance[:, part], sizes[part])
        told[f"{kind}_agreement"] = rank_agreement(rise[:, part])
    return told


def _rows(names: Sequence[str], rise: Floats, chance: Floats, sizes: Floats) -> list[dict[str, Any]]:
    t, p = t_values(rise - chance)
    columns = {
        "importance": rise.mean(axis=0),
        "sd": rise.std(axis=0, ddof=1) if len(rise) > 1 else np.full(len(names), np.nan),
        "folds_risen": (rise > 0).mean(axis=0),
        "chance": chance.mean(axis=0),
        "t": t,
        "p": holm(p),
        "shap": sizes,
    }
    return [
        {"name": names[j], **{key: float(values[j]) for key, values in columns.items()}, "by_fold": rise[:, j]}
        for j in np.argsort(-columns["importance"], kind="stable")
    ]
