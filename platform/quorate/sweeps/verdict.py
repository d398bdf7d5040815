"""Whether tuning helped: tuned beside the recipe's own parameters and the constant forecast, on rows no trial saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quorate.evidence.evidence import finite_or_none
from quorate.recipe.schema import Model, Recipe
from quorate.statistics import Floats
from quorate.sweeps.losses import constant, of_folds
from quorate.sweeps.racing import p_worse
from quorate.sweeps.search import Search
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting, collect


@dataclass(frozen=True)
class Verdict:
    """What tuning a model came to on the walk-forward that no trial saw.

    Parameters
    ----------
    rows : int
        Forecasts with a label.
    tuned, own, constant : float
        Mean loss of the best parameters found, of the recipe's own, and of each fold's mean training label.
    p : float
        How likely such a gain over the recipe's own is, if in truth there is none: one-sided, paired, over blocks.
    p_constant : float
        The same, against the constant forecast.
    kept : {"tuned", "own"}
        Which parameters are kept.
    better : bool
        Whether there is evidence that the tuned ones lose less than the recipe's own.
    helped : bool
        Whether there is evidence, too, that they lose less than the constant forecast: on noise to tune is to learn
        less, which is no knowledge.
    """

    rows: int
    tuned: float
    own: float
    constant: float
    p: float
    p_constant: float
    kept: str
    better: bool
    helped: bool

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {name: finite_or_none(v) if isinstance(v, float) else v for name, v in vars(self).items()}


def options_of(recipe: Recipe, name: str) -> dict[str, Any]:
    """Return the parameters of a model in the recipe."""
    model = recipe.models[name]
    assert model
    return model.options


def with_params(recipe: Recipe, tuned: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """Return a recipe whose models have these parameters, each beside its others."""
    models = dict(recipe.models)
    for name, params in tuned.items():
        model = models[name]
        assert model
        models[name] = Model.model_validate({**model.model_dump(), **params})
    return recipe.model_copy(update={"models": models})


def judge(walk: WalkForward, tuned: Mapping[str, Mapping[str, Any]], fitting: Fitting) -> dict[str, Verdict]:
    """Fit the walk-forward with the recipe's own parameters and with the tuned ones, and compare their losses.

    Parameters
    ----------
    walk : WalkForward
        The recipe's own, before its holdout; its members are those that were tuned.
    tuned : mapping
        Model to its best parameters.
    """
    own = collect(walk, fitting.run(walk, walk.folds))
    other = replace(walk, recipe=with_params(walk.recipe, tuned))
    best = collect(other, fitting.run(other, walk.folds))
    flat = np.full(len(walk.dataset), np.nan)
    for fold in walk.folds:
        flat[fold.test] = constant(walk.dataset, fold)
    rules = walk.recipe.tuning
    # Bonferroni: that one of several seems to help by chance is no likelier than of one.
    level = rules.keep_level / len(walk.members)

    def losses(predictions: Floats) -> tuple[Floats, float, int]:
        return of_folds(walk.dataset, walk.folds, predictions, walk.binary, walk.recipe.labels.horizon)

    found = {}
    nothing, of_nothing, rows = losses(flat)
    for column, name in enumerate(walk.members):
        (blocks, total, n), (before, of_own, _) = losses(best[:, column]), losses(own[:, column])
        p, p_constant = p_worse(before, blocks), p_worse(nothing, blocks)
        better = p < level
        found_one = tuned[name] != options_of(walk.recipe, name)
        kept = "tuned" if better or (rules.keep == "best" and found_one) else "own"
        helped = better and p_constant < level
        found[name] = Verdict(n, total / n, of_own / n, of_nothing / rows, p, p_constant, kept, better, helped)
    return found


def sentences(searches: Mapping[str, Search], verdicts: Mapping[str, Verdict], binary: bool, stopped: str) -> list[str]:
    """Return what came of a sweep in words, the first of them the one to act on."""
    name = "log loss" if binary else "squared error"
    helped = [model for model, verdict in verdicts.items() if verdict.helped]
    less = [model for model, verdict in verdicts.items() if verdict.better and not verdict.helped]
    forced = [model for model, verdict in verdicts.items() if verdict.kept == "tuned" and not verdict.better]
    lines = []
    if helped:
        lines.append(f"Tuning {_listed(helped)} helped on rows that no trial saw: use what was found.")
    if less:
        lines.append(
            f"What was found for {_listed(less)} is kept, but there is no evidence that it knows more than the "
            "constant forecast: do not trust it for having been tuned."
        )
    if forced:
        lines.append(
            f"What was found for {_listed(forced)} is kept, as tuning.keep says, without evidence that it helped."
        )
    if not (helped or less or forced):
        lines.append(
            f"There is no evidence that tuning {_listed(list(verdicts))} helped: the recipe's own parameters are kept."
        )
    for model, verdict in verdicts.items():
        best = searches[model].best
        if not searches[model].done:
            lines.append(f"{model}: no trial was decided.")
        elif best.number < 0:
            lines.append(
                f"{model}: no trial came below the recipe's own parameters on the inner folds ({best.value:.5g})."
            )
        else:
            lines.append(of_model(model, verdict, name))
    return [*lines, f"the sweep ended before its time: {stopped}"] if stopped else lines


def of_model(model: str, verdict: Verdict, loss: str) -> str:
    """Return what tuning a model came to in a sentence; `loss` is what the loss is called."""
    against = "better than" if verdict.tuned < verdict.own else "no better than"
    beaten = "is not beaten" if verdict.tuned >= verdict.constant else f"loses more, p {verdict.p_constant:.2g}"
    return (
        f"{model}: {loss} {verdict.tuned:.5g}, {against} {verdict.own:.5g} with the recipe's own parameters "
        f"(p {verdict.p:.2g}); {verdict.constant:.5g} of the constant forecast, which {beaten}; {verdict.rows:,} rows."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
