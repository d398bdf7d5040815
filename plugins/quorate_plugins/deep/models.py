"""The networks by name: each function tells a network's own options, see `quorate_plugins.deep.network`."""

from __future__ import annotations

from typing import Any

from quorate_plugins.deep.network import network

Made = tuple[Any, dict[str, Any]]


@network()
def gru(hidden: int = 64, layers: int = 1, dropout: float = 0.1) -> Made:
    """Make gated recurrent units (Cho et al., 2014), the last state of which is mapped to the forecast.

    Parameters
    ----------
    hidden, layers : int
        States of a layer, and how many layers there are.
    dropout : float, share
        Of the states that is dropped between layers, and before the map.
    """
    from quorate_plugins.deep.nets.recurrent import Recurrent

    return Recurrent, {"cell": "gru", "hidden": hidden, "layers": layers, "dropout": dropout}


@network()
def lstm(hidden: int = 64, layers: int = 1, dropout: float = 0.1) -> Made:
    """Make long short-term memory (Hochreiter and Schmidhuber, 1997), the last state of which is mapped.

    Parameters
    ----------
    hidden, layers : int
        States of a layer, and how many layers there are.
    dropout : float, share
        Of the states that is dropped between layers, and before the map.
    """
    from quorate_plugins.deep.nets.recurrent import Recurrent

    return Recurrent, {"cell": "lstm", "hidden": hidden, "layers": layers, "dropout": dropout}


@network()
def transformer(hidden: int = 64, heads: int = 4, layers: int = 2, feed_forward: int = 0, dropout: float = 0.1) -> Made:
    """Make a Transformer encoder (Vaswani et al., 2017), the state of whose last bar is mapped to the forecast.

    Parameters
    ----------
    hidden : int
        Width of a bar's state; a multiple of `heads`.
    heads, layers : int
        Of attention, and how many encoder layers there are.
    feed_forward : int
        Width between the two maps of a layer; 0: four times `hidden`.
    dropout : float, share
        Of the states that is dropped.
    """
    from quorate_plugins.deep.nets.attention import Transformer

    return Transformer, {
        "hidden": hidden,
        "heads": heads,
        "layers": layers,
        "feed_forward": feed_forward,
        "dropout": dropout,
    }


@network()
def mean_pool(hidden: int = 64, dropout: float = 0.1) -> Made:
    """Make the mean over the bars, and one hidden layer: a control to which the order of the bars is lost.

    Parameters
    ----------
    hidden : int
        Width of the hidden layer.
    dropout : float, share
        Of what it gives that is dropped.
    """
    from quorate_plugins.deep.nets.plain import MeanPool

    return MeanPool, {"hidden": hidden, "dropout": dropout}


@network()
def cnn_gru_fast(dropout: float = 0.1) -> Made:
    """Make a convolution of 32 channels, recurrent units 64 and 32, a dense layer of 32.

    Parameters
    ----------
    dropout : float, share
        Of the states that is dropped after each recurrent layer.
    """
    from quorate_plugins.deep.nets.convolutional import ConvRecurrent

    return ConvRecurrent, {"size": "fast", "dropout": dropout}


@network()
def cnn_gru(dropout: float = 0.1) -> Made:
    """Make convolutions of 48 and 96 channels, recurrent units 80 and 40, a dense layer of 40.

    Parameters
    ----------
    dropout : float, share
        Of the states that is dropped after each recurrent layer.
    """
    from quorate_plugins.deep.nets.convolutional import ConvRecurrent

    return ConvRecurrent, {"size": "balanced", "dropout": dropout}


@network()
def cnn_bilstm(dropout: float = 0.1) -> Made:
    """Make convolutions of 64, 128 and 256 channels, LSTMs of 120 in both directions and 60, dense layers of 80 and 40.

    Parameters
    ----------
    dropout : float, share
        Of the states that is dropped after each recurrent layer.
    """
    from quorate_plugins.deep.nets.convolutional import ConvRecurrent

    return ConvRecurrent, {"size": "quality", "dropout": dropout}


@network()
def cnn_lstm(dropout: float = 0.1) -> Made:
    """Make convolutions of 64 and 128 channels, LSTMs of 100 and 50, a dense layer of 50.

    Parameters
    ----------
    dropout : float, share
        Of the states that is dropped after each recurrent layer.
    """
    from quorate_plugins.deep.nets.convolutional import ConvRecurrent

    return ConvRecurrent, {"size": "legacy", "dropout": dropout}


@network()
def vsn_lstm(hidden: int = 32, layers: int = 1, dropout: float = 0.1) -> Made:
    """Make variable selection (Lim et al., 2021) in front of an LSTM.

    Parameters
    ----------
    hidden, layers : int
        Width of a bar's state, and how many recurrent layers there are.
    dropout : float, share
        Of what the gates give that is dropped.
    """
    from quorate_plugins.deep.nets.selection import VSNLSTM

    return VSNLSTM, {"hidden": hidden, "layers": layers, "dropout": dropout}


