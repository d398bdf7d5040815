"""Which bars a fold predicts, and which may train it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from quorate.plugins.specs.base import Spec


@dataclass(frozen=True)
class SplitterSpec(Spec):
    """A splitter: ``function(sessions, start, **options)`` yields `Span`, one per fold.

    `sessions` are the dates of all bars that may be known, datetime64[D] (n_bars,); `start` is the
    position of the first bar that may be predicted: 0, or where the holdout begins. Spans follow one
    another without a gap up to the last bar. Which rows train is the platform's work: those from
    ``Span.train_from`` on whose label had ended before the span, and the recipe's ``folds.embargo``
    bars earlier still. The other keys of the recipe's ``[folds]`` table are the options.

    Parameters
    ----------
    combinatorial : bool
        The function, called as ``function(sessions, groups, tests)``, yields instead the borders of
        `groups` groups of bars, from the first bar to the last, for combinatorial purged
        cross-validation: every choice of `tests` groups is predicted by a fit on the others. Such a
        fit trains on later data, too, so a walk-forward refuses this splitter.
    """

    kind: ClassVar[str] = "splitter"

    combinatorial: bool = False


class Span(NamedTuple):
    """The bars that one fold predicts, and between which bars rows may train it.

    Parameters
    ----------
    first, stop : int
        Positions of the first predicted bar and of the bar after the last one.
    train_from : int
        Position of the earliest bar whose rows may train.
    train_stop : int, optional
        Position of the bar before which a training label must have ended; ``first``, if it is not given.
    """

    first: int
    stop: int
    train_from: int = 0
    train_stop: int | None = None
