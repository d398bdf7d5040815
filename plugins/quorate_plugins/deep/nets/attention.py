"""Attention between the bars of a window: the encoder of Vaswani et al. (2017), normalised before each part."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from quorate_plugins.deep.lanes import Dropout, LayerNorm, Linear, Net


class Attention(nn.Module):
    """Attention with several heads: what a token reads of all others is weighted by how well they answer to it."""

    def __init__(self, lanes: int, hidden: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or hidden % heads:
            fits = ", ".join(str(n) for n in (1, 2, 4, 8) if not hidden % n)
            raise ValueError(f"heads must divide hidden, which is {hidden}, as {fits} do; it was {heads}")
        self._heads = heads
        self.joint = Linear(lanes, hidden, 3 * hidden)
        self.out = Linear(lanes, hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (lanes, rows, tokens, hidden)."""
        lanes, rows, tokens, hidden = x.shape
        parts = self.joint(x).view(lanes * rows, tokens, 3, self._heads, hidden // self._heads)
        found = functional.scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4).unbind(0))
        return self.out(found.transpose(1, 2).reshape(x.shape))


class Encoder(nn.Module):
    """A layer of attention and one of two maps with GELU between them, each added to what it read."""

    def __init__(self, lanes: int, hidden: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = LayerNorm(lanes, hidden), LayerNorm(lanes, hidden)
        self.attention = Attention(lanes, hidden, heads)
        self.up, self.down = Linear(lanes, hidden, feed_forward), Linear(lanes, feed_forward, hidden)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (lanes, rows, tokens, hidden)."""
        x = x + self.dropout(self.attention(self.norm_1(x)))
        wide = self.dropout(functional.gelu(self.up(self.norm_2(x))))
        return x + self.dropout(self.down(wide))


def positions(tokens: int, hidden: int, like: Tensor) -> Tensor:
    """Return sines and cosines of the place of each token, in waves from 2 pi to 20,000 pi tokens, (tokens, hidden)."""
    place = torch.arange(tokens, device=like.device, dtype=like.dtype)[:, None]
    wave = torch.arange(hidden, device=like.device)[None]
    angle = place * torch.exp(-(wave // 2 * 2).to(like.dtype) * (math.log(10_000.0) / hidden))
    return torch.where(wave % 2 == 0, angle.sin(), angle.cos())


class Transformer(Net):
    """A Transformer encoder: bars are told apart by sines of their place; the last bar's state is mapped.

    Parameters
    ----------
    hidden : int
        Width of a bar's state; a multiple of `heads`.
    heads, layers : int
        Of attention, and how many encoder layers there are.
    feed_forward : int
        Width between the two maps of a layer; 0: four times `hidden`.
    dropout : float
        Share that is dropped of the first states, and of what each part of a layer gives.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        hidden: int = 64,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = Linear(lanes, n_features, hidden)
        wide = feed_forward or 4 * hidden
        self.layers = nn.ModuleList(Encoder(lanes, hidden, heads, wide, dropout) for _ in range(layers))
        self.norm = LayerNorm(lanes, hidden)
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        tokens = self.embedding(x.transpose(1, 2))
        tokens = self.dropout(tokens + positions(*tokens.shape[2:], like=tokens))
        for layer in self.layers:
            tokens = self.block(layer, tokens)
        return self.head(self.norm(tokens[:, :, -1]))


class PatchTST(Net):
    """Attention between patches of some bars, each feature by itself (Nie et al., 2023).

    The original forecasts each series from itself. Here each feature is such a series, all with the same weights until
    the last map, which reads the patches of all features. Windows are not normalised once more: features are scaled
    already, and where they stand may matter.

    Parameters
    ----------
    patch, stride : int, bars
        Length of a patch, and from one to the next; the last ends with the window, and the oldest bars that fill none
        are not read. A longer patch than the window is cut to it.
    hidden, heads, layers, feed_forward, dropout
        As those of `Transformer`; a `feed_forward` of 0 is twice `hidden`.
    """

    def __init__(
        self,
        lanes: int,
        n_features: int,
        bars: int,
        n_outputs: int,
        patch: int = 16,
        stride: int = 8,
        hidden: int = 32,
        heads: int = 4,
        layers: int = 2,
        feed_forward: int = 0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self._patch, self._stride = min(patch, bars), stride
        patches = (bars - self._patch) // stride + 1
        self._first = (bars - self._patch) % stride
        self.embedding = Linear(lanes, self._patch, hidden)
        wide = feed_forward or 2 * hidden
        self.layers = nn.ModuleList(Encoder(lanes, hidden, heads, wide, dropout) for _ in range(layers))
        self.norm = LayerNorm(lanes, hidden)
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, n_features * patches * hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        lanes, _, rows, _ = x.shape
        series = x[:, self._first :].movedim(1, -1).contiguous().flatten(1, 2)
        tokens = self.embedding(series.unfold(-1, self._patch, self._stride))
        tokens = self.dropout(tokens + positions(*tokens.shape[2:], like=tokens))
        for layer in self.layers:
            tokens = self.block(layer, tokens)
        return self.head(self.norm(tokens).view(lanes, rows, -1))
