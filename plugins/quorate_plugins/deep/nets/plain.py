"""Perceptrons: of the features of a bar, and of the mean over the bars."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from quorate_plugins.deep.lanes import Dropout, Linear, Net


class Perceptron(Net):
    """A linear map, ReLU and dropout per hidden layer, and a last map, of single rows.

    Parameters
    ----------
    hidden : sequence of int
        Width of each hidden layer.
    dropout : float
        Share of what a hidden layer gives that is dropped.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        hidden: Sequence[int] = (32, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        widths = (n_features, *hidden)
        self.layers = nn.ModuleList(Linear(lanes, *pair) for pair in itertools.pairwise(widths))
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, widths[-1], n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, rows, n_features)."""
        for layer in self.layers:
            x = self.dropout(layer(x).relu())
        return self.head(x)


class MeanPool(Net):
    """The mean over the bars, one hidden layer with ReLU and dropout, and a last map: the order of the bars is lost.

    Parameters
    ----------
    hidden : int
        Width of the hidden layer.
    dropout : float
        Share of what it gives that is dropped.
    """

    def __init__(
        self, lanes: int, n_features: int, bars: int, n_outputs: int, hidden: int = 64, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.layer = Linear(lanes, n_features, hidden)
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        mean = x.movedim(1, -1).contiguous().mean(-1)
        return self.head(self.dropout(self.layer(mean).relu()))
