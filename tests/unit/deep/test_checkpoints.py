"""A training that is stopped and goes on is, bit for bit, one that was never stopped."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from architectures import plain

from quorate import Watch, Windows
from quorate.execution.course import read_course
from quorate.store.checkpoints import KeptCheckpoints
from quorate_plugins.deep.history import history_of
from quorate_plugins.deep.model import Deep, Pair, fit_together
from quorate_plugins.deep.models import cnn_gru_fast, dlinear, gru, tabm, transformer

LOOKBACK, EPOCHS = 8, 5
SETTINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (gru, {"hidden": 6}),
    "ema, one-cycle, dropout": (
        transformer,
        {"hidden": 8, "heads": 2, "layers": 1, "dropout": 0.3, "ema": 0.9, "schedule": "one-cycle"},
    ),
    "accumulation, plateau, weight decay": (
        gru,
        {"hidden": 6, "accumulate": 3, "schedule": "plateau", "weight_decay": 0.01, "optimiser": "adam", "patience": 2},
    ),
    "buffers, gradients computed again": (cnn_gru_fast, {"dropout": 0.2, "checkpoint_gradients": True}),
    "bf16, cosine": (gru, {"hidden": 6, "precision": "bf16", "schedule": "cosine", "warmup": 0.2}),
    "members, symbols alike": (tabm, {"hidden": 6, "members": 3, "symbols": "equal"}),
    "unequal lengths": (gru, {"hidden": 6, "accumulate": 2, "ema": 0.9}),
    "positions": (dlinear, {"loss": "neg_sharpe", "turnover_penalty": 0.1}),
}
QUICK = ("ema, one-cycle, dropout", "accumulation, plateau, weight decay", "unequal lengths")


def lanes(name: str, n: int = 3) -> tuple[list[Deep], list[Pair], list[Pair | None]]:
    """Return models of different length, rate and seed, their rows, and what is held back; of one nothing is."""
    make, settings = SETTINGS[name]
    bars = np.random.default_rng(5).standard_normal((300, 3)).astype(np.float32)
    models: list[Deep] = []
    pairs: list[Pair] = []
    held: list[Pair | None] = []

    def rows(first: int, count: int) -> Pair:
        last = np.arange(first, first + count)
        y = bars[last, 0] + np.random.default_rng(first).normal(0, 0.3, count)
        lengths = 1 + last % LOOKBACK if name == "unequal lengths" else None
        return (bars[last] if make is tabm else Windows(bars, last, LOOKBACK, last % 2, lengths)), y

    for lane in range(n):
        models.append(make(epochs=EPOCHS - lane, batch_size=32, random_state=lane, learning_rate=3e-3, **settings))
        pairs.append(rows(20 + lane, 100 + 30 * lane))
        held.append(rows(220, 60 - 5 * lane) if lane != 1 else None)
    return models, pairs, held


def digest_of(models: list[Deep]) -> str:
    """Return the hash of all weights and of all that was told of the training but the time."""
    digest = hashlib.sha256()
    for model in models:
        told = plain(model.history_)
        del told["epochs"]["seconds"]
        digest.update(json.dumps(told).encode())
        for name, array in sorted(model.weights().items()):
            digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()


class _Stopped(Exception):
    pass


class _Stopping(Watch):
    """Stops the training once an epoch is kept."""

    after = 0

    def epoch(self, line: str, epoch: int, epochs: int, **more: Any) -> None:
        super().epoch(line, epoch, epochs, **more)
        if epoch == self.after:
            raise _Stopped


def watch(folder: Path, lane: int, **options: Any) -> Watch:
    return Watch({"lane": lane}, folder / f"lane{lane}", **options)


def trained(name: str, folder: Path | None = None, **options: Any) -> list[Deep]:
    models, pairs, held = lanes(name)
    for lane, model in enumerate(models):
        model.watch = watch(folder, lane, **options) if folder is not None else None
    assert fit_together(models, pairs, held) == [""] * len(models)
    return models


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.full) for name in SETTINGS]
)
def test_a_stack_that_is_stopped_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    whole = digest_of(trained(name))
    for stop in (1, 3):
        models, pairs, held = lanes(name)
        folder = tmp_path / str(stop)
        folder.mkdir()
        for lane, model in enumerate(models):
            model.watch = watch(folder, lane)
        last = _Stopping({"lane": 2}, folder / "lane2")  # the last lane of the stack is told last
        last.after = stop
        models[0].watch = None if stop == 1 else models[0].watch  # a lane without a checkpoint begins anew beside it
        models[2].watch = last
        with pytest.raises(_Stopped):
            fit_together(models, pairs, held)
        assert digest_of(trained(name, folder)) == whole


def test_lanes_go_on_whatever_they_trained_beside(tmp_path: Path) -> None:
    name = QUICK[0]
    whole = trained(name)
    models, pairs, held = lanes(name)
    models[1].watch = _Stopping({"lane": 1}, tmp_path / "lane1")
    models[1].watch.after = 2
    with pytest.raises(_Stopped):
        fit_together(models[:2], pairs[:2], held[:2])
    models, _, _ = lanes(name)
    models[1].watch = watch(tmp_path, 1)
    models[1].fit(*pairs[1], validation=held[1])
    assert digest_of(models[1:2]) == digest_of(whole[1:2])


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_checkpoints import trained
trained(sys.argv[2], Path(sys.argv[3]))
"""


