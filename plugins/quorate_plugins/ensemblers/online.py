"""Ensemblers that learn at every bar: weights through time, each entry from the labels that had ended by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    import quorate

    Floats = NDArray[np.float64]


def hedge(history: quorate.EnsembleHistory, rate: float = 1.0) -> Floats:
    """Return exponential weights through time, (n_entries, n_members).

    After t bars at which labels ended, a member weighs exp(-eta * total loss), eta = `rate` * sqrt(8 ln(members)
    / t): Hedge (Freund and Schapire 1997) with the rate that needs no horizon (Cesa-Bianchi and Lugosi 2006,
    theorem 2.3). Loss is the squared error, averaged over the labels that ended at one bar; that of a
    probability is in 0..1, as the bound asks, that of an expectation is taken over the variance of the labels so far.

    Parameters
    ----------
    rate : float
        How fast weights move to the better members; 0 leaves them equal.
    """
    import numpy as np

    step, count = _steps(history)
    errors = (history.predictions - history.labels[:, None]) ** 2
    by_step = np.column_stack([np.bincount(step, column) / count for column in errors.T])
    total = by_step.cumsum(axis=0) * _inverse_variance(history, step, count)[:, None]
    eta = rate * np.sqrt(8 * np.log(max(len(history.members), 2)) / np.arange(1, len(count) + 1))
    weights: Floats = np.exp(-eta[:, None] * (total - total.min(axis=1, keepdims=True)))
    return weights


def exponentiated_gradient(history: quorate.EnsembleHistory, rate: float = 0.02) -> Floats:
    """Return weights through time, (n_entries, n_members), that follow the gradient of the ensemble's own error.

    From equal ones on, each member's weight is multiplied by exp(-`rate` * gradient) at every bar at which labels
    ended, and all are divided by their sum: exponentiated gradient (Kivinen and Warmuth 1997; Helmbold et al. 1998).
    The gradient is that of the combination's squared error by the member's weight, over the variance of the labels so
    far, or over 1/4, the most that labels of 0 and 1 have. Unlike `hedge` it values a member for what it adds to the
    others.

    Parameters
    ----------
    rate : float
        How far each step goes; 0 leaves the weights equal.
    """
    import numpy as np

    step, count = _steps(history)
    order = np.argsort(step, kind="stable")
    predictions, labels = history.predictions[order], history.labels[order]
    stops = np.cumsum(count)
    scale = 2 * rate * (4.0 if history.binary else 1.0) * _inverse_variance(history, step, count) / count
    n = len(history.members)
    logs, weights = np.zeros(n), np.full(n, 1 / n)
    path = np.empty((len(count), n))
    start = 0
    for i, stop in enumerate(stops.tolist()):
        seen = predictions[start:stop]
        logs -= scale[i] * ((seen @ weights - labels[start:stop]) @ seen)
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        path[i] = weights
        start = stop
    return path


def _steps(history: quorate.EnsembleHistory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the entry that each row belongs to, and the rows of each entry."""
    import numpy as np

    _, step, count = np.unique(history.ends, return_inverse=True, return_counts=True)
    return step, count


def _inverse_variance(history: quorate.EnsembleHistory, step: NDArray[np.int64], count: NDArray[np.int64]) -> Floats:
    """Return one over the variance of the labels so far, by entry; 0 where they do not vary yet, 1 for classes."""
    import numpy as np

    if history.binary:
        return np.ones(len(count))
    n = np.cumsum(count)
    # From the first label on, so that a mean far from zero costs no digits; it is known to every entry.
    labels = history.labels - history.labels[np.argmin(step)]
    first, second = (np.cumsum(np.bincount(step, values)) / n for values in (labels, labels**2))
    variance = second - first**2
    return np.divide(1.0, variance, out=np.zeros(len(n)), where=variance > 1e-12 * second)
