"""Rules for a model: that it can be kept in a file, if its spec says so."""

from __future__ import annotations

import numpy as np

from quorate.errors import PluginError
from quorate.execution.outputs import read_outputs
from quorate.execution.state import restored, state_of
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.model_data import copied
from quorate.testing.tools.model_elsewhere import elsewhere
from quorate.testing.tools.models import ask, base, demand_same, spec_of

REMEDY = (
    "state_dict must hold all that `fit` has learnt: weights in the type that they have, scalers, classes, and "
    "load_state_dict must put it all back"
)


@after("fits")
def check_model_restores(plugin: Plugin) -> None:
    """A model made of its state predicts the same bit for bit, here and in a fresh process."""
    spec, found = spec_of(plugin), base(plugin)
    try:
        kept = spec.keeper()
    except PluginError as e:
        raise Violation(f"state_dict or load_state_dict: {e}") from e
    if kept is None:
        raise NotApplicable("its spec names no state_dict")
    with m.as_in_a_run(spec):
        state = m.guarded(plugin, "asked for its state", lambda: state_of(spec, found.model))
    X = copied(found.data).X_test
    after_it = ask(plugin, found.model, X.copy(), "asked to predict after it gave its state")
    demand_same(found.outputs, after_it, "first", "after state_dict was called", "state_dict must change nothing", True)
    with m.as_in_a_run(spec):
        fresh = m.make(spec, default_options(plugin))
        model = m.guarded(plugin, "made of its state", lambda: restored(spec, fresh, state))
        answer = m.guarded(plugin, "made of its state and asked to predict", lambda: read_outputs(model, spec, X))
    again = {name: np.array(values) for name, values in answer.items()}
    demand_same(found.outputs, again, "by the fitted model", "by one made of its state", REMEDY, True)
    if plugin.provider.inline is None:
        there = elsewhere(plugin, copied(found.data), state)
        where = "by one made of its state in a fresh process"
        demand_same(found.outputs, there, "by the fitted model", where, REMEDY, True)
