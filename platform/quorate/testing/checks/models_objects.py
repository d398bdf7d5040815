"""Rules for a model: that its objects do not know of each other, and that predicting changes none."""

from __future__ import annotations

from quorate.execution.outputs import Outputs
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, after, causal
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import copied, data_for
from quorate.testing.tools.models import ask, base, spec_of, trained


@causal
@after("same-seed-same-result")
def check_model_objects_independent(plugin: Plugin) -> None:
    """Neither predicting nor fitting another object changes what an object predicts."""
    spec = spec_of(plugin)
    base(plugin)
    a, b = data_for(spec, seed=5), data_for(spec, seed=6)
    one, twin = (trained(plugin, copied(a), "fitted on ordinary data") for _ in range(2))
    X, others = a.X_test, b.X_test
    first = ask(plugin, one, X.copy(), "asked to predict")
    _demand(
        first,
        ask(plugin, one, X.copy(), "asked to predict the same rows again"),
        "when asked the first time, and {} when asked for the same rows again: `predict` changes the model, or "
        "draws random numbers. Keep no level, cache or running mean between calls",
    )
    block = X.copy()  # a run asks with one array again and again, other rows in it
    ask(plugin, one, block, "asked to predict")
    block[:] = others
    here = ask(plugin, one, block, "asked to predict other rows")
    alone = ask(plugin, twin, others.copy(), "asked to predict")
    _demand(
        alone,
        here,
        "by an object that was asked nothing before, and {} by one like it that was asked for other rows of the "
        "same shape before: it remembers answers. Look for a cache by shape or id(X)",
    )
    trained(plugin, copied(b), "fitted on other rows")
    _demand(
        first,
        ask(plugin, one, X.copy(), "asked to predict after another object was fitted"),
        "first, and {} after a second object was fitted on other rows: what is learnt lies in a global, on the class, "
        "in a default argument or in a file. Put it on self, in `fit` (self.weights_ = ...)",
    )


def _demand(expected: Outputs, found: Outputs, what: str) -> None:
    gap = m.first_difference(expected, found)
    if gap is None:
        return
    name, row, x, y = gap
    raise Violation(
        f"the prediction {name!r} of row {row} is {number(x, y)} {what.format(number(y, x))}",
        row=row,
        expected=x,
        found=y,
    )
