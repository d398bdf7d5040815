"""The fits of a walk-forward: one for each member, fold and seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from quorate.dataset.folds import Fold
from quorate.execution.key import with_keys
from quorate.execution.task import FitData, FitTask, fit_seed
from quorate.plugins.registry import reference
from quorate.plugins.specs.learning import HORIZONS, TASK, task_of
from quorate.walkforward.chains import chains_of
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.weights import weighted


def fit_tasks(walk: WalkForward, folds: Sequence[Fold], gpus: bool = False) -> list[FitTask]:
    """Return one task per member, fold and seed; with `gpus`, models that ask for a GPU get one."""
    tasks: list[FitTask] = []
    for name, spec in walk.members.items():
        model = walk.recipe.models[name]
        assert model
        told: dict[str, object] = {TASK: task_of(walk.binary)} if spec.task == "any" else {}
        if spec.labels:
            told[HORIZONS] = walk.dataset.steps or (walk.horizon,)
        on_gpu = gpus and spec.wants_gpu
        chains = chains_of(walk.recipe, walk.registry, walk.dataset.feature_names, spec)
        task = FitTask(
            model=name,
            fold=-1,
            plugin=reference(walk.registry, "model", spec.name),
            params={**model.options, **told},
            seed=0,
            threads=spec.cpus,
            binary=walk.binary,
            steps=walk.dataset.steps,
            step=walk.horizon if walk.dataset.steps else 0,
            device="cuda" if on_gpu else "cpu",
            gpus=spec.gpus if on_gpu else 0.0,
            memory=int(spec.memory * 2**30),
            together=spec.together is not None and (spec.steps or not walk.dataset.steps),
            apart=spec.apart,
            transforms=chains,
        )
        task = weighted(task, spec, walk.recipe, walk.registry)
        tasks += [
            replace(task, fold=fold.index, seed=fit_seed(walk.recipe.seed, name, replicate), replicate=replicate)
            for fold in folds
            for replicate in range(model.seeds or 1)
        ]
    return tasks


def plain_tasks(walk: WalkForward, gpus: bool = False) -> list[FitTask]:
    """Return the fits of every member on all folds, with their keys, as if each began afresh."""
    return with_keys(fit_tasks(walk, walk.folds, gpus), fit_data(walk, walk.folds))


def fit_data(walk: WalkForward, folds: Iterable[Fold]) -> FitData:
    """Return the rows and folds that fits of a walk-forward read; rows of symbols that are held out are predicted."""
    if walk.unseen is None:
        return FitData(walk.dataset, tuple(folds))
    return walk.unseen.fit_data(folds)
