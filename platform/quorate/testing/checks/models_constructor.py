"""Rules for a model: what its constructor does, and what becomes of its parameters."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from functools import partial
from typing import Any

from quorate.plugins.options import RESERVED
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, default_options, explain
from quorate.testing.tools.models import arose_in_plugin, base, is_own, make, spec_of, trained
from quorate.testing.tools.objects import equal, walk


def check_model_constructor_stores(plugin: Plugin) -> None:
    """The constructor stores its parameters as they are; it validates and computes nothing."""
    maker, options = _constructor(plugin)
    named = [p for p in inspect.signature(maker).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    for place, p in enumerate(named):
        value = _absurd(options.get(p.name), place)
        if p.name in RESERVED or (value is None and options.get(p.name, 0) is not None):
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
        stored = _stored(plugin, model, p.name, value)
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
    if not (hasattr(type(model), "get_params") and hasattr(type(model), "set_params")):
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
        fault = fault or ("" if lenient else _left_out(plugin, fresh) or _not_set(plugin, fresh))
    except AttributeError as e:
        fault = f"get_params() finds no attribute `{e.name}`: store it, `self.{e.name} = {e.name}`"
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


def _constructor(plugin: Plugin) -> tuple[type, dict[str, Any]]:
    """Return the model's own class, and options with which it can be made."""
    spec = spec_of(plugin)
    factory, options = spec.resolve(), default_options(plugin)
    if isinstance(factory, type):
        maker = factory
    else:
        try:
            model = make(spec, options)
        except AttributeError as e:
            if e.name not in options:
                raise NotApplicable("it cannot be made: see the rule makes") from e
            raise Violation(
                f"get_params() finds no attribute `{e.name}`: the constructor must store every parameter under its "
                f"own name, `self.{e.name} = {e.name}`",
                parameter=e.name,
            ) from e
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


def _stored(plugin: Plugin, model: Any, name: str, value: Any) -> str | None:
    """Say what became of a parameter, if the object does not hold it."""
    if hasattr(type(model), "get_params"):
        try:
            found = model.get_params(deep=False)
        except AttributeError:
            return f"leaves get_params() without an attribute {name!r}" if not hasattr(model, name) else None
        if name in found and not _same(found[name], value):
            return f"stores {found[name]!r}"
    direct = {path[-1][0]: path[-1][1] for path in walk(model) if len(path) == 2}
    if value is None:
        kept = direct.get(f".{name}")
        empty = isinstance(kept, dict | list | tuple) and not kept  # `options or {}` computes nothing
        return None if kept is None or empty else f"stores {kept!r}"

    def own(part: Any) -> bool:
        """Say whether a part belongs to the constructor's bookkeeping, and is no model inside the model."""
        plain = isinstance(part, Mapping | list | tuple | types.SimpleNamespace | partial)
        return part is model or plain or is_own(plugin, part)

    if any(_same(path[-1][1], value) for path in walk(model, into=own)):
        return None
    if hasattr(model, name):
        return f"stores {getattr(model, name)!r}"
    return "does not store it"


def _same(kept: Any, value: Any) -> bool:
    """Say whether a parameter was kept as it is: a list is no tuple."""
    if isinstance(value, list | tuple) and type(kept) is not type(value):
        return False
    return equal(kept, value)


def _differing(a: Mapping[str, Any], b: Mapping[str, Any], when: str) -> str:
    for name in sorted(set(a) | set(b)):
        if name not in a or name not in b:
            return f"the parameter {name!r} is not in get_params() at both times, {when}"
        if not equal(a[name], b[name]):
            return f"the parameter {name!r} {when} is {a[name]!r} and {b[name]!r}"
    return ""


def _left_out(plugin: Plugin, model: Any) -> str:
    """Name a parameter of the constructor that get_params() does not give."""
    spec, known = spec_of(plugin), model.get_params(deep=False)
    parameters = inspect.signature(type(model)).parameters.values()
    wanted = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        factory = inspect.signature(spec.resolve()).parameters
        if any(p.kind is p.VAR_KEYWORD for p in factory.values()):
            wanted += [name for name in spec.params if name not in factory]
    for name in wanted:
        if name not in known and name not in RESERVED:
            return f"get_params() leaves out the parameter {name!r}; it gives {', '.join(map(repr, known))}"
    return ""


def _not_set(plugin: Plugin, model: Any) -> str:
    """Name a parameter that set_params() does not set."""
    for place, (name, value) in enumerate(model.get_params(deep=False).items()):
        other = _absurd(value, place)
        if other is None:
            continue
        changed = make(spec_of(plugin), default_options(plugin))
        try:
            changed.set_params(**{name: other})
        except (TypeError, ValueError):
            continue  # it checks what it is given
        found = changed.get_params(deep=False).get(name)
        if not equal(found, other):
            return f"after set_params({name}={other!r}), get_params() gives {name}={found!r}"
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
