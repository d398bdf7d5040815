"""Rules for a model: that a fit can be repeated, here and elsewhere, and what it leaves behind."""

from __future__ import annotations

import gc
import os
import pickle
import random
import subprocess
import sys
import tempfile
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.outputs import read_outputs
from quorate.providers import Plugin, Reference
from quorate.testing import _models as m
from quorate.testing._base import NotApplicable, Violation, after, default_options, explain
from quorate.testing._model_data import Data, copied, data_for
from quorate.testing._models import ask, base, demand_same, is_own, spec_of, trained
from quorate.testing._objects import Path, shares_memory, spelled, unpicklable, walk

_CHILD = "from quorate.testing._models import serve; serve()"


@after("same-seed-same-result")
def check_model_refit_forgets(plugin: Plugin) -> None:
    """Fitting again forgets the first fit: the result is that of a fresh object."""
    spec = spec_of(plugin)
    base(plugin)
    first, second = data_for(spec, seed=5), data_for(spec, seed=6)
    again, fresh = trained(plugin, copied(first), "fitted on ordinary data"), None
    with m.as_in_a_run(spec):
        fresh = m.make(spec, default_options(plugin))
    for model, what in ((again, "fitted a second time, on other rows"), (fresh, "fitted on ordinary data")):
        with m.as_in_a_run(spec):
            given = copied(second)
            m.guarded(plugin, what, lambda model=model, given=given: m.fit(model, given))  # type: ignore[misc]
    a = ask(plugin, fresh, second.X_test, "asked to predict")
    b = ask(plugin, again, second.X_test, "asked to predict after a second fit")
    if m.first_difference(a, b):
        _demand_repeatable(plugin, second)
    demand_same(
        a,
        b,
        "fitted on B alone",
        "fitted on A, then on B",
        "start `fit` from nothing: make what learns (weights, "
        "lists, networks, generators) in `fit`, not in the constructor or on the class",
    )


def check_model_same_seed_same_result(plugin: Plugin) -> None:
    """Two fits with the same seed give the same result, bit for bit."""
    spec, data = spec_of(plugin), base(plugin).data
    results = []
    for noise in (1, 2):
        random.seed(noise)
        np.random.seed(noise)
        results.append(m.guarded(plugin, "fitted", lambda: m.run_once(spec, default_options(plugin), copied(data))))
    demand_same(
        results[0],
        results[1],
        "in a first fit",
        "in a second one with the same data, parameters and seed",
        exact=True,
        remedy="draw from a generator seeded with the parameter random_state (np.random.default_rng(self."
        "random_state)), take nothing from the clock, the operating system, or earlier fits",
    )


@after("same-seed-same-result")
def check_model_fresh_process(plugin: Plugin) -> None:
    """A fresh process gives the same result from the model's name and parameters alone."""
    where = plugin.provider
    if where.inline is not None:
        raise NotApplicable("an inline plugin cannot be loaded elsewhere")
    spec, data, params = spec_of(plugin), base(plugin).data, default_options(plugin)
    here = m.guarded(plugin, "fitted", lambda: m.run_once(spec, params, copied(data)))
    reference = Reference(plugin.kind, plugin.name, where.module, where.local)
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path)
    # Another order of sets, another folder: what depends on them shows.
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": path}
    try:
        sent = pickle.dumps((reference, params, data))
    except Exception as e:
        raise Violation(f"its parameters cannot be sent to another process: {explain(e, plugin)}") from e
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _CHILD]
        done = subprocess.run(command, input=sent, capture_output=True, cwd=folder, env=environment, check=False)
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"])[-1]
        raise Violation(
            f"in a fresh process it failed: {last}. Workers load the plugin anew, in another folder: whatever it needs "
            "must be in its file, its package or its parameters"
        )
    found = pickle.loads(done.stdout)
    if m.first_difference(here, found, exact=True):
        _demand_repeatable(plugin, data)
    demand_same(
        here,
        found,
        "in this process",
        "in a fresh one",
        exact=True,
        remedy="A fit may depend on its data, parameters and seed alone: not on the process (id, hash of a text, "
        "environment, working folder), nor on what ran before in it",
    )


