"""Linear forecasts from a window (Zeng et al., AAAI 2023)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from quorate_plugins.deep.lanes import Linear, Net, product, uniform


class DLinear(Net):
    """Two linear maps: of the moving average of each feature, and of what is left when it is taken off.

    The original forecasts each series from itself. Here the maps read all features of all bars.

    Parameters
    ----------
    average : int, bars
        Width of the moving average, odd; beyond the window its first and last bar are repeated.
    """

    def __init__(self, lanes: int, n_features: int, bars: int, n_outputs: int, average: int = 25) -> None:
        super().__init__()
        if average < 1 or not average % 2:
            raise ValueError(f"average must be an odd number of bars; it was {average}")
        bound = 1 / math.sqrt(bars)
        self.trend, self.rest = (uniform(bound, lanes, bars * n_features, n_outputs) for _ in range(2))
        self.bias = uniform(bound, lanes, n_outputs)
        self._averaging = _averaging(bars, average)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        bars = x.shape[1]
        # The average is linear, too: it is taken of the weights, which are fewer than the numbers of a step.
        difference = (self.trend - self.rest).view(len(x), bars, -1)
        weight = self.rest + product(self._averaging.to(x).expand(len(x), -1, -1), difference).view_as(self.rest)
        return product(flat(x), weight, self.bias)


class NLinear(Net):
    """A linear map of a window from which its last bar is taken off, and one of that bar.

    The original adds the last value of the series that it forecasts; what is forecast here is another number than the
    features, so that the last bar enters by a map of its own.
    """

    def __init__(self, lanes: int, n_features: int, bars: int, n_outputs: int) -> None:
        super().__init__()
        self.moves = Linear(lanes, bars * n_features, n_outputs, bias=False)
        self.level = Linear(lanes, n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        return self.moves(flat(x - x[:, -1:])) + self.level(x[:, -1])


def flat(x: Tensor) -> Tensor:
    """Return windows as rows, (lanes, rows, bars * n_features), of (lanes, bars, rows, n_features)."""
    return x.transpose(1, 2).reshape(len(x), x.shape[2], -1)


def _averaging(bars: int, width: int) -> Tensor:
    """Return the matrix whose product with weights of moving averages gives those of the bars, (bars, bars)."""
    found = torch.zeros(bars, bars, device="cpu")
    at = torch.arange(bars, device="cpu")
    for distance in range(-(width // 2), width // 2 + 1):
        found.index_put_(
            ((at + distance).clamp(0, bars - 1), at), torch.full((), 1 / width, device="cpu"), accumulate=True
        )
    return found
