"""What is noted of a training, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = ("train_loss", "val_loss", "val_score", "learning_rate", "gradient", "seconds")


@dataclass
class History:
    """The course of one training; epochs are counted from 1.

    Parameters
    ----------
    epochs : dict of list of float
        By name of `COLUMNS`, a value per epoch. ``val_score`` is what progress is measured by, ``gradient`` the mean
        length of the gradient before it is clipped, ``seconds`` the epoch's share of the wall time of its stack.
    batches : list of ndarray
        The loss of each step, an array per epoch.
    best_epoch : int
        Whose weights were kept; 0, before there is any.
    stopped : str
        Why it ended.
    """

    epochs: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    batches: list[NDArray[np.float32]] = field(default_factory=list)
    best_epoch: int = 0
    stopped: str = ""

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self.batches)

    def add(self, batches: NDArray[np.float32], **values: float) -> None:
        """Note an epoch."""
        for name, value in values.items():
            self.epochs[name].append(float(value))
        self.batches.append(batches)


def history_of(model: Any) -> dict[str, Any] | None:
    """Return the course of a network's training as `quorate.ModelSpec` asks for it; None, if it was made of a file."""
    history = model.history_
    if history is None or not len(history):
        return None
    return {name: getattr(history, name) for name in ("epochs", "batches", "best_epoch", "stopped")}
