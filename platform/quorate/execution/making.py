"""Making a model: its factory called with what the recipe says and what the platform passes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import CATEGORIES

if TYPE_CHECKING:
    from quorate.execution.fit import FitTask


def make_model(factory: Callable[..., Any], task: FitTask, spec: ModelSpec, categories: tuple[str, ...] = ()) -> Any:
    """Make the model, with the fit's seed and threads wherever it takes them and the recipe says nothing."""
    platform: dict[str, Any] = {"random_state": task.seed, "n_jobs": task.threads}
    if spec.gpus:
        platform["device"] = task.device
    if spec.categories:
        platform[CATEGORIES] = categories
    try:
        accepted = set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        accepted = set()
    model = factory(**{**{k: v for k, v in platform.items() if k in accepted}, **task.params})
    if hasattr(model, "get_params") and hasattr(model, "set_params"):
        # Some libraries take them as **kwargs, and a factory may forget to hand them on.
        unset = {k: platform[k] for k, v in model.get_params().items() if k in platform and v is None}
        if unset:
            model.set_params(**unset)
    return model
