"""Forty folds of a GRU: our engine against loops over PyTorch's own layers, and darts where it is installed.

All train the same windows for the same number of optimiser steps of the same batches, once through each in turn: a busy
neighbour slows all of them, and medians of the turns count. ``--darts PYTHON`` names an interpreter that has darts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# Kinder to the loops with two threads: by default they spin while they wait, and crawl beside a busy neighbour.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

FOLDS, HIDDEN, LOOKBACK, FEATURES, BATCH, EPOCHS = 40, 64, 60, 10, 64, 3
FIRST, TEST = 256, 8  # rows of the first fold, and how many each later one has more


def market(seed: int = 0) -> np.ndarray:
    """Return features of bars, (n, FEATURES)."""
    return np.random.default_rng(seed).standard_normal((LOOKBACK + FIRST + FOLDS * TEST, FEATURES)).astype(np.float32)


def folds() -> list[int]:
    """Return how many rows each fold trains on."""
    return [FIRST + fold * TEST for fold in range(FOLDS)]


def steps() -> int:
    """Return how many steps all folds take."""
    return sum(-(-n // BATCH) * EPOCHS for n in folds())


def ours(sizes: list[int]) -> float:
    """Train folds with the engine, eight at a time, in this process."""
    import torch

    from quorate import Windows
    from quorate_plugins.deep.model import fit_together
    from quorate_plugins.deep.models import gru

    torch.set_num_threads(1)
    bars = market()
    start = time.perf_counter()
    for first in range(0, len(sizes), 8):
        some = sizes[first : first + 8]
        models = [gru(hidden=HIDDEN, epochs=EPOCHS, batch_size=BATCH, dropout=0.0, patience=0) for _ in some]
        last = [np.arange(LOOKBACK, LOOKBACK + n) for n in some]
        pairs = [(Windows(bars, one, LOOKBACK, one * 0), bars[one, 0].astype(float)) for one in last]
        assert fit_together(models, pairs, [None] * len(some)) == [""] * len(some)
    return time.perf_counter() - start


def plain(sizes: list[int], threads: int) -> float:
    """Train folds one after the other, as a competent user of PyTorch would."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    bars = torch.tensor(market())
    back = torch.arange(1 - LOOKBACK, 1)
    start = time.perf_counter()
    for n in sizes:
        torch.manual_seed(0)
        last = torch.arange(LOOKBACK, LOOKBACK + n)
        net, head = nn.GRU(FEATURES, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 1)
        parameters = [*net.parameters(), *head.parameters()]
        optimiser = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.0)
        for _ in range(EPOCHS):
            for rows in torch.randperm(n).split(BATCH):
                x = bars[last[rows][:, None] + back]
                optimiser.zero_grad(set_to_none=True)
                loss = nn.functional.mse_loss(head(net(x)[0][:, -1])[:, 0], bars[last[rows], 0])
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimiser.step()
    return time.perf_counter() - start


def fused_limit() -> float:
    """Return the seconds that the products of all steps alone take: no kernel could do with less on this thread."""
    import torch

    torch.set_num_threads(1)
    h, w = torch.randn(8, BATCH, HIDDEN), torch.randn(8, HIDDEN, 3 * HIDDEN)
    x, v = torch.randn(8, LOOKBACK * BATCH, FEATURES), torch.randn(8, FEATURES, 3 * HIDDEN)
    states, gates = torch.randn(8, HIDDEN, LOOKBACK * BATCH), torch.randn(8, LOOKBACK * BATCH, 3 * HIDDEN)
    start = time.perf_counter()
    for _ in range(5):
        for _ in range(LOOKBACK):
            torch.bmm(torch.bmm(h, w), w.transpose(1, 2))
        torch.bmm(x, v)
        torch.bmm(x.transpose(1, 2), gates)
        torch.bmm(states, gates)
    return (time.perf_counter() - start) / 40 * steps()


def in_two(function: Any, pool: ProcessPoolExecutor) -> float:
    """Return the seconds that two processes take, each with every other fold; they are started before."""
    start = time.perf_counter()
    list(pool.map(function, [folds()[::2], folds()[1::2]]))
    return time.perf_counter() - start


def darts(python: str) -> float:
    """Return the seconds of darts, from its own interpreter."""
    told = subprocess.run([python, __file__, "--as-darts"], capture_output=True, text=True, check=True)
    return float(json.loads(told.stdout.splitlines()[-1]))


def as_darts() -> None:
    """Train the folds with darts' BlockRNNModel, two threads, and print the seconds of its fits."""
    import logging

    import pandas as pd
    import torch
    from darts import TimeSeries  # type: ignore[import-not-found]
    from darts.models import BlockRNNModel  # type: ignore[import-not-found]

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(2)
    bars = market()
    index = pd.date_range("2000-01-03", periods=len(bars), freq="D")
    target = TimeSeries.from_times_and_values(index, bars[:, :1])
    others = TimeSeries.from_times_and_values(index, bars[:, 1:])
    quiet = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    start = time.perf_counter()
    for n in folds():
        model = BlockRNNModel(
            input_chunk_length=LOOKBACK,
            output_chunk_length=1,
            model="GRU",
            hidden_dim=HIDDEN,
            n_rnn_layers=1,
            batch_size=BATCH,
            n_epochs=EPOCHS,
            random_state=0,
            force_reset=False,
            save_checkpoints=False,
            pl_trainer_kwargs={**quiet, "enable_checkpointing": False},
        )
        model.fit(target[: LOOKBACK + n], past_covariates=others[: LOOKBACK + n], dataloader_kwargs={"num_workers": 0})
    print(json.dumps(time.perf_counter() - start))


def main() -> None:
    """Print the seconds of each way and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--darts", default="", metavar="PYTHON")
    parser.add_argument("--as-darts", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    if given.as_darts:
        as_darts()
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(ours, [[64], [64]]))
        list(pool.map(partial(plain, threads=1), [[64], [64]]))
        ways = {
            "ours, two workers": lambda: in_two(ours, pool),
            "PyTorch, two threads": lambda: plain(folds(), 2),
            "PyTorch, two processes": lambda: in_two(partial(plain, threads=1), pool),
        }
        if given.darts:
            ways["darts BlockRNNModel"] = lambda: darts(given.darts)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(given.turns):
            for name, way in ways.items():
                seconds[name].append(way())
    medians = {name: statistics.median(some) for name, some in seconds.items()}
    best = min(medians[name] for name in ways if name.startswith("PyTorch"))
    own = medians["ours, two workers"]
    print(f"{FOLDS} folds of a GRU: {steps()} steps of {BATCH} windows of {LOOKBACK} bars")
    for name, value in medians.items():
        print(f"  {name:24s} {value:7.2f} s  {value / own:5.2f} x ours")
    print(f"  times faster than the better PyTorch loop: {best / own:.2f}")
    print(f"  share of the products alone on two threads: {fused_limit() / 2 / own:.2f}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
