"""Attention between the bars of a window: the encoder of Vaswani et al. (2017), normalised before each part."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from quorate_plugins.deep.lanes import Dropout, Layer, LayerNorm, Linear, Net, product


class Attention(Layer):
    """Attention with several heads: what a token reads of all others is weighted by how well they answer to it."""

    def __init__(self, lanes: int, hidden: int, heads: int, last: bool = False) -> None:
        super().__init__()
        if heads < 1 or hidden % heads:
            fits = ", ".join(str(n) for n in (1, 2, 4, 8) if not hidden % n)
            raise ValueError(f"heads must divide hidden, which is {hidden}, as {fits} do; it was {heads}")
        self._heads, self._last = heads, last
        self.joint = Linear(lanes, hidden, 3 * hidden)
        self.out = Linear(lanes, hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return what tokens read, (lanes, rows, tokens, hidden), of `x` of that shape; of the last alone if asked."""
        lanes, rows, tokens, hidden = x.shape
        shape = lanes * rows, tokens, -1, self._heads, hidden // self._heads
        if self._last:
            weight, bias = self.joint.weight, self.joint.bias
            assert bias is not None
            asked = product(x[:, :, -1], weight[..., :hidden], bias[:, :hidden]).view(lanes * rows, 1, *shape[2:])
            flat = x.reshape(lanes, rows * tokens, hidden)
            told = product(flat, weight[..., hidden:], bias[:, hidden:]).view(shape)
            query, (key, value) = asked[:, :, 0].transpose(1, 2), told.permute(2, 0, 3, 1, 4).unbind(0)
        else:
            query, key, value = self.joint(x).view(shape).permute(2, 0, 3, 1, 4).unbind(0)
        found = functional.scaled_dot_product_attention(query, key, value)
        return self.out(found.transpose(1, 2).reshape(lanes, rows, -1, hidden))


class Encoder(Layer):
    """A layer of attention and one of two maps with GELU between them, each added to what it read.

    Parameters
    ----------
    last : bool
        Give the last token alone, (lanes, rows, 1, hidden): nothing else is computed of the others than what it reads.
    """

    def __init__(
        self, lanes: int, hidden: int, heads: int, feed_forward: int, dropout: float, last: bool = False
    ) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = LayerNorm(lanes, hidden), LayerNorm(lanes, hidden)
        self.attention = Attention(lanes, hidden, heads, last)
        self._last = last
        self.up, self.down = Linear(lanes, hidden, feed_forward), Linear(lanes, feed_forward, hidden)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (lanes, rows, tokens, hidden)."""
        read = self.dropout(self.attention(self.norm_1(x)))
        x = (x[:, :, -1:] if self._last else x) + read
        wide = self.dropout(functional.gelu(self.up(self.norm_2(x))))
        return x + self.dropout(self.down(wide))


def positions(x: Tensor) -> Tensor:
    """Return sines and cosines of the places of tokens (..., tokens, hidden), in waves of 2 pi to 20,000 pi tokens."""
    tokens, hidden = x.shape[-2:]
    place = torch.arange(tokens, device=x.device, dtype=x.dtype)[:, None]
    wave = torch.arange(hidden, device=x.device)[None]
    angle = place * torch.exp(-(wave // 2 * 2).to(x.dtype) * (math.log(10_000.0) / hidden))
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
        self.layers = nn.ModuleList(
            Encoder(lanes, hidden, heads, wide, dropout, last=place == layers) for place in range(1, layers + 1)
        )
        self.norm = LayerNorm(lanes, hidden)
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        tokens = self.embedding(x.transpose(1, 2))
        tokens = self.dropout(tokens + positions(tokens))
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
        self._patch = min(patch, bars)
        self._starts = range((bars - self._patch) % stride, bars - self._patch + 1, stride)
        self.embedding = Linear(lanes, self._patch, hidden)
        wide = feed_forward or 2 * hidden
        self.layers = nn.ModuleList(Encoder(lanes, hidden, heads, wide, dropout) for _ in range(layers))
        self.norm = LayerNorm(lanes, hidden)
        self.dropout = Dropout(dropout)
        self.head = Linear(lanes, n_features * len(self._starts) * hidden, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, rows, n_outputs) of (lanes, bars, rows, n_features)."""
        lanes, _, rows, _ = x.shape
        series = x.movedim(1, -1).contiguous().flatten(1, 2)
        tokens = self.embedding(torch.stack([series[..., first : first + self._patch] for first in self._starts], -2))
        tokens = self.dropout(tokens + positions(tokens))
        for layer in self.layers:
            tokens = self.block(layer, tokens)
        return self.head(self.norm(tokens).view(lanes, rows, -1))
