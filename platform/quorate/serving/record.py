"""The forward record: what versions forecast, appended before it came, so that nobody can say it afterwards.

An entry is a line of a chain (`quorate.evidence.ledger.forward`), and is on the disk when `ForwardRecord.commit`
returns. Callers that come at the same time share one write and one fsync. A process that is killed loses none that was
acknowledged; what it had begun to write is cut off by the next one.
"""

from __future__ import annotations

import datetime as dt
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quorate.bars.calendar import Calendar
from quorate.bars.holidays import closed_weekdays
from quorate.errors import RecipeError, StoreError
from quorate.evidence.ledger.chain import Entry
from quorate.evidence.ledger.forward import record_of
from quorate.recipe.canonical import canonical
from quorate.runs.loaded import load_report
from quorate.store import Home

if TYPE_CHECKING:
    from quorate.runs.predict import Prediction
    from quorate.runs.registering import Version
    from quorate.serving.forecaster import Forecast

GRACE = 0.05  # of a bar, within which a forecast is in time where the next bar opens as this one closes
WEEK = 7  # days in which a market has a session, but for the longest holidays
TOLD = ("symbol", "weight", "forecast", "score", "quantiles", "reason")  # of each symbol, what is recorded


def utc_now() -> dt.datetime:
    """Return the time, UTC."""
    return dt.datetime.now(dt.UTC)


class ForwardRecord:
    """The forward record of a home.

    Parameters
    ----------
    home : Home or path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.
    warn : callable
        Is told that the end of a line was cut off.
    """

    def __init__(self, home: Home | str | Path | None = None, warn: Callable[[str], object] = warnings.warn) -> None:
        self._lines = record_of(home if isinstance(home, Home) else Home(home), warn)
        self._gate = threading.Lock()
        self._waiting: list[_Commit] = []
        self._led = False  # whether somebody writes, or is about to

    @property
    def path(self) -> Path:
        """Where the record lies."""
        return self._lines.path

    def commit(self, entry: Mapping[str, Any]) -> Entry:
        """Append an entry, and return it as it was sealed once it is on the disk; any number of threads may call.

        It gets ``recorded_at``, and ``late``: whether that is after ``due``.

        Raises
        ------
        ValueError
            If a number in it is not finite, or it is no plain data; nothing is written.
        StoreError
            If it cannot be written, or another process holds the record too long.
        IntegrityError
            If the last line was changed.
        """
        canonical(dict(entry))  # what cannot be written must not spoil those that are written with it
        own = _Commit(entry)
        with self._gate:
            self._waiting.append(own)
            if not self._led:
                self._led = True
                own.turn.set()
        own.turn.wait()
        if own.sealed is None and own.error is None:
            self._lead()
        if own.error is not None:
            raise own.error
        assert own.sealed is not None
        return own.sealed

    def entries(self, name: str | None = None, version: int | None = None) -> list[Entry]:
        """Return the entries, or those of an ensemble, or of one of its versions, oldest first.

        Raises
        ------
        IntegrityError
            If a line was changed.
        """
        return [
            one
            for one in self._lines.entries()
            if (name is None or one.get("name") == name) and (version is None or one.get("version") == version)
        ]

    def _lead(self) -> None:
        """Write for all that wait, wake them, and have the first of those that came meanwhile write next."""
        with self._gate:
            group, self._waiting = self._waiting, []
        try:
            self._write(group)
        finally:
            with self._gate:
                self._led = bool(self._waiting)
                woken = [*self._waiting[:1], *group]
            for one in woken:
                one.turn.set()

    def _write(self, group: list[_Commit]) -> None:
        try:
            with self._lines.writing() as write:
                now = utc_now()
                for one, sealed in zip(group, write([_stamped(one.entry, now) for one in group]), strict=True):
                    one.sealed = sealed
        except BaseException as e:
            for one in group:
                one.error = e if isinstance(e, Exception) else StoreError("the forward record was interrupted")
            if not isinstance(e, Exception):
                raise


@dataclass
class _Commit:
    """An entry that waits, and what became of it; its turn is when that is known, or it is to write."""

    entry: Mapping[str, Any]
    turn: threading.Event = field(default_factory=threading.Event)
    sealed: Entry | None = None
    error: Exception | None = None


