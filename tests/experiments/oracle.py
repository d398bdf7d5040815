"""The perfect model of the simulated market's signal: it knows how the market is made, and nothing of the future."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import quorate

DECAY, GAP_SHARE, VOLATILITY = 0.8, 0.2, 0.01


class Oracle:
    """The probability that the next open-to-open return is positive, from the market's own equations.

    Parameters
    ----------
    signal : float
        That of the market.
    """

    def __init__(self, signal: float = 0.4) -> None:
        self.signal = signal

    def fit(self, X: Any, y: Any) -> Oracle:
        """Learn nothing: all is known."""
        return self

    def predict(self, X: Any) -> Any:
        """Return probabilities from raw bars, (n, lookback, 5)."""
        from scipy.special import ndtr

        weight = DECAY * self.signal + math.sqrt((DECAY * self.signal) ** 2 + 1 - DECAY**2)
        steps = np.diff(np.log(X[:, :, 3]), axis=1) / VOLATILITY + VOLATILITY / 2
        x = weight * steps @ DECAY ** np.arange(steps.shape[1])[::-1]
        # The next body's expectation, against everything between two opens that cannot be known.
        noise = math.sqrt(max(1 - self.signal**2, 1e-9))
        return ndtr(-self.signal * x / noise)


@quorate.hookimpl
def quorate_models() -> Any:
    """Yield the oracle."""
    yield quorate.ModelSpec("oracle", Oracle, task="regression", input="bars", lookback=60)
