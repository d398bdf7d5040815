"""Rules for a model: how it is made, and what its parameters may be."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from quorate.options import RESERVED
from quorate.providers import Plugin
from quorate.testing._base import NotApplicable, Violation, default_options, explain
from quorate.testing._models import (
    arose_in_plugin,
    as_in_a_run,
    attempt,
    base,
    is_own,
    make,
    spec_of,
    trained,
)
from quorate.testing._objects import equal, walk


def check_model_makes(plugin: Plugin) -> None:
    """The factory makes an object with ``fit``, and with the method that its task asks for."""
    spec = spec_of(plugin)
    method = "predict_proba" if spec.task == "classification" else "predict"
    attempt(plugin)
    try:
        with as_in_a_run(spec):
            model, other = (make(spec, default_options(plugin)) for _ in range(2))
    except NotApplicable:
        raise
    except Exception as e:
        raise Violation(
            f"made with {default_options(plugin)}, it raised {explain(e, plugin)}: the factory is called with the "
            "options of the spec and the recipe (and random_state and n_jobs, if it names them)"
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
        spec = spec_of(plugin)
        raise Violation(
            f"{found.error.message}. It is given X as {found.data.X.dtype} {found.data.X.shape} (input={spec.input!r}) "
            f"and y as {found.data.y.dtype} {found.data.y.shape}",
            **found.error.example,
        )


def check_model_constructor_stores(plugin: Plugin) -> None:
    """The constructor stores its parameters as they are; it validates and computes nothing."""
    maker, options = _constructor(plugin)
    named = [p for p in inspect.signature(maker).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    for place, p in enumerate(named):
        value = _absurd(options.get(p.name), place)
        if p.name in RESERVED or value is None:
            continue
        try:
            model = maker(**{**options, p.name: value})
        except Exception as e:
            if not arose_in_plugin(plugin, e):
                continue  # a library's object is made in the constructor, and refuses the value itself
            raise Violation(
                f"{maker.__name__}({p.name}={value!r}) raised {explain(e, plugin)}: the constructor must only store "
                f"its parameters; validate them, and compute from them, in `fit`",
                parameter=p.name,
                value=value,
            ) from e
        stored = _stored(model, p.name, value)
        if stored is not None:
            raise Violation(
                f"{maker.__name__}({p.name}={value!r}) {stored}: the constructor must store every parameter as it was "
                f"given, `self.{p.name} = {p.name}`; what is computed from it belongs in `fit`",
                parameter=p.name,
                value=value,
            )


def check_model_parameters_round_trip(plugin: Plugin) -> str | None:
    """Equal parameters make equal objects, and ``get_params``, ``set_params`` and ``clone`` agree, where offered."""
    spec = spec_of(plugin)
    params = default_options(plugin)
    before = base(plugin).params_before
    model, other = base(plugin).model, trained(plugin, base(plugin).data, "fitted on ordinary data")
    if not equal(before, dict(spec.params)):
        raise Violation(
            f"the params of the spec were {before} before the model was made and fitted, and {dict(spec.params)} "
            "after: copy a parameter before changing it"
        )
    if not (hasattr(model, "get_params") and hasattr(model, "set_params")):
        return None
    lenient = not is_own(plugin, model)
    try:
        fresh = make(spec, params)
        first, second = fresh.get_params(deep=False), other.get_params(deep=False)
        fault = _differing(make(spec, params).get_params(deep=False), first, "of two objects made alike")
        fault = fault or _differing(first, second, "before and after `fit`")
        fresh.set_params(**first)
        fault = fault or _differing(first, fresh.get_params(deep=False), "before and after set_params(**get_params())")
        fault = fault or _clone_fault(fresh)
    except Exception as e:
        fault = f"get_params and set_params: it raised {explain(e, plugin)}"
    if fault and lenient:
        return fault
    if fault:
        raise Violation(
            f"{fault}: the constructor must store every parameter under its own name, unchanged, and `fit` must keep "
            "what it learns in other attributes, ending in _"
        )
    return None


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


def _constructor(plugin: Plugin) -> tuple[type, dict[str, Any]]:
    """Return the model's own class, and options with which it can be made."""
    spec = spec_of(plugin)
    factory, options = spec.resolve(), default_options(plugin)
    if isinstance(factory, type):
        maker = factory
    else:
        model = make(spec, options)
        maker = type(model)
    if not is_own(plugin, maker):
        raise NotApplicable(f"{maker.__name__} is not the plugin's own class")
    if not isinstance(factory, type):
        options = {}
        for p in inspect.signature(maker).parameters.values():
            if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                continue
            options[p.name] = getattr(model, p.name, p.default)
            if options[p.name] is p.empty:
                raise NotApplicable("its class is made by a function, and does not tell its parameters")
    return maker, options


def _absurd(default: Any, place: int) -> Any:
    """Return a value that no fit could take, of the type of the default; None, if there is none."""
    if isinstance(default, bool):
        return None  # both values are sensible, and are found everywhere
    if isinstance(default, int):
        return -1_000_003 - place
    if isinstance(default, float):
        return -1_000_003.5 - place
    if isinstance(default, str):
        return f"no-such-value-{place}"
    if isinstance(default, list | tuple):
        return type(default)((-1_000_003 - place,)) if type(default) in (list, tuple) else None
    return None


def _stored(model: Any, name: str, value: Any) -> str | None:
    """Say what became of a parameter, if the object does not hold it."""
    if hasattr(model, "get_params"):
        found = model.get_params(deep=False)
        if name in found and not equal(found[name], value):
            return f"stores {found[name]!r}"
    if any(equal(path[-1][1], value) for path in walk(model)):
        return None
    if hasattr(model, name):
        return f"stores {getattr(model, name)!r}"
    return "does not store it"


def _differing(a: Mapping[str, Any], b: Mapping[str, Any], when: str) -> str:
    for name in sorted(set(a) | set(b)):
        if name not in a or name not in b:
            return f"the parameter {name!r} is not in get_params() at both times, {when}"
        if not equal(a[name], b[name]):
            return f"the parameter {name!r} {when} is {a[name]!r} and {b[name]!r}"
    return ""


def _clone_fault(model: Any) -> str:
    copy = getattr(model, "__sklearn_clone__", None)
    if copy is None:
        return ""
    try:
        twin = copy()
        return _differing(model.get_params(deep=False), twin.get_params(deep=False), "of it and its clone")
    except (RuntimeError, TypeError) as e:
        return f"scikit-learn's clone raised {type(e).__name__}: {e}"
