"""What there is to fit, before it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """What there is to fit, before it is.

    Parameters
    ----------
    fits : mapping of str to int
        Fits per model, those that are kept included.
    cached : int
        How many of all are kept from before.
    seconds : float
        What the others are thought to take together.
    guessed : bool
        Whether no fit of some model is known that tells how long its fits take.
    executor : str
        What they will run on.
    workers : int
        How many at a time; 0: not known before a cluster is joined.
    """

    fits: Mapping[str, int]
    cached: int
    seconds: float
    guessed: bool
    executor: str
    workers: int
