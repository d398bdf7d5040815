"""Built-in ensemblers: from past out-of-fold rows to one weight per member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
    """Return weights proportional to exp(-eta * total loss), the exponentially weighted forecaster.

    Loss is the log loss of probabilities, otherwise the squared error over the labels' variance;
    eta = `rate` * sqrt(8 ln(members) / rows) is the rate of its regret bound (Freund and Schapire
    1997; Cesa-Bianchi and Lugosi 2006, theorem 2.2). Members that did alike get like weights, and
    one that was clearly worse fades out.
    """
    import numpy as np

    n, m = history.predictions.shape
    total = np.array([_loss(history.predictions[:, j], history.labels, history.binary) for j in range(m)])
    eta = rate * np.sqrt(8 * np.log(max(m, 2)) / n)
    weights: NDArray[np.float64] = np.exp(-eta * (total - total.min()))
    return weights


def _loss(prediction: NDArray[Any], label: NDArray[np.float64], binary: bool) -> float:
    import numpy as np

    if not binary:
        return float(np.sum((prediction - label) ** 2) / max(float(np.var(label)), 1e-300))
    p = np.clip(prediction, 1e-6, 1 - 1e-6)
    return float(-np.sum(label * np.log(p) + (1 - label) * np.log(1 - p)))
