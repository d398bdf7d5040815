"""Walk-forward folds: which rows train and which are predicted, and the proof that none overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quorate.errors import DataError, IntegrityError

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One step of the walk-forward.

    Parameters
    ----------
    index : int
        Counted from 0 through development and holdout.
    first, stop : int
        Positions of the first test bar and of the bar after the last one.
    train, test : ndarray of int64
        Rows of the dataset, in time order.
    """

    index: int
    first: int
    stop: int
    train: Positions
    test: Positions


def walk_forward(bar: Positions, end: Positions, n_bars: int, test: int, first: int, index: int = 0) -> list[Fold]:
    """Return expanding folds that test bars `first` to ``n_bars - 1``, `test` at a time.

    A row trains a fold only if its label had ended before the fold's first test bar; so purging
    follows the labels' own end times, whatever the horizon. The last fold may be shorter.

    Parameters
    ----------
    bar, end : ndarray of int64, (n_rows,)
        Position of each row's bar and of its label's end.
    n_bars : int
        Bars on the time axis.
    test : int
        Bars that one fold predicts.
    first : int
        The first bar that is predicted; what lies before is for training.
    index : int
        Number of the first fold.
    """
    folds: list[Fold] = []
    for start in range(first, n_bars, test):
        stop = min(start + test, n_bars)
        train = np.flatnonzero(end < start).astype(np.int64)
        rows = np.flatnonzero((bar >= start) & (bar < stop)).astype(np.int64)
        if len(rows):
            folds.append(Fold(index + len(folds), start, stop, train, rows))
    return folds


def check_history(n_bars: int, initial: int, session_count: str) -> None:
    """Raise `DataError`, if there is nothing to predict after the first fold's training bars."""
    if n_bars <= initial:
        raise DataError(
            f"the first fold trains on {initial} bars (folds.initial) and must leave some to predict; before the "
            f"holdout there are {n_bars} ({session_count}): give more history, or lower folds.initial or the holdout"
        )


def check_training(
    folds: list[Fold], y: NDArray[np.float64], sessions: NDArray[np.datetime64], classification: bool
) -> None:
    """Raise `DataError`, if a fold has nothing to train on, or a classifier would see a single class."""
    for fold in folds:
        if len(fold.train) == 0:
            raise DataError(
                f"fold {fold.index} (from {sessions[fold.first]}) has no training row: every earlier row lacks a "
                "feature or its label: raise folds.initial or leave out features of long lookback"
            )
        classes = np.unique(y[fold.train])
        if classification and len(classes) == 1:
            raise DataError(
                f"fold {fold.index} (from {sessions[fold.first]}): all {len(fold.train)} training labels are "
                f"{classes[0]:g}; a classifier needs both classes: check the prices, or use more history"
            )


def audit_folds(folds: list[Fold], bar: Positions, end: Positions) -> None:
    """Check every fold anew, independently of how it was made.

    Raises
    ------
    IntegrityError
        If a training label reaches into a test span, or a row is predicted twice.
    """
    for fold in folds:
        if len(fold.train) and int(end[fold.train].max()) >= fold.first:
            raise IntegrityError(
                f"fold {fold.index}: a training label ends at or after the first test bar {fold.first}"
            )
        if int(bar[fold.test].min()) < fold.first or int(bar[fold.test].max()) >= fold.stop:
            raise IntegrityError(f"fold {fold.index}: a test row lies outside bars {fold.first}..{fold.stop - 1}")
    tested = np.concatenate([fold.test for fold in folds]) if folds else np.empty(0)
    if len(np.unique(tested)) != len(tested):
        raise IntegrityError("a row is predicted by two folds")
