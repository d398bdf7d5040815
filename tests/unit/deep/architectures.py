"""The nets, in sizes that train in a moment."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from quorate_plugins.deep.course import Lane
from quorate_plugins.deep.feed import Part
from quorate_plugins.deep.nets.attention import PatchTST, Transformer
from quorate_plugins.deep.nets.convolutional import ConvRecurrent
from quorate_plugins.deep.nets.dense import NHiTS, TiDE
from quorate_plugins.deep.nets.linear import DLinear, NLinear
from quorate_plugins.deep.nets.plain import MeanPool, Perceptron
from quorate_plugins.deep.nets.recurrent import Recurrent
from quorate_plugins.deep.nets.selection import VSNLSTM
from quorate_plugins.deep.nets.tabm import TabM
from quorate_plugins.deep.nets.tcn import TCN
from quorate_plugins.deep.nets.xlstm import XLSTM
from quorate_plugins.deep.scaling import scaling_of
from quorate_plugins.deep.settings import Training

BARS = 9
SMALL = {
    "gru": partial(Recurrent, cell="gru", hidden=7, layers=2),
    "lstm": partial(Recurrent, cell="lstm", hidden=7, layers=2),
    "perceptron": partial(Perceptron, hidden=(7, 5)),
    "mean-pool": partial(MeanPool, hidden=7),
    "fast": partial(ConvRecurrent, size="fast"),
    "balanced": partial(ConvRecurrent, size="balanced"),
    "quality": partial(ConvRecurrent, size="quality"),
    "legacy": partial(ConvRecurrent, size="legacy"),
    "transformer": partial(Transformer, hidden=12, heads=2, layers=2),
    "patchtst": partial(PatchTST, patch=4, stride=2, hidden=12, heads=4, layers=1),
    "dlinear": partial(DLinear, average=5),
    "nlinear": NLinear,
    "tcn": partial(TCN, hidden=6, kernel=2),
    "tide": partial(TiDE, projected=3, hidden=10, decoded=3, layers=2),
    "nhits": partial(NHiTS, pools=(4, 2, 1), hidden=9),
    "vsn-lstm": partial(VSNLSTM, hidden=6),
    "xlstm": partial(XLSTM, hidden=12, heads=3, layers=2),
    "tabm": partial(TabM, members=4, hidden=10),
}
OF_ROWS = ("perceptron", "tabm")
WITHOUT_DROPOUT = ("dlinear", "nlinear")


def small(name, n_features=3, n_outputs=1, dropout=0.2, bars=BARS):
    """Return what makes a net of so many lanes."""
    options = {} if name in WITHOUT_DROPOUT else {"dropout": dropout}
    return lambda lanes: SMALL[name](lanes, n_features, 0 if name in OF_ROWS else bars, n_outputs, **options)


def drawn(name, lanes=1, seed=0, **options):
    """Return a net whose weights are drawn."""
    net = small(name, **options)(lanes)
    net.reset([torch.Generator().manual_seed(seed + lane) for lane in range(lanes)])
    return net


def inputs(name, lanes, rows=32, n_features=3, seed=1, bars=BARS):
    """Return random features of a step."""
    shape = (lanes, rows, n_features) if name in OF_ROWS else (lanes, bars, rows, n_features)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def lane(name, n, seed, n_features=3, bars=BARS, noise=0.5, **settings):
    """Return a model to train, whose label is the last bar's first feature less the second of the bar before."""
    draw = np.random.default_rng(seed)
    X = draw.standard_normal((n, bars, n_features)).astype(np.float32)
    if name in OF_ROWS:
        X = X[:, -1]
        signal = X[:, 0] - X[:, -1]
    elif name == "mean-pool":
        signal = 3 * X[..., 0].mean(axis=1)
    else:
        signal = X[:, -1, 0] - X[:, -2, -1]
    y = (signal + noise * draw.standard_normal(n)).astype(np.float32)[:, None]
    cut = n * 3 // 4
    given = {"epochs": 3, "batch_size": 32, "loss": "mse", "stop_on": "val_loss", "patience": 0, **settings}
    training = Training(**given)
    return Lane(Part(X[:cut], y[:cut]), Part(X[cut:], y[cut:]), scaling_of(X[:cut], "z-score"), training, seed)


def some(names):
    """Return names as parameters, of which a few are asked every time."""
    often = ("gru", "dlinear", "tcn", "tabm")
    return [pytest.param(name, marks=[] if name in often else pytest.mark.full) for name in names]


def plain(history):
    """Return the course of a training as plain data, to be compared."""
    batches = [[float(loss) for loss in epoch] for epoch in history.batches]
    return {**vars(history), "epochs": dict(history.epochs), "batches": batches}
