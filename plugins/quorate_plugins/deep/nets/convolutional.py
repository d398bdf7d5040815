"""Convolutions over the bars, recurrent layers on what they give, and dense layers on the last state."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from quorate_plugins.deep.lanes import BatchNorm, Conv1d, Dropout, LayerNorm, Linear, Net, halved
from quorate_plugins.deep.recurrent import GRU, LSTM


class Size(NamedTuple):
    """Layers of a network.

    Parameters
    ----------
    filters : tuple of int
        Channels of each convolution.
    pools : int
        After how many of them, from the first, the bars are halved.
    batch_norm : bool
        Normalise what a convolution gives.
    cell : {"gru", "lstm"}
        Kind of the recurrent layers.
    states : tuple of int
        Hidden states of each.
    both : bool
        Read the first recurrent layer in both directions.
    layer_norm : bool
        Normalise what the first recurrent layer gives.
    dense : tuple of int
        Width of each dense layer before the last map.
    """

    filters: tuple[int, ...]
    pools: int
    batch_norm: bool
    cell: str
    states: tuple[int, ...]
    both: bool
    layer_norm: bool
    dense: tuple[int, ...]


SIZES = {
    "fast": Size((32,), 1, True, "gru", (64, 32), False, False, (32,)),
    "balanced": Size((48, 96), 2, True, "gru", (80, 40), False, True, (40,)),
    "quality": Size((64, 128, 256), 2, True, "lstm", (120, 60), True, False, (80, 40)),
    "legacy": Size((64, 128), 2, False, "lstm", (100, 50), False, False, (50,)),
}


class ConvRecurrent(Net):
    """Convolutions of 3 bars with ReLU, recurrent layers, dropout, dense layers with ReLU.

    Parameters
    ----------
    size : {"fast", "balanced", "quality", "legacy"}
        Which layers, see `SIZES`.
    dropout : float
        Share of the states that is dropped after each recurrent layer.
    """

    def __init__(
        self, lanes: int, n_features: int, bars: int, n_outputs: int, size: str = "balanced", dropout: float = 0.1
    ) -> None:
        super().__init__()
        if size not in SIZES:
            raise ValueError(f"size must be one of {', '.join(SIZES)}; it was {size!r}")
        shape = SIZES[size]
        if bars < 2**shape.pools:
            raise ValueError(f"lookback must be {2**shape.pools} or more with size {size!r}; it was {bars}")
        self._pools = shape.pools
        self.convolutions = nn.ModuleList()
        width = n_features
        for filters in shape.filters:
            norm = BatchNorm(lanes, filters) if shape.batch_norm else nn.Identity()
            self.convolutions.append(nn.Sequential(Conv1d(lanes, width, filters), norm, nn.ReLU()))
            width = filters
        self.first = _recurrent(lanes, width, shape.states[0], shape.cell)
        self.first_back = _recurrent(lanes, width, shape.states[0], shape.cell, reverse=True) if shape.both else None
        width = shape.states[0] * (2 if shape.both else 1)
        self.norm = LayerNorm(lanes, width) if shape.layer_norm else nn.Identity()
        self.second = _recurrent(lanes, width, shape.states[1], shape.cell)
        widths = [shape.states[1], *shape.dense]
        self.dense = nn.ModuleList(Linear(lanes, *pair) for pair in pairwise(widths))
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, widths[-1], n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        for place, layer in enumerate(self.convolutions):
            x = self.block(layer, x)
            if place < self._pools:
                x = halved(x)
        states = self.first(x)
        if self.first_back is not None:
            states = torch.cat((states, self.first_back(x)), -1)
        y = self.dropout(self.second(self.dropout(self.norm(states)))[:, -1])
        for layer in self.dense:
            y = layer(y).relu()
        return self.head(y)


def _recurrent(lanes: int, n_in: int, hidden: int, cell: str, reverse: bool = False) -> nn.Module:
    """Return a recurrent layer, with as many biases as Keras gives its kind."""
    if cell == "gru":
        return GRU(lanes, n_in, hidden, reverse=reverse)
    return LSTM(lanes, n_in, hidden, biases=1, reverse=reverse)
