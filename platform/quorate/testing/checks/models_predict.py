"""Rules for a model: what predictions are, and what they may depend on."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError
from quorate.execution.outputs import SUMS_TO_ONE, check_probabilities
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import TASK
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import N_TEST, Data, altered, copied, data_for, opposite, relabelled
from quorate.testing.tools.models import ask, base, is_own, spec_of, trained
from quorate.testing.tools.objects import spelled, walk

WIDE = 3  # how many deviations of the label an error may have
# The straight line through perfectly separable normal scores leaves 0..1 on 21 % of rows: beyond, it is no expectation.
MOST_CUT = 0.25
FEW = 20  # predictions outside say nothing yet
STRETCH = 5  # how far beyond the training rows probabilities are still asked for


def check_model_not_fitted_error(plugin: Plugin) -> str | None:
    """Asked before it is fitted, it raises an error instead of giving numbers."""
    spec, found = spec_of(plugin), base(plugin)
    with m.as_in_a_run(spec):
        model = m.make(spec, default_options(plugin))
        try:
            outputs = m.read_outputs(model, spec, copied(found.data).X_test)
        except Exception:  # whatever it says, it gives no numbers
            return None
    if m.first_difference(outputs, found.outputs) is None:
        return "it learns nothing: its predictions are the same before and after it is fitted"
    value = float(outputs[spec.prediction][0])
    message = (
        f"before it was fitted, it gave {value:g} for row 0: it must raise: a forgotten fit would look like a result. "
        "Set what is learnt in `fit` only (self.weights_ = ...), so that it is missing before"
    )
    if is_own(plugin, model):
        raise Violation(message, row=0, found=value)
    return message


def check_model_output_names(plugin: Plugin) -> None:
    """It gives the outputs that its spec promises, one number per row each."""
    found = m.attempt(plugin)
    if found.stage == "asked" and found.error is not None:
        spec = spec_of(plugin)
        wanted = f"outputs={spec.named}" if spec.named else f"the one prediction {spec.prediction!r}"
        raise Violation(f"{found.error.message}. The spec promises {wanted}", **found.error.example)
    base(plugin)


def check_model_predictions_finite(plugin: Plugin) -> str | None:
    """Every prediction is a finite number."""
    found = base(plugin)
    for rows, outputs in (("", found.outputs), ("the training ", found.on_train)):
        for name, values in outputs.items():
            bad = ~np.isfinite(values)
            if bad.any():
                row = int(bad.argmax())
                raise Violation(
                    f"{int(bad.sum())} of {len(values)} values of {name!r} are not finite, the first in {rows}row "
                    f"{row}: {values[row]}. A fold with such a value fails: find the division, logarithm or overflow "
                    "it comes from",
                    row=row,
                    found=float(values[row]),
                )
    return _constant_feature(plugin)


def _constant_feature(plugin: Plugin) -> str | None:
    spec = spec_of(plugin)
    if spec.input == "bars":
        return None

    def flat(X: NDArray[Any]) -> NDArray[Any]:
        X = X.copy()
        X[..., -1] = 1.0
        return X

    data = altered(data_for(spec), flat)
    try:
        model = trained(plugin, data, "fitted")
        outputs = ask(plugin, model, data.X_test, "asked")
    except Violation as e:
        return f"where a feature is constant: {e.message}"
    if all(np.isfinite(values).all() for values in outputs.values()):
        return None
    message = "predictions are not finite where a feature is the same in all rows, as a flag may be: guard the "
    message += "division by its deviation, e.g. np.where(sd > 0, sd, 1.0)"
    if is_own(plugin, model):
        raise Violation(message)
    return message


def check_model_predictions_vary(plugin: Plugin) -> None:
    """Predictions differ from row to row where the label can be learnt."""
    spec, found = spec_of(plugin), base(plugin)
    if spec.baseline:
        raise NotApplicable("a baseline may always say the same")
    if _varies(found.outputs[spec.prediction]):
        return
    easy = data_for(spec, n=2000, noise=0.1)
    for data in (easy, relabelled(easy, opposite)):  # a model may know beforehand which way it goes
        outputs = ask(plugin, trained(plugin, data, f"fitted on {data}"), data.X_test, "asked to predict")
        if _varies(outputs[spec.prediction]):
            return
    value = float(found.outputs[spec.prediction][0])
    what = "its probabilities" if spec.task == "classification" else "its predictions"
    raise Violation(
        f"{what} are {value:.6g} for every one of {N_TEST} rows, fitted on {found.data} whose label follows the "
        f"features, and constant again after {easy} with less noise: it has collapsed. Check that X is used, the "
        "learning rate and the number of steps, and that the penalty suits labels of the size of returns (0.01); a "
        "model that is meant to be constant is a baseline (baseline=True)",
        found=value,
    )


def _varies(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) > 1e-12 + 1e-9 * abs(float(values[0]))) or not np.isfinite(values).all()


def check_model_right_way_round(plugin: Plugin) -> None:
    """Predictions rise with the label on the rows it was fitted on."""
    spec, found = spec_of(plugin), base(plugin)
    if spec.baseline:
        raise NotApplicable("a baseline learns nothing from the features")
    p = found.on_train[spec.prediction]
    if not _varies(p) or not np.isfinite(p).all():
        raise NotApplicable("its predictions are all equal, or not finite")
    link = float(np.corrcoef(p, found.data.y)[0, 1])
    if link < -0.3 and _turns_with(plugin, relabelled(found.data, opposite)):
        of_class = "; read the column of class 1 through classes_" if spec.task == "classification" else ""
        raise Violation(
            f"on the {len(p)} rows it was fitted on, its predictions and the labels correlate by {link:.2f}: it "
            f"predicts the opposite of what it learnt. `{spec.prediction}` must be "
            + ("the probability of class 1" if spec.task == "classification" else "the label's expectation")
            + of_class,
            found=link,
        )


def _turns_with(plugin: Plugin, data: Data) -> bool:
    """Say whether predictions oppose other labels too: a model with a fixed direction opposes only one."""
    p = ask(plugin, trained(plugin, copied(data), "fitted"), data.X, "asked to predict")[spec_of(plugin).prediction]
    return _varies(p) and float(np.corrcoef(p, data.y)[0, 1]) < -0.3


def check_model_expectation(plugin: Plugin) -> str | None:
    """A regression predicts the label itself, not a score that rises with it: errors are of the label's size."""
    spec, found = spec_of(plugin), base(plugin)
    if spec.task != "regression":
        raise NotApplicable("it is a classification")
    if spec.ranks:
        raise NotApplicable("its spec says ranks=True: only the order within a bar counts")
    y, p = found.data.y, found.on_train[spec.prediction]
    error, size = float(np.sqrt(np.mean((p - y) ** 2))), float(np.std(y))
    if error > WIDE * size:
        raise Violation(
            f"on the {len(y)} rows it was fitted on labels deviate by {size:.3g}, and its predictions an error "
            f"of {error:.3g}: `{spec.prediction}` must be the label's expectation, in its unit, as thresholds are, and "
            "these are scores (a rank, a margin): scale them in `fit`, by the labels that it is given",
            found=error,
        )
    return None if TASK in spec.params else _of_class(plugin, spec)


