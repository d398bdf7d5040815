"""Making a model: its factory called with what the recipe says and what the platform passes, if it is the same code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from quorate.errors import FitError
from quorate.execution.resources import gpu_count
from quorate.plugins.code import code_digest
from quorate.plugins.options import DEVICE
from quorate.plugins.provider import Reference
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import CATEGORIES

if TYPE_CHECKING:
    from quorate.execution.task import FitTask


def make_model(factory: Callable[..., Any], task: FitTask, spec: ModelSpec, categories: tuple[str, ...] = ()) -> Any:
    """Make the model, with the fit's seed and threads wherever it takes them and the recipe says nothing."""
    platform: dict[str, Any] = {"random_state": task.seed, "n_jobs": task.threads}
    if spec.gpus:
        platform[DEVICE] = task.device
    if spec.categories:
        platform[CATEGORIES] = categories
    try:
        accepted = set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        accepted = set()
    given = {**{k: v for k, v in platform.items() if k in accepted}, **task.params}
    if spec.gpus and given.get(DEVICE) == "auto":
        given[DEVICE] = _granted(task)
    model = factory(**given)
    if hasattr(model, "get_params") and hasattr(model, "set_params"):
        # Some libraries take them as **kwargs, and a factory may forget to hand them on.
        unset = {k: platform[k] for k, v in model.get_params().items() if k in platform and v is None}
        if unset:
            model.set_params(**unset)
    if spec.watched and task.watch is not None:
        model.watch = task.watch
    return model


def _granted(task: FitTask) -> str:
    """Return where ``auto`` is: on the GPU that the fit was granted, and on none that it was not."""
    return task.device if task.device != "cpu" or gpu_count() else "auto"  # a Mac's is found by the model itself


def check_code(function: Callable[..., Any], plugin: Reference, code: str) -> None:
    """Raise `FitError`, if the code of a fit's plugin is not what it was when the run began; an inline one is there."""
    if code and plugin.inline is None and _code(function, plugin) != code:
        raise FitError(
            f"the code of {plugin.kind} {plugin.name!r} ({plugin.module}) is not what it was when the run began, or "
            "is other code on this machine: start the run again, with the same code everywhere"
        )


@lru_cache(maxsize=64)
def _code(function: Callable[..., Any], plugin: Reference) -> str:
    """Return the hash of a plugin's code as it was when this process first met it."""
    return code_digest(function, plugin.module, plugin.local)
