"""``--workers``: what is refused before anything is computed, and what a network is granted of a GPU."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from quorate.errors import PluginError, QuorateError, RecipeError
from quorate.execution.fit import model_of
from quorate.execution.making import make_model
from quorate.execution.ray import train
from quorate.execution.task import FitTask
from quorate.pipeline.request import gather
from quorate.plugins.options import options_of
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec
from support.command import call, message_of


@pytest.fixture(scope="module", name="registry")
def _registry() -> Registry:
    return Registry.load(())


def task_of(registry: Registry, device: str, **more: Any) -> FitTask:
    params = {"task": "regression", "device": device, "hidden": 4}
    return FitTask("gru", 0, reference(registry, "model", "gru"), params, 5, 1, False, **more)


def windows(path):
    X = np.zeros((20, 4, 1), dtype=np.float32)
    np.savez(path, X_train=X, y_train=np.arange(20) % 2, X_test=X, y_test=np.arange(20) % 2)
    return path


def test_an_address_needs_several_processes(tmp_path):
    found = call("train", "--npz", windows(tmp_path / "w.npz"), "--address", "10.0.0.1:6379")
    assert "--workers 2" in message_of(found, 2)


def test_a_model_that_one_process_trains_is_refused(registry):
    spec = registry.get(ModelSpec, "ridge")
    with pytest.raises(RecipeError, match=r"--workers 2: the model 'ridge' is trained by one process"):
        train.check_parallel(spec, 2)


def test_what_is_missing_is_named(registry, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(train, "find_spec", lambda name: None if name == "pyarrow" else there(name))
    with pytest.raises(QuorateError, match=re.escape("pip install 'quorate[parallel]'")):
        train.check_parallel(registry.get(ModelSpec, "gru"), 2)


@pytest.mark.parametrize("what", ["workers", "checkpoints"])
def test_a_file_may_say_how_many(what, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(f"model: {{type: gru}}\ntrain: {{epochs: 2, {what}: 2}}\n")
    assert getattr(gather("train", {}, file), what) == 2
    assert getattr(gather("train", {what: 1}, file), what) == 1
    assert getattr(gather("tune", {}, file), what) is None
    file.write_text(f"training: {{{what}: 3}}\ntrain: {{{what}: 2}}\n")
    assert getattr(gather("train", {}, file), what) == 3
    file.write_text(f"train: {{{what}: 0}}\n")
    with pytest.raises(RecipeError, match=rf"train.{what}: must be greater than or equal to 1"):
        gather("train", {}, file)


def test_a_spec_of_several_processes_can_be_kept():
    with pytest.raises(PluginError, match="parallel needs state_dict"):
        ModelSpec("bare", "sklearn.linear_model:Ridge", task="regression", parallel="json:loads")


@pytest.mark.parametrize(("device", "asks"), [("cpu", False), ("mps", False), ("auto", True), ("cuda", True)])
def test_a_network_asks_for_a_share_of_a_gpu_where_it_is_to_be_on_one(registry, device, asks):
    spec = registry.get(ModelSpec, "gru")
    assert "device" in options_of(spec)
    assert not spec.wants_gpu
    assert spec.with_params({"device": device}).wants_gpu is asks
    assert 0 < spec.gpus < 1


def test_auto_is_the_gpu_that_a_fit_was_granted_and_no_other(registry, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    without = task_of(registry, "auto")
    spec = model_of(without)
    assert make_model(spec.resolve(), without, spec).device == "cpu"
    assert make_model(spec.resolve(), replace(without, device="cuda", gpus=0.25), spec).device == "cuda"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert make_model(spec.resolve(), without, spec).device == "mps"


@pytest.mark.parametrize(
    ("device", "gpus", "found"), [("cpu", 2, "cpu"), ("auto", 1, "cpu"), ("auto", 2, "cuda"), ("cuda", 2, "cuda")]
)
def test_each_process_has_a_gpu_of_its_own_or_none(registry, device, gpus, found):
    placed = train._placed(task_of(registry, device), _Nodes(4, gpus), 2)
    assert (placed.device, placed.params["device"], placed.gpus) == (found, found, float(found == "cuda"))


def test_too_many_processes_are_refused(registry):
    with pytest.raises(RecipeError, match="has CPUs for 1"):
        train._placed(task_of(registry, "cpu"), _Nodes(1, 0), 2)
    with pytest.raises(RecipeError, match="a GPU of its own, and there are 1"):
        train._placed(task_of(registry, "cuda"), _Nodes(4, 1), 2)
    with pytest.raises(RecipeError, match="'mps'"):
        train._placed(task_of(registry, "mps"), _Nodes(4, 0), 2)


class _Nodes:
    """What nodes say of themselves, in place of those of a cluster."""

    def __init__(self, cpus: float, gpus: float) -> None:
        from quorate.execution.queue import Resources

        self.total = Resources(cpus, gpus, 0)
        self.usable = [self]
