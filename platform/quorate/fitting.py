"""Fitting the members of a study: the tasks, what is done when one fails, and the out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError
from quorate.execution import Executor
from quorate.fit import FitData, FitResult, FitTask, fit_seed
from quorate.folds import Fold
from quorate.registry import reference
from quorate.study import Study

Floats = NDArray[np.float64]


def fit_tasks(study: Study, folds: Sequence[Fold]) -> list[FitTask]:
    """Return one task per member and fold."""
    tasks: list[FitTask] = []
    for name, spec in study.members.items():
        model = study.recipe.models[name]
        assert model
        tasks += [
            FitTask(
                model=name,
                fold=fold.index,
                plugin=reference(study.registry, "model", spec.name),
                params=model.options,
                seed=fit_seed(study.recipe.seed, name),
                threads=spec.cpus,
                binary=study.binary,
            )
            for fold in folds
        ]
    return tasks


def run_fits(
    study: Study, folds: Sequence[Fold], executor: Executor, done: Callable[[FitResult], None]
) -> list[FitResult]:
    """Fit every member on these folds; the results are in task order, whatever order they arrived in.

    Raises
    ------
    FitError
        If the recipe stops at failures, for the first fit that failed, naming plugin, fold and reason; in
        any case, if no member is left on a fold.
    """
    tasks = fit_tasks(study, folds)
    results: dict[tuple[str, int], FitResult] = {}

    def arrived(result: FitResult) -> None:
        done(result)
        results[result.model, result.fold] = result
        if result.error and study.recipe.on_failure == "stop":
            raise FitError(
                f"{_who(study, result)} failed on {_fold_text(study, result)}: {_why(result)}\n"
                "  to go on without a member where it fails: --set on_failure=drop"
            ) from RuntimeError(result.trace)

    executor.run(FitData(study.dataset, tuple(folds)), tasks, arrived)
    ordered = [results[task.model, task.fold] for task in tasks]
    for fold in folds:
        voting = [r for r in ordered if r.fold == fold.index and r.model in study.voting]
        if all(result.error for result in voting):
            first = voting[0]
            raise FitError(
                f"no member is left on {_fold_text(study, first)}: {_who(study, first)} failed: {_why(first)}"
            ) from RuntimeError(first.trace)
    return ordered


def failures(study: Study, results: Sequence[FitResult]) -> list[dict[str, Any]]:
    """Return the fits that failed, as plain data: model, plugin, version, fold, its first bar, and the reason."""
    rows = []
    for result in results:
        if result.error:
            provider = study.registry.find("model", study.members[result.model].name).provider
            rows.append(
                {
                    "model": result.model,
                    "plugin": str(provider),
                    "version": provider.version or (provider.local.sha256[:12] if provider.local else None),
                    "fold": result.fold,
                    "test_first": str(study.bars.sessions[_fold(study, result).first]),
                    "train_rows": result.n_train,
                    "reason": " ".join(result.error.split()),
                }
            )
    return rows


def _fold(study: Study, result: FitResult) -> Fold:
    return next(fold for fold in study.folds if fold.index == result.fold)


def _fold_text(study: Study, result: FitResult) -> str:
    fold = _fold(study, result)
    return (
        f"fold {result.fold} (predicting {study.bars.take(fold.first, fold.stop).span}, {result.n_train} training rows)"
    )


def _why(result: FitResult) -> str:
    # How a process ended is a note: it is not the same wherever the fit runs.
    detail = f": {result.notes[0]}" if result.notes and (not result.trace or "MemoryError" in result.trace) else ""
    return " ".join(f"{result.error}{detail}".split())


def _who(study: Study, result: FitResult) -> str:
    provider = study.registry.find("model", study.members[result.model].name).provider
    version = f", sha256 {provider.local.sha256[:8]}" if provider.local else ""
    return f"model {result.model!r} ({provider}{version})"


def collect(study: Study, results: Sequence[FitResult], earlier: Floats | None = None) -> Floats:
    """Return out-of-fold predictions, (n_rows, n_members), NaN where there is none.

    `earlier` holds those of the first rows, from an earlier part of the same walk-forward.
    """
    names = list(study.members)
    predictions = np.full((len(study.dataset), len(names)), np.nan)
    if earlier is not None:
        predictions[: len(earlier)] = earlier
    by_index = {fold.index: fold for fold in study.folds}
    for result in results:
        predictions[by_index[result.fold].test, names.index(result.model)] = result.predictions
    return predictions
