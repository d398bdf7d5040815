"""Rules for a model: what its parameters may be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from quorate.errors import QuorateError
from quorate.options import resolve_options
from quorate.outputs import read_outputs
from quorate.providers import Plugin
from quorate.space import Choice
from quorate.specs import ModelSpec
from quorate.testing._base import NotApplicable, Violation, explain
from quorate.testing._model_data import data_for
from quorate.testing._models import as_in_a_run, base, fit, make, spec_of

POINTS = 24
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)


def check_model_search_space(plugin: Plugin) -> None:
    """Every point of its search space can be made, and the ends can be fitted."""
    spec = spec_of(plugin)
    if not spec.space:
        raise NotApplicable("it has no search space")
    base(plugin)
    for point in _points(spec):
        error = _fault(plugin, spec, point, fitted=False)
        if error:
            _blame(plugin, spec, point, error, fitted=False)
    for point in _to_fit(spec):
        error = _fault(plugin, spec, point, fitted=True)
        if error:
            _blame(plugin, spec, point, error, fitted=True)


def _points(spec: ModelSpec) -> Iterator[dict[str, Any]]:
    """Yield both ends, and points spread evenly between them, always the same."""
    yield _at(spec, dict.fromkeys(spec.space, 0.0))
    yield _at(spec, dict.fromkeys(spec.space, 1.0))
    for i in range(1, POINTS + 1):
        yield _at(spec, {n: (i * math.sqrt(_PRIMES[j % len(_PRIMES)]) + j / 7) % 1.0 for j, n in enumerate(spec.space)})


def _at(spec: ModelSpec, shares: Mapping[str, float]) -> dict[str, Any]:
    return {name: spec.space[name].at(share) for name, share in shares.items()}


def _to_fit(spec: ModelSpec) -> Iterator[dict[str, Any]]:
    points = list(_points(spec))
    yield from points[:4]
    for name, values in spec.space.items():
        if isinstance(values, Choice):
            yield from ({name: value} for value in values.values)


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
