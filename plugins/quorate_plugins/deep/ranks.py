"""Several processes that train one network, each on its part of every step's rows.

All of them make the same steps: gradients are added up over all rows of a step before any weight moves, and what is
decided is decided by numbers that are the same everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from quorate_plugins.deep.model import Deep, Pair, fit_together

T = TypeVar("T")


class Ranks:
    """The processes between which `torch.distributed` is set up, and this one among them."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def own(self, rows: Tensor) -> Tensor:
        """Return this process's part of the rows of a step; of fewer rows than processes, some have none."""
        return rows.tensor_split(self.size)[self.rank]

    def most(self, rows: int) -> int:
        """Return how many of so many rows one process has at most."""
        return -(-rows // self.size)

    def shares(self, own: Sequence[Tensor], rows: Sequence[Tensor], like: Tensor) -> Tensor:
        """Return which share of all rows of a step this process has, of each lane."""
        return like.new_tensor([len(mine) / len(all_rows) for mine, all_rows in zip(own, rows, strict=True)])

    def seed(self, seed: int) -> int:
        """Return from what this process draws what is dropped: the first as one that trains alone."""
        if not self.rank:
            return seed
        return int(np.random.SeedSequence([seed, self.rank]).generate_state(1, np.uint64)[0] >> 1)

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum over all processes, the same in each to the last bit."""
        found = tensor.contiguous()
        dist.all_reduce(found)
        return found

    def take(self, tensor: Tensor) -> None:
        """Make a tensor what it is in the first process."""
        dist.broadcast(tensor, 0)

    def told(self, found: Callable[[], T]) -> T:
        """Return what the first process finds; the others do not look."""
        answer: list[Any] = [found() if not self.rank else None]
        dist.broadcast_object_list(answer, 0)
        return answer[0]  # type: ignore[no-any-return]


def fit_on_rank(model: Deep, pair: Pair, validation: Pair | None) -> str:
    """Train a model in each of several processes, see `quorate.ModelSpec`; return why it could not be."""
    if model.training.loss == "neg_sharpe":
        return "the loss neg_sharpe is of all rows of a step together, which several processes share: train it in one"
    if model.device == "cuda":  # all GPUs of a machine are seen by each process on it
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    [error] = fit_together([model], [pair], [validation], ranks=Ranks())
    return error
