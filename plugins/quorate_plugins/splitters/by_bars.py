"""Folds that are counted in bars, or in shares of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_TRAINING = 10  # bars; models need more, and say so themselves


def expanding(
    sessions: NDArray[np.datetime64], start: int, initial: int = 1000, test: int = 250
) -> Iterator[quorate.Span]:
    """Yield folds of `test` bars; the first trains on `initial` bars, the last may be shorter.

    Parameters
    ----------
    initial : int, bars
        How many the first fold trains on.
    test : int, bars
        How many a fold predicts.
    """
    first = first_bar(len(sessions), start, initial, "initial", test)
    for begin in range(first, len(sessions), test):
        yield quorate.Span(begin, min(begin + test, len(sessions)))


def rolling(sessions: NDArray[np.datetime64], start: int, train: int = 1000, test: int = 250) -> Iterator[quorate.Span]:
    """Yield folds of `test` bars, each with the `train` bars before it; the last may be shorter.

    Parameters
    ----------
    train : int, bars
        How many each fold trains on.
    test : int, bars
        How many a fold predicts.
    """
    first = first_bar(len(sessions), start, train, "train", test)
    for begin in range(first, len(sessions), test):
        yield quorate.Span(begin, min(begin + test, len(sessions)), max(begin - train, 0))


def chronological(
    sessions: NDArray[np.datetime64], start: int, train: float = 0.70, validation: float = 0.15, refit: bool = True
) -> Iterator[quorate.Span]:
    """Yield a validation part and a test part; of n bars they begin at n * train and n * (train + validation).

    Models fitted on the first part predict the validation part; what these predictions came to chooses the
    ensemble weights and the threshold of the test part. With `refit` models fitted on the first two parts
    predict the test part, without it those of the validation part do. The holdout is one more test part; n is
    then the number of bars before it.

    Parameters
    ----------
    train : float, share
        How much of the history trains first.
    validation : float, share
        How much of it is then predicted, to choose weights and threshold.
    refit : bool
        Fit again on both parts before the test part is predicted.
    """
    for name, share in (("train", train), ("validation", validation), ("train + validation", train + validation)):
        if not 0 < share < 1:
            raise quorate.RecipeError(f"folds.{name} must be a share of the bars, between 0 and 1; it was {share:g}")
    n = start or len(sessions)
    cut, test = int(n * train), int(n * (train + validation))
    if not LEAST_TRAINING <= cut < test < n:
        raise quorate.DataError(
            f"each of the three parts needs bars, the first at least {LEAST_TRAINING}; of the {n} bars before the "
            f"holdout they would get {cut}, {test - cut} and {n - test}: give more history, or change folds.train and "
            "folds.validation"
        )
    last = None if refit else cut
    if start:
        yield quorate.Span(start, len(sessions), 0, last)
        return
    yield quorate.Span(cut, test)
    yield quorate.Span(test, n, 0, last)


def auto(
    sessions: NDArray[np.datetime64], start: int, folds: int = 5, ratio: float = 0.8, least: int = 20
) -> Iterator[quorate.Span]:
    """Yield `folds` folds of equal length, at least `least` bars each, over what follows the first `ratio` of the bars.

    Every fold trains on all bars before it. The bars that do not divide evenly train the first fold. What was
    chosen is said in a `quorate.DataWarning`; the holdout is predicted in folds of the same length.

    Parameters
    ----------
    folds : int
        Folds of equal length.
    ratio : float, share
        How much of the history comes before the first fold.
    least : int, bars
        How many a fold must have at least.
    """
    for name, value in (("folds", folds), ("least", least)):
        if value < 1:
            raise quorate.RecipeError(f"folds.{name} must be at least 1; it was {value}")
    if not 0 < ratio < 1:
        raise quorate.RecipeError(f"folds.ratio must be a share of the bars, between 0 and 1; it was {ratio:g}")
    n = start or len(sessions)
    test = (n - int(n * ratio)) // folds
    initial = n - folds * test
    if test < least or initial < LEAST_TRAINING:
        needed = max(math.ceil(round(folds * least / (1 - ratio), 6)), math.ceil(LEAST_TRAINING / ratio))
        raise quorate.DataError(
            f"{folds} folds of at least {least} bars after the first {ratio:.0%} of the history need about {needed} "
            f"bars; before the holdout there are {n}: give more history, or lower folds.folds, folds.least or "
            "folds.ratio"
        )
    if not start:
        told = f"splitter 'auto' chose {folds} folds of {test} bars; the first trains on {initial} of {n} bars"
        warnings.warn(told, quorate.DataWarning, stacklevel=2)
    yield from expanding(sessions, start, initial, test)


def combinatorial(sessions: NDArray[np.datetime64], groups: int, tests: int) -> Iterator[quorate.Span]:
    """Yield `groups` groups whose lengths differ by a bar at most, however many of them are tested at a time.

    Parameters
    ----------
    groups : int
        Parts into which the bars are cut.
    tests : int
        Groups that are predicted at a time.
    """
    n = len(sessions)
    if n < groups:
        raise quorate.DataError(f"{groups} groups need at least as many bars; there are {n}: give more history")
    for first, stop in pairwise(n * k // groups for k in range(groups + 1)):
        yield quorate.Span(first, stop)


def first_bar(n_bars: int, start: int, train: int, option: str, test: int, since: str = "") -> int:
    """Return the first bar to predict, `start` or what follows the first fold's `train` bars.

    Parameters
    ----------
    option : str
        Which option `train` is.
    since : str
        From where on the bars are counted, for the message.

    Raises
    ------
    RecipeError, DataError
        If an option is too small, or nothing is left to predict.
    """
    for name, value, least in ((option, train, LEAST_TRAINING), ("test", test, 1)):
        if value < least:
            raise quorate.RecipeError(f"folds.{name} must be at least {least}; it was {value}")
    if not start and n_bars <= train:
        raise quorate.DataError(
            f"the first fold trains on {train} bars (folds.{option}) and must leave some to predict; {since}before the "
            f"holdout there are {n_bars}: give more history, or lower folds.{option} or the holdout"
        )
    return start or train
