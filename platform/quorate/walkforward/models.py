"""Which fitted models of a walk-forward are kept, and what is noted of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from quorate.dataset.folds import Fold
from quorate.errors import StoreError, plural
from quorate.execution import machine
from quorate.execution.key import version
from quorate.execution.progress import Progress
from quorate.execution.state import State
from quorate.execution.task import FitResult, FitTask
from quorate.plugins.specs import ModelSpec
from quorate.store.models import KeptModel, KeptModels
from quorate.walkforward.layout import WalkForward, fold_facts

Wanted = Literal["no", "last", "all"]


@dataclass
class Keeping:
    """What is kept of the fitted models of a run: those that vote, of the folds that its recipe says.

    Parameters
    ----------
    models : KeptModels
        The home's.
    wanted : {"no", "last", "all"}
        Of which folds.
    count, size : int
        How many models of the run are kept now, and their bytes.
    """

    models: KeptModels
    wanted: Wanted
    count: int = 0
    size: int = 0
    _left: dict[str, str] = field(default_factory=dict)

    def marked(self, walk: WalkForward, folds: Sequence[Fold], tasks: Sequence[FitTask]) -> list[FitTask]:
        """Return the tasks, those marked whose model is to be kept and is not yet."""
        last = {"no": len(folds), "last": len(folds) - 1, "all": 0}[self.wanted]
        asked = {fold.index for fold in folds[last:]}
        return [replace(task, keep=self._asks(walk, task, asked)) for task in tasks]

    def _asks(self, walk: WalkForward, task: FitTask, folds: set[int]) -> bool:
        if task.fold not in folds or task.model not in walk.voting:
            return False
        if (why := why_not(walk.members[task.model], task)) is not None:
            self._left[task.model] = why
            return False
        if task.key in self.models:
            self._counted(task.key)
            return False
        return True

    def take(self, walk: WalkForward, task: FitTask, result: FitResult) -> None:
        """Keep the model of a fit that is done, if it was asked for."""
        if not task.keep or result.error:
            return
        if result.foreign:
            self._left[task.model] = "it was fitted on another kind of processor"
        elif isinstance(result.kept, State):
            try:
                self.models.put(task.key, kept_model(walk, task, result.kept))
                self._counted(task.key)
            except StoreError as e:
                self._left[task.model] = str(e)
        else:
            self._left[task.model] = result.kept or "its fit gave no state"

    def _counted(self, key: str) -> None:
        self.count += 1
        self.size += self.models.bytes_of(key)

    def tell(self, progress: Progress) -> None:
        """Say how many are kept, and which cannot be."""
        if self.count:
            what = plural(self.count, "fitted model")
            progress.note(f"{what} of this run kept in {self.models.folder}, {self.size / 1e6:.1f} MB")
        if self._left:
            # One reason often is that of several.
            reasons: dict[str, list[str]] = {}
            for model, why in self._left.items():
                reasons.setdefault(why, []).append(repr(model))
            told = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
            progress.warn(f"models that are not kept: {told}")
            self._left.clear()


def why_not(spec: ModelSpec, task: FitTask) -> str | None:
    """Return why the model of a fit cannot be kept; None, if it can."""
    if spec.state_dict is None:
        return "the plugin has no state_dict and load_state_dict, and nothing is pickled"
    if task.inline:
        return "an inline plugin may hold what no key can tell: put it into a file and give that"
    return None


def transforms_of(task: FitTask) -> list[dict[str, Any]]:
    """Return what features go through before the model of a fit reads them, step by step, as plain data."""
    return [
        {"chain": chain.name, "name": step.plugin.name, "params": dict(step.params), "code": step.code}
        for chain in task.transforms
        for step in chain.steps
    ]


def kept_model(walk: WalkForward, task: FitTask, state: State) -> KeptModel:
    """Return what is kept of a fitted model: what it has learnt, and what it is."""
    return KeptModel(state.arrays, state.values, _facts(walk, task))


def _facts(walk: WalkForward, task: FitTask) -> dict[str, Any]:
    spec, recipe, fold = walk.members[task.model], walk.recipe, walk.folds[task.fold]
    provider = walk.registry.find("model", spec.name).provider
    return {
        "model": task.model,
        "plugin": {
            "name": spec.name,
            "provider": provider.distribution or provider.name,
            "version": provider.version,
            "sha256": provider.local.sha256 if provider.local else None,
            "code": task.code,
        },
        "params": dict(task.params),
        "seed": task.seed,
        "features": list(walk.dataset.feature_names),
        **({"transforms": transforms_of(task)} if task.transforms else {}),
        "categories": list(walk.dataset.categories.names) if spec.categories else [],
        "label": {"name": recipe.labels.name, "horizon": recipe.labels.horizon, "fill": recipe.backtest.fill},
        "training": {name: value for name, value in fold_facts(walk, fold).items() if not name.startswith("test_")},
        "libraries": {need: version(need) for need in (*spec.requires, "numpy", "scipy")},
        "machine": machine.machine(),
    }
