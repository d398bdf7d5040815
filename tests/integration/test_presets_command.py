"""Training presets from the command line."""

from __future__ import annotations

import json

import pytest

from quorate.pipeline.compared import _beside
from support.command import call, message_of

FEW = ("--set", 'features.use=["return_1", "return_5", "zscore_20"]', "--set", "data.n_bars=330")


def test_the_commands_list_them_and_show_what_each_sets():
    rows = json.loads(call("training-preset", "list", "--json").stdout)
    assert [row["name"] for row in rows if row["default"]] == ["balanced"]
    text = call("training-preset", "show", "fast").stdout
    assert "[models.cnn-gru-fast]" in text
    assert "\nbatch_size = 64" in text
    assert '# norm = "z-score"' in text
    assert "did you mean 'fast'" in message_of(call("training-preset", "show", "fst"), 2)


@pytest.mark.parametrize(
    "val_loss, rmse, auc, verdict",
    [(1.05, 1.0, 0.6, "PASS"), (1.0, 1.051, 0.6, "FAIL"), (0.9, 0.9, 0.57, "FAIL"), (0.9, 1.05, 0.58, "PASS")],
)
def test_a_preset_passes_where_nothing_is_worse_by_more_than_a_twentieth(val_loss, rmse, auc, verdict):
    base = {"seconds": 2.0, "weights": 10, "val_loss": 1.0, "metrics": {"rmse": 1.0, "auc": 0.6}}
    row = {"seconds": 1.0, "weights": 5, "val_loss": val_loss, "metrics": {"rmse": rmse, "auc": auc}}
    found = _beside(row, base, same=False)
    assert found["verdict"] == verdict
    assert (found["ratios"]["seconds"], found["ratios"]["weights"]) == (0.5, 0.5)


def test_the_command_line_goes_before_the_preset(tmp_path):
    arguments = ("train", "model", "SIM001", "--preset", "fast", "--epochs", "250", "--model-type", "quality")
    text = call(*arguments, "--data", "simulated", *FEW, "--show-recipe").stdout
    assert "[models.cnn-bilstm]" in text
    for line in ("epochs = 250", "batch_size = 64", "lookback = 60", "learning_rate = 0.002"):
        assert f"\n{line}\n" in text
    whole = call("train", "model", "SIM001", "--model-type", "adaptive", "--data", "simulated", *FEW, "--show-recipe")
    assert "[models.cnn-lstm]" in whole.stdout
    assert "\nepochs = 300\n" in whole.stdout
