"""Where the training of a lane stands, and that as plain arrays and values, so that it can go on from there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quorate import Watch
from quorate_plugins.deep.feed import Order, Part
from quorate_plugins.deep.history import COLUMNS, History
from quorate_plugins.deep.scaling import Scaling
from quorate_plugins.deep.schedules import Rate
from quorate_plugins.deep.settings import Training
from quorate_plugins.deep.stack import Stack

MOVING = ("weights", "buffers", "means", "squares", "steps")  # matrices of a stack, a row for each lane
WEIGHTS, HISTORY, BEST = "trained.", "history.", ("best.weights", "best.buffers")


class Lane(NamedTuple):
    """One model to train.

    Parameters
    ----------
    train, valid : Part
        Rows; `valid` may have none.
    scaling : Scaling
        Of the features, from the training rows.
    settings : Training
        Lanes of one stack differ in `quorate_plugins.deep.settings.OWN` at most.
    seed : int
        Of the first weights, the order of the rows, and what is dropped.
    dropout : float
        Share of the values that is set to 0 while training, where the net drops some.
    start : mapping of str to ndarray, optional
        Weights and buffers by name that it goes on from, which are the best there are until an epoch has better ones.
    watch : Watch, optional
        Hears of each epoch, and keeps where the training stands.
    """

    train: Part
    valid: Part
    scaling: Scaling
    settings: Training
    seed: int
    dropout: float = 0.0
    start: Mapping[str, NDArray[Any]] | None = None
    watch: Watch | None = None


@dataclass
class Trained:
    """What came of a lane: weights by name, and the course of the training; or why it failed."""

    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    history: History = field(default_factory=History)
    notes: list[str] = field(default_factory=list)
    error: str = ""


@dataclass
class Course:
    """A lane under way; its weights are a row of the stack.

    Parameters
    ----------
    draws : torch.Generator
        Of first weights, and what is dropped.
    value : float
        What progress makes smaller, after the last epoch.
    best : tuple
        The least of it, and weights and buffers then; None, before there is any.
    waited : int
        Epochs since.
    """

    lane: Lane
    draws: torch.Generator
    order: Order
    rate: Rate
    result: Trained = field(default_factory=Trained)
    value: float = math.inf
    best: tuple[float, tuple[Tensor, Tensor]] | None = None
    waited: int = 0

    @property
    def steps(self) -> int:
        """How many steps are made of it so far."""
        return len(self.result.history) * len(self.order)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.result.history.stopped)

    def state(self, stack: Stack, averaged: Tensor | None, place: int) -> dict[str, Any]:
        """Return all of it as arrays and plain values; of a lane that has ended, what came of it."""
        result = self.result
        told = {"notes": list(result.notes), "error": result.error, **_state_of(result.history)}
        if self.ended:
            return told | {f"{WEIGHTS}{name}": array for name, array in result.weights.items()}
        rows = {name: getattr(stack, name)[place] for name in MOVING if len(getattr(stack, name))}
        if averaged is not None:
            rows["average"] = averaged[place]
        if self.best is not None:
            rows |= zip(BEST, self.best[1], strict=True)
        return {
            **told,
            **{name: row.cpu().numpy().copy() for name, row in rows.items()},
            "draws": self.draws.get_state().numpy(),
            "order": self.order.generator.get_state().numpy(),
            "rate": {"factor": self.rate.factor, "waited": self.rate.waited},
            "best": None if self.best is None else self.best[0],
            "waited": self.waited,
        }

    def restore(self, state: Mapping[str, Any], stack: Stack, averaged: Tensor | None, place: int) -> None:
        """Stand where `state` was told."""
        self.result.notes, self.result.error = list(state["notes"]), state["error"]
        self.result.history = _history_of(state)
        if self.ended:
            named = {name.removeprefix(WEIGHTS): array for name, array in state.items() if name.startswith(WEIGHTS)}
            self.result.weights = named
            return
        device = stack.weights.device
        for name in MOVING:
            if len(matrix := getattr(stack, name)):
                matrix[place] = torch.from_numpy(state[name])
        if averaged is not None:
            averaged[place] = torch.from_numpy(state["average"])
        if state["best"] is not None:
            weights, buffers = (torch.from_numpy(state[name]).to(device) for name in BEST)
            self.best = state["best"], (weights, buffers)
        self.draws.set_state(torch.from_numpy(state["draws"]))
        self.order.generator.set_state(torch.from_numpy(state["order"]))
        self.rate.factor, self.rate.waited = state["rate"]["factor"], state["rate"]["waited"]
        self.waited = state["waited"]


def _state_of(history: History) -> dict[str, Any]:
    columns = {f"{HISTORY}{name}": np.array(values, dtype=np.float64) for name, values in history.epochs.items()}
    batches = np.concatenate(history.batches) if history.batches else np.empty(0, dtype=np.float32)
    return {
        **columns,
        f"{HISTORY}batches": batches,
        f"{HISTORY}steps": np.array([len(epoch) for epoch in history.batches], dtype=np.int64),
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
    }


def _history_of(state: Mapping[str, Any]) -> History:
    ends = np.cumsum(state[f"{HISTORY}steps"])[:-1]
    batches = np.split(state[f"{HISTORY}batches"], ends) if len(state[f"{HISTORY}steps"]) else []
    columns = {name: [float(value) for value in state[f"{HISTORY}{name}"]] for name in COLUMNS}
    return History(columns, batches, state["best_epoch"], state["stopped"])
