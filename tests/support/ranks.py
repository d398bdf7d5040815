"""Networks that are trained by two processes, as a program of its own: what both learnt, and this one alone.

``python ranks.py RANK FOLDER`` writes what a process learnt in every case.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

LOOKBACK, TRAIN, HELD = 8, 75, 30  # 75 rows: 7 steps of 11, the last of 9; parts of 6 and 5, and of 5 and 4
GRU = {"hidden": 8, "dropout": 0.0, "batch_size": 11, "epochs": 3, "learning_rate": 0.01, "random_state": 5}
CONV = {**GRU, "size": "balanced"}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("gru", GRU),
    "classes": ("gru", {**GRU, "task": "classification"}),
    "norms": ("cnn_gru", {k: v for k, v in GRU.items() if k != "hidden"}),  # normalised over the rows of a step
    "norms-again": ("cnn_gru", {k: v for k, v in GRU.items() if k != "hidden"} | {"checkpoint_gradients": True}),
    "accumulated": ("gru", {**GRU, "accumulate": 3, "ema": 0.9, "loss": "pinball", "clip": 0.05}),
    "one-row": ("gru", {**GRU, "batch_size": 37, "optimiser": "adam", "weight_decay": 0.01}),  # last: 1 row
    "members": ("tabm", {k: v for k, v in GRU.items() if k != "hidden"} | {"members": 4}),
    "stops": ("gru", {**GRU, "epochs": 40, "patience": 2, "learning_rate": 0.05}),
    "not-finite": ("gru", {**GRU, "learning_rate": 1e30, "clip": 0.0}),
    "dropped": ("gru", {**GRU, "dropout": 0.5}),
    "lengths": ("gru", {k: v for k, v in GRU.items() if k != "batch_size"} | {"batch_tokens": 40}),  # also 1 row
    "sharpe": ("gru", {**GRU, "loss": "neg_sharpe"}),
}


def rows(first: int, n: int, task: str, single: bool, unequal: bool = False) -> tuple[Any, Any]:
    """Return windows, perhaps of unequal length, or single rows, and their labels."""
    from quorate import Windows

    bars = np.random.default_rng(3).standard_normal((200, 4)).astype(np.float32)
    last = np.arange(first, first + n)
    y = bars[last, 0] + np.random.default_rng(first).normal(0, 0.2, n)
    X = bars[last] if single else Windows(bars, last, LOOKBACK, last % 2, 1 + last % LOOKBACK if unequal else None)
    return X, (y > 0).astype(np.int64) if task == "classification" else y


def trained(case: str, alone: bool) -> dict[str, Any]:
    """Train a case; return weights and losses by name, or the error."""
    from quorate_plugins.deep import models
    from quorate_plugins.deep.model import fit_together
    from quorate_plugins.deep.ranks import fit_on_rank

    name, options = CASES[case]
    model = getattr(models, name)(**options)
    made = partial(rows, task=model.task, single=name == "tabm", unequal=case == "lengths")
    pair, held = made(20, TRAIN), made(120, HELD)
    error = fit_together([model], [pair], [held])[0] if alone else fit_on_rank(model, pair, held)
    if error:
        return {"error": np.array(error)}
    history = model.history_
    return {
        **model.weights(),
        "losses": np.concatenate(history.batches),
        "scores": np.array([history.epochs["val_loss"], history.epochs["val_score"], history.epochs["gradient"]]),
        "ended": np.array([history.best_epoch, len(history)]),
        "why": np.array(history.stopped),
    }


def train_in_two(folder: Path) -> list[dict[str, dict[str, Any]]]:
    """Return what two processes, and this one alone, learnt in each case."""
    started = [subprocess.Popen([sys.executable, __file__, str(rank), str(folder)]) for rank in (0, 1)]
    alone = {case: trained(case, alone=True) for case in CASES}
    assert [one.wait(300) for one in started] == [0, 0]
    found: list[dict[str, dict[str, Any]]] = []
    for rank in (0, 1):
        by_case: dict[str, dict[str, Any]] = {case: {} for case in CASES}
        with np.load(folder / f"{rank}.npz") as file:
            for name in file.files:
                case, _, one = name.partition("|")
                by_case[case][one] = file[name]
        found.append(by_case)
    return [*found, alone]


def main(rank: int, folder: Path) -> None:
    """Train every case in this process, with the other one."""
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    found = {f"{case}|{name}": value for case in CASES for name, value in trained(case, alone=False).items()}
    np.savez(folder / f"{rank}.npz", **found)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
