"""Rules for a model: what a fit leaves behind, in the object and in the process."""

from __future__ import annotations

import gc
import pickle
import sys
import warnings
import weakref
from typing import Any

from numpy.typing import NDArray

from quorate.execution.outputs import Outputs
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import copied
from quorate.testing.tools.model_elsewhere import elsewhere
from quorate.testing.tools.model_settings import changed, settings
from quorate.testing.tools.models import ask, base, is_own, spec_of, trained
from quorate.testing.tools.objects import Path, shares_memory, spelled, unpicklable, walk

_READ_BACK = "after it was stored and read back"


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
        path = _holder(model, array, "model") or _holder(_globals(plugin), array, "")
        if path is None or any(_is_librarys(plugin, part) for _, part in path):
            remark = f"{name} is kept by {'a library' if path is None else spelled(path)}"
            continue
        if name == "y" and path[0][0]:
            remark = f"{spelled(path)} is the array y itself, not a copy"
            continue
        where = (
            spelled(path) if path[0][0] else path[1][0][2:-2] + ("[...]" if len(path) > 2 else "") + " in the module"
        )
        raise Violation(
            f"{where} still holds the {name} it was fitted on: it keeps the data of all folds in memory, and "
            "predictions could read it. Drop it at the end of `fit`, or keep a copy of what predictions need "
            "(np.array(X))",
            attribute=where,
            array=name,
        )
    return remark


def _is_librarys(plugin: Plugin, part: Any) -> bool:
    """Say whether a part is an estimator of a library, which may keep what it needs."""
    return not is_own(plugin, part) and hasattr(part, "get_params") and hasattr(part, "fit")


def _holder(thing: Any, array: NDArray[Any], name: str) -> Path | None:
    return next((path for path in walk(thing, name) if shares_memory(path[-1][1], array)), None)


def _globals(plugin: Plugin) -> Any:
    return dict(vars(sys.modules[plugin.provider.module])) if plugin.provider.module in sys.modules else {}


@after("objects-independent", "same-seed-same-result")
def check_model_saves(plugin: Plugin) -> str | None:
    """The fitted object can be pickled, and predicts the same afterwards."""
    found = base(plugin)
    remark = None
    try:
        stored = pickle.dumps(found.model)
    except Exception as e:
        stored, remark = _stored_otherwise(found.model, e)
    again = m.guarded(plugin, "read back from a pickle", lambda: pickle.loads(stored))
    _demand_equal(found.outputs, ask(plugin, again, found.data.X_test.copy(), f"asked to predict {_READ_BACK}"), "")
    if plugin.provider.inline is None:
        try:
            answer = elsewhere(plugin, found.data, stored)
        except Violation as e:
            raise Violation(f"stored, and read back in another process: {e.message}") from e
        _demand_equal(found.outputs, answer, " in another process")
    return remark


def _demand_equal(expected: Outputs, found: Outputs, where: str) -> None:
    if gap := m.first_difference(expected, found):
        name, row, x, y = gap
        raise Violation(
            f"the prediction {name!r} of row {row} is {number(x, y)}, and {number(y, x)} {_READ_BACK}{where}: keep "
            "all that "
            "predictions need in attributes of the object, not in a global, on the class or in a file",
            row=row,
            expected=x,
            found=y,
        )


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


def check_model_leaves_global_state(plugin: Plugin) -> str | None:
    """Fitting leaves the settings of the process alone."""
    spec, given = spec_of(plugin), copied(base(plugin).data)
    with m.as_in_a_run(spec):
        warnings.resetwarnings()
        warnings.filterwarnings("default", message="one of our own, so that any other shows")
        before = settings()
        model = m.make(spec, default_options(plugin))
        m.guarded(plugin, "fitted on ordinary data", lambda: m.fit(model, given))
        m.guarded(plugin, "asked to predict", lambda: m.read_outputs(model, spec, given.X_test))
        found = changed(before, settings())
    if found is None:
        return None
    name, old, new = found
    if "deterministic" in name:
        return f"{name} was {old} before the fit and is {new} after"
    raise Violation(
        f"{name} was {old} before the fit and is {new} after: other models in the process would fit differently. Set "
        "it for a block only, and put it back (with np.errstate(...), warnings.catch_warnings(), torch.no_grad(), "
        "sklearn.config_context(...), or try ... finally)",
        setting=name,
    )
