"""Rules for a model: what it does with sample weights and with the rows held back for validation."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.execution.outputs import Outputs
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, causal, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import Data, copied
from quorate.testing.tools.models import ask, base, demand_same, is_own, spec_of, trained
from quorate.testing.tools.objects import walk

NOISE = 1e-4  # so little that it hardly ever changes which candidate is best


@after("same-seed-same-result")
def check_model_unit_weights(plugin: Plugin) -> str | None:
    """Sample weights of one change nothing."""
    found = base(plugin)
    if "sample_weight" not in _fit_parameters(found.model):
        raise NotApplicable("its fit takes no sample_weight")
    weights = np.ones(len(found.data.y))
    model = trained(plugin, copied(found.data), "fitted with sample_weight of ones", sample_weight=weights)
    plain = ask(plugin, trained(plugin, copied(found.data), "fitted"), found.data.X_test, "asked")
    weighted = ask(plugin, model, found.data.X_test, "asked to predict")
    try:
        demand_same(
            plain,
            weighted,
            "without weights",
            "with weights of one",
            "weight the loss of each row, and divide by the sum of the weights, not by their number",
        )
    except Violation:
        if is_own(plugin, found.model) and not _inner_differs(plugin, model):
            raise
        return "weights of one change the result, perhaps because a library draws other rows"
    return None


def _inner_differs(plugin: Plugin, model: Any) -> bool:
    """Say whether a library's estimator inside the model draws other rows when it is given weights."""
    data = base(plugin).data
    for path in list(walk(model))[1:]:
        inner = path[-1][1]
        if is_own(plugin, inner) or not hasattr(inner, "get_params") or "sample_weight" not in _fit_parameters(inner):
            continue
        results = []
        for weights in (None, np.ones(len(data.y))):
            try:
                with m.as_in_a_run(spec_of(plugin)):
                    fresh = type(inner)(**inner.get_params(deep=False))
                    fresh.fit(data.X.reshape(len(data.X), -1), data.y, sample_weight=weights)
                    asked = getattr(fresh, "predict_proba", fresh.predict)
                    results.append(np.asarray(asked(data.X_test.reshape(len(data.X_test), -1)), dtype=np.float64))
            except Exception:  # it needs something that only its owner knows: the benefit of the doubt
                return True
        if not np.allclose(results[0], results[1], rtol=1e-5, atol=1e-9):
            return True
    return False


def _fit_parameters(model: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(model.fit).parameters)
    except (TypeError, ValueError, AttributeError):
        return {}


@causal
@after("same-seed-same-result")
def check_model_validation_only_decides(plugin: Plugin) -> None:
    """What is held back for validation decides when to stop, and is not trained on."""
    spec = spec_of(plugin)
    found = m.attempt(plugin)
    if found.stage == "made":
        raise NotApplicable("it cannot be made: see the rule makes")
    with m.as_in_a_run(spec):
        takes = _fit_parameters(m.make(spec, default_options(plugin)))
    if not spec.validation:
        _asks_for_nothing({name: one for name, one in takes.items() if name not in spec.told})
        raise NotApplicable("the spec asks for no validation")
    if takes and "validation" not in takes and not any(p.kind is p.VAR_KEYWORD for p in takes.values()):
        raise Violation(
            f"the spec asks for validation={spec.validation:g}, and fit takes ({', '.join(takes)}): it is called "
            "fit(X, y, validation=(X_tail, y_tail)); add the parameter, validation=None"
        )
    data = base(plugin).data
    assert data.tail is not None
    tail = data.tail
    twice = replace(data, tail=(np.concatenate([tail[0]] * 2), np.concatenate([tail[1]] * 2)))
    once = ask(plugin, trained(plugin, copied(data), "fitted"), data.X_test, "asked")
    doubled = ask(
        plugin, trained(plugin, copied(twice), "fitted with every validation row twice"), data.X_test, "asked"
    )
    demand_same(
        once,
        doubled,
        "with the validation rows",
        "with every one of them twice",
        "Validation rows may only choose (when to stop, which candidate), by a mean over them: fit weights, scalers "
        "and bins on X and y alone",
    )
    _demand_choice(plugin, data, once)


def _demand_choice(plugin: Plugin, data: Data, once: Outputs) -> None:
    """Demand that a breath of noise on the tail does not move the predictions: a choice stays, a statistic moves."""
    name, found = spec_of(plugin).prediction, [once]
    for seed in range(3):
        near = ask(plugin, trained(plugin, _near(data, seed), "fitted"), data.X_test, "asked")
        if not all(m.first_difference({name: other[name]}, {name: near[name]}, exact=True) for other in found):
            return  # equal to another one: it has chosen, perhaps another time among the same few
        found.append(near)
    row = int(np.abs(found[1][name] - once[name]).argmax())
    raise Violation(
        f"the prediction {name!r} of row {row} is {number(once[name][row], found[1][name][row])}, and "
        f"{number(found[1][name][row], once[name][row])} after the "
        f"validation rows were changed by {NOISE:g} of their size (and another one with every such change): weights, a "
        "scaler, an intercept or a threshold is computed from them. They may only choose (when to stop, which "
        "candidate); fit everything else on X and y alone",
        row=row,
        expected=float(once[name][row]),
        found=float(found[1][name][row]),
    )


def _near(data: Data, seed: int) -> Data:
    """Return the data, the validation rows changed by very little."""
    assert data.tail is not None
    rng = np.random.default_rng(seed)

    def breathe(a: NDArray[Any]) -> NDArray[Any]:
        return a if a.dtype.kind == "i" else (a * (1 + NOISE * rng.normal(size=a.shape))).astype(a.dtype)

    return copied(replace(data, tail=(breathe(data.tail[0]), breathe(data.tail[1]))))


def _asks_for_nothing(takes: dict[str, inspect.Parameter]) -> None:
    needed = [
        n for n, p in takes.items() if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    for name in needed[2:]:
        raise Violation(
            f"fit needs {name!r}, which a run does not give: it is called fit(X, y). "
            + ("Say validation=0.2 in the spec, or give it a default" if name == "validation" else "Give it a default")
        )
