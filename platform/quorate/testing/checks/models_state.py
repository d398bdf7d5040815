"""Rules for a model: that it can be kept in a file, and exported, if its spec says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quorate.errors import FitError, PluginError, QuorateError
from quorate.execution import portable
from quorate.execution.outputs import Outputs
from quorate.execution.state import onnx_of, restored, state_of
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.model_data import copied, data_for, opposite, relabelled
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
        answer = m.guarded(plugin, "made of its state and asked to predict", lambda: m.read_outputs(model, spec, X))
    again = {name: np.array(values) for name, values in answer.items()}
    demand_same(found.outputs, again, "by the fitted model", "by one made of its state", REMEDY, True)
    if plugin.provider.inline is None:
        there = elsewhere(plugin, copied(found.data), state)
        where = "by one made of its state in a fresh process"
        demand_same(found.outputs, there, "by the fitted model", where, REMEDY, True)


@after("restores")
def check_model_goes_on(plugin: Plugin) -> None:
    """A fit goes on from a fitted model, always the same, and with the spec's `warm` it predicts what that does."""
    spec, found = spec_of(plugin), base(plugin)
    if not spec.warm:
        raise NotApplicable("its spec names no warm")
    options, data = default_options(plugin), relabelled(data_for(spec, seed=1), opposite)
    with m.as_in_a_run(spec):
        state = m.guarded(plugin, "asked for its state", lambda: state_of(spec, found.model))

    def started() -> Any:
        with m.as_in_a_run(spec):
            return m.guarded(plugin, "made of its state", lambda: restored(spec, m.make(spec, options), state))

    def gone_on(params: Mapping[str, Any], start: Any, what: str) -> Outputs:
        with m.as_in_a_run(spec):
            model = m.guarded(plugin, f"made with {dict(params)}", lambda: m.make(spec, {**options, **params}))
            m.guarded(plugin, what, lambda: m.fit(model, copied(data), start=start))
        return ask(plugin, model, copied(found.data).X_test, f"{what} and asked to predict")

    start = started()
    same = gone_on(spec.warm, start, f"fitted from another model on, with {dict(spec.warm)}")
    remedy = "it must begin with all that `start` has learnt, its scaling of features and labels included"
    demand_same(
        found.outputs, same, "by `start`", f"by a fit that goes on from it with {dict(spec.warm)}", remedy, True
    )
    first, second = (gone_on({}, one, "fitted from another model on") for one in (start, started()))
    remedy = "what is drawn must depend on random_state alone"
    demand_same(first, second, "the first time", "by the same fit again", remedy, True)
    if m.first_difference(found.outputs, first, exact=True) is None:
        raise Violation(
            "fitted from another model on, on other rows with opposite labels, it predicts what that did: it must learn"
        )
    still = ask(plugin, start, copied(found.data).X_test, "the model that a fit went on from, asked to predict")
    demand_same(found.outputs, still, "before", "by `start` after a fit went on from it", "copy what is changed", True)


@after("restores")
def check_model_exports(plugin: Plugin) -> None:
    """The ONNX of a model predicts the same within 1e-4, of one row and of any number of them."""
    spec, found = spec_of(plugin), base(plugin)
    if spec.onnx is None:
        raise NotApplicable("its spec names no onnx")
    try:
        portable.check_installed()
    except QuorateError as e:
        raise NotApplicable(str(e)) from e
    try:
        spec.exporter()
    except PluginError as e:
        raise Violation(f"onnx: {e}") from e
    X = copied(found.data).X_test
    with m.as_in_a_run(spec):
        content = m.guarded(plugin, "asked for its ONNX", lambda: onnx_of(spec, found.model, X.shape[-1]))
    try:
        given = portable.answers(portable.finished(content, spec, X.shape[-1], {}), X)
    except FitError as e:
        raise Violation(str(e)) from e
    own = np.column_stack(list(found.outputs.values()))
    if own.shape != given.shape:
        raise Violation(f"its ONNX gave shape {given.shape} for predictions of shape {own.shape}")
    apart = portable.difference(own, given, 0.0)
    if apart.largest > apart.allowed:
        row = int(np.abs(own - given).max(axis=1).argmax())
        raise Violation(
            f"of row {row} the model predicts {own[row].tolist()}, and its ONNX {given[row].tolist()}: they must be "
            f"equal within {apart.allowed:.3g}. Its scaler, the probability of class 1, and the order of outputs "
            "belong into the ONNX, too",
            row=row,
            expected=own[row, 0],
            found=given[row, 0],
        )
