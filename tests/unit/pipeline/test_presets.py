"""Training presets, and the names by which parameters of networks are given and written."""

from __future__ import annotations

import json

import pytest

from quorate.errors import RecipeError
from quorate.pipeline.names import check_heads, one_size, ours, written
from quorate.pipeline.presets import COMPARED, preset, presets, resolved, takes
from quorate.plugins.options import options_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate_plugins.deep.settings import training_of

REGISTRY = Registry.load(())
# Network, epochs, batch, bars, learning rate, patience.
CATALOGUE = {
    "fast": ("cnn-gru-fast", 100, 64, 60, 2e-3, 10),
    "balanced": ("cnn-gru", 200, 48, 90, 1e-3, 15),
    "quality": ("cnn-bilstm", 300, 32, 120, 5e-4, 20),
    "legacy": ("cnn-lstm", 300, 32, 120, 1e-3, 15),
}
SMALL = {"hidden": 64, "dropout": 0.1, "batch_size": 64, "learning_rate": 1e-3, "weight_decay": 0.0, "patience": 5}
OTHERS = {
    "quick": {"lookback": 64, "batch_size": 16, "epochs": 3, "weight_decay": 0.01, "clip": 3.0, "accumulate": 1},
    "full": {"epochs": 20, "batch_size": 16, "learning_rate": 3e-4, "weight_decay": 0.01, "clip": 1.0, "ema": 0.999},
    "mean-pool-regressor": {**SMALL, "epochs": 50, "stop_on": "val_loss", "optimiser": "adam", "valid_ratio": 0.1},
    "lstm-classifier": {**SMALL, "layers": 1, "epochs": 25, "stop_on": "auc", "valid_ratio": 0.1},
    "gru-classifier": {**SMALL, "layers": 1, "epochs": 25, "stop_on": "auc", "valid_ratio": 0.1},
    **{f"{name}-direction": {"loss": "direction_mse"} for name in ("gru", "lstm", "transformer")},
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_preset_has_the_figures_of_the_catalogue(name):
    found = resolved(name, REGISTRY)
    params = found["params"]
    keys = ("epochs", "batch_size", "lookback", "learning_rate", "patience")
    assert (found["model"], *(params[key] for key in keys)) == CATALOGUE[name]
    assert (params["schedule"], found["seed"]) == ("plateau", 42)


@pytest.mark.parametrize("name", OTHERS)
def test_the_other_presets_have_theirs(name):
    params = resolved(name, REGISTRY)["params"]
    assert {key: params[key] for key in OTHERS[name]} == OTHERS[name]


def test_all_presets_were_looked_at_and_the_four_are_distinct():
    assert set(presets()) == {*CATALOGUE, *OTHERS}
    four = [json.dumps(resolved(name, REGISTRY)["params"]) for name in COMPARED]
    assert len(set(four)) == 4


def test_progress_is_measured_by_auc_of_classes_and_by_the_loss_of_numbers():
    for name in CATALOGUE:
        training = training_of(preset(name).params)
        stops = [training.for_task(task).stop_on for task in ("classification", "regression")]
        assert stops == ["auc", "val_loss"]


def test_a_booster_does_not_take_the_learning_rate_of_a_network():
    known = options_of(REGISTRY.get(ModelSpec, "lightgbm"))
    assert "learning_rate" in known
    assert "learning_rate" not in takes(known, "fast")
    assert takes(options_of(REGISTRY.get(ModelSpec, "mlp")), "fast") == {"epochs": 100, "batch_size": 64}
    assert takes(options_of(REGISTRY.get(ModelSpec, "cnn-bilstm")), "fast") == preset("fast").params


def test_parameters_are_read_and_written_by_their_described_names():
    spec = REGISTRY.get(ModelSpec, "transformer")
    known = options_of(spec)
    described = {"input_chunk_length": 30, "hidden_dim": 96, "n_heads": 8, "n_encoder_layers": 2, "lambda": 0.5}
    own = ours({**described, "n_epochs": 25, "output_chunk_length": 1}, known, "transformer")
    assert own == {
        "lookback": 30, "hidden": 96, "heads": 8, "layers": 2, "direction_penalty": 0.5, "epochs": 25
    }  # fmt: skip
    assert written(own, "transformer") == {**described, "n_epochs": 25}
    assert set(written(spec.space, "transformer")) == {*described, "n_epochs", "dropout", "learning_rate", "batch_size"}
    assert "n_rnn_layers" in written(REGISTRY.get(ModelSpec, "lstm").space, "lstm")
    assert written({"alpha": 1.0}, "ridge") == {"alpha": 1.0}


def test_what_contradicts_itself_or_does_not_divide_is_refused():
    known = options_of(REGISTRY.get(ModelSpec, "transformer"))
    with pytest.raises(RecipeError, match="calls it 'hidden', which is given, too, as 64"):
        ours({"hidden_dim": 64, "d_model": 32}, known, "transformer")
    with pytest.raises(RecipeError, match="quorate train --steps 1,5,30"):
        ours({"output_chunk_length": 3}, known, "transformer")
    with pytest.raises(RecipeError, match=r"multiple of n_heads .heads., 8: 40 or 48; it was 44"):
        check_heads({"hidden": 44, "heads": 8}, known, "transformer")
    check_heads({"hidden": 48, "heads": 8}, known, "transformer")


def test_bars_of_a_step_go_before_a_presets_rows_and_not_beside_those_that_were_said():
    params = {"epochs": 3, "batch_size": 32, "batch_tokens": 6000}
    assert one_size(params, {"batch_tokens"}) == {"epochs": 3, "batch_tokens": 6000}
    assert one_size(params | {"batch_tokens": 0}, {"batch_size"}) == params | {"batch_tokens": 0}
    with pytest.raises(RecipeError, match=r"batch_size 32 and batch_tokens 6000: .*leave one out"):
        one_size(params, {"batch_size", "batch_tokens"})
