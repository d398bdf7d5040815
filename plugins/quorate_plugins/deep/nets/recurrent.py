"""Recurrent networks: the last state of some layers, and an affine map."""

from __future__ import annotations

from torch import Tensor, nn

from quorate_plugins.deep.lanes import Dropout, Linear, Net
from quorate_plugins.deep.recurrent import GRU, LSTM


class Recurrent(Net):
    """Layers of a recurrent cell one above the other, dropout, and an affine map of the last state.

    Parameters
    ----------
    cell : {"gru", "lstm"}
        Its kind.
    hidden, layers : int
        States of a layer, and how many layers there are.
    dropout : float
        Share of the states that is dropped between layers, and before the map.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        cell: str = "gru",
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        kind = {"gru": GRU, "lstm": LSTM}[cell]
        self.layers = nn.ModuleList(kind(lanes, hidden if layer else n_features, hidden) for layer in range(layers))
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        for place, layer in enumerate(self.layers):
            x = layer(self.dropout(x) if place else x)
        found: Tensor = self.head(self.dropout(x[:, -1]))
        return found
