"""Fitting and asking models the way a run does, on small data, with the fits that rules share."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from quorate.errors import FitError
from quorate.execution import outputs as reading
from quorate.execution.inputs import Inputs
from quorate.execution.making import make_model
from quorate.execution.outputs import Outputs
from quorate.execution.resources import thread_pools
from quorate.execution.surroundings import seeded
from quorate.execution.task import FitTask
from quorate.plugins.local import line_in
from quorate.plugins.provider import Plugin, Provider, Reference
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, default_options, explain
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import N_TEST, Data, altered, copied, data_for, fitted, placed
from quorate.testing.tools.model_settings import put_back, settings

SEED = 11
_KEPT = 4

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Base:
    """The ordinary fit that most rules look at; `error` says at which stage it failed, and how."""

    data: Data
    model: Any = None
    outputs: Outputs = field(default_factory=dict)
    on_train: Outputs = field(default_factory=dict)
    returned: Any = None
    params_before: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    error: Violation | None = None


def spec_of(plugin: Plugin) -> ModelSpec:
    """Return the plugin's spec, typed."""
    assert isinstance(plugin.spec, ModelSpec)
    return plugin.spec


@contextmanager
def as_in_a_run(spec: ModelSpec) -> Iterator[None]:
    """Limit the threads and seed the global generators, as a run does; settings are put back afterwards."""
    from threadpoolctl import threadpool_limits

    before = settings()
    with warnings.catch_warnings(), threadpool_limits(spec.cpus), seeded(SEED):
        warnings.simplefilter("ignore")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(spec.cpus)
        try:
            yield
        finally:
            put_back(before)


def make(spec: ModelSpec, params: Mapping[str, Any], categories: tuple[str, ...] = ()) -> Any:
    """Make the model as a run does: with the seed, the threads and the names of categories, if it takes them."""
    binary = spec.task == "classification"
    task = FitTask(spec.name, 0, Reference("model", spec.name, ""), params, SEED, spec.cpus, binary)
    return make_model(spec.resolve(), task, spec, categories)


def fit(model: Any, data: Data, **more: Any) -> Any:
    """Fit a model and return what `fit` returned."""
    return fitted(model, data, **more)


def read_outputs(model: Any, spec: ModelSpec, X: Inputs) -> Outputs:
    """Ask a fitted model, told the places of rows if it asks for them; see `quorate.execution.outputs`."""
    return reading.read_outputs(model, spec, placed(spec, X))


def guarded(plugin: Plugin, what: str, step: Callable[[], T]) -> T:
    """Take a step; whatever it raises is a violation that says what was being done."""
    try:
        return step()
    except (Violation, NotApplicable):
        raise
    except FitError as e:
        raise Violation(f"{what}: {e}") from e
    except SystemExit as e:
        raise Violation(
            f"{what}, it called sys.exit{line_in(e, plugin.provider.local)}: that ends the whole run; raise a "
            "ValueError that says what is wrong"
        ) from e
    except Exception as e:
        raise Violation(f"{what}, it raised {explain(e, plugin)}") from e


def trained(plugin: Plugin, data: Data, what: str, **more: Any) -> Any:
    """Return a fresh model, fitted; a failure is a violation."""
    spec = spec_of(plugin)
    with as_in_a_run(spec):
        model = guarded(plugin, "made with its default options", lambda: make(spec, default_options(plugin)))
        guarded(plugin, what, lambda: fit(model, data, **more))
    return model


def ask(plugin: Plugin, model: Any, X: Inputs, what: str) -> Outputs:
    """Return copies of what a fitted model predicts; a failure is a violation."""
    spec = spec_of(plugin)
    with as_in_a_run(spec):
        found = guarded(plugin, what, lambda: read_outputs(model, spec, X))
    return {name: np.array(values) for name, values in found.items()}


def run_once(spec: ModelSpec, params: Mapping[str, Any], data: Data) -> Outputs:
    """Make, fit and predict as a run does, in this process."""
    while True:
        pools = thread_pools()
        with as_in_a_run(spec):
            model, given = make(spec, params), copied(data)  # each time its own: a fit may write into it
            fit(model, given)
            outputs = {name: np.array(v) for name, v in read_outputs(model, spec, given.X_test).items()}
        if thread_pools() == pools:  # a library that was loaded by the fit escaped the limit
            return outputs


_bases: dict[Any, tuple[Provider, Base]] = {}


def base(plugin: Plugin) -> Base:
    """Return the ordinary fit, or say that there is none to look at."""
    found = attempt(plugin)
    if found.error is not None:
        rule = {"made": "makes", "fitted": "fits"}.get(found.stage, "output-names")
        raise NotApplicable(f"it cannot be {found.stage}: see the rule {rule}")
    return found


