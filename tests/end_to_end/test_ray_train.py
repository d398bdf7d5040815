"""Training by several processes that Ray Train starts: on windows, on bars, measured, and when one dies."""

from __future__ import annotations

import json

import numpy as np
import pytest

from quorate.errors import FitError
from quorate.execution.ray.train import train_in_parallel
from quorate.execution.task import FitTask
from quorate.plugins.registry import Registry, reference
from quorate.store import tensors
from support.command import call

pytestmark = pytest.mark.full

DIES = '''
import os
import quorate


class Mean:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0] * 0.0


def shared(model, pair, validation):
    """Meet the other one; then the second is gone."""
    import torch
    import torch.distributed as dist

    dist.all_reduce(torch.ones(1))
    if dist.get_rank() == 1:
        os._exit(3)
    dist.all_reduce(torch.ones(1))
    return ""


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "dies", Mean, task="regression", parallel=shared, state_dict=lambda model: {},
        load_state_dict=lambda model, state: model,
    )
'''


def trained(tmp_path, workers):
    draw = np.random.default_rng(3)
    X = draw.standard_normal((240, 8, 1)).astype(np.float32)
    y = X[:, :, 0].mean(axis=1)
    np.savez(tmp_path / "w.npz", X_train=X[:200], y_train=y[:200], X_test=X[200:], y_test=y[200:])
    found = call(
        "train", "--npz", tmp_path / "w.npz", "--save-dir", tmp_path / "out", "--model", "gru", "--epochs", "3",
        "--dropout", "0", "--workers", workers, "--json",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_windows_are_learnt_as_one_process_learns_them(tmp_path):
    one, two = (trained(tmp_path, workers) for workers in (1, 2))
    assert two["workers"] == 2
    weights = [tensors.from_bytes(path.read_bytes()) for path in sorted((tmp_path / "out").glob("*/best.safetensors"))]
    assert set(weights[0]) == set(weights[1])
    for name, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][name], rtol=0, atol=1e-5, err_msg=name)
    for part in ("valid", "test"):
        assert two["metrics"][part]["mse"] == pytest.approx(one["metrics"][part]["mse"], rel=1e-4)
    assert [path for path in (tmp_path / "out").glob("*/config.yaml") if "workers: 2" in path.read_text()]
    assert not list(tmp_path.glob("**/.validate_storage_marker"))


def test_a_model_of_bars_is_what_one_process_learns(tmp_path):
    bars = ("--data", "simulated", "--set", "data.n_bars=300", "--set", "data.n_symbols=1", "--home", tmp_path)
    told = ("--model", "dlinear", "--target", "close", "--epochs", "2")
    weights = []
    for workers in ("1", "2"):
        found = call("train", *told, *bars, "--workers", workers, "--output-dir", tmp_path / workers)
        assert found.exit_code == 0, found.output
        weights.append(tensors.from_bytes((tmp_path / workers / "model.safetensors").read_bytes()))
    one, two = (json.loads((tmp_path / workers / "model.json").read_text())["training"] for workers in ("1", "2"))
    of_one, of_two = one.pop("course"), two.pop("course")  # how long it took is not the same
    assert two == {**one, "workers": 2}
    assert of_one["train_loss"] == pytest.approx(of_two["train_loss"], abs=1e-5)
    assert min(of_one["peak_memory_mib"], of_two["peak_memory_mib"]) > 100  # PyTorch alone takes more
    assert set(weights[0]) == set(weights[1])
    for name, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][name], rtol=0, atol=1e-5, err_msg=name)


def test_the_benchmark_tells_that_both_learn_the_same():
    found = call("bench-training", "--workers", "1,2", "--steps", "3", "--repeats", "2", "--model", "dlinear", "--json")
    assert found.exit_code == 0, found.output
    one, two = json.loads(found.stdout)["runs"]
    assert (one["workers"], two["workers"]) == (1, 2)
    assert one["efficiency"] == 1
    assert two["efficiency"] == pytest.approx(two["samples_per_second"] / one["samples_per_second"] / 2)
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-5)


def test_a_process_that_dies_ends_the_training(tmp_path):
    (tmp_path / "dies.py").write_text(DIES)
    registry = Registry.load((tmp_path / "dies.py",))
    task = FitTask("dies", 0, reference(registry, "model", "dies"), {}, 1, 1, False)
    X = np.zeros((10, 2), dtype=np.float32)
    with pytest.raises(FitError, match=r"model 'dies': process 2 of 2 died, and the others cannot go on without it"):
        train_in_parallel(task, (X, np.zeros(10)), None, 2)
