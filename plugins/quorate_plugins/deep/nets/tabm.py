"""TabM: many perceptrons that share their weights, on single rows (Gorishniy, Kotelnikov and Babenko, ICLR 2025)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from quorate_plugins.deep.lanes import Dropout, LaneParameter, Layer, Net, affine, constant, parameter, product, uniform


def signs(*shape: int) -> LaneParameter:
    """Return a parameter that is drawn as 1 or -1."""

    def draw(tensor: Tensor, generator: torch.Generator) -> None:
        tensor.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)

    return parameter(draw, *shape)


class Shared(Layer):
    """An affine map of one matrix, whose inputs and outputs each member scales by its own factors.

    At first the factors are 1, but those of the inputs of the first layer, which are drawn as 1 or -1: by them the
    members differ; their biases begin alike.
    """

    def __init__(self, lanes: int, members: int, n_in: int, n_out: int, first: bool) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = uniform(bound, lanes, n_in, n_out)
        self.before = signs(lanes, members, n_in) if first else constant(1, lanes, members, n_in)
        self.after = constant(1, lanes, members, n_out)

        def alike(tensor: Tensor, generator: torch.Generator) -> None:
            tensor.copy_(torch.empty_like(tensor[0]).uniform_(-bound, bound, generator=generator).expand_as(tensor))

        self.bias = parameter(alike, lanes, members, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, members, rows, n_out) of (lanes, members, rows, n_in)."""
        lanes, members, rows, _ = x.shape
        scaled = affine(x.reshape(lanes * members, rows, -1), self.before.flatten(0, 1))
        y = product(scaled.view(lanes, members * rows, -1), self.weight).view(lanes * members, rows, -1)
        return affine(y, self.after.flatten(0, 1), self.bias.flatten(0, 1)).view(lanes, members, rows, -1)


class TabM(Net):
    """Perceptrons, each with its own factors and its own last map, that share all matrices before.

    While they train each member answers for its own loss; forecasts are the mean of what the members give (of classes:
    of their log-odds).

    Parameters
    ----------
    members : int
        How many perceptrons.
    hidden, layers : int
        Width of a hidden layer, and how many there are.
    dropout : float
        Share of what a hidden layer gives that is dropped.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        members: int = 32,
        hidden: int = 64,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self._members = members
        self.layers = nn.ModuleList(
            Shared(lanes, members, hidden if place else n_features, hidden, first=not place) for place in range(layers)
        )
        self.dropout = Dropout(dropout)
        bound = 1 / math.sqrt(hidden)
        self.head = uniform(bound, lanes, members, hidden, n_outputs)
        self.head_bias = uniform(bound, lanes, members, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, rows, n_features); those of each member in turn in training."""
        lanes, rows, _ = x.shape
        y = x[:, None].expand(-1, self._members, -1, -1)
        for layer in self.layers:
            y = self.dropout(self.block(layer, y).relu())
        y = product(y.flatten(0, 1), self.head.flatten(0, 1), self.head_bias.flatten(0, 1))
        if self.training:
            return y.reshape(lanes, self._members * rows, -1)
        return y.view(lanes, self._members, rows, -1).movedim(1, -1).contiguous().mean(-1)
