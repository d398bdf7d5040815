"""A run's fold that goes on: its models, weights and threshold forecast bar by bar, as they did in the backtest.

What a fold decides at a bar follows from the bars up to it. So the same steps are taken that a walk-forward takes,
for the rows of the new bars alone: their features, the fold's models, its weights, its threshold, and the strategy,
which goes on. Of bars that the run has judged, every number is the run's, bit for bit; see `quorate.serving.replay`.
Of later ones it is what the run would have said, had its last fold been longer.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from quorate.bars.panel import Bars
from quorate.errors import DataError, FitError
from quorate.execution.progress import Progress
from quorate.plugins.guard import Overdue, stopped_after
from quorate.runs.loaded import load_report
from quorate.runs.models import RunModels, models_of
from quorate.runs.stored import reopen
from quorate.serving.history import joined
from quorate.serving.steps import Standing, Steps

if TYPE_CHECKING:
    from quorate.runs.registering import Version

KEPT = 4  # of the last bars, after which what follows need not be computed from the fold's first bar on


@dataclass(frozen=True)
class Forecast:
    """What is forecast, and wanted, at the close of a bar.

    Parameters
    ----------
    time : str
        The close, UTC; nothing later was read.
    fold : int
        Whose models, weights and threshold.
    threshold : float
        The score that is traded from on.
    symbols : list of dict
        Of each symbol: ``symbol``, ``weight`` (wanted from the next bar on), ``forecast``, ``score``, ``members`` and
        ``quantiles`` by name; or no forecast, and the ``reason``.
    """

    time: str
    fold: int
    threshold: float
    symbols: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class Forecaster:
    """A fold of a run, which goes on for as long as it is given bars. Several threads may ask at a time.

    Parameters
    ----------
    models : RunModels
        The run's. Symbols that it holds out are not forecast.
    fold : int, optional
        Default: the last one.

    Raises
    ------
    FitError
        If a model failed in the run, and its recipe stops at failures.
    """

    def __init__(self, models: RunModels, fold: int | None = None) -> None:
        self._steps = Steps(models, fold)
        self._lock = threading.Lock()
        self._known = self._steps.bars
        self._standings = [self._steps.standing]
        self._seen = 0  # bars that were given so far

    @classmethod
    def of_version(cls, version: Version, progress: Progress | None = None) -> Forecaster:
        """Return the last fold of a registered version.

        Raises
        ------
        StoreError, IntegrityError
            If what it is made of is gone, or is not what was registered.
        """
        report = load_report(version.standing.run, home=version.path)
        session, bars = reopen(report, progress or Progress(), changes="not as when it was registered")
        return cls(models_of(report, session, bars))

    @property
    def known(self) -> Bars:
        """All bars that are known so far: at first those of the run, up to the fold's end."""
        return self._known

    @property
    def on_all_bars(self) -> tuple[str, ...]:
        """What is computed on all bars for each new one, as fewer may change its bits: features, and other steps."""
        return self._steps.on_all_bars

    def at(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of these bars, which follow those of an earlier call, or are the same.

        They are what is known from now on.

        Raises
        ------
        DataError
            If they end before the fold or those of the call before, do not begin with the run's bars, or a later bar
            is none: symbol, time and field are named.
        FitError
            If a model fails.
        """
        known, standings = self._now()
        whole, same = joined(known, bars, self._steps.first + 1)
        return self._forecast(whole, self._keep(whole, standings, same, len(bars)), whole, len(whole))

    def know(self, bars: Bars) -> None:
        """Have these bars known from now on: those that are, and more; later ones may have been revised.

        Raises
        ------
        DataError
            As `at`.
        """
        known, standings = self._now()
        whole, same = joined(known, bars, self._steps.first + 1)
        if len(whole) < len(known):
            raise DataError(f"bars must go on: {len(known):,} are known; now there are {len(whole):,}")
        self._keep(whole, standings, same, self._seen)

    def following(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of a few bars.

        From their first close on they take the place of what is known, or go on after it. Nothing is kept of them.

        Raises
        ------
        DataError, FitError
            As `at`.
        """
        known, standings = self._now()
        whole, same = joined(known, bars, self._steps.first + 1)
        return self._forecast(known, standings, whole, same)

    def _now(self) -> tuple[Bars, list[Standing]]:
        with self._lock:
            return self._known, self._standings

    def _keep(self, bars: Bars, standings: list[Standing], same: int, seen: int) -> list[Standing]:
        """Have bars known of which the first ones are as they were; return where it stood after some of those."""
        with self._lock:
            if seen < self._seen:
                raise DataError(f"bars must go on: {self._seen:,} were given before; now there are {seen:,}")
            self._known, self._seen = bars, seen
            self._standings = [one for one in standings if one.bars <= same]
            return self._standings

    def _forecast(self, known: Bars, standings: list[Standing], bars: Bars, same: int) -> Forecast:
        """Return the forecast at the last of some bars, of which the first are known: from there on it is computed."""
        try:
            with stopped_after(self._steps.seconds):
                before = max((one for one in standings if one.bars <= same), key=lambda one: one.bars)
                if before.bars < same:
                    before = self._steps.go_on(before, bars.take(0, same) if same < len(bars) else bars)
                    self._note(known, before)
                now = before if before.bars == len(bars) else self._steps.go_on(before, bars)
                return Forecast(*self._steps.told(now, bars))
        except Overdue:
            raise FitError(f"there was no forecast within {self._steps.seconds:g} s (execution.fit_seconds)") from None

    def _note(self, known: Bars, standing: Standing) -> None:
        """Keep where things stand after some of the known bars, beside the fold's first and the last ones."""
        with self._lock:
            if known is self._known and all(one.bars != standing.bars for one in self._standings):
                first, *later = self._standings
                self._standings = [first, *later[1 - KEPT :], standing]
