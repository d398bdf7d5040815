"""Ensemblers that give one weight per member, learnt at the first bar of each fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate_plugins.ensemblers._base import enough, exponential, losses, row_shares, squared_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    import quorate

    Floats = NDArray[np.float64]


def mean(history: quorate.EnsembleHistory) -> Floats:
    """Return equal weights, which are hard to beat (Clemen 1989; Timmermann 2006)."""
    import numpy as np

    return np.ones(len(history.members))


def past_performance(history: quorate.EnsembleHistory, rate: float = 1.0) -> Floats:
    """Return weights proportional to exp(-eta * total loss): exponential weighting.

    Loss is the log loss of probabilities, otherwise the squared error over the labels' variance,
    averaged over the symbols of a bar; eta = `rate` * sqrt(8 ln(members) / bars), as in the
    exponentially weighted forecaster (Freund and Schapire 1997), whose bound holds for losses in 0..1
    only. Members that did alike get like weights, and one that was clearly worse fades out.

    Parameters
    ----------
    rate : float
        How fast weights move to the better members; 0 leaves them equal.
    """
    return exponential(losses(history), history.bars, rate)


def inverse_error(history: quorate.EnsembleHistory, power: float = 1.0) -> Floats:
    """Return weights inverse to the mean squared error, to the `power` (Bates and Granger 1969).

    These are the weights of least variance, if the members' errors were unbiased and independent.

    Parameters
    ----------
    power : float
        The higher, the more the better members weigh; 0 leaves them equal.
    """
    import numpy as np

    error = squared_errors(history)
    largest = float(error.max())
    # A member that never erred would take all weight and the others none; a millionth of the worst is small enough.
    return np.ones(len(error)) if largest == 0 else (largest / np.maximum(error, 1e-6 * largest)) ** power


def softmax(history: quorate.EnsembleHistory, temperature: float = 0.05) -> Floats:
    """Return weights proportional to exp(utility / `temperature`), the Boltzmann distribution.

    Utility is what trading on a member's sign paid per unit of risk: the mean over the root mean square of
    sign(score) * outcome, per bar, the mean of its symbols; in -1..1 and near the Sharpe ratio per bar. Score
    is 2p - 1 and outcome 2y - 1 for probabilities, otherwise prediction and label as they are.

    Parameters
    ----------
    temperature : float
        The lower, the more the better members weigh; positive.
    """
    import numpy as np

    score = 2 * history.predictions - 1 if history.binary else history.predictions
    outcome = 2 * history.labels - 1 if history.binary else history.labels
    bar = np.unique(history.bars, return_inverse=True)[1]
    paid = np.sign(score) * outcome[:, None]
    by_bar = np.column_stack([np.bincount(bar, column) / np.bincount(bar) for column in paid.T])
    risk = np.sqrt((by_bar**2).mean(axis=0))
    utility = np.divide(by_bar.mean(axis=0), risk, out=np.zeros(len(risk)), where=risk > 0)
    weights: Floats = np.exp((utility - utility.max()) / temperature)
    return weights


def greedy(history: quorate.EnsembleHistory, rounds: int = 50, bags: int = 0) -> Floats:
    """Return how often each member is picked (ensemble selection: Caruana et al. 2004).

    In each of `rounds` the member is added, with replacement, whose addition to the mean of those picked so far
    gives the least mean squared error; those that do equally well share the pick. With `bags`, this is done
    as often, each time among half of the members drawn at random, and counts are added up.

    Parameters
    ----------
    rounds : int
        Picks that are made.
    bags : int
        Times that it is done among half of the members; 0: once, among all.
    """
    import numpy as np

    share = row_shares(history.bars)[:, None]
    errors = history.predictions - history.labels[:, None]
    products = errors.T @ (share * errors)  # of a mean with weights w the squared error is w' products w
    n = len(products)
    if not bags:
        return _picked(products, rounds)
    counts = np.zeros(n)
    order = np.argsort(history.members)  # by name, so that a draw does not depend on the columns' order
    rng = np.random.default_rng(0)
    for _ in range(bags):
        chosen = order[rng.permutation(n)[: (n + 1) // 2]]
        counts[chosen] += _picked(products[np.ix_(chosen, chosen)], rounds)
    return counts


def _picked(products: Floats, rounds: int) -> Floats:
    import numpy as np

    counts = np.zeros(len(products))
    alone = np.diag(products)
    for k in range(max(rounds, 1)):
        together = products @ counts
        error = (counts @ together + 2 * together + alone) / (k + 1) ** 2
        best = np.flatnonzero(error <= error.min() + 1e-12 * float(alone.max()))
        counts[best] += 1 / len(best)
    return counts


def nnls(history: quorate.EnsembleHistory, least: int = 100) -> Floats:
    """Return the weights, none negative, summing to one, with the least past squared error.

    Stacking with non-negative least squares (Breiman 1996), equal weights before `least` bars. With a sum of one
    the error of the combination is the combination of the errors: least squares on them with a row of ones
    gives the solution but for its scale (Haskell and Hanson 1981). Members that say the same share their weight.

    Parameters
    ----------
    least : int, bars
        How many of history it takes to fit weights; equal ones until then.
    """
    import numpy as np
    from scipy.optimize import nnls as solve

    n = len(history.members)
    if not enough(history, least):
        return np.ones(n)
    errors = np.sqrt(row_shares(history.bars))[:, None] * (history.predictions - history.labels[:, None])
    errors = errors / max(float(np.sqrt((errors**2).sum(axis=0).max())), 1e-300)
    weights = solve(np.vstack([errors, np.ones(n)]), np.append(np.zeros(len(errors)), 1.0))[0]
    first: dict[bytes, int] = {}
    group = np.array([first.setdefault(column.tobytes(), j) for j, column in enumerate(history.predictions.T)])
    shared: Floats = np.bincount(group, weights)[group] / np.bincount(group)[group]
    return shared


def best_member(history: quorate.EnsembleHistory) -> Floats:
    """Return all weight for the member with the least past loss; those with equal loss share it.

    The control: an ensemble that is no better than this adds nothing to choosing. Loss as in `past_performance`.
    """
    import numpy as np

    total = row_shares(history.bars) @ losses(history)
    return np.asarray(total <= total.min() * (1 + 1e-12), dtype=np.float64)