def killed(name: str, folder: Path, seconds: float) -> None:
    """Train in a process that is killed so many seconds after its first checkpoint."""
    from support.waiting import wait_until  # this file is imported in that process, too

    here = str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", CHILD, here, name, str(folder)])
    wait_until(lambda: process.poll() is not None or list(folder.glob("*/registry.json")), every=0.002)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    ("seed", "kills"), [(1, 1), *(pytest.param(seed, 3, marks=pytest.mark.full) for seed in range(2, 8))]
)
def test_a_training_that_is_killed_at_any_moment_goes_on_bit_for_bit(seed: int, kills: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    name = draw.choice(QUICK if kills == 1 else list(SETTINGS))
    for _ in range(kills):
        killed(name, tmp_path, draw.uniform(0, 0.2))
    assert digest_of(trained(name, tmp_path)) == digest_of(trained(name))
    for registry in tmp_path.glob("*/registry.json"):  # nothing is left of writes that were killed
        listed = {one["file"] for one in json.loads(registry.read_text())["checkpoints"]}
        assert files(registry.parent) == {"registry.json", *listed}


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_latest_and_the_best_are_kept_and_listed_with_their_hashes(tmp_path: Path) -> None:
    model, pair, held = (some[0] for some in lanes(QUICK[0]))
    model.watch = Watch({"lane": 0}, tmp_path / "kept", top=2, log=tmp_path / "train.log")
    model.fit(*pair, validation=held)
    registry = json.loads((tmp_path / "kept" / "registry.json").read_text())
    losses = model.history_.epochs["val_loss"]
    best = [f"epoch_{epoch + 1:06}.safetensors" for epoch in np.argsort(losses)[:2]]
    assert registry["best"] == best
    assert registry["latest"] == f"epoch_{EPOCHS:06}.safetensors"
    assert files(tmp_path / "kept") == {*best, registry["latest"], "registry.json", "latest.safetensors"}
    assert os.readlink(tmp_path / "kept" / "latest.safetensors") == registry["latest"]
    for entry in registry["checkpoints"]:
        content = (tmp_path / "kept" / entry["file"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert entry["value"] == losses[entry["epoch"] - 1]
    logged = (tmp_path / "train.log").read_text().splitlines()
    course = read_course(history_of(model))
    assert course is not None
    assert [line.partition(" ")[2].partition(" epochs=")[0] for line in logged] == course.lines  # told afterwards
    lines = [dict(part.split("=") for part in line.split()) for line in logged]
    assert [int(line["epoch"]) for line in lines] == list(range(1, EPOCHS + 1))
    assert [float(line["val_loss"]) for line in lines] == pytest.approx(losses, rel=1e-5)
    assert float(lines[-1]["seconds_left"]) == 0
    (tmp_path / "kept" / "epoch_000099.safetensors").write_bytes(b"of a write that was killed")
    model, pair, held = (some[0] for some in lanes(QUICK[0]))
    model.watch = Watch({"lane": 0}, tmp_path / "kept", top=2)
    model.fit(*pair, validation=held)
    assert files(tmp_path / "kept") == {*best, registry["latest"], "registry.json", "latest.safetensors"}


def stopped(folder: Path, after: int = 3) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    model, pair, held = (some[0] for some in lanes(QUICK[0]))
    model.watch = _Stopping({"lane": 0}, folder)
    model.watch.after = after
    with pytest.raises(_Stopped):
        model.fit(*pair, validation=held)


def gone_on(folder: Path, what: dict[str, Any]) -> tuple[Deep, list[str]]:
    model, pair, held = (some[0] for some in lanes(QUICK[0]))
    model.watch = Watch(what, folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*pair, validation=held)
    return model, [str(one.message) for one in caught]


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_gone_on_from(tmp_path: Path) -> None:
    whole = digest_of(trained(QUICK[0])[:1])
    folder = tmp_path / "kept"
    stopped(folder)
    assert files(folder) == {"epoch_000002.safetensors", "epoch_000003.safetensors", "registry.json"}
    latest = folder / "epoch_000003.safetensors"
    latest.write_bytes(latest.read_bytes()[:-1] + bytes([latest.read_bytes()[-1] ^ 1]))
    model, told = gone_on(folder, {"lane": 0})
    assert told == [f"{latest} is damaged, its hash is not that of registry.json: the training goes on after epoch 2"]
    assert digest_of([model]) == whole
    stopped(folder)
    for path in folder.glob("epoch*"):
        path.write_bytes(b"")
    model, told = gone_on(folder, {"lane": 0})
    assert len(told) == 2
    assert "begins anew" in told[0]
    assert digest_of([model]) == whole
    stopped(folder)
    (folder / "registry.json").write_text("{")
    model, told = gone_on(folder, {"lane": 0})
    assert "begins anew" in told[0]
    assert digest_of([model]) == whole


def test_a_checkpoint_of_another_training_is_not_gone_on_from(tmp_path: Path) -> None:
    whole = digest_of(trained(QUICK[0])[:1])
    stopped(tmp_path / "kept")
    model, told = gone_on(tmp_path / "kept", {"lane": 0, "rate": 2})
    assert told == [f"{tmp_path / 'kept'} is of another training, so this one begins anew: rate was None and is 2"]
    assert digest_of([model]) == whole


def test_what_takes_no_time_is_not_kept(tmp_path: Path) -> None:
    trained(QUICK[0], tmp_path, every=60.0)
    assert not list(tmp_path.iterdir())


def test_where_the_folder_above_is_not_there_nothing_is_kept(tmp_path: Path) -> None:
    trained(QUICK[0], tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_left_of_a_home_is_counted_checked_and_pruned(tmp_path: Path) -> None:
    for key in ("a", "b"):
        (tmp_path / "checkpoints").mkdir(exist_ok=True)
        stopped(tmp_path / "checkpoints" / key)
    left = KeptCheckpoints(tmp_path)
    assert len(left) == 2
    assert left.size == sum(path.stat().st_size for path in tmp_path.glob("checkpoints/*/*"))
    (tmp_path / "checkpoints" / "a" / "epoch_000003.safetensors").write_bytes(b"x")
    assert left.verify() == (2, 1)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["b"]
    assert left.prune(max_size=0) == 1
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="fp16 is of GPUs")
@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_sixteen_bits_on_a_gpu_go_on_too(precision: str, tmp_path: Path) -> None:
    def model() -> Deep:
        return gru(hidden=6, epochs=4, dropout=0.2, precision=precision, device="cuda")

    _, pairs, held = lanes("plain")
    whole = model().fit(*pairs[0], validation=held[0])
    half = model()
    half.watch = _Stopping({}, tmp_path / "kept")
    half.watch.after = 2
    with pytest.raises(_Stopped):
        half.fit(*pairs[0], validation=held[0])
    again = model()
    again.watch = Watch({}, tmp_path / "kept")
    again.fit(*pairs[0], validation=held[0])
    assert again.history_.epochs["val_loss"] == pytest.approx(whole.history_.epochs["val_loss"], rel=1e-3)
