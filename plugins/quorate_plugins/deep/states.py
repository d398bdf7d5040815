"""What a network has learnt, as plain arrays, and the network made of it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quorate_plugins.deep.model import Deep
from quorate_plugins.deep.scaling import Scaling

NETWORK = "network."


def deep_state(model: Deep) -> dict[str, Any]:
    """Return the state of a network: its weights, how features and labels are scaled, and what it reads."""
    weights = {f"{NETWORK}{name}": value for name, value in model.weights().items()}
    scaler = {"scaler.centre": model.scaling_.centre, "scaler.width": model.scaling_.width}
    label = {"label.centre": model.centre_, "label.width": model.width_}
    return {**weights, **scaler, **label, "reads": list(model.read_)}


def load_deep(model: Deep, state: Mapping[str, Any]) -> Deep:
    """Return the fitted network."""
    model.classes_ = np.array([0, 1])
    model.scaling_ = Scaling(state["scaler.centre"], state["scaler.width"])
    model.centre_, model.width_ = state["label.centre"], state["label.width"]
    n_features, bars = state["reads"]
    model.read_ = n_features, bars
    model.take({name.removeprefix(NETWORK): value for name, value in state.items() if name.startswith(NETWORK)})
    return model
