"""A stack of lanes: all their weights in one matrix, a row for each, and Adam on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from quorate_plugins.deep.lanes import ALIGNED, Net

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Rows:
    """Tensors with the lanes on their first axis, as pieces of the rows of one matrix."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._shapes = [tensor.shape[1:] for tensor in tensors]
        sizes = [shape.numel() for shape in self._shapes]
        self.size = sum(sizes)
        self._starts = [sum(sizes[:place]) for place in range(len(sizes))]
        lanes = len(tensors[0]) if tensors else 0
        # To full vectors: a lane's last numbers are then computed as those of any other.
        width = -(-self.size // ALIGNED) * ALIGNED
        first = tensors[0] if tensors else torch.zeros(0)
        self.all = first.new_zeros(lanes, width)
        for tensor, piece in zip(tensors, self.pieces(self.all), strict=True):
            piece.copy_(tensor)

    def pieces(self, matrix: Tensor) -> list[Tensor]:
        """Return views of the rows of a matrix, (lanes, ...) each."""
        return [
            matrix[:, start : start + shape.numel()].view(len(matrix), *shape)
            for start, shape in zip(self._starts, self._shapes, strict=True)
        ]


class Stack:
    """The weights of a net's lanes, their gradients, and what Adam keeps of them.

    Parameters
    ----------
    net : Net
        Its parameters and buffers become views of the matrices here.
    decay : Tensor, (lanes, 1)
        Weight decay of each lane.
    coupled : bool
        The decay is a part of the gradient, as in Adam with an L2 penalty; otherwise as in AdamW.
    """

    def __init__(self, net: Net, decay: Tensor, coupled: bool) -> None:
        self._net, self._decay, self._coupled = net, decay, coupled
        modules = list(net.modules())
        self._places = [(m, name) for m in modules for name, one in m._parameters.items() if one is not None]
        self._buffer_places = [(m, name) for m in modules for name in m._buffers]
        with torch.no_grad():
            self._weights = Rows([one.data for one in net.parameters()])
            self._buffers = Rows(list(net.buffers()))
        self.weights, self.buffers = self._weights.all, self._buffers.all
        self.gradients = torch.zeros_like(self.weights)
        self.means, self.squares = torch.zeros_like(self.weights), torch.zeros_like(self.weights)
        self.steps = torch.zeros(len(self.weights), 1, dtype=torch.float64)
        self.use(len(self.weights))

    def begin(self, lane: int, values: Mapping[str, NDArray[Any]]) -> None:
        """Set a lane's weights and buffers, by name."""
        for name, tensor in self.named((self.weights[lane], self.buffers[lane : lane + 1].flatten())).items():
            tensor[0].copy_(torch.tensor(values[name]))

    def use(self, lanes: int, weights: Tensor | None = None) -> None:
        """Have the net compute with the first lanes; with other `weights` than their own, if given."""
        chosen = self.weights if weights is None else weights
        # New leaves: autograd remembers the shape that a leaf once had.
        self.leaves = [piece.requires_grad_() for piece in self._weights.pieces(chosen[:lanes].detach())]
        for (module, name), leaf in zip(self._places, self.leaves, strict=True):
            module._parameters[name] = leaf  # type: ignore[assignment]
        if self._buffers.size:
            pieces = self._buffers.pieces(self.buffers[:lanes])
            for (module, name), piece in zip(self._buffer_places, pieces, strict=True):
                module._buffers[name] = piece

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss by the lanes in use to those that there are."""
        lanes = len(self.leaves[0])
        found = torch.autograd.grad(loss, self.leaves, allow_unused=True)
        for piece, grad in zip(self._weights.pieces(self.gradients[:lanes]), found, strict=True):
            if grad is not None:
                piece.add_(grad)

    def keep(self, lanes: Sequence[int]) -> None:
        """Go on with these lanes only."""
        chosen = list(lanes)
        for name in ("weights", "buffers", "gradients", "means", "squares", "steps", "_decay"):
            matrix = getattr(self, name)
            setattr(self, name, matrix[chosen].clone() if len(matrix) else matrix)
        self.use(len(chosen))

    def step(self, lanes: slice, rates: Tensor, clip: Tensor) -> Tensor:
        """Make a step of Adam (Kingma and Ba, 2015; decoupled decay: Loshchilov and Hutter, 2019).

        Parameters
        ----------
        lanes : slice
            Which lanes move; their gradients are zero afterwards.
        rates, clip : Tensor, (lanes, 1)
            Learning rate, and the longest gradient (infinite: any).

        Returns
        -------
        Tensor, (lanes, 1)
            How long each gradient was.
        """
        weights, grad = self.weights[lanes], self.gradients[lanes]
        mean, square = self.means[lanes], self.squares[lanes]
        length = grad.square().sum(-1, keepdim=True).sqrt()
        grad.mul_((clip / (length + 1e-6)).clamp_max(1.0))
        decay = self._decay[lanes]
        if self._coupled:
            grad.add_(weights * decay)
        else:
            weights.mul_(1 - rates * decay)
        mean.mul_(BETA_1).add_(grad, alpha=1 - BETA_1)
        square.mul_(BETA_2).addcmul_(grad, grad, value=1 - BETA_2)
        self.steps[lanes] += 1
        # One by one: a power of several numbers at once is another in its last bits.
        done = [int(step) for step in self.steps[lanes, 0]]
        first = rates / rates.new_tensor([1 - BETA_1**step for step in done])[:, None]
        second = rates.new_tensor([math.sqrt(1 - BETA_2**step) for step in done])[:, None]
        weights.sub_(mean / (square.sqrt().div_(second).add_(EPSILON)) * first)
        grad.zero_()
        return length

    def lane(self, lane: int) -> tuple[Tensor, Tensor]:
        """Return copies of a lane's weights and buffers."""
        return self.weights[lane].clone(), self.buffers[lane].clone() if len(self.buffers) else self.buffers

    def named(self, state: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Return what `lane` returned by the names of the net, (1, ...) each."""
        weights, buffers = (one[None] for one in state)
        names = [name for name, _ in self._net.named_parameters()]
        found = dict(zip(names, self._weights.pieces(weights), strict=True))
        if self._buffers.size:
            others = [name for name, _ in self._net.named_buffers()]
            found |= zip(others, self._buffers.pieces(buffers), strict=True)
        return found
