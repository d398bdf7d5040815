"""What a fitted model has learnt, as plain arrays and values, and a model made of it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError, PluginError, QuorateError, reason_of
from quorate.execution import portable
from quorate.execution.inputs import Inputs
from quorate.execution.outputs import Outputs, predict
from quorate.execution.steps import ByStep
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

SCALER = "scaler."  # how the names begin of what scales the features
MOST = 2_560  # training rows that a model made of its state is compared on
NUMBERS = "biuf"  # kinds of NumPy's types that a state may hold


@dataclass(frozen=True, eq=False)
class State:
    """What a fitted model has learnt.

    Parameters
    ----------
    arrays : dict of ndarray
        By name, C-contiguous.
    values : dict
        What else there is, as JSON holds it.
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def merged(self) -> dict[str, Any]:
        """Return both in one mapping, as a model's `load_state_dict` takes it; the arrays are copies."""
        return {**{name: array.copy() for name, array in self.arrays.items()}, **self.values}


Kept: TypeAlias = State | str | None


def state_of(spec: ModelSpec, model: Any) -> State:
    """Ask a fitted model for its state.

    Raises
    ------
    PluginError
        If its plugin cannot keep models.
    FitError
        If the answer is not what a state may be.
    """
    if isinstance(model, ByStep):
        parts = [(f"{step}.", state_of(spec, one)) for step, one in model.by_step.items()]
        return State(
            {f"{step}{name}": array for step, part in parts for name, array in part.arrays.items()},
            {f"{step}{name}": value for step, part in parts for name, value in part.values.items()},
        )
    keeper = spec.keeper()
    if keeper is None:
        raise PluginError(
            f"{spec} cannot be kept in a file: its plugin has no state_dict and load_state_dict, and nothing is pickled"
        )
    answer = keeper[0](model)
    if not isinstance(answer, Mapping):
        raise FitError(f"state_dict must give a mapping of names to arrays and values; it gave {type(answer).__name__}")
    state = State()
    for name, value in answer.items():
        if not isinstance(name, str) or not name:
            raise FitError(f"state_dict: a name must be a text; it was {name!r}")
        if isinstance(value, np.ndarray | np.generic):
            state.arrays[name] = _numbers(name, np.asarray(value))
        else:
            state.values[name] = _plain(name, value)
    return state


def restored(spec: ModelSpec, model: Any, state: State) -> Any:
    """Return a fitted model, made of its state and of one that the factory has just made.

    Raises
    ------
    PluginError
        If its plugin cannot keep models.
    FitError
        If the state is not one of this model.
    """
    if isinstance(model, ByStep):
        return model.made_of(lambda step, one: restored(spec, one, _part(state, f"{step}.")))
    keeper = spec.keeper()
    if keeper is None:
        raise PluginError(f"{spec} cannot be made of a file: its plugin has no state_dict and load_state_dict")
    try:
        found = keeper[1](model, state.merged())
    except KeyError as e:
        raise FitError(f"the state lacks {e}: it is not one of {spec}") from e
    if found is None:
        raise FitError("load_state_dict must return the fitted model; it returned None: end it with `return model`")
    return found


def proven_state(
    spec: ModelSpec, model: Any, unfitted: Callable[[], Any], asked: Sequence[Inputs], binary: bool
) -> State:
    """Return the state of a fitted model, after a model made of it has predicted the same, bit for bit.

    Parameters
    ----------
    unfitted : callable
        Makes the model as the factory does.
    asked : sequence
        What both are asked to predict.

    Raises
    ------
    QuorateError
        If it cannot be kept, or would predict something else.
    """
    state = state_of(spec, model)
    again = restored(spec, unfitted(), state)
    for X in asked:
        if len(X):
            first, second = (_columns(*predict(one, spec, X, binary)) for one in (model, again))
            if not np.array_equal(first, second):
                place = tuple(np.argwhere(first != second)[0])
                raise FitError(
                    f"made of its state, it predicts {second[place]!r} where it predicted {first[place]!r}: its "
                    "state_dict lacks something, see quorate check"
                )
    return state


def kept_of(
    spec: ModelSpec, model: Any, unfitted: Callable[[], Any], asked: Sequence[Inputs], binary: bool
) -> State | str:
    """Return `proven_state`, or why there is none: the fit is not lost with it."""
    try:
        return proven_state(spec, model, unfitted, asked, binary)
    except Exception as e:  # a plugin may raise anything
        return " ".join((str(e) if isinstance(e, QuorateError) else reason_of(e)).split())


def onnx_of(spec: ModelSpec, model: Any, n_features: int) -> bytes:
    """Ask a plugin for a fitted model as ONNX, a serialised ModelProto.

    Raises
    ------
    PluginError
        If it has no such hook.
    FitError
        If the answer is no bytes.
    """
    if isinstance(model, ByStep):
        return portable.beside([onnx_of(spec, one, n_features) for one in model.by_step.values()])
    exporter = spec.exporter()
    if exporter is None:
        raise PluginError(f"{spec} cannot be exported: its plugin has no onnx hook")
    answer = exporter(model, n_features)
    if not isinstance(answer, bytes):
        raise FitError(f"onnx must give a serialised ModelProto, bytes; it gave {type(answer).__name__}")
    return answer


def _part(state: State, prefix: str) -> State:
    """Return the state of one step's model."""
    arrays, values = (
        {name.removeprefix(prefix): value for name, value in part.items() if name.startswith(prefix)}
        for part in (state.arrays, state.values)
    )
    return State(arrays, values)


def _columns(predictions: Floats, outputs: Outputs) -> Floats:
    return np.column_stack([predictions, *outputs.values()])


def _numbers(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in NUMBERS or array.dtype.itemsize > 8:
        raise FitError(f"state_dict: {name!r} must hold numbers or booleans of at most 64 bits; it is {array.dtype}")
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _plain(name: str, value: Any) -> Any:
    try:
        again = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as e:
        raise FitError(f"state_dict: {name!r} must be an array, or a value as JSON holds it: {e}") from e
    if again != value:
        raise FitError(f"state_dict: {name!r} would be another value when it is read again: {again!r:.60}")
    return again
