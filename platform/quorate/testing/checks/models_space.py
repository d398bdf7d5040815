"""Rules for a model: what its parameters may be."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from quorate.errors import QuorateError, near_misses, one_of
from quorate.plugins.local import line_in
from quorate.plugins.options import resolve_options
from quorate.plugins.provider import Plugin
from quorate.plugins.space import Choice
from quorate.plugins.specs import ModelSpec
from quorate.sweeps.space import active
from quorate.testing._base import NotApplicable, Violation, explain
from quorate.testing.tools.model_data import data_for
from quorate.testing.tools.models import as_in_a_run, base, fit, make, read_outputs, spec_of

POINTS = 24
SECONDS, AT_LEAST = 5.0, 4  # of time for the fits, however few; of fits, however long
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)


def check_model_search_space(plugin: Plugin) -> None:
    """Every point of its search space can be made and fitted, as far as time allows."""
    spec = spec_of(plugin)
    if not spec.space:
        raise NotApplicable("it has no search space")
    base(plugin)
    _names(spec)
    for point in _points(spec):
        error = _fault(plugin, spec, point, fitted=False)
        if error:
            _blame(plugin, spec, point, error, fitted=False)
    until = time.monotonic() + SECONDS
    for place, point in enumerate(_to_fit(spec)):
        if place >= AT_LEAST and time.monotonic() > until:
            return
        error = _fault(plugin, spec, point, fitted=True)
        if error:
            _blame(plugin, spec, point, error, fitted=True)


def _names(spec: ModelSpec) -> None:
    try:
        parameters = inspect.signature(spec.resolve()).parameters
    except (TypeError, ValueError):
        return
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name, one in spec.space.items():
        for other in one.when:
            if other not in spec.space:
                raise Violation(
                    f"space[{name!r}] counts only with some values of {other!r}, which is not in the space: it must be "
                    f"one of {one_of(spec.space)}{near_misses(other, spec.space)}",
                    parameter=name,
                )
        if name not in parameters:
            raise Violation(
                f"space names {name!r}, which is no parameter of the factory: it must be one of "
                f"{one_of(parameters)}{near_misses(name, parameters)}",
                parameter=name,
            )


def _points(spec: ModelSpec) -> Iterator[dict[str, Any]]:
    """Yield both ends, and points spread evenly between them, always the same."""
    yield _at(spec, dict.fromkeys(spec.space, 0.0))
    yield _at(spec, dict.fromkeys(spec.space, 1.0))
    for i in range(1, POINTS + 1):
        yield _at(spec, {n: (i * math.sqrt(_PRIMES[j % len(_PRIMES)]) + j / 7) % 1.0 for j, n in enumerate(spec.space)})


def _at(spec: ModelSpec, shares: Mapping[str, float]) -> dict[str, Any]:
    point = {name: spec.space[name].at(share) for name, share in shares.items()}
    return active(spec.space, point)  # what does not count has its default


def _to_fit(spec: ModelSpec) -> Iterator[dict[str, Any]]:
    points = list(_points(spec))
    yield from points[:2]
    for share in (0.0, 1.0) if len(spec.space) > 1 else ():
        for name in spec.space:  # one at one end, all others at the other
            yield _at(spec, {**dict.fromkeys(spec.space, 1.0 - share), name: share})
    for name, values in spec.space.items():
        if isinstance(values, Choice):
            yield from ({name: value} for value in values.values)
    yield from points[2:]


def _fault(plugin: Plugin, spec: ModelSpec, point: Mapping[str, Any], fitted: bool) -> str:
    try:
        options = resolve_options(spec, point, f"models.{spec.name}")
        with as_in_a_run(spec):
            model = make(spec, options)
            if not fitted:
                return ""
            data = data_for(spec, n=120)
            fit(model, data)
            outputs = read_outputs(model, spec, data.X_test)
    except QuorateError as e:
        return f"it failed: {e}"
    except SystemExit as e:
        return f"it called sys.exit{line_in(e, plugin.provider.local)}"
    except Exception as e:
        return f"it raised {explain(e, plugin)}"
    bad = [name for name, values in outputs.items() if not np.isfinite(values).all()]
    return f"its predictions {bad[0]!r} are not finite" if bad else ""


def _blame(plugin: Plugin, spec: ModelSpec, point: Mapping[str, Any], error: str, fitted: bool) -> None:
    done = "fitted" if fitted else "made"
    for name, value in point.items():
        alone = _fault(plugin, spec, {name: value}, fitted)
        if alone:
            raise Violation(
                f"{done} with {name}={value!r}, which is in its search space ({spec.space[name]}), and else its "
                f"default options, {alone}: narrow the space of {name!r}, or make the model take the value",
                parameter=name,
                value=value,
            )
    raise Violation(
        f"{done} with {dict(point)}, which is in its search space, {error}: no single value is at fault; narrow the "
        "space so that all combinations work",
        **{str(k): v for k, v in point.items()},
    )
