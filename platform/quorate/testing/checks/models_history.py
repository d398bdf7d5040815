"""Rules for a model: what it tells of its training, if its spec says that it does."""

from __future__ import annotations

import numpy as np

from quorate.errors import FitError, PluginError
from quorate.execution.course import read_course
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.tools import models as m
from quorate.testing.tools.model_data import copied
from quorate.testing.tools.models import ask, base, demand_same, spec_of


@after("fits")
def check_model_history(plugin: Plugin) -> str | None:
    """What it tells of its training is one number per epoch, finite or NaN, and asking for it changes nothing."""
    spec, found = spec_of(plugin), base(plugin)
    try:
        historian = spec.hook("history")
    except PluginError as e:
        raise Violation(f"history: {e}") from e
    if historian is None:
        raise NotApplicable("its spec names no history")
    with m.as_in_a_run(spec):
        told = m.guarded(plugin, "asked for the history of its training", lambda: historian(found.model))
    X = copied(found.data).X_test
    after_it = ask(plugin, found.model, X, "asked to predict after it told of its training")
    demand_same(found.outputs, after_it, "first", "after history was called", "history must change nothing", True)
    if told is None:
        return "it told nothing of a fit on ordinary data"
    try:
        read_course(told)
    except FitError as e:
        raise Violation(str(e)) from e
    for name, values in told["epochs"].items():
        infinite = np.isinf(np.asarray(values, dtype=np.float64))
        if infinite.any():
            epoch = int(infinite.argmax()) + 1
            raise Violation(
                f"history: {name} of epoch {epoch} is infinite: a number must be finite, or NaN where there is none",
                epoch=epoch,
            )
    return None
