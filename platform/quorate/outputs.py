"""Reading what a model predicts: one column, or several with promised names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError
from quorate.specs import ModelSpec

Floats = NDArray[np.float64]
Outputs = dict[str, Floats]
SUMS_TO_ONE = 1e-4  # single precision adds up no closer
BLOCK = 256  # rows per predict call: a row's value then never depends on how many others there are


def read_outputs(model: Any, spec: ModelSpec, X: NDArray[Any]) -> Outputs:
    """Ask a fitted model and return its outputs by name, each (n_rows,).

    Raises
    ------
    FitError
        If it does not give what its spec promises.
    """
    method = "predict_proba" if spec.task == "classification" else "predict"
    answer = getattr(model, method)(X)
    names = spec.outputs or (spec.prediction,)
    if isinstance(answer, Mapping) or hasattr(answer, "columns"):
        return _named(answer, names, method, len(X))
    values = _numbers(answer, method)
    if not spec.outputs and spec.task == "classification" and values.ndim == 2:
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


def predict_blocks(predict: Callable[[NDArray[Any]], Outputs], X: NDArray[Any]) -> Outputs:
    """Predict in zero-padded blocks of `BLOCK` rows.

    Numeric kernels choose their order of summation by the shape they are given, so a row's last
    bits would otherwise depend on how many rows are predicted with it.

    Raises
    ------
    FitError
        If a prediction is missing or not finite.
    """
    out: Outputs = {}
    block = np.zeros((BLOCK, *X.shape[1:]), dtype=X.dtype)
    for start in range(0, len(X), BLOCK):
        part = X[start : start + BLOCK]
        block[: len(part)] = part
        block[len(part) :] = 0
        for name, values in predict(block).items():
            out.setdefault(name, np.empty(len(X)))[start : start + len(part)] = values[: len(part)]
    for name, values in out.items():
        bad = ~np.isfinite(values)
        if bad.any():
            raise FitError(
                f"predictions must be finite; {int(bad.sum())} of {len(values)} values of {name!r} are not, the first "
                f"in row {int(bad.argmax())}"
            )
    return out


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
