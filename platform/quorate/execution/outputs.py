"""Reading what a model predicts: one column, or several with promised names."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from quorate.dataset.folds import Shuffles
from quorate.dataset.windows import Windows
from quorate.errors import FitError
from quorate.execution.inputs import Inputs, named_by, padded, places_in, plain, shuffled
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

if TYPE_CHECKING:
    from quorate.execution.transforms import Transforms

Outputs = dict[str, Floats]
SUMS_TO_ONE = 1e-4  # single precision adds up no closer
SHUFFLED = "shuffled/"  # how the names of forecasts begin that explain a fit
BLOCK = 256  # rows per predict call: a row's value then never depends on how many others there are


def read_outputs(model: Any, spec: ModelSpec, X: Inputs) -> Outputs:
    """Ask a fitted model and return its outputs by name, each (n_rows,).

    Raises
    ------
    FitError
        If it does not give what its spec promises.
    """
    method = "predict_proba" if spec.task == "classification" else "predict"
    asked = getattr(model, method)
    answer = asked(plain(X), **named_by(asked, places_in(X)))
    names = spec.named or (spec.prediction,)
    if isinstance(answer, Mapping) or hasattr(answer, "columns"):
        return _named(answer, names, method, len(X))
    values = _numbers(answer, method)
    if values.ndim == 3 and spec.steps:  # several outputs of several steps
        values = values.reshape(len(values), -1)
    if not spec.named and spec.task == "classification" and values.ndim == 2:
        values = values[:, _positive(model, values.shape[1])]
    if values.ndim == 2 and len(names) > 1:
        if values.shape != (len(X), len(names)):
            raise FitError(
                f"{method} must give shape ({len(X)}, {len(names)}), a column for each of {', '.join(names)}; "
                f"it gave {values.shape}"
            )
        return {name: values[:, j] for j, name in enumerate(names)}
    if values.shape != (len(X),) or len(names) > 1:
        wanted = f"({len(X)},)" if len(names) == 1 else f"({len(X)}, {len(names)})"
        hint = ": return values[:, 0]" if values.shape == (len(X), 1) else ""
        raise FitError(f"{method} of {len(X)} rows must have shape {wanted}; it had {values.shape}{hint}")
    return {names[0]: values}


def _named(answer: Any, names: tuple[str, ...], method: str, n: int) -> Outputs:
    found = list(answer.keys())
    if set(found) != set(names):
        raise FitError(
            f"{method} must give the outputs {', '.join(names)} (ModelSpec.outputs); it gave "
            f"{', '.join(map(str, found))}"
        )
    outputs = {name: _numbers(answer[name], method) for name in names}
    for name, values in outputs.items():
        if values.shape != (n,):
            raise FitError(f"output {name!r} of {n} rows must have shape ({n},); it had {values.shape}")
    return outputs


def _numbers(answer: Any, method: str) -> Floats:
    try:
        return np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise FitError(f"{method} must give numbers; it gave {type(answer).__name__}: {e}") from e


def _positive(model: Any, width: int) -> int:
    classes = np.asarray(getattr(model, "classes_", (0, 1))).tolist()
    if 1 not in classes:
        raise FitError(f"the fitted classifier does not know class 1; its classes are {classes}")
    if len(classes) != width:
        raise FitError(f"predict_proba must give a column for each of the classes {classes}; it gave {width}")
    return int(classes.index(1))


def predict_blocks(predict: Callable[[Any], Outputs], X: Inputs, block: int = BLOCK) -> Outputs:
    """Predict in padded blocks of so many rows.

    Numeric kernels choose their order of summation by the shape they are given, so a row's last
    bits would otherwise depend on how many rows are predicted with it.

    Raises
    ------
    FitError
        If a prediction is missing or not finite.
    """
    out: Outputs = {}
    if isinstance(X, Windows) and X.lengths is not None:
        out = predict(X)  # the model puts those of one length together, and promises the same
    else:
        for start in range(0, len(X), block):
            stop = min(start + block, len(X))
            for name, values in predict(padded(X, start, block)).items():
                out.setdefault(name, np.empty(len(X)))[start:stop] = values[: stop - start]
    for name, values in out.items():
        bad = ~np.isfinite(values)
        if bad.any():
            raise FitError(
                f"predictions must be finite; {int(bad.sum())} of {len(values)} values of {name!r} are not, the first "
                f"in row {int(bad.argmax())}"
            )
    return out


def predict(model: Any, spec: ModelSpec, X: Inputs, binary: bool, block: int = BLOCK) -> tuple[Floats, Outputs]:
    """Return what the ensemble combines, and what else a fitted model gives, each (n_rows,).

    Parameters
    ----------
    binary : bool
        Whether the label is a class; a regression's expectation is then cut to 0..1.
    block : int
        Rows per call; another number than usual may change last bits.

    Raises
    ------
    FitError
        If that is not what its spec promises, not finite, or no probability.
    """
    outputs = predict_blocks(partial(read_outputs, model, spec), X, block)
    check_probabilities(outputs, spec)
    _uncross(outputs)
    predictions = outputs.pop(spec.prediction)
    if binary and spec.task == "regression":
        predictions = np.clip(predictions, 0.0, 1.0)
    return predictions, outputs


def _uncross(outputs: Outputs) -> None:
    """Sort the quantiles of each row, so that a higher one is never lower; say where they were not.

    The sorted ones are never further from what comes, as the pinball loss has it (Chernozhukov, Fernandez-Val and
    Galichon 2010).
    """
    for step in dict.fromkeys(name.partition("@")[2] for name in outputs):
        names = sorted(
            (name for name in outputs if name.startswith("q") and name.partition("@")[2] == step),
            key=lambda name: float(name.partition("@")[0][1:]),
        )
        if len(names) < 2:
            continue
        values = np.column_stack([outputs[name] for name in names])
        if (np.diff(values, axis=1) < 0).any():
            warnings.warn(f"quantiles crossed{step and f' at step {step}'}, and were sorted", stacklevel=2)
            outputs.update(zip(names, np.sort(values, axis=1).T, strict=True))


def in_sample(model: Any, spec: ModelSpec, X: Inputs, labels: Floats, binary: bool) -> float:
    """Return the share of training rows of which a fitted model tells the direction; NaN where it fails."""
    try:
        predictions, _ = predict(model, spec, X, binary)
    except Exception:  # it is a figure beside the fit, which is not lost with it
        return math.nan
    return right_directions(labels, predictions, binary)


def right_directions(labels: Floats, predictions: Floats, binary: bool) -> float:
    """Return the share of forecasts with the direction of their label; NaN without any."""
    known = np.isfinite(labels) & np.isfinite(predictions)
    level = 0.5 if binary else 0.0
    return float(np.mean((labels[known] > level) == (predictions[known] > level))) if known.any() else math.nan


def shuffled_outputs(
    model: Any, spec: ModelSpec, X: Inputs, binary: bool, shuffles: Shuffles, learnt: Transforms
) -> Outputs:
    """Return what explains a fitted model's predictions, by `shuffled_name` and `contribution_name`, each (n_rows,).

    Parameters
    ----------
    X : ndarray, (n_rows, n_features) or (n_rows, lookback, n_features), or DataFrame
        As no transform has turned them. Of windows, the whole history of a feature changes rows.
    learnt : Transforms
        By transforms. Where these make other columns of the features, nothing tells what each feature contributes.

    Raises
    ------
    FitError
        If a prediction is not what it must be, or contributions are not.
    """
    found: Outputs = {}
    repeats, n = shuffles.orders.shape
    for unit, columns in enumerate(shuffles.columns):
        copies = learnt.turned(shuffled(X, columns, shuffles.orders))
        values = predict(model, spec, copies, binary)[0].reshape(repeats, n)
        found |= {shuffled_name(unit, repeat): values[repeat] for repeat in range(repeats)}
    explainer = spec.explainer()
    if explainer is not None and not learnt.renames:
        values = contributions(partial(explainer, getattr(model, "own", model)), plain(learnt.turned(X)))
        found |= {contribution_name(j): column for j, column in enumerate(values.T)}
    return found


def shuffled_name(unit: int, repeat: int) -> str:
    """Return under which name the predictions are kept that one entry of `Shuffles.columns` led to."""
    return f"{SHUFFLED}{unit}/{repeat}"


def contribution_name(column: int) -> str:
    """Return under which name a feature's contributions are kept."""
    return f"contribution/{column}"


