"""Forecasters of dense layers that read a whole window: TiDE and N-HiTS."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from quorate_plugins.deep.lanes import Dropout, Layer, LayerNorm, Linear, Net, product
from quorate_plugins.deep.nets.linear import flat


class Residual(Layer):
    """A hidden layer with ReLU, an affine map with dropout, added to one of what was read, and normalised."""

    def __init__(self, lanes: int, n_in: int, hidden: int, n_out: int, dropout: float, norm: bool = True) -> None:
        super().__init__()
        self.up, self.down = Linear(lanes, n_in, hidden), Linear(lanes, hidden, n_out)
        self.skip = Linear(lanes, n_in, n_out)
        self.dropout = Dropout(dropout)
        self.norm = LayerNorm(lanes, n_out) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, ..., n_out) of (lanes, ..., n_in)."""
        y = self.dropout(self.down(self.up(x).relu())) + self.skip(x)
        return y if self.norm is None else self.norm(y)


class TiDE(Net):
    """A dense encoder and decoder of a window (Das et al., 2023).

    The original reads a series and its covariates. Here all features are covariates: those of each bar are projected to
    a few numbers, which the encoder reads of all bars. No covariate of the future is known, so that the last block, the
    same for each output, reads what the decoder gives for it alone. A linear map of the window is added.

    Parameters
    ----------
    projected : int
        Numbers that the features of a bar become.
    hidden : int
        Width of hidden layers, and of what the encoder gives.
    decoded : int
        Numbers that the decoder gives for each output.
    layers : int
        Blocks of the encoder, and of the decoder.
    dropout : float
        Share of what a block gives that is dropped.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        projected: int = 4,
        hidden: int = 64,
        decoded: int = 8,
        layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self._n_outputs = n_outputs
        self.projection = Residual(lanes, n_features, hidden, projected, dropout)
        widths = [bars * projected, *[hidden] * (2 * layers - 1), n_outputs * decoded]
        self.blocks = nn.ModuleList(Residual(lanes, n_in, hidden, n_out, dropout) for n_in, n_out in pairwise(widths))
        self.last = Residual(lanes, decoded, hidden, 1, dropout, norm=False)
        self.linear = Linear(lanes, bars * n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        y = flat(self.block(self.projection, x))
        for block in self.blocks:
            y = self.block(block, y)
        return self.last(y.view(*y.shape[:2], self._n_outputs, -1))[..., 0] + self.linear(flat(x))


class NHiTS(Net):
    """Blocks that read a window more and more finely, each what those before left of it (Challu et al., AAAI 2023).

    The original reads a series and forecasts it at knots between which it interpolates. Here a block reads all
    features, and takes off each what it explains at knots; outputs are no series, and are forecast directly.

    Parameters
    ----------
    pools : sequence of int, bars
        Of each block, over how many bars the largest value is taken, and how far its knots are apart; cut to the
        window.
    hidden, layers : int
        Width and number of a block's hidden layers.
    dropout : float
        Share of what a hidden layer gives that is dropped.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        pools: Sequence[int] = (8, 4, 1),
        hidden: int = 64,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not pools or min(pools) < 1:
            raise ValueError(f"pools must be numbers of bars, one for each block; they were {list(pools)}")
        self._n_outputs, self._lines = n_outputs, []
        self.blocks = nn.ModuleList()
        for place, pool in enumerate(pools, 1):
            knots = -(-bars // min(pool, bars))
            n_in = knots * n_features
            given = n_outputs + (n_in if place < len(pools) else 0)
            self.blocks.append(_Scale(lanes, min(pool, bars), [n_in, *[hidden] * layers, given], dropout))
            self._lines.append(_between(knots, bars))

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        left = x.permute(0, 2, 3, 1).contiguous()
        forecasts = []
        for place, block in enumerate(self.blocks, 1):
            y = self.block(block, left)
            forecasts.append(y[..., : self._n_outputs])
            if place < len(self.blocks):
                lines = self._lines[place - 1].to(left).expand(len(x), -1, -1)
                knots = y[..., self._n_outputs :].reshape(len(x), -1, lines.shape[1])
                left = left - product(knots, lines).view(left.shape)
        return torch.stack(forecasts, -1).sum(-1)


class _Scale(Layer):
    """A block of N-HiTS: its forecast, and what it explains of each feature at its knots."""

    def __init__(self, lanes: int, pool: int, widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        self._pool = pool
        self.layers = nn.ModuleList(Linear(lanes, *pair) for pair in pairwise(widths[:-1]))
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, widths[-2], widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs, and knots of each feature) of (lanes, rows, n_features, bars)."""
        short = -x.shape[-1] % self._pool  # filled up with the first bar
        whole = torch.cat((x[..., :1].expand(-1, -1, -1, short), x), -1)
        y = whole.view(*x.shape[:3], -1, self._pool).amax(-1).flatten(2)
        for layer in self.layers:
            y = self.dropout(layer(y).relu())
        return self.head(y)


def _between(knots: int, bars: int) -> Tensor:
    """Return the matrix that draws lines between knots, (knots, bars); the first and last are those of the window."""
    at = torch.linspace(0, knots - 1, bars, device="cpu")
    return (1 - (at - torch.arange(knots, device="cpu")[:, None]).abs()).clamp_min(0)
