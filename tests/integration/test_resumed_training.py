"""Trainings that are killed and go on: by the training commands, and within a fit of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from support.command import call, message_of
from support.waiting import wait_until

ARGUMENTS = ("--model", "gru", "--epochs", "12", "--patience", "0", "--checkpoints", "2")


@pytest.fixture(scope="module", name="windows")
def _windows(tmp_path_factory):
    path = tmp_path_factory.mktemp("windows") / "w.npz"
    draw = np.random.default_rng(3)
    X = draw.standard_normal((340, 8, 1)).astype(np.float32)
    y = (X[:, :, 0].mean(axis=1) > 0).astype(np.int64)
    np.savez(path, X_train=X[:300], y_train=y[:300], X_test=X[300:], y_test=y[300:])
    return path


def train(windows, folder, *more):
    result = call("train", "--npz", windows, "--save-dir", folder, *more, "--json")
    assert result.exit_code == 0, result.output
    [found] = folder.iterdir()
    return found


def killed(arguments, ready):
    """Run a command in a process that is killed as soon as something is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "quorate", *map(str, arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: process.poll() is not None or ready(), every=0.005)
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.full  # of each model: tests/unit/deep/test_checkpoints.py
def test_a_killed_training_on_windows_goes_on_to_the_same_weights(windows, tmp_path):
    whole = train(windows, tmp_path / "whole", *ARGUMENTS)
    killed(
        ("train", "--npz", windows, "--save-dir", tmp_path / "half", *ARGUMENTS),
        lambda: len(list((tmp_path / "half").glob("*/checkpoints/epoch_*.safetensors"))) > 1,
    )
    other = call("train", "--npz", windows, "--save-dir", tmp_path / "half", *ARGUMENTS, "--resume", "--lr", "0.5")
    assert "of another training: learning_rate was 0.001 and is 0.5" in message_of(other, 2)
    half = train(windows, tmp_path / "half", *ARGUMENTS[:-2], "--resume")
    for name in ("best.safetensors", "metrics_test.json"):
        assert (half / name).read_bytes() == (whole / name).read_bytes(), name
    for folder in (half, whole):
        lines = [
            dict(part.split("=") for part in one.split()) for one in (folder / "train.log").read_text().splitlines()
        ]
        assert [int(line["epoch"]) for line in lines] == list(range(1, 13))
        registry = json.loads((folder / "checkpoints" / "registry.json").read_text())
        assert len(registry["best"]) == 2
        assert registry["checkpoints"][-1]["ended"]
    first, second = (json.loads((one / "checkpoints" / "registry.json").read_text()) for one in (half, whole))
    assert first["best"] == second["best"]


def test_there_must_be_something_to_go_on_with(windows, tmp_path):
    assert "there are no checkpoints in" in message_of(
        call("train", "--npz", windows, "--save-dir", tmp_path / "none", "--resume"), 2
    )
    assert not (tmp_path / "none").exists()


RECIPE = """
name = "resumed"
[data]
source = "simulated"
n_bars = 520
signal = 0.4
[holdout]
bars = 100
[features]
use = ["return_1", "return_5", "zscore_20"]
[folds]
initial = 250
test = 60
[threshold]
min_bars = 60
[models.gru]
hidden = 16
lookback = 10
epochs = 40
patience = 0
[execution]
executor = "serial"
checkpoint_seconds = 0.001
"""


@pytest.mark.full
def test_a_killed_run_goes_on_within_a_fit(tmp_path):
    recipe, home = tmp_path / "resumed.toml", tmp_path / "half"
    recipe.write_text(RECIPE)
    done = call("run", recipe, "--home", tmp_path / "whole", "--json")
    assert done.exit_code == 0, done.output
    assert not list((tmp_path / "whole" / "checkpoints").iterdir())  # nothing is left of fits that are done

    def trained():
        registries = (home / "checkpoints").glob("*/registry.json")
        return any(int(json.loads(one.read_text())["latest"][6:12]) > 20 for one in registries)

    killed(("run", recipe, "--home", home), trained)
    assert list((home / "checkpoints").iterdir())
    again = call("resume", "--home", home, "--json")
    assert again.exit_code == 0, again.output
    results = [json.loads(one.stdout)["results"] for one in (done, again)]
    assert results[0] == results[1]
    assert not list((home / "checkpoints").iterdir())