@network()
def xlstm(hidden: int = 64, heads: int = 4, layers: int = 1, dropout: float = 0.1) -> Made:
    """Make an extended LSTM of scalar cells (sLSTM; Beck et al., 2024): exponential gates, heads that mix apart.

    Parameters
    ----------
    hidden : int
        States of a layer; a multiple of `heads`.
    heads, layers : int
        Groups of states that mix, and how many layers there are.
    dropout : float, share
        Of the states that is dropped.
    """
    from quorate_plugins.deep.nets.xlstm import XLSTM

    return XLSTM, {"hidden": hidden, "heads": heads, "layers": layers, "dropout": dropout}


@network()
def patchtst(
    patch: int = 16,
    stride: int = 8,
    hidden: int = 32,
    heads: int = 4,
    layers: int = 2,
    feed_forward: int = 0,
    dropout: float = 0.1,
) -> Made:
    """Make attention over patches of bars, each feature by itself (Nie et al., 2023).

    Parameters
    ----------
    patch, stride : int, bars
        Of a patch, and from one to the next.
    hidden : int
        Width of a patch's state; a multiple of `heads`.
    heads, layers : int
        Of attention, and how many encoder layers there are.
    feed_forward : int
        Width between the two maps of a layer; 0: four times `hidden`.
    dropout : float, share
        Of the states that is dropped.
    """
    from quorate_plugins.deep.nets.attention import PatchTST

    return PatchTST, {
        "patch": patch,
        "stride": stride,
        "hidden": hidden,
        "heads": heads,
        "layers": layers,
        "feed_forward": feed_forward,
        "dropout": dropout,
    }


@network()
def dlinear(average: int = 25) -> Made:
    """Make a linear map of a window's moving average, and one of the rest (Zeng et al., 2023): the linear control.

    Parameters
    ----------
    average : int, bars
        Of the moving average.
    """
    from quorate_plugins.deep.nets.linear import DLinear

    return DLinear, {"average": average}


@network()
def nlinear() -> Made:
    """Make a linear map of a window from which its last bar is taken off (Zeng et al., 2023): a linear control."""
    from quorate_plugins.deep.nets.linear import NLinear

    return NLinear, {}


@network()
def tcn(hidden: int = 32, layers: int = 0, kernel: int = 3, dropout: float = 0.1) -> Made:
    """Make causal convolutions that reach back twice as far in each layer (Bai et al., 2018).

    Parameters
    ----------
    hidden : int
        Channels.
    layers : int
        How many there are; 0: as many as reach over the window.
    kernel : int, bars
        Width of a convolution.
    dropout : float, share
        Of what a convolution gives that is dropped.
    """
    from quorate_plugins.deep.nets.tcn import TCN

    return TCN, {"hidden": hidden, "layers": layers, "kernel": kernel, "dropout": dropout}


@network()
def tide(projected: int = 4, hidden: int = 64, decoded: int = 8, layers: int = 1, dropout: float = 0.1) -> Made:
    """Make a dense encoder and decoder of a window (Das et al., 2023).

    Parameters
    ----------
    projected : int
        Numbers that the features of a bar become.
    hidden : int
        Width of hidden layers.
    decoded : int
        Numbers that the decoder gives for each output.
    layers : int
        Blocks of the encoder, and of the decoder.
    dropout : float, share
        Of what a block gives that is dropped.
    """
    from quorate_plugins.deep.nets.dense import TiDE

    return TiDE, {"projected": projected, "hidden": hidden, "decoded": decoded, "layers": layers, "dropout": dropout}


@network()
def nhits(hidden: int = 64, layers: int = 2, dropout: float = 0.1) -> Made:
    """Make blocks that read a window at several rates (Challu et al., 2023).

    Parameters
    ----------
    hidden, layers : int
        Width, and how many hidden layers a block has.
    dropout : float, share
        Of what they give that is dropped.
    """
    from quorate_plugins.deep.nets.dense import NHiTS

    return NHiTS, {"hidden": hidden, "layers": layers, "dropout": dropout}


@network(rows=True, epochs=12, batch_size=128, weight_decay=1e-2, clip=0.0, valid_ratio=0.0)
def mlp(hidden: list[int] | None = None, dropout: float = 0.2) -> Made:
    """Make a small dense network; all rows train it, for a fixed number of epochs.

    Parameters
    ----------
    hidden : list of int
        Width of each hidden layer; by default 32 and 16.
    dropout : float, share
        Of what a hidden layer gives that is dropped.
    """
    from quorate_plugins.deep.nets.plain import Perceptron

    return Perceptron, {"hidden": [32, 16] if hidden is None else hidden, "dropout": dropout}


@network(rows=True)
def tabm(members: int = 32, hidden: int = 64, layers: int = 2, dropout: float = 0.1) -> Made:
    """Make many dense networks that share their weights, and scale them each in its own way (Gorishniy et al., 2025).

    Parameters
    ----------
    members : int
        How many there are.
    hidden, layers : int
        Width, and how many hidden layers there are.
    dropout : float, share
        Of what they give that is dropped.
    """
    from quorate_plugins.deep.nets.tabm import TabM

    return TabM, {"members": members, "hidden": hidden, "layers": layers, "dropout": dropout}
