"""A feature and a gate of your own: ``quorate run planted --plugin examples/04_feature_and_gate.py``."""

import numpy as np

import quorate


def reversal(close, window):
    """Return minus the z-score of the last close: high after a fall. `close` is (n_bars, n_symbols)."""
    return -quorate.rolling.zscore(close, window)


def longest_losing_streak(evidence, at_most=30):
    """Pass, if no run of losing bars is longer than `at_most`."""
    returns = evidence.performance.returns
    losing = returns < 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], losing.astype(int), [0]))))
    longest = (edges[1::2] - edges[::2]).max(initial=0)
    if np.isnan(returns).any():  # what is undefined must not pass
        longest = np.nan
    return quorate.judge("losing-streak", longest, "<=", at_most, unit="count", sample=f"{len(losing)} bars")


@quorate.hookimpl
def quorate_features():
    for window in (3, 10):
        yield quorate.FeatureSpec(
            f"reversal_{window}", reversal, inputs=("close",), lookback=window, params={"window": window}
        )


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("losing-streak", longest_losing_streak, params={"at_most": 30})
