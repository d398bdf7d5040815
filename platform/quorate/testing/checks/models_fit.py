"""Rules for a model: what fitting may read, change and keep."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, brief
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import Data, altered, constant, copied, data_for, holes, relabelled
from quorate.testing.tools.models import ask, base, spec_of, trained

_CRASHES = (
    IndexError, KeyError, ZeroDivisionError, AttributeError, TypeError, UnboundLocalError, AssertionError, SystemExit,
)  # fmt: skip


def check_model_input_unmodified(plugin: Plugin) -> None:
    """Neither fitting nor predicting changes the arrays it is given."""
    given = copied(base(plugin).data)
    before = {name: a.copy() for name, a in given.arrays().items()}
    model = trained(plugin, given, "fitted on ordinary data")
    _unchanged(given, before, "fit")
    ask(plugin, model, given.X_test, "asked to predict")
    _unchanged(given, before, "predicting")


def _unchanged(given: Data, before: dict[str, NDArray[Any]], done: str) -> None:
    for name, array in given.arrays().items():
        old = before[name]
        if array.shape == old.shape and array.tobytes() == old.tobytes():
            continue
        if array.shape != old.shape:
            raise Violation(f"{done} changed the shape of {name} from {old.shape} to {array.shape}: work on a copy")
        short = name.split()[0] if name.startswith("X") else name.split()[-1]
        at = tuple(int(i) for i in np.argwhere(~((array == old) | ((array != array) & (old != old))))[0])
        raise Violation(
            f"{done} changed {name}: at {list(at)} it was {number(old[at], array[at])} and is "
            f"{number(array[at], old[at])}. All models share "
            f"these arrays: work on a copy, e.g. {short} = {short} - mean instead of -=",
            array=name,
            at=str(list(at)),
            expected=float(old[at]),
            found=float(array[at]),
        )


def check_model_read_only_input(plugin: Plugin) -> None:
    """It fits and predicts read-only arrays: a run shares them among all models."""
    given = copied(base(plugin).data, writeable=False)
    try:
        model = trained(plugin, given, "fitted on read-only arrays")
        ask(plugin, model, given.X_test, "asked to predict a read-only array")
    except Violation as e:
        raise Violation(
            f"{e.message}. With writable arrays it did not: do not change X or y in place, and copy what must be "
            "writable (np.array(X); torch.tensor(X) copies, torch.from_numpy(X) does not)"
        ) from e


def check_model_float32_input(plugin: Plugin) -> None:
    """It takes the number type that a run gives: float32 features, float64 bars."""
    found = m.attempt(plugin)
    if found.error is None:
        return
    if found.data.X.dtype == np.float64 or found.stage == "made":
        raise NotApplicable("it cannot be fitted: see the rules makes and fits")
    if not m.takes_only_double(plugin):
        raise NotApplicable("it cannot be fitted at all: see the rule fits")
    raise Violation(
        f"{found.error.message}. With the same values in float64 it did not: features are float32; convert them where "
        "more is needed (X.astype(np.float64)), and tensors to one type"
    )


def check_model_one_feature(plugin: Plugin) -> str | None:
    """It fits a single feature: recipes choose how many there are."""
    spec = spec_of(plugin)
    if spec.input == "bars":
        raise NotApplicable("bars have five columns, always")
    base(plugin)
    data = copied(data_for(spec, n_features=1))
    try:
        ask(plugin, trained(plugin, data, f"fitted on X of shape {data.X.shape}"), data.X_test, "asked to predict")
    except Violation as e:
        said = str(e.__cause__)
        told = re.search("feature|component|column", said) and "Expected 2D" not in said and "expecting" not in said
        if (
            isinstance(e.__cause__, ValueError)
            and told
            and (m.arose_in_plugin(plugin, e.__cause__) or not _made_by_author(plugin))
        ):
            return f"it refuses a single feature: {brief(e.__cause__)}"
        raise Violation(
            f"{e.message}. A recipe chooses the features, and may choose one: take their number from X.shape[-1] when "
            "`fit` is called (e.g. PCA(min(2, X.shape[-1])) made in `fit`), and do not squeeze axes away"
        ) from e
    return None


def _made_by_author(plugin: Plugin) -> bool:
    """Say whether the factory was written for this plugin, so that its author can put it right."""
    factory = spec_of(plugin).resolve()
    where, module = plugin.provider, getattr(factory, "__module__", None) or ""
    return module == where.module or (where.local is None and module.split(".")[0] == where.module.split(".")[0])


def check_model_constant_label(plugin: Plugin) -> str | None:
    """A regression on labels that are all equal gives finite predictions."""
    spec = spec_of(plugin)
    if spec.task != "regression":
        raise NotApplicable("it is a classification")
    base(plugin)
    data = relabelled(copied(data_for(spec)), constant(0.01))
    try:
        found = ask(plugin, trained(plugin, data, "fitted on labels that are all 0.01"), data.X_test, "asked")
    except Violation as e:
        if _says(e.__cause__, "target|label|constant|equal|varia|unique|same"):
            return f"it refuses labels that are all equal: {brief(e.__cause__)}"
        raise
    for name, values in found.items():
        if not np.isfinite(values).all():
            row = int((~np.isfinite(values)).argmax())
            raise Violation(
                f"fitted on labels that are all 0.01, it predicts {name}={values[row]} for row {row}: it must be a "
                "finite number; guard the division by the labels' deviation",
                row=row,
                found=float(values[row]),
            )
    return None


def check_model_single_class(plugin: Plugin) -> str | None:
    """Labels of one class are refused with a clear message, or predicted."""
    spec = spec_of(plugin)
    if spec.task != "classification":
        raise NotApplicable("it is a regression")
    base(plugin)
    means: list[float] = []
    remark = None
    for label in (0, 1):
        data = relabelled(copied(data_for(spec)), constant(label))
        try:
            found = ask(plugin, trained(plugin, data, f"fitted on labels that are all {label}"), data.X_test, "asked")
            means.append(float(np.mean(found[spec.prediction])))
        except Violation as e:
            crashed = isinstance(e.__cause__, SystemExit) or (
                isinstance(e.__cause__, _CRASHES) and m.arose_in_plugin(plugin, e.__cause__)
            )
            if not crashed:
                remark = f"it refuses labels of one class: {brief(e.__cause__)}"
                continue
            raise Violation(
                f"{e.message}. Give the probability 0 or 1, or raise a ValueError that names the one class: a column "
                "for class 1 is not there if no label was 1",
                label=label,
            ) from e
    if len(means) == 2 and not means[0] <= means[1] + 1e-6:
        raise Violation(
            f"the mean probability is {means[0]:.4g} where all labels were 0, and {means[1]:.4g} where all were 1: the "
            "second must not be lower. Read the columns of predict_proba through classes_",
            all_0=means[0],
            all_1=means[1],
        )
    return remark


def check_model_accepts_nan(plugin: Plugin) -> None:
    """A model that says it takes NaN fits and predicts them."""
    spec = spec_of(plugin)
    if not spec.accepts_nan:
        raise NotApplicable("the spec does not say accepts_nan")
    base(plugin)

    data = altered(data_for(spec), holes)
    data.X_test[0] = np.nan
    model = trained(plugin, data, "fitted on X of which a tenth is NaN (accepts_nan=True)")
    found = ask(plugin, model, data.X_test, "asked to predict rows of which a tenth is NaN (accepts_nan=True)")
    for name, values in found.items():
        bad = ~np.isfinite(values)
        if bad.any():
            row = int(bad.argmax())
            raise Violation(
                f"{int(bad.sum())} of {len(bad)} predictions are not finite where X holds NaN, the first {name}="
                f"{values[row]} in row {row}: fill them in `fit` and `predict`, or leave accepts_nan away",
                row=row,
            )


def _says(error: BaseException | None, words: str) -> bool:
    """Say whether an error is a refusal that names its reason, not a crash."""
    return error is not None and not isinstance(error, _CRASHES) and bool(re.search(words, str(error), re.IGNORECASE))
