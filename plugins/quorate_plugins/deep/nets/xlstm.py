"""Blocks of sLSTM, the recurrent cell of xLSTM (Beck et al., NeurIPS 2024)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from quorate_plugins.deep.exponential import SLSTM
from quorate_plugins.deep.lanes import Dropout, Layer, LayerNorm, Linear, Net, affine, constant


class Block(Layer):
    """An sLSTM and a gated map, each of normalised inputs and added to them."""

    def __init__(self, lanes: int, hidden: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = LayerNorm(lanes, hidden), LayerNorm(lanes, hidden)
        self.cell = SLSTM(lanes, hidden, hidden, heads)
        self._heads, self._of_head, wide = heads, hidden // heads, -(-hidden * 4 // 3)
        self.scale = constant(1, lanes, hidden)
        self.up, self.down = Linear(lanes, hidden, 2 * wide), Linear(lanes, wide, hidden)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (lanes, bars, rows, hidden)."""
        states = self.cell(self.norm_1(x)).view(*x.shape[:3], self._heads, -1)
        states = functional.layer_norm(states, (self._of_head,)).reshape(len(x), -1, x.shape[-1])
        x = x + self.dropout(affine(states, self.scale).view(x.shape))
        up, gate = self.up(self.norm_2(x)).chunk(2, -1)
        return x + self.dropout(self.down(up * functional.gelu(gate)))


class XLSTM(Net):
    """An affine map, blocks of sLSTM, and the last bar's state.

    Blocks are those of the paper that follow the recurrent cell with a gated map of 4/3 its width; the short
    convolution that may stand before its gates is left out.

    Parameters
    ----------
    hidden : int
        Width of a bar's state; a multiple of `heads`.
    heads : int
        Groups of states that see only themselves from bar to bar.
    layers : int
        Blocks.
    dropout : float
        Share that is dropped of what each part of a block gives.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        hidden: int = 64,
        heads: int = 4,
        layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = Linear(lanes, n_features, hidden)
        self.blocks = nn.ModuleList(Block(lanes, hidden, heads, dropout) for _ in range(layers))
        self.norm = LayerNorm(lanes, hidden)
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        x = self.embedding(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -1]))