def _of_class(plugin: Plugin, spec: ModelSpec) -> str | None:
    """Remark what becomes of a regression whose label is 0 and 1."""
    data = relabelled(data_for(replace(spec, task="classification", outputs=())), lambda y: y.astype(np.float64))
    try:
        model = trained(plugin, data, "fitted on labels of 0 and 1")
        p = ask(plugin, model, data.X, "asked to predict")[spec.prediction]
    except Violation:
        return "it refuses labels of 0 and 1"
    outside = int(((p < 0) | (p > 1)).sum())
    if outside <= max(MOST_CUT * len(p), FEW):
        return None
    return (
        f"it is for labels that are numbers: fitted on 0 and 1, {outside} of {len(p)} predictions lie outside 0..1, "
        f"{p.min():g}..{p.max():g}, and a run would cut them off; they are scores, no expectation of a class. Map them "
        "to 0..1 by what `fit` learnt of the labels, or give probabilities (task='classification')"
    )


def check_model_probabilities(plugin: Plugin) -> None:
    """Probabilities lie in 0..1, and those of all classes sum to one."""
    spec, found = spec_of(plugin), base(plugin)
    if spec.task != "classification":
        raise NotApplicable("it is a regression")
    far = found.data.X_test if spec.input == "bars" else (found.data.X_test * STRETCH).astype(found.data.X_test.dtype)
    beyond = ask(plugin, found.model, far.copy(), f"asked to predict rows {STRETCH} times as far out")
    for where, outputs in (("", found.outputs), (f" on rows {STRETCH} times as far out", beyond)):
        try:
            check_probabilities(outputs, spec)
        except FitError as e:
            raise Violation(f"{e}{where}. Give probabilities, not percentages, scores or logits; {_remedy(e)}") from e
    if spec.named:
        return
    _no_classes(plugin)
    answer = np.asarray(found.model.predict_proba(found.data.X_test.copy()), dtype=np.float64)
    total = answer.sum(axis=1) if answer.ndim == 2 else np.ones(1)
    if np.abs(total - 1).max() > SUMS_TO_ONE:
        row = int(np.abs(total - 1).argmax())
        raise Violation(
            f"predict_proba gives {answer[row].tolist()} for row {row}, which sums to {total[row]:.6g}: the "
            "probabilities of all classes must sum to one; divide each row by its sum",
            row=row,
            expected=1.0,
            found=float(total[row]),
        )


