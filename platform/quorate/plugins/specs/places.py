"""What models are told of a row beside its features: where it stands."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isclass, signature
from typing import Any

PLACES = ("bar", "symbol", "time")
UNTOLD = ("together", "parallel", "onnx", "lengths")  # what of a model is told no places


def places_named(factory: Callable[..., Any]) -> tuple[str, ...]:
    """Return which of the places ``fit`` names, of a factory that is a class: what others make is not known before."""
    fit = getattr(factory, "fit", None) if isclass(factory) else None
    try:
        parameters = signature(fit).parameters if callable(fit) else {}
    except (TypeError, ValueError):  # some compiled classes do not tell
        return ()
    return tuple(name for name in PLACES if name in parameters)
