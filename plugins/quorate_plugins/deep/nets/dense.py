"""Forecasters of dense layers that read a whole window: TiDE and N-HiTS."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from quorate_plugins.deep.lanes import Dropout, LayerNorm, Linear, Net, product
from quorate_plugins.deep.nets.linear import flat


class Residual(nn.Module):
    """A hidden layer with ReLU, an affine map with dropout, added to one of what was read, and normalised."""

    def __init__(self, lanes: int, n_in: int, hidden: int, n_out: int, dropout: float, norm: bool = True) -> None:
        super().__init__()
        self.up, self.down = Linear(lanes, n_in, hidden), Linear(lanes, hidden, n_out)
        self.skip = Linear(lanes, n_in, n_out)
        self.dropout = Dropout(dropout)
        self.norm = LayerNorm(lanes, n_out) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, ..., n_out) of (lanes, ..., n_in)."""
        found: Tensor = self.norm(self.dropout(self.down(self.up(x).relu())) + self.skip(x))
        return found


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
        self.blocks = nn.ModuleList(
            Residual(lanes, n_in, hidden, n_out, dropout) for n_in, n_out in zip(widths, widths[1:], strict=False)
        )
        self.last = Residual(lanes, decoded, hidden, 1, dropout, norm=False)
        self.linear = Linear(lanes, bars * n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        y = flat(self.block(self.projection, x))
        for block in self.blocks:
            y = self.block(block, y)
        return self.last(y.unflatten(-1, (self._n_outputs, -1)))[..., 0] + self.linear(flat(x))


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
        self.blocks = nn.ModuleList(
            _Scale(lanes, n_features, bars, n_outputs, min(pool, bars), hidden, layers, dropout, place == len(pools))
            for place, pool in enumerate(pools, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        left = x.permute(0, 2, 3, 1).contiguous()
        forecasts = []
        for block in self.blocks:
            hidden = self.block(block, left)
            forecasts.append(block.forecast(hidden))
            left = block.without(left, hidden)
        return torch.stack(forecasts, -1).sum(-1)


class _Scale(nn.Module):
    """A block of N-HiTS."""

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        pool: int,
        hidden: int,
        layers: int,
        dropout: float,
        last: bool,
    ) -> None:
        super().__init__()
        self._pool = pool
        knots = -(-bars // pool)
        widths = [knots * n_features, *[hidden] * layers]
        self.layers = nn.ModuleList(Linear(lanes, *pair) for pair in zip(widths, widths[1:], strict=False))
        self.dropout = Dropout(dropout)
        self.forecast = Linear(lanes, hidden, n_outputs)
        self.backcast = None if last else Linear(lanes, hidden, knots * n_features)
        self._between = _between(knots, bars)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last hidden layer, (lanes, rows, hidden), of (lanes, rows, n_features, bars)."""
        lanes, rows, _, bars = x.shape
        if self._pool > 1:
            short = -bars % self._pool  # filled up with the first bar
            x = torch.cat((x[..., :1].expand(-1, -1, -1, short), x), -1).unflatten(-1, (-1, self._pool)).amax(-1)
        y = x.reshape(lanes, rows, -1)
        for layer in self.layers:
            y = self.dropout(layer(y).relu())
        return y

    def without(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Return what this block does not explain, of the shape of `x`."""
        if self.backcast is None:
            return x
        knots = self.backcast(hidden).view(len(x), x.shape[1] * x.shape[2], -1)
        return x - product(knots, self._between.to(x).expand(len(x), -1, -1)).view(x.shape)


def _between(knots: int, bars: int) -> Tensor:
    """Return the matrix that draws lines between knots, (knots, bars); the first and last are those of the window."""
    at = torch.linspace(0, knots - 1, bars, device="cpu")
    return (1 - (at - torch.arange(knots, device="cpu")[:, None]).abs()).clamp_min(0)