def _no_classes(plugin: Plugin) -> None:
    """Demand probabilities of a model whose inner classifier knows them."""
    found, p = base(plugin), base(plugin).on_train[spec_of(plugin).prediction]
    if not np.isin(p, (0.0, 1.0)).all() or not is_own(plugin, found.model):
        return
    for path in list(walk(found.model))[1:]:
        inner = path[-1][1]
        if not callable(getattr(type(inner), "predict_proba", None)):
            continue
        try:
            known = np.asarray(inner.predict_proba(found.data.X.reshape(len(p), -1)), dtype=np.float64)
        except Exception:  # it is asked for something else
            continue
        if ((known > 0.01) & (known < 0.99)).any():
            raise Violation(
                f"all its probabilities are 0 or 1, and {spelled(path)} inside it knows better, e.g. "
                f"{float(known.flat[0]):.3g}: these are classes; return predict_proba(X)[:, 1]"
            )


def _remedy(error: FitError) -> str:
    if "sum" in str(error):
        return "divide each row by its sum"
    return "pass scores through a sigmoid, or clip them (np.clip(p, 0, 1))"


def check_model_quantiles_ordered(plugin: Plugin) -> None:
    """Quantiles do not cross, and no standard deviation is negative."""
    spec, found = spec_of(plugin), base(plugin)
    names = sorted((n for n in spec.named if n.startswith("q")), key=lambda n: float(n[1:]))
    if len(names) < 2 and "sd" not in spec.named:
        raise NotApplicable("it promises neither quantiles nor sd")
    for outputs, rows in ((found.outputs, "row"), (found.on_train, "training row")):
        for low, high in pairwise(names):
            gap = outputs[high] - outputs[low]
            if gap.min() < -1e-9:
                row = int(gap.argmin())
                raise Violation(
                    f"in {rows} {row}, {low} is {outputs[low][row]:.6g} and {high} is {outputs[high][row]:.6g} (and so "
                    f"or alike in {int((gap < -1e-9).sum())} of {len(gap)}): a higher quantile must not be lower. Give "
                    "the columns in the order of `outputs`, and sort each row (np.sort(values, axis=1))",
                    row=row,
                    lower=float(outputs[low][row]),
                    higher=float(outputs[high][row]),
                )
        if "sd" in outputs and outputs["sd"].min() < 0:
            row = int(outputs["sd"].argmin())
            other = next((n for n, v in outputs.items() if n != "sd" and v.min() >= 0), "")
            hint = f"; {other!r} never is: are the columns in the order of outputs={spec.named}?" if other else ""
            raise Violation(
                f"in {rows} {row}, sd is {outputs['sd'][row]:.6g}: a standard deviation must not be negative{hint}",
                row=row,
                found=float(outputs["sd"][row]),
            )


@after("fits")
def check_model_input_shape(plugin: Plugin) -> None:
    """Windows come as views of one matrix, (n, lookback, columns), and need not be contiguous."""
    spec = spec_of(plugin)
    if spec.input == "rows":
        raise NotApplicable("it reads rows")
    found = m.attempt(plugin)
    if found.stage == "made":
        raise NotApplicable("it cannot be made: see the rule makes")
    views = altered(found.data, _as_views)
    what = f"fitted on views of shape {views.X.shape} (n, lookback, columns), {views.X.dtype}, read-only"
    outputs = ask(plugin, trained(plugin, views, what), views.X_test, "asked to predict such views")
    if found.error is None and (gap := m.first_difference(found.outputs, outputs)):
        name, row, x, y = gap
        raise Violation(
            f"the prediction {name!r} of row {row} is {number(x, y)} with contiguous arrays, and {number(y, x)} with "
            "views that hold "
            "the same values: read X by its indices, not by its memory",
            row=row,
        )


def _as_views(X: NDArray[Any]) -> NDArray[Any]:
    source = np.concatenate([X[0], X[1:, -1]])
    return np.lib.stride_tricks.sliding_window_view(source, X.shape[1], axis=0).transpose(0, 2, 1)