def _demand_repeatable(plugin: Plugin, data: Data) -> None:
    """Leave the word to the rule same-seed-same-result, where two fits differ in any case."""
    spec, params = spec_of(plugin), default_options(plugin)
    one, two = (m.run_once(spec, params, copied(data)) for _ in range(2))
    if m.first_difference(one, two, exact=True):
        raise NotApplicable("no two of its fits are equal: see the rule same-seed-same-result")


def check_model_keeps_no_data(plugin: Plugin) -> str | None:
    """The fitted object holds no reference to the arrays it was fitted on."""
    given = copied(base(plugin).data)
    model = trained(plugin, given, "fitted on ordinary data")
    watched = {name: weakref.ref(a) for name, a in given.arrays().items() if name != "X to predict"}
    del given
    gc.collect()
    remark = None
    for name, ref in watched.items():
        array = ref()
        if array is None:
            continue
        path = _holder(model, array, "model") or _holder(_globals(plugin), array, "the module")
        if path is None or any(not is_own(plugin, part) and hasattr(part, "get_params") for _, part in path):
            remark = f"{name} is kept by {'a library' if path is None else spelled(path)}"
            continue
        raise Violation(
            f"{spelled(path)} still holds the {name} it was fitted on: it keeps the data of all folds in memory, and "
            "predictions could read it. Drop it at the end of `fit`, or keep a copy of what predictions need "
            "(np.array(X))",
            attribute=spelled(path),
            array=name,
        )
    return remark


def _holder(thing: Any, array: NDArray[Any], name: str) -> Path | None:
    return next((path for path in walk(thing, name) if shares_memory(path[-1][1], array)), None)


def _globals(plugin: Plugin) -> Any:
    return dict(vars(sys.modules[plugin.provider.module])) if plugin.provider.module in sys.modules else {}


def check_model_saves(plugin: Plugin) -> str | None:
    """The fitted object can be pickled, and predicts the same afterwards."""
    found = base(plugin)
    remark = None
    try:
        stored = pickle.dumps(found.model)
    except Exception as e:
        stored, remark = _stored_otherwise(found.model, e)
    again = m.guarded(plugin, "read back from a pickle", lambda: pickle.loads(stored))
    outputs = ask(plugin, again, found.data.X_test.copy(), "asked to predict after it was stored and read back")
    if gap := m.first_difference(found.outputs, outputs):
        name, row, x, y = gap
        raise Violation(
            f"the prediction {name!r} of row {row} is {x:.10g}, and {y:.10g} after it was stored and read back: keep "
            "all that predictions need in attributes of the object",
            row=row,
            expected=x,
            found=y,
        )
    return remark


def _stored_otherwise(model: Any, error: Exception) -> tuple[bytes, str]:
    """Store an object by value whose class had to be defined where its library was imported."""
    import cloudpickle  # type: ignore[import-untyped]

    remark = ""
    for path, thing, reason in unpicklable(model):
        local_class = "<locals>" in type(thing).__qualname__
        if not local_class:
            raise Violation(
                f"it cannot be pickled, because of {path}, a {type(thing).__name__}: {reason}. Keep plain values, "
                "arrays and objects of classes of the module; a function of the module instead of a lambda or an "
                "inner one; open files and locks not at all",
                attribute=path,
            ) from error
        remark = f"{path} is of a class inside a function: only cloudpickle can store it"
    try:
        return cloudpickle.dumps(model), remark
    except Exception as e:
        raise Violation(f"it cannot be pickled: {type(e).__name__}: {e}") from e


def check_model_leaves_global_state(plugin: Plugin) -> None:
    """Fitting leaves the settings of the process alone."""
    spec, given = spec_of(plugin), copied(base(plugin).data)
    with m.as_in_a_run(spec):
        before = m.settings()
        model = m.make(spec, default_options(plugin))
        m.guarded(plugin, "fitted on ordinary data", lambda: m.fit(model, given))
        m.guarded(plugin, "asked to predict", lambda: read_outputs(model, spec, given.X_test))
        after = m.settings()
    for name, (value, _) in before.items():
        if after[name][0] != value:
            raise Violation(
                f"{name} was {value} before the fit and is {after[name][0]} after: other models in the process would "
                "fit differently. Set it for a block only, e.g. with np.errstate(...) or torch.no_grad()",
                setting=name,
            )
