"""Walk-forward folds: which rows train and which are predicted, and the proof that none overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quorate.errors import DataError, IntegrityError, PluginError
from quorate.specs import Span

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


def walk_forward(bar: Positions, end: Positions, spans: Sequence[Span], index: int = 0) -> list[Fold]:
    """Return a fold for every span that has a row to predict.

    A row trains a fold only if its label had ended before the fold's first test bar; so purging
    follows the labels' own end times, whatever the horizon and the splitter.

    Parameters
    ----------
    bar, end : ndarray of int64, (n_rows,)
        Position of each row's bar and of its label's end.
    spans : sequence of Span
        The bars of each fold.
    index : int
        Number of the first fold.
    """
    folds: list[Fold] = []
    for span in spans:
        train = np.flatnonzero((end < span.first) & (bar >= span.train_from)).astype(np.int64)
        rows = np.flatnonzero((bar >= span.first) & (bar < span.stop)).astype(np.int64)
        if len(rows):
            folds.append(Fold(index + len(folds), span.first, span.stop, train, rows))
    return folds


def check_spans(spans: Sequence[Span], n_bars: int, start: int, splitter: str) -> None:
    """Raise `PluginError`, unless the spans follow one another to the last bar.

    The first begins at `start`, or anywhere, if that is 0.
    """
    told = f"splitter {splitter!r}, {n_bars} bars from bar {start} on:"
    if not spans:
        raise PluginError(f"{told} it must yield at least one Span; it yielded none")
    stop = start
    for k, span in enumerate(spans):
        if (span.first != stop and (k or start)) or not span.first < span.stop:
            raise PluginError(
                f"{told} span {k} must begin where the one before stopped, bar {stop}, and end after that; "
                f"it is {span.first}..{span.stop}"
            )
        if not 0 <= span.train_from < span.first:
            raise PluginError(
                f"{told} span {k} must train before it predicts, 0 <= train_from < {span.first}; "
                f"train_from is {span.train_from}"
            )
        stop = span.stop
    if stop != n_bars:
        raise PluginError(f"{told} the last span must stop at {n_bars}, after the last bar; it stops at {stop}")


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
