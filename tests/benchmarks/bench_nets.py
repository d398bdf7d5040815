"""How long networks take: an epoch of each, and layers over lanes against PyTorch's own of the same size."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from figures import Figures, bench
from measure import seconds
from torch import Tensor, nn

from quorate_plugins.deep.course import Lane
from quorate_plugins.deep.engine import train
from quorate_plugins.deep.feed import Part
from quorate_plugins.deep.lanes import Conv1d, Net
from quorate_plugins.deep.nets.attention import Encoder, PatchTST, Transformer
from quorate_plugins.deep.nets.convolutional import ConvRecurrent
from quorate_plugins.deep.nets.dense import NHiTS, TiDE
from quorate_plugins.deep.nets.linear import DLinear, NLinear
from quorate_plugins.deep.nets.recurrent import Recurrent
from quorate_plugins.deep.nets.selection import VSNLSTM
from quorate_plugins.deep.nets.tabm import TabM
from quorate_plugins.deep.nets.tcn import TCN
from quorate_plugins.deep.nets.xlstm import XLSTM
from quorate_plugins.deep.recurrent import GRU, LSTM
from quorate_plugins.deep.scaling import scaling_of
from quorate_plugins.deep.settings import Training

BARS, FEATURES, ROWS = 60, 5, 64
NETS = {
    "gru": partial(Recurrent, cell="gru"),
    "lstm": partial(Recurrent, cell="lstm"),
    **{size: partial(ConvRecurrent, size=size) for size in ("fast", "balanced", "quality", "legacy")},
    "transformer": Transformer,
    "patchtst": PatchTST,
    "tcn": TCN,
    "tide": TiDE,
    "nhits": NHiTS,
    "dlinear": DLinear,
    "nlinear": NLinear,
    "vsn-lstm": VSNLSTM,
    "xlstm": XLSTM,
    "tabm": TabM,
}


def make(name: str, lanes: int) -> Net:
    return NETS[name](lanes, FEATURES, 0 if name == "tabm" else BARS, 1)


def epoch(name: str, rows: int) -> float:
    """Return the seconds of an epoch of one lane, its first steps being made before."""
    draw = np.random.default_rng(1)
    X = draw.standard_normal((rows, BARS, FEATURES)).astype(np.float32)
    if name == "tabm":
        X = X[:, -1]
    y = draw.standard_normal((rows, 1)).astype(np.float32)
    settings = Training(epochs=2, batch_size=ROWS, patience=0, loss="mse", stop_on="val_loss")
    lane = Lane(Part(X, y), Part(X[:0], y[:0]), scaling_of(X, "z-score"), settings, 1)
    [done] = train(partial(make, name), [lane])
    return float(done.history.epochs["seconds"][-1])


class Last(nn.Module):
    """A recurrent layer of PyTorch without its second output."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        states: Tensor = self.layer(x)[0]
        return states


class Dilated(nn.Module):
    """A temporal convolutional network of PyTorch's convolutions, of all bars."""

    def __init__(self, blocks: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(
            nn.Conv1d(hidden if n else FEATURES, hidden, 3, dilation=2**n) for n in range(blocks)
        )
        self.second = nn.ModuleList(nn.Conv1d(hidden, hidden, 3, dilation=2**n) for n in range(blocks))
        self.match = nn.Conv1d(FEATURES, hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        for n, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            y = first(nn.functional.pad(x, (2 << n, 0))).relu()
            y = second(nn.functional.pad(y, (2 << n, 0))).relu()
            x = (y + (x if n else self.match(x))).relu()
        return x[..., -1]


def step(layer: nn.Module, x: Tensor) -> Callable[[], object]:
    """Return what computes a layer and its gradients."""
    weights = list(layer.parameters())
    return lambda: torch.autograd.grad(layer(x).sum(), weights)


def layers() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Return ours and PyTorch's, each in the layout that suits it."""
    x = torch.randn(1, BARS, ROWS, FEATURES)
    wide = torch.randn(1, BARS, ROWS, 48)
    tokens = torch.randn(1, ROWS, BARS, 64)
    tcn = TCN(1, FEATURES, BARS, 1, dropout=0.0)
    encoder = nn.TransformerEncoderLayer(64, 4, 256, 0.0, "gelu", batch_first=True, norm_first=True)
    pairs: dict[str, tuple[nn.Module, Tensor, nn.Module, Tensor]] = {
        "GRU": (GRU(1, FEATURES, 64), x, Last(nn.GRU(FEATURES, 64)), x[0]),
        "LSTM": (LSTM(1, FEATURES, 64), x, Last(nn.LSTM(FEATURES, 64)), x[0]),
        "convolution of features": (
            Conv1d(1, FEATURES, 48),
            x,
            nn.Conv1d(FEATURES, 48, 3, padding=1),
            x[0].permute(1, 2, 0).contiguous(),
        ),
        "convolution 48 to 96": (
            Conv1d(1, 48, 96),
            wide,
            nn.Conv1d(48, 96, 3, padding=1),
            wide[0].permute(1, 2, 0).contiguous(),
        ),
        "encoder layer": (Encoder(1, 64, 4, 256, 0.0), tokens, encoder, tokens[0]),
        "TCN": (tcn, x, Dilated(len(tcn.blocks), 32), x[0].permute(1, 2, 0).contiguous()),
    }
    for ours, *_ in pairs.values():
        for one in ours.parameters():
            nn.init.normal_(one, std=0.1)
    return {name: (step(a, given), step(b, other)) for name, (a, given, b, other) in pairs.items()}


def bench_nets(figures: Figures, repeats: int, quick: bool) -> None:
    """Compare nets, and layers with PyTorch's."""
    torch.set_num_threads(1)
    rows = 512 if quick else 2048
    figures.title(f"networks, an epoch of {rows} windows of {BARS} bars and {FEATURES} features, one lane, one thread")
    took: dict[str, list[float]] = {name: [] for name in NETS}
    for _ in range(repeats):
        for name, values in took.items():
            values.append(epoch(name, rows))
    for name, values in took.items():
        count = sum(one.numel() for one in make(name, 1).parameters())
        print(f"  {name:12s} {count:8,d} weights, {statistics.median(values):.3f} s")

    def ratios(slow: str, fast: str) -> list[float]:
        return [a / b for a, b in zip(took[slow], took[fast], strict=True)]

    figures.add("an epoch of an LSTM over one of a GRU of 64 states", ratios("lstm", "gru"), least=1.25)
    figures.add("an epoch of the balanced network over one of the fast", ratios("balanced", "fast"), least=1)
    figures.add("an epoch of the quality network over one of the balanced", ratios("quality", "balanced"), least=1)
    for name, (ours, theirs) in layers().items():
        ours(), theirs()
        found = [
            sum(seconds(theirs) for _ in range(5)) / sum(seconds(ours) for _ in range(5)) for _ in range(3 * repeats)
        ]
        figures.add(f"PyTorch's own over ours, {name}", found)


PARTS = {"nets": bench_nets}

if __name__ == "__main__":
    bench(PARTS, __doc__)
