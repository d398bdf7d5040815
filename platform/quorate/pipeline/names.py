"""Names of parameters: how others call what the networks have, and how they are told here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from quorate.errors import RecipeError

RECURRENT = ("gru", "lstm")
ATTENTION = ("transformer",)
DIRECTION = "direction_mse"  # the loss that `lambda` weighs
OURS = {
    "input_chunk_length": "lookback",
    "hidden_dim": "hidden",
    "hidden_size": "hidden",
    "d_model": "hidden",
    "n_rnn_layers": "layers",
    "n_encoder_layers": "layers",
    "num_encoder_layers": "layers",
    "num_layers": "layers",
    "n_heads": "heads",
    "nhead": "heads",
    "lambda": "direction_penalty",
    "n_epochs": "epochs",
    "lr": "learning_rate",
    "early_stopping_patience": "patience",
    "early_stop_patience": "patience",
    "early_stop_metric": "stop_on",
}
_WRITTEN = {
    "lookback": "input_chunk_length",
    "hidden": "hidden_dim",
    "direction_penalty": "lambda",
    "epochs": "n_epochs",
    "heads": "n_heads",
}


def ours(params: Mapping[str, Any], known: Collection[str], model: str) -> dict[str, Any]:
    """Return parameters by the names of a model's options; those that it has under the given name stay.

    Raises
    ------
    RecipeError
        If two names of one option have different values, or `output_chunk_length` is not 1.
    """
    found: dict[str, Any] = {}
    for name, value in params.items():
        if name == "output_chunk_length" and name not in known:
            if value != 1:
                raise RecipeError(
                    f"output_chunk_length {value!r}: a model's parameters do not say how far it forecasts; for "
                    "several steps, `quorate train --steps 1,5,30`, or 30 for 1 to 30"
                )
            continue
        own = name if name in known or OURS.get(name) not in known else OURS[name]
        if own in found and found[own] != value:
            raise RecipeError(f"{name}: the model {model!r} calls it {own!r}, which is given, too, as {found[own]!r}")
        found[own] = value
    return found


def one_size(params: Mapping[str, Any], said: Collection[str]) -> dict[str, Any]:
    """Return parameters without a preset's `batch_size`, where `batch_tokens` is asked for in its place.

    Raises
    ------
    RecipeError
        If both are among what was `said`.
    """
    if not params.get("batch_tokens"):
        return dict(params)
    if "batch_size" in said:
        raise RecipeError(
            f"batch_size {params['batch_size']} and batch_tokens {params['batch_tokens']}: a step has so many rows, or "
            "so many bars: leave one out"
        )
    return {name: value for name, value in params.items() if name != "batch_size"}


def written(params: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return tuned parameters by the names that files of parameters have of these networks; `ours` reads both."""
    if model not in (*RECURRENT, *ATTENTION):
        return dict(params)
    layers = "n_rnn_layers" if model in RECURRENT else "n_encoder_layers"
    return {{**_WRITTEN, "layers": layers}.get(name, name): value for name, value in params.items()}


def check_heads(params: Mapping[str, Any], known: Collection[str], model: str) -> None:
    """Raise `RecipeError`, if a state cannot be divided among heads: before anything is trained."""
    hidden, heads = params.get("hidden"), params.get("heads")
    if not {"hidden", "heads"} <= set(known) or not isinstance(hidden, int) or not isinstance(heads, int):
        return
    if heads < 1 or hidden < 1 or hidden % heads:
        down, up = hidden // max(heads, 1) * heads, -(-hidden // max(heads, 1)) * heads
        near = " or ".join(str(one) for one in dict.fromkeys((down, up)) if one > 0)
        told = f": {near}" if near else ""
        raise RecipeError(
            f"the model {model!r}: hidden_dim (hidden) must be a multiple of n_heads (heads), {heads}{told}; it was "
            f"{hidden}"
        )
