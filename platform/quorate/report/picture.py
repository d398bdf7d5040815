"""Pictures; the only module that imports matplotlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quorate.statistics import Floats
from quorate.store.files import replacing

INCHES = (10.0, 5.0)


def draw_forecasts(
    path: Path, title: str, dates: NDArray[np.datetime64], actual: Floats, forecast: Floats, last: Floats
) -> None:
    """Draw what came and what was forecast over time, and below by how much it was wrong.

    Parameters
    ----------
    path : Path
        Its ending says what it is: ``.png``, ``.svg``, ``.pdf``.
    dates : ndarray of datetime64[D], (n_forecasts,)
        The day of each price.
    actual, forecast, last : ndarray of float64, (n_forecasts,)
        What came, what was forecast, and the price before: the forecast that nothing changes.
    """
    figure = Figure(figsize=INCHES, layout="constrained")
    prices, errors = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    prices.plot(dates, actual, color="black", linewidth=1.2, label="actual")
    prices.plot(dates, forecast, color="tab:blue", linewidth=1.0, label="forecast")
    prices.set_title(title)
    prices.legend(loc="best", frameon=False)
    errors.plot(dates, 100 * (forecast - actual) / actual, color="tab:blue", linewidth=0.8, label="forecast")
    errors.plot(dates, 100 * (last - actual) / actual, color="tab:gray", linewidth=0.6, label="last price")
    errors.axhline(0.0, color="black", linewidth=0.5)
    errors.set_ylabel("error, %")
    errors.legend(loc="best", frameon=False, fontsize="small")
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=120)
