"""How the trades of a run ended, as far as its bars and its recipe tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.report.report import Report

if TYPE_CHECKING:
    from quorate.bars.panel import Bars

LIMITS = ("stop", "trailing", "atr", "max_bars")  # of `quorate.trading.risk.Risk`, that end a position


@dataclass(frozen=True, eq=False)
class Endings:
    """What ended the trades of one part.

    Parameters
    ----------
    bars : Bars
        Those of the run.
    folds : sequence of pairs of datetime64[D]
        First and last session of each fold of the part: with the next fold another threshold may be used.
    strategy : mapping
        The recipe's table.
    fill : {"open", "close"}
        What orders are filled at.
    """

    bars: Bars
    folds: list[tuple[np.datetime64, np.datetime64]]
    strategy: Mapping[str, Any]
    fill: Any

    @classmethod
    def of(cls, report: Report, part: str, bars: Bars) -> Endings:
        """Return those of a part of a run."""
        recipe = report.provenance["recipe"]
        days = [(fold["test_first"], fold["test_last"]) for fold in report.results[part]["folds"]]
        folds = [(np.datetime64(first, "D"), np.datetime64(last, "D")) for first, last in days]
        return cls(bars, folds, recipe["strategy"], recipe["backtest"]["fill"])

    def place(self, time: dt.datetime) -> int:
        """Return the position of a bar by its stamp."""
        return int(np.searchsorted(self.bars.times, np.datetime64(time.replace(tzinfo=None), "us")))

    def ended(self, symbol: str, side: str, entered: dt.datetime, exited: dt.datetime, turned: bool) -> str | None:
        """Return what ended a trade that was closed.

        ``delisted``, if its symbol was paid out; ``stop``, ``trailing``, ``atr`` or ``time``, if it had reached that
        limit when it was decided to leave, whatever the strategy wanted then; else ``signal``. None where limits are
        on, and it was entered or left as another fold began, whose setting may have entered at another bar.
        """
        column, entry, leave = self.bars.symbols.index(symbol), self.place(entered), self.place(exited)
        present = np.flatnonzero(self.bars.present[: leave + 1, column])
        if present[-1] != leave:
            return "delisted"
        risk, grid = self.strategy.get("risk", {}), self.strategy.get("grid", {})
        picked = any(f"risk.{name}" in grid for name in LIMITS)
        if turned or not (picked or any(risk.get(name) for name in LIMITS)):
            return "signal"
        held, before = present[(present >= entry) & (present < leave)], present[present < entry]
        if picked or not len(before) or not self._one_fold(before[-1], held[-1]):
            return None
        return self._limit(risk, column, 1.0 if side == "long" else -1.0, int(before[-1]), held)

    def _one_fold(self, first: int, last: int) -> bool:
        """Whether a position was decided within a fold, after its first session, and ended within it."""
        entered, left = self.bars.sessions[first], self.bars.sessions[last]
        return any(begin < entered <= left <= end for begin, end in self.folds)

    def _limit(self, risk: Mapping[str, Any], column: int, side: float, decided: int, held: NDArray[np.int64]) -> str:
        from quorate.trading.risk import ROUNDING, average_true_range

        closes = self.bars.close[held, column]
        entry, close, best = self.bars.fill(self.fill)[held[0], column], closes[-1], side * (side * closes).max()
        levels = {}
        if risk.get("stop"):
            levels["stop"] = entry * (1 - side * risk["stop"])
        if risk.get("trailing"):
            levels["trailing"] = best * (1 - side * risk["trailing"])
        if risk.get("atr"):
            reach = risk["atr"] * average_true_range(self.bars, risk["atr_window"])[decided, column]
            levels["atr"] = entry - side * reach
        for name, level in levels.items():
            if side * close <= side * level + ROUNDING * close:
                return name
        return "time" if risk.get("max_bars") and len(held) >= risk["max_bars"] else "signal"
