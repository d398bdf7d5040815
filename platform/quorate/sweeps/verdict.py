"""Whether tuning helped: tuned beside the recipe's own parameters and the constant forecast, on rows no trial saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from quorate.evidence.judging import measure
from quorate.evidence.result import finite_or_none
from quorate.recipe.schema import Model, Recipe, Tuning
from quorate.statistics import Floats
from quorate.sweeps.losses import constant, of_folds
from quorate.sweeps.objectives import LOSS, Objectives
from quorate.sweeps.racing import p_worse
from quorate.walkforward.layout import WalkForward, prepare
from quorate.walkforward.members import Fitting, collect
from quorate.walkforward.series import Series, combine_members, decide_given, decide_judged, judge_span

STRETCH = 63  # bars of a block on which a metric is taken: a quarter of days
FEWEST = 5  # blocks without which nothing is said

# What is fitted on which folds: a recipe, and their places in the walk-forward.
Choice = tuple[Recipe, Sequence[int]]


@dataclass(frozen=True)
class Verdict:
    """What tuning came to in one objective, on the walk-forward that no trial saw.

    Parameters
    ----------
    objective : str
        ``loss`` or a metric.
    higher : bool
        Whether it is to be high.
    rows : int
        Forecasts with a label.
    blocks : int
        Blocks of time that the tests are over.
    tuned, own, constant : float
        Of the best parameters found, of the recipe's own, and of each fold's mean training label.
    p : float
        How likely such a gain over the recipe's own is, if in truth there is none: one-sided, paired, over blocks.
    p_constant : float
        The same, against the constant forecast.
    p_worse : float
        How likely such a loss against the recipe's own is, if in truth there is none.
    """

    objective: str
    higher: bool
    rows: int
    blocks: int
    tuned: float
    own: float
    constant: float
    p: float
    p_constant: float
    p_worse: float

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {name: finite_or_none(v) if isinstance(v, float) else v for name, v in vars(self).items()}


@dataclass(frozen=True)
class Judgement:
    """What tuning came to, and what is kept.

    Parameters
    ----------
    verdicts : tuple of Verdict
        One for each objective.
    kept : {"tuned", "own"}
        Which parameters are kept.
    better : bool
        Whether there is evidence that the tuned ones are better than the recipe's own: in one objective at least, and
        none in another that they are worse.
    helped : bool
        Whether there is evidence, too, that they are better than the constant forecast: on noise to tune is to learn
        less, which is no knowledge.
    """

    verdicts: tuple[Verdict, ...]
    kept: str
    better: bool
    helped: bool


def concluded(verdicts: Sequence[Verdict], rules: Tuning, level: float, found: bool) -> Judgement:
    """Return what follows from the verdicts.

    Parameters
    ----------
    level : float
        Of the tests; it is shared among the objectives.
    found : bool
        Whether the best is anything but the recipe's own.
    """
    each = level / len(verdicts)
    gains = [verdict for verdict in verdicts if verdict.p < each]
    better = found and bool(gains) and not any(verdict.p_worse < each for verdict in verdicts)
    kept = "tuned" if better or (rules.keep == "best" and found) else "own"
    return Judgement(tuple(verdicts), kept, better, better and any(verdict.p_constant < each for verdict in gains))


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


def judge_models(walk: WalkForward, chosen: Sequence[Choice], fitting: Fitting) -> dict[str, Judgement]:
    """Fit the walk-forward with the recipe's own parameters and with the tuned ones, and compare each model's losses.

    Parameters
    ----------
    walk : WalkForward
        The recipe's own, before its holdout; its members are those that were tuned.
    chosen : sequence of (Recipe, folds)
        The recipe with the tuned parameters, for each group of folds.
    """
    own = collect(walk, fitting.run(walk, walk.folds))
    best = np.full_like(own, np.nan)
    for recipe, places in chosen:
        other, folds = replace(walk, recipe=recipe), [walk.folds[k] for k in places]
        predictions = collect(other, fitting.run(other, folds))
        for fold in folds:
            best[fold.test] = predictions[fold.test]
    rules = walk.recipe.tuning
    # Bonferroni: that one of several seems to help by chance is no likelier than of one.
    level = rules.keep_level / len(walk.members)
    flat = _flat(walk)
    found = {}
    for column, name in enumerate(walk.members):
        verdict = _of_losses(walk, best[:, column], own[:, column], flat)
        other_params = any(options_of(recipe, name) != options_of(walk.recipe, name) for recipe, _ in chosen)
        found[name] = concluded([verdict], rules, level, other_params)
    return found


def judge_whole(
    walk: WalkForward,
    chosen: Sequence[Choice],
    objectives: Objectives,
    fitting: Fitting,
    since: int = 0,
) -> Judgement:
    """Fit a whole recipe as it is and as it was tuned, and compare what their ensembles forecast, or earn.

    Parameters
    ----------
    walk : WalkForward
        The recipe's own, before its holdout.
    chosen : sequence of (Recipe, folds)
        The tuned recipe, for each group of folds.
    since : int
        The bar from which on it is judged, where a fold begins: what is decided then rests on the folds before.
    """
    flat = _flat(walk)
    own_members = collect(walk, fitting.run(walk, walk.folds))
    found = any(recipe != walk.recipe for recipe, _ in chosen)
    if not objectives.metrics:
        own = combine_members(walk, own_members, beside=False)[walk.recipe.ensemble.method].predictions
        tuned = _stitched(walk, chosen, fitting, since).predictions if found else own
        verdict = _of_losses(_since(walk, since), tuned, own, flat)
        return concluded([verdict], walk.recipe.tuning, walk.recipe.tuning.keep_level, found)
    judged = decide_judged(walk, own_members)
    series = [
        _stitched(walk, chosen, fitting, since) if found else judged,
        judged,
        decide_given(walk, "constant", flat),
    ]
    verdicts = _of_metrics(_since(walk, since), series, objectives)
    return concluded(verdicts, walk.recipe.tuning, walk.recipe.tuning.keep_level, found)


def _since(walk: WalkForward, bar: int) -> WalkForward:
    return replace(walk, folds=[fold for fold in walk.folds if fold.first >= bar])


def _flat(walk: WalkForward) -> Floats:
    flat = np.full(len(walk.dataset), np.nan)
    for fold in walk.folds:
        flat[fold.test] = constant(walk.dataset, fold)
    return flat


def _stitched(walk: WalkForward, chosen: Sequence[Choice], fitting: Fitting, since: int) -> Series:
    """Return what variants of the recipe forecast and decide, each on its folds, on the rows of the recipe's own.

    What a variant decides on a fold rests on its own forecasts of the folds before.
    """
    predictions = np.full(len(walk.dataset), np.nan)
    place = {pair: row for row, pair in enumerate(zip(walk.dataset.bar, walk.dataset.symbol, strict=True))}
    stitched: Series | None = None
    for recipe, places in chosen:
        last = walk.folds[max(places)]
        # The same bars are predicted, whatever a variant's own lookback is.
        parts = [(0, walk.folds[-1].stop)] if since == 0 else [(0, since), (since, walk.folds[-1].stop)]
        whole = prepare(recipe, walk.registry, walk.bars, parts, fitting.arrays)
        other = replace(whole, folds=[fold for fold in whole.folds if fold.first <= last.first])
        one = decide_judged(other, collect(other, fitting.run(other, other.folds)))
        if stitched is None:
            targets = np.zeros_like(one.decisions.targets)
            stitched = replace(one, predictions=predictions, decisions=replace(one.decisions, targets=targets))
        starts = {walk.folds[k].first for k in places}
        for fold in [fold for fold in other.folds if fold.first in starts]:
            stitched.decisions.targets[fold.first : fold.stop] = one.decisions.targets[fold.first : fold.stop]
            for row in fold.test:
                at = place.get((other.dataset.bar[row], other.dataset.symbol[row]))
                if at is not None:
                    predictions[at] = one.predictions[row]
    assert stitched is not None
    return stitched


def _of_losses(walk: WalkForward, tuned: Floats, own: Floats, flat: Floats) -> Verdict:
    def losses(predictions: Floats) -> tuple[Floats, float, int]:
        return of_folds(walk.dataset, walk.folds, predictions, walk.binary, walk.horizon)

    (blocks, total, n), (before, of_own, n_own), (nothing, of_nothing, rows) = map(losses, (tuned, own, flat))
    return Verdict(
        LOSS,
        False,
        n,
        len(blocks),
        total / n,
        of_own / n_own,
        of_nothing / rows,
        p_worse(before, blocks),
        p_worse(nothing, blocks),
        p_worse(blocks, before),
    )


def _of_metrics(walk: WalkForward, series: Sequence[Series], objectives: Objectives) -> list[Verdict]:
    """Return verdicts on what three series earn: tuned, own, constant; tested on blocks of bars of each alone."""
    first, stop = walk.folds[0].first, walk.folds[-1].stop
    names = objectives.names

    def figures(begin: int, end: int) -> Floats:
        """Return the objectives of each series over a stretch, (3, n_objectives), NaN where undefined."""
        judged = judge_span(walk, series, begin, end)[: len(series)]
        told = [measure(performance, walk.registry, names) for _, performance in judged]
        return np.array([[one[name] for name in names] for one in told])

    whole = figures(first, stop)
    number = max((stop - first) // STRETCH, 1)
    cuts = [first + k * STRETCH for k in range(number)] + [stop]
    blocks = np.array([figures(begin, end) for begin, end in pairwise(cuts)])
    rows = int(sum(np.isfinite(series[1].predictions[fold.test]).sum() for fold in walk.folds))
    verdicts = []
    for j, (name, higher) in enumerate(zip(names, objectives.higher, strict=True)):
        turned = -blocks[:, :, j] if higher else blocks[:, :, j]
        known = turned[np.isfinite(turned).all(axis=1)]
        tests = _tests(known[:, 0], known[:, 1], known[:, 2]) if len(known) >= FEWEST else (1.0, 1.0, 1.0)
        tuned, own, flat = (float(value) for value in whole[:, j])
        verdicts.append(Verdict(name, higher, rows, len(known), tuned, own, flat, *tests))
    return verdicts


def _tests(tuned: Floats, own: Floats, flat: Floats) -> tuple[float, float, float]:
    return p_worse(own, tuned), p_worse(flat, tuned), p_worse(tuned, own)


def sentences(
    judged: Mapping[str, Judgement], searches: Mapping[str, Mapping[str, Any]], loss: str, stopped: str
) -> list[str]:
    """Return what came of a sweep in words, the first of them the one to act on.

    Parameters
    ----------
    searches : mapping
        Of each search ``trials`` and ``best``, as a report holds them.
    loss : str
        What the loss is called.
    """
    helped = [name for name, one in judged.items() if one.helped]
    less = [name for name, one in judged.items() if one.better and not one.helped]
    forced = [name for name, one in judged.items() if one.kept == "tuned" and not one.better]
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
            f"There is no evidence that tuning {_listed(list(judged))} helped: the recipe's own parameters are kept."
        )
    for name, one in judged.items():
        best = searches[name]["best"]
        if not searches[name]["trials"]:
            lines.append(f"{name}: no trial was decided.")
        elif best["trial"] is None:
            value = "undefined" if best["value"] is None else f"{best['value']:.5g}"
            lines.append(f"{name}: no trial was better than the recipe's own parameters on the inner folds ({value}).")
        else:
            lines += [of_search(name, verdict, loss) for verdict in one.verdicts]
    return [*lines, f"the sweep ended before its time: {stopped}"] if stopped else lines


def of_search(name: str, verdict: Verdict, loss: str) -> str:
    """Return what tuning came to in one objective in a sentence; `loss` is what the loss is called."""
    what = loss if verdict.objective == LOSS else verdict.objective
    sign = -1 if verdict.higher else 1
    against = "better than" if sign * verdict.tuned < sign * verdict.own else "no better than"
    over = f"{verdict.rows:,} rows" if verdict.objective == LOSS else f"{verdict.blocks} blocks of {STRETCH} bars"
    if verdict.objective != LOSS and verdict.blocks < FEWEST:
        over += f", and fewer than {FEWEST} say nothing"
    beaten = (
        f"is worse, p {verdict.p_constant:.2g}" if sign * verdict.tuned < sign * verdict.constant else "is not beaten"
    )
    return (
        f"{name}: {what} {_figure(verdict.tuned)}, {against} {_figure(verdict.own)} with the recipe's own parameters "
        f"(p {verdict.p:.2g}); {_figure(verdict.constant)} of the constant forecast, which {beaten}; {over}."
    )


def _figure(value: float) -> str:
    return f"{value:.5g}" if math.isfinite(value) else "undefined"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
