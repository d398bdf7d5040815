"""Features that are weighted anew at each bar, in front of an LSTM: parts of Lim et al. (2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from quorate_plugins.deep.lanes import Dropout, Layer, Linear, Net, affine, constant, product, uniform
from quorate_plugins.deep.recurrent import LSTM


class GroupLinear(Layer):
    """An affine map for each of some groups, drawn as PyTorch draws its own."""

    def __init__(self, lanes: int, groups: int, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = uniform(bound, lanes, groups, n_in, n_out)
        self.bias = uniform(bound, lanes, groups, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, groups, n, n_out) of (lanes, groups, n, n_in)."""
        y = product(x.flatten(0, 1), self.weight.flatten(0, 1), self.bias.flatten(0, 1))
        return y.view(*x.shape[:-1], -1)


class GatedResidual(Layer):
    """A gated residual network for each of some groups.

    Two maps with ELU between them, and a gate that lets through as much of them as is needed; what was read is added,
    and the sum normalised.
    """

    def __init__(self, lanes: int, groups: int, n_in: int, hidden: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.up, self.middle = GroupLinear(lanes, groups, n_in, hidden), GroupLinear(lanes, groups, hidden, hidden)
        self.gate = GroupLinear(lanes, groups, hidden, 2 * n_out)
        self.skip = GroupLinear(lanes, groups, n_in, n_out) if n_in != n_out else None
        self.weight, self.bias = constant(1, lanes, groups, n_out), constant(0, lanes, groups, n_out)
        self.dropout, self._width = Dropout(dropout), n_out

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, groups, n, n_out) of (lanes, groups, n, n_in)."""
        inner = self.dropout(self.middle(functional.elu(self.up(x))))
        y = functional.glu(self.gate(inner)) + (x if self.skip is None else self.skip(x))
        y = functional.layer_norm(y, (self._width,))
        return affine(y.flatten(0, 1), self.weight.flatten(0, 1), self.bias.flatten(0, 1)).view(y.shape)


class Selection(Layer):
    """A variable selection network: the mean of what a network makes of each feature, weighted at each bar."""

    def __init__(self, lanes: int, n_features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embedding = GroupLinear(lanes, n_features, 1, hidden)
        self.each = GatedResidual(lanes, n_features, hidden, hidden, hidden, dropout)
        self.choice = GatedResidual(lanes, 1, n_features * hidden, hidden, n_features, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, bars, rows, hidden) of (lanes, bars, rows, n_features)."""
        lanes, bars, rows, n_features = x.shape
        features = self.embedding(x.permute(0, 3, 1, 2).reshape(lanes, n_features, bars * rows, 1))
        joint = features.transpose(1, 2).reshape(lanes, 1, bars * rows, -1)
        weights = torch.softmax(self.choice(joint)[:, 0], -1)
        found = [one * weights[..., place, None] for place, one in enumerate(self.each(features).unbind(1))]
        y = found[0]
        for one in found[1:]:
            y = y + one
        return y.view(lanes, bars, rows, -1)


class VSNLSTM(Net):
    """A variable selection network, an LSTM, and gates around both, of which the last bar's state is mapped.

    Parameters
    ----------
    hidden : int
        Width of a feature's embedding, and states of the LSTM.
    layers : int
        Of the LSTM.
    dropout : float
        Share that is dropped within each gated network, and of the states.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        hidden: int = 32,
        layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.selection = Selection(lanes, n_features, hidden, dropout)
        self.layers = nn.ModuleList(LSTM(lanes, hidden, hidden) for _ in range(layers))
        self.gate = Linear(lanes, hidden, 2 * hidden)
        self.last = GatedResidual(lanes, 1, hidden, hidden, hidden, dropout)
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        chosen = self.block(self.selection, x)
        states = chosen
        for place, layer in enumerate(self.layers):
            states = layer(self.dropout(states) if place else states)
        y = chosen[:, -1] + functional.glu(self.gate(self.dropout(states[:, -1])))
        return self.head(self.last(y[:, None])[:, 0])