def contributions(explainer: Callable[[Any], Any], X: Inputs) -> Floats:
    """Ask for what each feature adds to the raw score, float64 (n_rows, n_features + 1).

    Raises
    ------
    FitError
        If the answer has another shape, or is not finite.
    """
    values = _numbers(explainer(X), "contributions")
    wanted = len(X), X.shape[-1] + 1
    if values.shape != wanted:
        raise FitError(
            f"contributions of {len(X)} rows must have shape {wanted}, a column for each of {X.shape[-1]} features and "
            f"a last one for what is there without any; they had {values.shape}"
        )
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise FitError(f"contributions must be finite; that of feature {column} to row {row} is {values[row, column]}")
    return values


def check_probabilities(outputs: Outputs, spec: ModelSpec) -> None:
    """Raise `FitError`, if a probability lies outside 0..1, or those of all classes do not sum to one."""
    names = [name for name in outputs if name == "p" or name.startswith("p_")]
    for name in names:
        low, high = float(outputs[name].min()), float(outputs[name].max())
        if low < 0 or high > 1:
            raise FitError(f"probabilities must lie in 0..1; {name!r} was {low:g}..{high:g}")
    classes = [name for name in names if name != "p"]
    if len(classes) > 1:
        total = np.sum([outputs[name] for name in classes], axis=0)
        if np.abs(total - 1).max() > SUMS_TO_ONE:
            raise FitError(
                f"the probabilities {', '.join(classes)} must sum to one; they sum to {total.min():g}..{total.max():g}"
            )
