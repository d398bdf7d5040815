"""Ensemblers that combine rows in a way of their own, learnt at the first bar of each fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import quorate
from quorate_plugins.ensemblers._base import TINY, enough, exponential, losses, row_shares, weighted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def median(history: quorate.EnsembleHistory) -> quorate.Combiner:
    """Return the median of the members: one that goes astray does not move it. It has no weights."""
    import numpy as np

    return quorate.Combiner(lambda rows: np.asarray(np.median(rows.predictions, axis=1)))


def rank_mean(history: quorate.EnsembleHistory) -> quorate.Combiner:
    """Return the mean rank of the members, on the scale of a prediction. It has no weights.

    A prediction's rank is the share of the member's past predictions below it, half of those that equal it. The
    mean of the members' ranks, from 0 to 1, is taken as a level, and the quantile of that level among the past
    means of the members is the prediction (rank averaging; Borda 1781). Only the order of what a member
    says counts, not its scale.
    """
    import numpy as np

    past = np.sort(history.predictions, axis=0)
    n = len(past)
    typical = np.sort(weighted(history.predictions, np.full(past.shape[1], 1 / past.shape[1])))
    levels = (np.arange(n) + 0.5) / n

    def combine(rows: quorate.EnsembleRows) -> Floats:
        total = np.zeros(len(rows.predictions))
        for seen, now in zip(past.T, rows.predictions.T, strict=True):
            total = total + (np.searchsorted(seen, now) + np.searchsorted(seen, now, side="right")) / (2 * n)
        return np.asarray(np.interp(total / past.shape[1], levels, typical), dtype=np.float64)

    return quorate.Combiner(combine)


def ridge_stack(
    history: quorate.EnsembleHistory, alpha: float = 0.1, least: int = 100
) -> quorate.Combiner | NDArray[np.float64]:
    """Return a ridge regression, with intercept, of what came true on what was predicted.

    Stacking (Wolpert 1992; Breiman 1996). Predictions are standardised by the history; `alpha` is the penalty
    per bar on their squared coefficients. Equal weights before `least` bars. For showing: each coefficient
    over the sum of their sizes.

    Parameters
    ----------
    alpha : float
        Penalty per bar on the squared coefficients; positive.
    least : int, bars
        How many of history it takes to be fitted; equal weights until then.
    """
    from sklearn.linear_model import Ridge

    if not enough(history, least):
        return _equal(history)
    share = row_shares(history.bars)
    centre, scale = _standard(history.predictions, share)
    model = Ridge(alpha=alpha).fit((history.predictions - centre) / scale, history.labels, sample_weight=share)
    return _linear(model.coef_, float(model.intercept_), centre, scale, history.binary, logistic=False)


def logistic_stack(
    history: quorate.EnsembleHistory, alpha: float = 0.1, least: int = 100
) -> quorate.Combiner | NDArray[np.float64]:
    """Return a logistic regression, with intercept, of the classes that came true on what was predicted.

    As `ridge_stack`, for labels of 0 and 1. Equal weights where only one class came true.

    Parameters
    ----------
    alpha : float
        Penalty per bar on the squared coefficients; positive.
    least : int, bars
        How many of history it takes to be fitted; equal weights until then.

    Raises
    ------
    PluginError
        If labels are numbers.
    """
    from sklearn.linear_model import LogisticRegression

    if not history.binary:
        raise quorate.PluginError(
            "ensembler 'logistic-stack' combines probabilities, for labels of 0 and 1; this label is a number: "
            'set ensemble.method = "ridge-stack"'
        )
    if not enough(history, least) or (history.labels == history.labels[0]).all():
        return _equal(history)
    share = row_shares(history.bars)
    centre, scale = _standard(history.predictions, share)
    # scikit-learn's C multiplies the losses: with shares that sum to one it is the inverse of a penalty per bar.
    model = LogisticRegression(C=1 / alpha, solver="newton-cholesky")
    model.fit((history.predictions - centre) / scale, history.labels, sample_weight=share)
    return _linear(model.coef_[0], float(model.intercept_[0]), centre, scale, True, logistic=True)


def regime(
    history: quorate.EnsembleHistory, rate: float = 1.0, least: int = 100
) -> quorate.Combiner | NDArray[np.float64]:
    """Return weights as of `past_performance`, one set for each tercile of the symbol's recent volatility.

    The borders are terciles of the history's volatilities. A tercile with fewer than `least` bars, and rows
    whose volatility is not known, get the weights that all rows give.

    Parameters
    ----------
    rate : float
        How fast weights move to the better members; 0 leaves them equal.
    least : int, bars
        How many a tercile needs for weights of its own.
    """
    import numpy as np

    loss = losses(history)
    overall = _shares(exponential(loss, history.bars, rate))
    known = np.isfinite(history.volatility)
    if not known.any():
        return overall
    borders = np.quantile(history.volatility[known], [1 / 3, 2 / 3])

    def tercile(volatility: Floats) -> NDArray[np.int64]:
        return np.where(np.isfinite(volatility), np.searchsorted(borders, volatility, side="right"), 3)

    of = tercile(history.volatility)
    table = np.tile(overall, (4, 1))
    for k in range(3):
        mine = of == k
        if len(np.unique(history.bars[mine])) >= max(least, 1):
            table[k] = _shares(exponential(loss[mine], history.bars[mine], rate))

    def weights(rows: quorate.EnsembleRows) -> Floats:
        chosen: Floats = table[tercile(rows.volatility)]
        return chosen

    return quorate.Combiner(lambda rows: weighted(rows.predictions, weights(rows)), weights)


def _equal(history: quorate.EnsembleHistory) -> Floats:
    import numpy as np

    return np.ones(len(history.members))


def _shares(weights: Floats) -> Floats:
    shares: Floats = weights / weights.sum()
    return shares


def _standard(predictions: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Return mean and deviation of each member, weighted by `share`; scale 1 where one does not vary."""
    import numpy as np

    centre = share @ predictions
    scale = np.sqrt(share @ (predictions - centre) ** 2)
    varies = scale > 1e-9 * np.abs(predictions).max(axis=0)
    return centre, np.where(varies, scale, 1.0)


def _linear(
    coefficients: Floats, intercept: float, centre: Floats, scale: Floats, binary: bool, logistic: bool
) -> quorate.Combiner:
    import numpy as np

    def combine(rows: quorate.EnsembleRows) -> Floats:
        values = intercept + weighted((rows.predictions - centre) / scale, coefficients)
        if logistic:
            from scipy.special import expit

            return np.asarray(expit(values))
        return np.clip(values, 0.0, 1.0) if binary else values

    size = float(np.abs(coefficients).sum())
    return quorate.Combiner(combine, coefficients / size if size > TINY else None)
