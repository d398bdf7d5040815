"""What is done when a fit of a walk-forward fails, and said of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from quorate.dataset.folds import Fold
from quorate.errors import FitError, plural
from quorate.execution.task import FitResult
from quorate.walkforward.layout import WalkForward


def check_members(walk: WalkForward, folds: Sequence[Fold], results: Sequence[FitResult]) -> None:
    """Raise `FitError`, if no member is left on a fold."""
    lost: dict[int, list[FitResult]] = defaultdict(list)
    for result in results:
        if result.error and result.model in walk.voting:
            lost[result.fold].append(result)
    for fold in folds:
        if walk.voting and len(lost[fold.index]) == len(walk.voting):
            first = lost[fold.index][0]
            raise FitError(
                f"no member is left on {_fold_text(walk, first)}: {_who(walk, first)} failed: {_why(first)}"
            ) from RuntimeError(first.trace)


def stopped(walk: WalkForward, result: FitResult) -> FitError:
    """Return the error of a recipe that stops at failures."""
    return FitError(
        f"{_who(walk, result)} failed on {_fold_text(walk, result)}: {_why(result)}\n"
        "  to go on without a member where it fails: --set on_failure=drop"
    )


def failures(walk: WalkForward, results: Sequence[FitResult]) -> list[dict[str, Any]]:
    """Return the fits that failed, as plain data: model, plugin, version, fold, its first bar, and the reason."""
    rows = []
    for result in results:
        if result.error:
            provider = walk.registry.find("model", walk.members[result.model].name).provider
            rows.append(
                {
                    "model": result.model,
                    "plugin": str(provider),
                    "version": provider.version or (provider.local.sha256[:12] if provider.local else None),
                    "fold": result.fold,
                    "test_first": str(walk.bars.sessions[_fold(walk, result).first]),
                    "train_rows": result.n_train,
                    "reason": " ".join(result.error.split()),
                }
            )
    return rows


def failures_by_model(walk: WalkForward, results: Sequence[FitResult]) -> dict[str, list[dict[str, Any]]]:
    """Return `failures` of each model that has some."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for failed in failures(walk, results):
        found[failed["model"]].append(failed)
    return found


def _fold(walk: WalkForward, result: FitResult) -> Fold:
    return next(fold for fold in walk.folds if fold.index == result.fold)


def _fold_text(walk: WalkForward, result: FitResult) -> str:
    fold = _fold(walk, result)
    span = walk.bars.take(fold.first, fold.stop).span
    return f"fold {result.fold} (predicting {span}, {plural(result.n_train, 'training row')})"


def _why(result: FitResult) -> str:
    # How a process ended is a note: it is not the same wherever the fit runs.
    detail = f": {result.notes[0]}" if result.notes and (not result.trace or "MemoryError" in result.trace) else ""
    return " ".join(f"{result.error}{detail}".split())


def _who(walk: WalkForward, result: FitResult) -> str:
    provider = walk.registry.find("model", walk.members[result.model].name).provider
    version = f", sha256 {provider.local.sha256[:8]}" if provider.local else ""
    return f"model {result.model!r} ({provider}{version})"
