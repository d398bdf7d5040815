"""Rules for a model: how it is made, and that it fits."""

from __future__ import annotations

import contextlib
import copy
import inspect

from quorate.plugins.options import RESERVED
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import ModelSpec
from quorate.testing._base import NotApplicable, Violation, default_options
from quorate.testing.tools.models import (
    SEED,
    as_in_a_run,
    attempt,
    base,
    guarded,
    is_own,
    make,
    spec_of,
    takes_only_double,
)


def check_model_makes(plugin: Plugin) -> None:
    """The factory makes an object with ``fit``, and with the method that its task asks for."""
    spec = spec_of(plugin)
    method = "predict_proba" if spec.task == "classification" else "predict"
    options = default_options(plugin)
    with contextlib.suppress(Exception):  # what the factory does to them is another rule's matter
        options = copy.deepcopy(options)
    what = f"made with {options}"
    try:
        with as_in_a_run(spec):
            model, other = (guarded(plugin, what, lambda: make(spec, options)) for _ in range(2))
    except Violation as e:
        if isinstance(e.__cause__, AttributeError) and e.__cause__.name in options:
            raise NotApplicable("get_params() fails: see the rule constructor-stores") from e
        raise Violation(
            f"{e.message}{given_by_platform(spec, e.message)}: the factory is called with the options of the spec and "
            "the recipe (and random_state and n_jobs, if it names them, and task where the spec says task='any')"
        ) from e
    if model is None:
        raise Violation("the factory returned None: it must return the model; a `return` is missing")
    if isinstance(model, type):
        raise Violation(f"the factory returned the class {model.__name__}, not an object of it: call it")
    if model is other:
        raise Violation("the factory returned the same object twice: each fit needs one of its own; make it inside")
    for name in ("fit", method):
        if callable(getattr(model, name, None)):
            continue
        if name == method and attempt(plugin).stage in ("", "asked") and hasattr(attempt(plugin).model, method):
            continue  # some offer it only when they are fitted
        remedy = (
            ": give the class that method; of scikit-learn's, choose one with probabilities (SVC(probability=True), "
            'a log loss, CalibratedClassifierCV), or say task="regression"'
            if name == "predict_proba"
            else ': give the class that method, or say task="classification"'
            if name == "predict"
            else ": give the class that method"
        )
        raise Violation(
            f"the factory made a {type(model).__name__}, which has no {name}; task={spec.task!r} needs it{remedy}",
            missing=name,
        )


def check_model_fits(plugin: Plugin) -> None:
    """It fits and predicts ordinary data of the input that its spec names."""
    found = attempt(plugin)
    if found.stage == "made":
        raise NotApplicable("it cannot be made: see the rule makes")
    if found.stage == "fitted" and found.error is not None:
        spec, cause = spec_of(plugin), found.error.__cause__
        if isinstance(cause, AttributeError) and cause.name in ("fit", "predict", "predict_proba"):
            raise NotApplicable(f"it has no {cause.name}: see the rule makes")
        if takes_only_double(plugin):
            raise NotApplicable("it takes no float32: see the rule float32-input")
        raise Violation(
            f"{found.error.message}{given_by_platform(spec, found.error.message)}. It is given X as "
            f"{found.data.X.dtype} {found.data.X.shape} (input={spec.input!r}) "
            f"and y as {found.data.y.dtype} {found.data.y.shape}",
            **found.error.example,
        )


def check_model_fit_returns_self(plugin: Plugin) -> str | None:
    """``fit`` returns the object itself."""
    found = base(plugin)
    if found.returned is found.model:
        return None
    what = "None" if found.returned is None else f"another object, of {type(found.returned).__name__}"
    message = f"fit returned {what}: it must return self, so that make(...).fit(X, y).predict(X) works"
    if is_own(plugin, found.model):
        raise Violation(message + "; end it with `return self`")
    return message


def given_by_platform(spec: ModelSpec, message: str) -> str:
    """Say what the platform itself passed to the factory, where an error may be about that."""
    try:
        named = [p for p in inspect.signature(spec.resolve()).parameters if p in RESERVED and p not in spec.params]
    except (TypeError, ValueError):
        return ""
    if not named or not any(word in message for word in ("seed", "random", "n_jobs", "thread")):
        return ""
    passed = {"random_state": SEED, "n_jobs": spec.cpus}
    told = " and ".join(f"{p}={passed[p]}" for p in named)
    return f" (the platform passes {told}, because the signature names {'it' if len(named) == 1 else 'them'})"
