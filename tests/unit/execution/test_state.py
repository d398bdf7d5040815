"""What a state may hold, and what is said of one that may not."""

from __future__ import annotations

import numpy as np
import pytest

import quorate
from quorate.errors import FitError, PluginError
from quorate.execution.state import State, restored, state_of


class Model:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


def spec(state, load=lambda model, state: model):
    return quorate.ModelSpec("m", Model, task="regression", state_dict=lambda model: state, load_state_dict=load)


def test_arrays_and_values_are_told_apart_and_copied():
    weights = np.arange(4.0)
    state = state_of(spec({"w": weights[::2], "n": np.float32(2), "text": "x", "list": [1, None]}), Model())
    assert {name: array.dtype.name for name, array in state.arrays.items()} == {"w": "float64", "n": "float32"}
    assert state.values == {"text": "x", "list": [1, None]}
    weights[:] = 9
    assert state.arrays["w"].tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    "state, said",
    [
        ([1], "must give a mapping"),
        ({1: 2}, "a name must be a text"),
        ({"w": np.array(["a"])}, "must hold numbers or booleans"),
        ({"w": np.array([object()])}, "must hold numbers or booleans"),
        ({"w": {1, 2}}, "as JSON holds it"),
        ({"w": float("nan")}, "as JSON holds it"),
        ({"w": (1, 2)}, "another value when it is read again"),
        ({"w": {1: 2}}, "another value when it is read again"),
    ],
)
def test_what_no_file_can_hold_is_refused(state, said):
    with pytest.raises(FitError, match=said):
        state_of(spec(state), Model())


def test_what_loads_must_return_the_model_and_find_its_own_state():
    with pytest.raises(FitError, match="returned None"):
        restored(spec({}, lambda model, state: None), Model(), State())
    with pytest.raises(FitError, match="the state lacks 'w'"):
        restored(spec({}, lambda model, state: state["w"]), Model(), State())


def test_a_model_whose_spec_says_nothing_cannot_be_kept():
    plain = quorate.ModelSpec("m", Model, task="regression")
    with pytest.raises(PluginError, match="nothing is pickled"):
        state_of(plain, Model())


def test_both_functions_are_given_or_neither():
    with pytest.raises(PluginError, match="belong together"):
        quorate.ModelSpec("m", Model, state_dict=lambda model: {})
    with pytest.raises(PluginError, match="must be 'module:attribute'"):
        quorate.ModelSpec("m", Model, state_dict="nowhere", load_state_dict="a:b")
