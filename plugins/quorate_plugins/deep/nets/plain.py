"""A network of affine maps of the mean over the bars."""

from __future__ import annotations

from torch import Tensor

from quorate_plugins.deep.lanes import Dropout, Linear, Net


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
