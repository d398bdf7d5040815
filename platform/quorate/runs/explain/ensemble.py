"""What the judged ensemble says of shuffled features: its members' answers, weighed as they were in the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from quorate.dataset.folds import Fold
from quorate.report.report import Report
from quorate.runs.explain.importance import Answers
from quorate.runs.explain.layout import shuffles_of
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

ROUNDING = 1e-9
WITHIN = "development"


def weights_of(walk: WalkForward, report: Report, ensemble: str, known: Floats) -> tuple[str, Floats | None]:
    """Return each member's weight in the judged ensemble by row, (n_rows, n_voting), or why there are none.

    Parameters
    ----------
    known : ndarray of float64, (n_rows, n_members)
        The run's own out-of-fold predictions: weighed, they must give what the ensemble predicted.
    """
    if f"{WITHIN}/votes.parquet" not in report.document["files"]:
        return "its weights are not stored", None
    frame, votes = report.predictions, report.votes
    frame, votes = frame[frame["part"] == WITHIN], votes[votes["part"] == WITHIN]
    rows = frame["row"].to_numpy()
    weights = np.full((len(known), len(walk.voting)), np.nan)
    weights[rows] = votes[[f"member/{member}" for member in walk.voting]].to_numpy(dtype=np.float64)
    if not np.isfinite(weights[rows]).all():
        return "its method gives no weights", None
    apart = weighed(known[rows][:, walk.voting_columns].T, weights[rows]) - frame[f"ensemble/{ensemble}"].to_numpy()
    if not (np.abs(apart) <= ROUNDING).all():
        return f"it is more than its weighted members (ensemble.calibration: {walk.recipe.ensemble.calibration})", None
    return "", weights


def weighed(predictions: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of members, (n_members, ..., n_rows), with weights (n_rows, n_members)."""
    total = np.zeros(predictions.shape[1:])
    for values, weight in zip(predictions, weights.T, strict=True):
        total += np.where(weight > 0, weight * values, 0.0)
    return total


def combined(
    walk: WalkForward, fold: Fold, answers: Mapping[str, Mapping[int, Answers]], known: Floats, weights: Floats
) -> Answers | None:
    """Return what the ensemble says on a fold; None, if a member with weight there has no answers."""
    names, plainly, shuffled = list(walk.members), [], []
    shape = (len(shuffles_of(fold).columns), *shuffles_of(fold).orders.shape)
    for j, member in enumerate(walk.voting):
        one = answers.get(member, {}).get(fold.index)
        if one is not None:
            plainly.append(one.predictions)
            shuffled.append(one.shuffled)
            continue
        if member in answers and (weights[fold.test, j] > 0).any():
            return None
        # It reads no features, so that shuffling them changes nothing; or it has no weight.
        plainly.append(known[fold.test, names.index(member)])
        shuffled.append(np.broadcast_to(plainly[-1], shape))
    votes = weights[fold.test]
    return Answers(walk.dataset.y[fold.test], weighed(np.array(plainly), votes), weighed(np.array(shuffled), votes))
