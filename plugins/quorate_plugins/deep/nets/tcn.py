"""A temporal convolutional network (Bai, Kolter and Koltun, 2018)."""

from __future__ import annotations

from torch import Tensor, nn

from quorate_plugins.deep.lanes import Conv1d, Dropout, Layer, Linear, Net


class Residual(Layer):
    """Two causal convolutions with ReLU and dropout, added to what they read."""

    def __init__(self, lanes: int, n_in: int, n_out: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = Conv1d(lanes, n_in, n_out, kernel, causal=True)
        self.second = Conv1d(lanes, n_out, n_out, kernel, causal=True)
        self.match = Linear(lanes, n_in, n_out) if n_in != n_out else None
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, bars, rows, n_out) of (lanes, bars, rows, n_in)."""
        y = self.dropout(self.first(x).relu())
        y = self.dropout(self.second(y).relu())
        return (y + (x if self.match is None else self.match(x))).relu()


class TCN(Net):
    """Blocks of causal convolutions, each with twice the distance between the bars that it reads.

    Only the last bar's state is mapped. Of each block those bars alone are computed that it depends on: every second of
    the block before, where a convolution with distance 1 then is one with twice the distance. Weights are not
    normalised, as they are in the paper.

    Parameters
    ----------
    hidden : int
        Channels of a block.
    layers : int
        Blocks; 0: as many as it takes to read the whole window.
    kernel : int, bars
        Width of a convolution.
    dropout : float
        Share of what a convolution gives that is dropped.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        hidden: int = 32,
        layers: int = 0,
        kernel: int = 3,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if kernel < 2:
            raise ValueError(f"kernel must be 2 or more; it was {kernel}")
        needed = 1
        while 1 + 2 * (kernel - 1) * (2**needed - 1) < bars:
            needed += 1
        self.blocks = nn.ModuleList(
            Residual(lanes, hidden if place else n_features, hidden, kernel, dropout)
            for place in range(layers or needed)
        )
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        for block in self.blocks:
            y = self.block(block, x)
            x = y[:, (y.shape[1] - 1) % 2 :: 2]
        return self.head(x[:, -1])
