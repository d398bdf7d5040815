"""How many networks are trained at a time: as many as pay, and as there is memory for; it changes no number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from quorate_plugins.deep.engine import BLOCK
from quorate_plugins.deep.feed import lengths_of
from quorate_plugins.deep.recurrent import Workspace

if TYPE_CHECKING:
    from quorate_plugins.deep.model import Deep, Rows

# On a CPU. A lane's step costs least while the weights of all lanes stay in a core's cache, and 16 lanes cost no less
# each than 8 even where they do: docs/networks.md has what was measured.
MOST, CACHED = 16, 2**20
COPIES = 8  # of the weights: gradients twice, what Adam keeps, the best and the averaged ones, and what is in between
SHARE = 0.8  # of the memory that may be taken: libraries need some, too


def at_once(model: Deep, X: Rows, y: NDArray[Any], memory: int) -> int:
    """Return how many models like this one are trained at a time on so many rows.

    Parameters
    ----------
    memory : int
        Bytes that may be allocated on a CPU; 0: any number. A GPU tells itself what it has left.
    """
    if lengths_of(X) is not None:  # each trains alone, see `fit_together`
        return 1
    model.read_ = X.shape[-1], X.shape[1] if X.ndim == 3 else 0
    model.centre_ = np.zeros(1 if y.ndim == 1 else y.shape[1])
    on_cpu = model.device == "cpu"
    if model.device.startswith("cuda"):
        memory = torch.cuda.mem_get_info()[0]
    of_weights, of_lane = bytes_of(model, X, y)
    pays = min(MOST, CACHED // of_weights) if on_cpu else len(y)
    fits = int(memory * SHARE) // of_lane if memory else pays
    return max(min(pays, fits), 1)


def bytes_of(model: Deep, X: Rows, y: NDArray[Any]) -> tuple[int, int]:
    """Return the bytes of a network's weights, and about those that it takes while it trains on these rows.

    What it keeps for its gradient is measured on a step of zeros, on the CPU.
    """
    n_features, bars = model.read_
    settings = model.training
    rows = min(settings.rows(max(bars, 1)), len(y))
    net = model.make(1)
    net.checkpointed = settings.checkpoint_gradients
    draws = [torch.Generator().manual_seed(0)]
    net.reset(draws)
    net.train()
    net.seed(draws, torch.ones(1, rows), [float(model.shape.get("dropout", 0.0))])
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = net(torch.zeros(1, *([bars] if bars else []), rows, n_features))  # held, with all that it keeps
    spaces = [one._workspace for one in net.modules() if isinstance(getattr(one, "_workspace", None), Workspace)]
    buffers = sum(space.bytes for space in spaces)
    weights = sum(one.numel() * one.element_size() for one in net.parameters())
    batch = 4 * rows * n_features * max(bars, 1) + result.nbytes
    step = max(sum(kept.values()) + buffers - weights, 0) + batch
    own = X.nbytes if isinstance(X, np.ndarray) else 0  # the bars of windows are shared
    # Gradients take as much again while a step goes back, and rows that are held back are forecast in larger steps.
    return weights, COPIES * weights + step * max(2 * rows, BLOCK) // rows + own + 3 * y.nbytes
