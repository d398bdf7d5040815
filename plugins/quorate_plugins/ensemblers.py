"""Built-in ensemblers: from past out-of-fold rows to one weight per member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@quorate.hookimpl
def quorate_ensemblers() -> Iterator[quorate.EnsemblerSpec]:
    """Yield the built-in ensemblers."""
    here = "quorate_plugins.ensemblers"
    yield quorate.EnsemblerSpec("mean", f"{here}:mean", description="equal weights")
    yield quorate.EnsemblerSpec(
        "past-performance", f"{here}:past_performance", description="more weight to members that lost less so far"
    )


def mean(history: quorate.EnsembleHistory) -> NDArray[np.float64]:
    """Return equal weights."""
    import numpy as np

    return np.ones(len(history.members))


def past_performance(history: quorate.EnsembleHistory, rate: float = 1.0) -> NDArray[np.float64]:
    """Return weights proportional to exp(-eta * total loss): exponential weighting.

    Loss is the log loss of probabilities, otherwise the squared error over the labels' variance,
    averaged over the symbols of a bar; eta = `rate` * sqrt(8 ln(members) / bars), as in the
    exponentially weighted forecaster (Freund and Schapire 1997), whose bound holds for losses in 0..1
    only. Members that did alike get like weights, and one that was clearly worse fades out.
    """
    import numpy as np

    losses = _losses(history)
    bar = np.unique(history.bars, return_inverse=True)[1]
    rows = np.bincount(bar)
    total = np.array([np.sum(np.bincount(bar, weights=loss) / rows) for loss in losses.T])
    eta = rate * np.sqrt(8 * np.log(max(len(total), 2)) / len(rows))
    weights: NDArray[np.float64] = np.exp(-eta * (total - total.min()))
    return weights


def _losses(history: quorate.EnsembleHistory) -> NDArray[np.float64]:
    """Return the loss of each row and member, (n_rows, n_members)."""
    import numpy as np

    label = history.labels[:, None]
    if not history.binary:
        return (history.predictions - label) ** 2 / max(float(np.var(history.labels)), 1e-300)
    p = np.clip(history.predictions, 1e-6, 1 - 1e-6)
    loss: NDArray[np.float64] = -(label * np.log(p) + (1 - label) * np.log(1 - p))
    return loss
