"""The networks by name: each function tells a network's own options, see `quorate_plugins.deep.network`."""

from __future__ import annotations

from typing import Any

from quorate_plugins.deep.network import network

Made = tuple[Any, dict[str, Any]]


@network()
def gru(hidden: int = 64, layers: int = 1, dropout: float = 0.1) -> Made:
    """Gated recurrent units (Cho et al., 2014), the last state of which is mapped to the forecast.

    Parameters
    ----------
    hidden, layers : int
        States of a layer, and how many layers there are.
    dropout : float, share
        Of the states that is dropped between layers, and before the map.
    """
    return _recurrent("gru", hidden, layers, dropout)


@network()
def lstm(hidden: int = 64, layers: int = 1, dropout: float = 0.1) -> Made:
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), the last state of which is mapped to the forecast.

    Parameters
    ----------
    hidden, layers : int
        States of a layer, and how many layers there are.
    dropout : float, share
        Of the states that is dropped between layers, and before the map.
    """
    return _recurrent("lstm", hidden, layers, dropout)


def _recurrent(cell: str, hidden: int, layers: int, dropout: float) -> Made:
    from quorate_plugins.deep.nets.recurrent import Recurrent

    return Recurrent, {"cell": cell, "hidden": hidden, "layers": layers, "dropout": dropout}
