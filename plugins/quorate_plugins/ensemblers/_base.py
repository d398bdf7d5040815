"""What the built-in ensemblers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    import quorate

    Floats = NDArray[np.float64]

TINY = 1e-12


def losses(history: quorate.EnsembleHistory) -> Floats:
    """Return the loss of each row and member: log loss, or the squared error over the labels' variance."""
    import numpy as np

    label = history.labels[:, None]
    if not history.binary:
        return (history.predictions - label) ** 2 / max(float(np.var(history.labels)), 1e-300)
    p = np.clip(history.predictions, 1e-6, 1 - 1e-6)
    loss: Floats = -(label * np.log(p) + (1 - label) * np.log(1 - p))
    return loss


def exponential(losses: Floats, bars: NDArray[np.int64], rate: float) -> Floats:
    """Return ``exp(-eta * total loss)`` of each member, the largest 1; losses are averaged by bar first."""
    import numpy as np

    bar = np.unique(bars, return_inverse=True)[1]
    rows = np.bincount(bar)
    total = np.array([np.sum(np.bincount(bar, weights=loss) / rows) for loss in losses.T])
    eta = rate * np.sqrt(8 * np.log(max(len(total), 2)) / len(rows))
    weights: Floats = np.exp(-eta * (total - total.min()))
    return weights


def row_shares(bars: NDArray[np.int64]) -> Floats:
    """Return the share of each row in a mean over bars; the rows of one bar share its part."""
    import numpy as np

    _, bar, rows = np.unique(bars, return_inverse=True, return_counts=True)
    shares: Floats = 1.0 / (rows[bar] * len(rows))
    return shares


def squared_errors(history: quorate.EnsembleHistory) -> Floats:
    """Return the mean squared error of each member, the mean over bars."""
    errors: Floats = row_shares(history.bars) @ (history.predictions - history.labels[:, None]) ** 2
    return errors


def enough(history: quorate.EnsembleHistory, least: int) -> bool:
    """Return whether rows of `least` bars are known."""
    import numpy as np

    return len(np.unique(history.bars)) >= least


def weighted(predictions: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of each row, member by member: the same bits however many rows there are."""
    import numpy as np

    each = np.broadcast_to(weights, predictions.shape)
    total = np.zeros(len(predictions))
    for j in range(predictions.shape[1]):
        total = total + each[:, j] * predictions[:, j]
    return total
