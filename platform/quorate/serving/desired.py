"""The weights that a fold desires, bar by bar: what is held, and which limit is waited for, goes on."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from quorate.bars.panel import Bars
from quorate.statistics import Floats
from quorate.trading.asking import strategy_arguments
from quorate.trading.orders import gone_after
from quorate.trading.portfolio import NUDGE, changes, share_of_capital
from quorate.trading.risk import Positions
from quorate.trading.strategy import Plan, Setting, strategy_weights

TRIED = 256  # rows of scores that a strategy is asked for alone
SEED = 89


@dataclass(frozen=True, eq=False)
class Held:
    """What is desired after some bars, and all that later weights depend on.

    Parameters
    ----------
    weights : ndarray of float64, (n_symbols,)
        Desired at the last bar.
    positions : Positions, optional
        Where limits are on.
    own : ndarray of float64, (n_symbols, 1)
        Of a portfolio: its weights before they are ordered anew.
    changed : int
        Of a portfolio: at how many bars they had changed.
    """

    weights: Floats
    positions: Positions | None
    own: Floats
    changed: int


class Desire:
    """Decides as a fold does, with the setting that it took.

    Parameters
    ----------
    plan : Plan
        How scores are traded; those that it has are what a strategy is tried on.
    setting : Setting
        Threshold, options and limits.
    bars : Bars
        Of these scores.
    fill : {"open", "close"}
        At which price of the next bar.

    Attributes
    ----------
    by_itself : bool
        Each bar is decided by its own scores, so that no other is asked for again.
    """

    def __init__(self, plan: Plan, setting: Setting, bars: Bars, fill: str) -> None:
        self._plan, self._setting, self._fill = plan, setting, fill
        self.by_itself = self._alone(bars)

    def begin(self, bars: Bars, score: Floats) -> Held:
        """Return what is desired after these bars, whose scores are given, (n_bars, n_symbols)."""
        nothing = np.zeros((len(bars.symbols), 1))
        positions = Positions(nothing.shape, [self._setting.risk]) if self._setting.risk.active else None
        return self.go_on(Held(nothing[:, 0], positions, nothing, 0), bars, score, len(bars))

    def go_on(self, held: Held, bars: Bars, score: Floats, last: int) -> Held:
        """Return what is desired after the `last` of these bars, going on from what it was before them."""
        if not last:
            return held
        first = len(bars) - last
        weights = self._own(bars, score, first)[:, :, None]
        positions = deepcopy(held.positions)
        if positions is not None:
            weights = positions.limited(weights, bars, self._fill)  # type: ignore[arg-type]
        if self._plan.strategy.portfolio:
            own = weights * bars.member[first:, :, None]
            changed = held.changed + int(changes(own, held.own)[-1, 0, 0])
            return Held(own[-1, :, 0] * (1 + NUDGE * (changed % 2)), positions, own[-1], changed)
        gone = gone_after(bars)
        part = slice(max(len(bars) - gone, 0), None)
        share = share_of_capital(np.isfinite(score[part]), gone, bars.member[part])[-1]
        return Held(weights[-1, :, 0] * share, positions, held.own, 0)

    def _own(self, bars: Bars, score: Floats, first: int) -> Floats:
        """Return the strategy's own weights from bar `first` on."""
        if self.by_itself:
            plan = replace(self._plan, score=_read_only(score[first:]))
            return strategy_weights(plan, self._setting, bars.take(first, len(bars)))
        return strategy_weights(replace(self._plan, score=_read_only(score)), self._setting, bars)[first:]

    def _alone(self, bars: Bars) -> bool:
        """Say whether a strategy reads scores alone, and of these those of the bar alone: it is tried on many."""
        plan, setting = self._plan, self._setting
        told = strategy_arguments(plan.strategy, bars, plan.facts)
        if not all(isinstance(value, bool | int | float) for value in told.values()):
            return False
        score = _probes(plan.score, setting.threshold)
        part = bars.take(0, len(score))
        whole = strategy_weights(replace(plan, score=score), setting, part)
        for row in range(len(score)):
            one = strategy_weights(
                replace(plan, score=_read_only(score[row : row + 1])), setting, bars.take(row, row + 1)
            )
            if one.tobytes() != whole[row : row + 1].tobytes():
                return False
        return True


def _probes(score: Floats, threshold: float) -> Floats:
    """Return scores to try a strategy on: the last ones, some about the threshold, and some that are not known."""
    rng = np.random.default_rng(SEED)
    known = score[np.isfinite(score).any(axis=1)][-TRIED // 2 :]
    count = min(TRIED, len(score)) - len(known)
    size = max(abs(threshold), float(np.nanstd(known)) if known.size else 0.0, 1e-6)
    made = rng.uniform(-1.5, 1.5, size=(count, score.shape[1])) * size
    made[rng.uniform(size=made.shape) < 0.1] = np.nan
    return _read_only(np.concatenate([known, made]))


def _read_only(values: Floats) -> Floats:
    found = values.view()
    found.flags.writeable = False
    return found