def attempt(plugin: Plugin) -> Base:
    """Return the ordinary fit, failed or not; rules share it."""
    spec = spec_of(plugin)
    where = plugin.provider
    key: Any = (where.module if where.inline is None else id(where.inline), spec.name, spec.task)
    if key not in _bases:
        _bases[key] = where, _attempt(plugin, spec)  # what is inline is kept, so that its id is not given to another
        while len(_bases) > _KEPT:
            del _bases[next(iter(_bases))]
    return _bases[key][1]


def _attempt(plugin: Plugin, spec: ModelSpec) -> Base:
    data, stage, before = data_for(spec), "made", copied_params(spec)
    given = copied(data)  # rules about what it does to its input take their own
    try:
        with as_in_a_run(spec):
            model = guarded(plugin, "made with its default options", lambda: make(spec, default_options(plugin)))
            stage = "fitted"
            returned = guarded(plugin, f"fitted on {data}", lambda: fit(model, given))
        stage = "asked"
        outputs = ask(plugin, model, given.X_test, f"asked to predict {N_TEST} rows")
        on_train = ask(plugin, model, given.X, "asked to predict the rows it was fitted on")
    except Violation as e:
        # A failure that is no matter of shapes and names is one of fitting and predicting.
        stage = "fitted" if stage == "asked" and not isinstance(e.__cause__, FitError) else stage
        return Base(data, stage=stage, error=e)
    return Base(data, model, outputs, on_train, returned, before)


def takes_only_double(plugin: Plugin) -> bool:
    """Say whether the ordinary fit fails for the number type alone: with the same values in float64 it works."""
    data = attempt(plugin).data
    if data.X.dtype == np.float64:
        return False
    wide = altered(copied(data), lambda X: X.astype(np.float64))
    try:
        ask(plugin, trained(plugin, wide, "fitted"), wide.X_test, "asked")
    except Violation:
        return False
    return True


def copied_params(spec: ModelSpec) -> dict[str, Any]:
    """Return a copy of the spec's parameters that nobody else can change."""
    try:
        return copy.deepcopy(dict(spec.params))
    except Exception:  # what cannot be copied is hardly changed
        return dict(spec.params)


def tolerance(values: Floats) -> float:
    """Return the difference that rounding may make: small against the spread of the predictions."""
    return 1e-6 * min(1.0, float(np.abs(values).max())) + 1e-4 * float(np.std(values))


def first_difference(a: Outputs, b: Outputs, exact: bool = False) -> tuple[str, int, float, float] | None:
    """Return output, row and both values of the largest difference beyond rounding, or None."""
    worst: tuple[float, tuple[str, int, float, float]] | None = None
    for name, x in a.items():
        y = b[name]
        gap = np.where(np.isnan(x) & np.isnan(y), 0.0, np.abs(x - y))
        gap = np.where(np.isnan(gap), np.inf, gap)
        if gap.max() > (0.0 if exact else tolerance(x[np.isfinite(x)] if np.isfinite(x).any() else np.zeros(1))):
            row = int(gap.argmax())
            if worst is None or gap[row] > worst[0]:
                worst = float(gap[row]), (name, row, float(x[row]), float(y[row]))
    return None if worst is None else worst[1]


def demand_same(a: Outputs, b: Outputs, one: str, two: str, remedy: str, exact: bool = False) -> None:
    """Raise, if two predictions of the same rows differ, beyond rounding or at all."""
    differs = first_difference(a, b, exact)
    if differs is None:
        return
    name, row, x, y = differs
    raise Violation(
        f"the prediction {name!r} of row {row} is {number(x, y)} {one}, and {number(y, x)} {two}: they must be equal. "
        f"{remedy}",
        row=row,
        expected=x,
        found=y,
    )


def arose_in_plugin(plugin: Plugin, error: BaseException) -> bool:
    """Say whether the line that raised is the plugin author's, not one of a library."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return True
    file = trace.tb_frame.f_code.co_filename
    local = plugin.provider.local
    return file == str(local.path) if local is not None else "site-packages" not in file


def is_own(plugin: Plugin, thing: Any) -> bool:
    """Say whether an object's class was written by the plugin's author, not by a library."""
    module = (thing if isinstance(thing, type) else type(thing)).__module__
    where = plugin.provider
    if where.local is not None:
        return module == where.module
    if where.inline is None:
        return module.split(".")[0] == where.module.split(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return module != "builtins" and "site-packages" not in file