def _stamped(entry: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    due = entry.get("due")
    late = {} if due is None else {"late": now > dt.datetime.fromisoformat(due)}
    return {**entry, "recorded_at": now.isoformat(), **late}


def forecast_entry(version: Version, forecast: Forecast, *, served_by: str, bars: str) -> dict[str, Any]:
    """Return the entry of a forecast, for `ForwardRecord.commit`.

    Parameters
    ----------
    version : Version
        What forecast it.
    forecast : Forecast
        At the close of a bar.
    served_by : str
        What asked for it, such as ``serve`` or ``predict``.
    bars : str
        Digest of the prices up to that bar: `quorate.bars.digest.history_digest`.
    """
    standing = version.standing
    return {
        "kind": "forecast",
        "name": standing.name,
        "version": standing.version,
        "run": standing.run,
        "seal": standing.seal,
        "bar": forecast.time,
        "due": _due_of(clock_of(version), forecast.time),
        "bars": bars,
        "fold": forecast.fold,
        "threshold": forecast.threshold,
        "symbols": [{name: one[name] for name in TOLD if name in one} for one in forecast.symbols],
        "served_by": served_by,
    }


@lru_cache(maxsize=64)
def _due_of(clock: Clock, time: str) -> str:
    """Return until when, as it stands in an entry: a bar is often asked for many times."""
    return f"{clock.due(np.datetime64(time.removesuffix('Z'), 'us'))}+00:00"


def record_prediction(version: Version, prediction: Prediction, home: Home | str | Path | None = None) -> Entry:
    """Append what `quorate.predict` says of a version: symbols that have no forecast keep what was wanted of them.

    Raises
    ------
    RecipeError
        If its bars end before those that the version was judged on do: of these no forecast is made beforehand.
    """
    from quorate.serving.forecaster import Forecast

    bar, judged = np.datetime64(prediction.decided.removesuffix("Z"), "us"), clock_of(version).judged
    if bar < judged:
        raise RecipeError(
            f"nothing is recorded: the bars end at {prediction.decided}, and {version.standing.label} was judged on "
            f"bars up to {judged}Z; give later bars with --data"
        )
    symbols = [{**one, "forecast": one["prediction"]} for one in prediction.targets]
    fold = prediction.kept["fold"] if prediction.kept else -1
    forecast = Forecast(prediction.decided, fold, prediction.threshold, symbols)
    entry = forecast_entry(version, forecast, served_by="predict", bars=prediction.bars)
    return ForwardRecord(home).commit(entry)


@dataclass(frozen=True)
class Clock:
    """When the orders of a bar's decision are filled.

    Parameters
    ----------
    calendar : Calendar
        The market's.
    frequency : str
        Of the bars.
    fill : {"open", "close"}
        Of the next bar.
    judged : datetime64[us]
        The close of the last bar that the version was judged on.
    """

    calendar: Calendar
    frequency: str
    fill: str
    judged: np.datetime64

    def due(self, bar: np.datetime64, following: np.datetime64 | None = None) -> np.datetime64:
        """Return until when what is decided at the close of a bar must be recorded, UTC.

        The fill of the next bar: its open, or its close. Where that bar opens as this one closes, a twentieth of a bar
        later, as nothing could be in time else.

        Parameters
        ----------
        following : datetime64[us], optional
            The close of the next bar; without it, it is the next one by the calendar.
        """
        calendar = self.calendar
        session = calendar.sessions(np.array([bar]))[0]
        then = self._next(session)
        within_day, length = self.frequency.endswith("min"), self._length()
        if following is None and within_day:
            over = bar >= calendar.close_times(np.array([session]))[0]
            following = (calendar.open_times(np.array([then]))[0] if over else bar) + length
        elif following is None:
            following = calendar.close_times(np.array([then]))[0]
        if self.fill == "close":
            return following
        if within_day or self.frequency == "1d":  # a longer bar opens in a session before that of its close
            then = calendar.sessions(np.array([following]))[0]
        grace = np.timedelta64(round(length.astype(int) * GRACE), "us")
        opens: np.datetime64 = calendar.open_times(np.array([then]))[0]
        return max(opens, bar + grace)

    def _length(self) -> np.timedelta64:
        minutes = float(self.frequency.removesuffix("min")) if self.frequency.endswith("min") else 24 * 60.0
        return np.timedelta64(round(minutes * 60e6), "us")

    def _next(self, session: np.datetime64) -> np.datetime64:
        """Return the next session by the calendar, as far as its holidays are known."""
        days = session + np.arange(1, 2 * WEEK)
        if self.calendar.sessions_per_year < 300:
            days = days[(days.astype(np.int64) + 3) % 7 < 5]
            days = days[~np.isin(days, closed_weekdays(self.calendar, days[0], days[-1]))]
        found: np.datetime64 = days[0]
        return found


def clock_of(version: Version) -> Clock:
    """Return when the orders of a version are filled; what its files say is read once."""
    return _clock_of(version.path, version.standing.run, version.standing.seal)


@lru_cache(maxsize=64)
def _clock_of(path: Path, run: str, seal: str) -> Clock:
    provenance = load_report(run, home=path).provenance
    bars = Home(path).bars(provenance["data"]["fingerprint"])
    fill = provenance["recipe"]["backtest"]["fill"]
    return Clock(bars.calendar, bars.frequency, fill, bars.times[-1])
