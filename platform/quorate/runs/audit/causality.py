"""Whether anything that is computed changes when the future is cut off, or is another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quorate.bars.panel import Bars
from quorate.errors import DataError, IntegrityError
from quorate.statistics import Floats
from quorate.walkforward.causality import audit_other, audit_rows
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting
from quorate.walkforward.rows import audit_steps, rows_of
from quorate.walkforward.series import decide_judged

DRIFT = 1e-3  # of a feature's standard deviation


def check_features(walk: WalkForward, cuts: int, seed: int) -> int:
    """Build features and labels again without, and with another, future after random bars; return values compared.

    Raises
    ------
    IntegrityError
        Naming the feature or label, the bar, and both values.
    """
    first, n = walk.folds[0].first, len(walk.bars)
    rng = np.random.default_rng([seed, 11])
    at = sorted({int(k) for k in rng.integers(first + 1, n, size=cuts)} | {n - 1})
    rows = rows_of(walk.recipe, walk.registry, walk.bars)
    audit_rows(walk.bars, walk.dataset, rows.columns, rows.labels, first, at)
    audit_steps(walk.recipe, walk.registry, walk.bars, walk.dataset, first, at)
    for known in at:
        audit_other(walk.bars, walk.dataset, rows.columns, known)
    return 2 * len(at) * len(walk.dataset.feature_names)


def check_inputs(walk: WalkForward, other: Bars) -> int:
    """Compute the features of another market, and compare them with this one's; return how many there are.

    A feature that is the same there comes from somewhere else than the bars, and no cut or scramble of them can
    show when it was known.

    Raises
    ------
    IntegrityError
        Naming such a feature.
    """
    here, there = walk.dataset, rows_of(walk.recipe, walk.registry, walk.bars).build(other)
    rows = min(len(here), len(there))
    same = (here.X[len(here) - rows :] == there.X[len(there) - rows :]).all(axis=0) & (here.X.std(axis=0) > 0)
    if same.any():
        raise IntegrityError(
            f"feature {here.feature_names[int(same.argmax())]!r} does not come from the bars: it is the same on a "
            "market of other bars, so nothing can show that it was known when it is used"
        )
    return len(here.feature_names)


def check_signals(walk: WalkForward, predictions: Floats, cuts: int, seed: int) -> int:
    """Combine, choose thresholds and decide again without the future; return the weights compared.

    What each row was predicted is given; the folds are those that can be laid over the bars so far.

    Raises
    ------
    IntegrityError
        If what was desired before a bar depends on what came after it.
    """
    first, n = walk.folds[0].first, len(walk.bars)
    rng = np.random.default_rng([seed, 13])
    whole, compared = decide_judged(walk, predictions).decisions.targets, 0
    for known in sorted({int(k) for k in rng.integers(first + 2, n, size=cuts)}):
        part = _until(walk, known)
        again = decide_judged(part, predictions[: len(part.dataset)]).decisions.targets
        wrong = ~np.isclose(again[:known], whole[:known], rtol=1e-9, atol=1e-12)
        if wrong.any():
            bar, column = (int(i) for i in np.argwhere(wrong)[0])
            raise IntegrityError(
                f"ensemble, threshold or strategy look ahead: for {walk.bars.symbols[column]} on "
                f"{walk.bars.sessions[bar]} the desired weight is {whole[bar, column]:g}, but {again[bar, column]:g} "
                f"when what came after {walk.bars.sessions[known - 1]} is not known"
            )
        compared += known - first
    return compared


def _until(walk: WalkForward, known: int) -> WalkForward:
    """Return the walk-forward of the first bars; folds that go on after them are cut short."""
    bars = walk.bars.until(known)
    build = rows_of(walk.recipe, walk.registry, walk.bars).build
    dataset = build(bars)
    folds = [
        replace(fold, stop=min(fold.stop, known), test=fold.test[fold.test < len(dataset)])
        for fold in walk.folds
        if fold.first < known
    ]
    folds = [fold for fold in folds if len(fold.test)]
    return replace(walk, bars=bars, dataset=dataset, folds=folds, trading=walk.trading.take(0, known))


def check_fits(walk: WalkForward, predictions: Floats, fitting: Fitting) -> int:
    """Fit every member of the last fold again, with fewer rows to predict and other labels there; return the fits.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        What the members predicted out of fold.

    Raises
    ------
    IntegrityError
        If a prediction depends on the rows beside it, or on labels that were not known.
    """
    fold, dataset = walk.folds[-1], walk.dataset
    bar = dataset.bar[fold.test]
    fewer = replace(fold, test=fold.test[bar <= bar[max(len(bar) // 2, 1) - 1]])  # all symbols at a bar, or none
    unknown = np.flatnonzero(dataset.learnt_end >= fold.first)
    other = replace(walk, dataset=dataset.relabelled(unknown, unknown[::-1]))
    fits = fitting.run(other, [fewer])
    for fit, whole in zip(fits, predictions[fewer.test].T, strict=True):
        apart = whole != fit.predictions
        if apart.any() and not fit.error and np.isfinite(whole).all():  # a failure is no leak, and a run says so
            row = int(fewer.test[int(apart.argmax())])
            session = walk.bars.sessions[dataset.bar[row]]
            raise IntegrityError(
                f"model {fit.model!r} looks ahead: what it predicts on {session} changes when the rows after it, "
                "and the labels that end after its training, are others"
            )
    return len(fits)


def feature_drift(walk: WalkForward) -> dict[str, float]:
    """Return how much each feature changes when the history before it is shorter, in its standard deviations.

    The last tenth of the bars is computed again from one half and from a quarter of the history.
    """
    bars = walk.bars
    tail = max(len(bars) // 10, 1)
    worst = dict.fromkeys(walk.dataset.feature_names, 0.0)
    build = rows_of(walk.recipe, walk.registry, walk.bars).build
    deviation = walk.dataset.X.std(axis=0)
    for start in (len(bars) // 2, len(bars) * 3 // 4):
        late = bars.take(start, len(bars))
        try:
            part = build(late)
        except DataError:  # too few bars for the longest lookback
            continue
        now = walk.dataset.X[walk.dataset.bar >= len(bars) - tail]
        then = part.X[part.bar >= len(late) - tail]
        rows = min(len(now), len(then))
        apart = np.abs(now[len(now) - rows :] - then[len(then) - rows :]).max(axis=0, initial=0.0)
        for name, value in zip(worst, apart / np.maximum(deviation, 1e-12), strict=True):
            worst[name] = max(worst[name], float(value))
    return {name: value for name, value in worst.items() if value > DRIFT}
