"""Bars of another frequency beside a panel: what of them is known at each of its closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.bars.resample import at_frequency
from quorate.plugins.specs import FeatureSpec


class Join:
    """What is known, at each bar of a panel, of bars of another frequency: those that are over by then.

    Parameters
    ----------
    bars : Bars
        The panel.
    frequency : str
        Of the bars beside it; ``source`` for those that the panel was made of.

    Attributes
    ----------
    bars : Bars
        Of that frequency.
    age, tenure : ndarray of int64, (n_bars, n_symbols)
        How many of them a symbol has had by each bar of the panel, and had since it entered the universe by its last.
    """

    def __init__(self, bars: Bars, frequency: str) -> None:
        self.bars, over = at_frequency(bars, frequency)
        present = self.bars.present
        so_far = np.where(present, np.arange(len(present))[:, None], -1)
        self._last = _at(np.maximum.accumulate(so_far, axis=0), over, -1)
        self.age = _at(np.cumsum(present, axis=0), over, 0)
        self.tenure = np.take_along_axis(tenure(self.bars), np.maximum(self._last, 0), axis=0)
        self.tenure[self._last < 0] = 0

    def joined(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values of the bars beside the panel as they are known at its bars: that of the last one, else NaN.

        Parameters
        ----------
        values : ndarray of float32, (n_bars_beside, n_symbols)
            NaN where a symbol has no bar.

        Returns
        -------
        ndarray of float32, (n_bars, n_symbols)
        """
        found = np.take_along_axis(values, np.maximum(self._last, 0), axis=0)
        found[self._last < 0] = np.nan
        return found


def tenure(bars: Bars) -> NDArray[np.int64]:
    """Return how many bars each symbol has had since it entered the universe, its own included, (n_bars, n_symbols)."""
    age = np.cumsum(bars.present & bars.member, axis=0)
    return age - np.maximum.accumulate(np.where(bars.member, 0, age), axis=0)


def too_few(features: Sequence[FeatureSpec], joins: Mapping[str, Join], oldest: int, history: int) -> str:
    """Return what is said where no row has all its features, of the one that lacks most.

    Parameters
    ----------
    joins : mapping of str to Join
        By the frequencies of features that have one of their own.
    oldest : int
        The most bars that a symbol has.
    history : int
        How many bars features without, and models, need.
    """
    for spec in sorted((one for one in features if one.frequency), key=lambda one: -one.lookback):
        most = int(joins[spec.frequency].age.max())
        if most < spec.lookback:
            return (
                f"no row has all its features: feature {spec.name!r} looks back {spec.lookback} bars of "
                f"{spec.frequency}, and no symbol has as many; the longest has {most}. Leave it out with "
                "features.exclude"
            )
    furthest = max(features, key=lambda one: 0 if one.frequency else one.lookback).name
    return (
        f"no row has all its features: the longest lookback is {history} bars (of feature {furthest!r}, and of "
        "models that read several bars) and no symbol has as many; "
        f"the longest has {oldest}. Leave out features of long lookback with features.exclude"
    )


def bars_needed(spec: FeatureSpec, bars: Bars) -> int:
    """Return how many bars a symbol must have had before this feature is known; at most as many as there are."""
    if not spec.frequency:
        return spec.lookback
    known = bars.present & (Join(bars, spec.frequency).age >= spec.lookback)
    age = np.cumsum(bars.present, axis=0)
    first = np.where(known.any(axis=0), np.take_along_axis(age, known.argmax(axis=0)[None, :], axis=0)[0], age[-1])
    return int(first.max())


def _at(counted: NDArray[np.int64], over: NDArray[np.int64], none: int) -> NDArray[np.int64]:
    """Return what was counted by the last bar that is over at each bar of a panel."""
    found = counted[np.maximum(over - 1, 0)]
    found[over == 0] = none
    return found
