"""Fracast-0: a small convolutional forecaster, whose weights come with its package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import quorate
from quorate_plugins.foundation.prices import LEAST, Floats, PriceForecaster

RELEASED = "2026-09-26"  # of version 0.1.0, the only one
LONGEST = 48  # bars that it forecasts at once
MOST = 2048  # bars that it reads
BATCH = 16  # rows at a time: larger ones leave the processor's cache, and take three times as long a row
FILES = ("config.json", "model.safetensors")


def weights(params: Mapping[str, Any]) -> quorate.Pretrained:
    """Return what its weights are; until when their training data reach is published nowhere."""
    found = find_spec("fracast")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("fracast is not installed")
    folder = Path(found.origin).with_name("weights")
    return quorate.Pretrained.from_files(
        "Fracast-0 (fracast 0.1)", "Apache-2.0", [folder / name for name in FILES], released=RELEASED
    )


class Fracast(PriceForecaster):
    """Fracast-0 as it is: quantiles of the next 48 closes, of the last 2,048 at most.

    Parameters
    ----------
    context : int, bars
        Closes that it reads.
    task, horizons
        As of `PriceForecaster`.

    References
    ----------
    The package fracast 0.1.0, Apache-2.0.
    """

    def __init__(self, context: int = 256, task: str = "classification", horizons: Sequence[int] = (1,)) -> None:
        super().__init__(task, horizons)
        self.context = context

    def fit(self, X: Floats, y: NDArray[Any]) -> Self:
        """Learn nothing, but see whether it can forecast this."""
        if not LEAST <= self.context <= MOST:
            raise ValueError(f"context must be {LEAST} to {MOST} bars; it was {self.context}")
        if max(self.horizons) > LONGEST:
            raise ValueError(f"it forecasts {LONGEST} bars at most, and labels span {max(self.horizons)}")
        return super().fit(X, y)

    def quantiles(self, closes: NDArray[np.float32], horizon: int) -> Floats:
        """Return quantiles of the next closes, (n, horizon, 9)."""
        model = _loaded()
        parts = [
            model.forecast_batch(closes[first : first + BATCH], horizon=horizon)
            for first in range(0, len(closes), BATCH)
        ]
        found: Floats = np.concatenate(parts).astype(np.float64)
        return found


@cache
def _loaded() -> Any:
    from fracast.inference import FracastModel

    return FracastModel.from_pretrained(weights="fp32")
