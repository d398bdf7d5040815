"""What a version earned since it was judged: the weights that it recorded beforehand, traded on the bars that came.

An entry counts if it was recorded before its order could be filled, for a bar that is there, on prices that are what
they were. Only the returns that follow such a bar are scored; what was wanted stays wanted over bars without one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.digest import history_digests
from quorate.bars.held_out import at_times_of_others
from quorate.bars.panel import Bars
from quorate.errors import DataError, plural
from quorate.evidence.ledger.chain import Entry
from quorate.execution.progress import Progress
from quorate.recipe.schema import Data, Recipe
from quorate.report.report import PARTS, Report
from quorate.runs.loaded import load_report
from quorate.runs.loading import load_bars
from quorate.runs.predict import with_path
from quorate.runs.registering import Version
from quorate.runs.session import Session
from quorate.runs.stored import reopen
from quorate.serving.record import clock_of
from quorate.statistics import Floats
from quorate.statistics._excess import excess_of
from quorate.store import Home
from quorate.store.bars.store import FOLDER as STORE
from quorate.store.trust import require
from quorate.trading.backtest import backtest
from quorate.walkforward.layout import WalkForward, prepare

NAMED = 5  # bars that are named of each kind
# Why an entry is not scored, by the word for it.
WHY = {
    "late": "recorded after its order could be filled",
    "revised": "recorded on prices that are others now",
    "gone": "of a bar that is not in the data",
    "ahead": "of the last bar of the data or later",
    "judged": "of a bar that the version was judged on",
    "repeated": "recorded again, and otherwise; the first one counts",
    "foreign": "of a version with another seal",
}


@dataclass
class Market:
    """The bars of a recipe as they are now, read once for all versions that read the same.

    Parameters
    ----------
    home : Home
        Whose store a recipe may read.
    data : str, optional
        A file or folder, or a collection of the store, to read instead of what recipes name.
    """

    home: Home
    data: str | None = None
    _read: dict[str, Bars] = field(default_factory=dict)

    def bars(self, session: Session) -> Bars:
        """Return the bars of a session, whose recipe is changed to what was read."""
        session.home, session.recipe = self.home, self._redirected(session.recipe)
        told = session.recipe.model_dump(mode="json")
        key = json.dumps([told["data"], told.get("covariates"), told["holdout"]], sort_keys=True, default=str)
        if key not in self._read:
            self._read[key] = at_times_of_others(load_bars(session), session.recipe.holdout.held_out)
        return self._read[key]

    def _redirected(self, recipe: Recipe) -> Recipe:
        data = recipe.data.model_copy(update={"until": None})  # what it ended with is what was judged
        recipe = recipe.model_copy(update={"data": data, "benchmark": None, "factors": None})
        if self.data is None:
            return recipe
        if not Path(self.data).exists() and (self.home.path / STORE / self.data).is_dir():
            own = {name: value for name, value in data.model_dump().items() if name in Data.model_fields}
            stored = Data.model_validate({**own, "source": "store", "collection": self.data})
            return recipe.model_copy(update={"data": stored})
        changed: Recipe = with_path(recipe, self.data)
        return changed


@dataclass(frozen=True, eq=False)
class Forward:
    """The forward account of a version.

    Parameters
    ----------
    version : Version
    report : Report
        Of its run.
    walk : WalkForward
        Its rows on all bars that there are.
    start : int
        Position of the first bar of a recorded forecast.
    used : dict of int to Entry
        The entries that count, by the position of their bar.
    unused : dict of str to list of str
        Bars of the others, by why; see `WHY`.
    missing : list of str
        Bars since the first entry without one that counts.
    lost : list of str
        Symbols that forecasts have, and the data has not.
    returns : ndarray of float64, (n,)
        Net return of each scored bar, in excess of cash.
    scored : ndarray of int64, (n,)
        Their positions.
    """

    version: Version
    report: Report
    walk: WalkForward
    start: int
    used: dict[int, Entry]
    unused: dict[str, list[str]]
    missing: list[str]
    lost: list[str]
    returns: Floats
    scored: NDArray[np.int64]

    @property
    def bars(self) -> Bars:
        """All bars that there are."""
        return self.walk.bars

    @cached_property
    def promised(self) -> Floats:
        """Return of each judged bar, of the walk-forward and then of the holdout, in excess of cash."""
        return promised_of(self.report)[1]

    def problems(self) -> list[str]:
        """Return what is not as it should be, a line each."""
        told = [
            f"{'1 entry is' if len(bars) == 1 else f'{len(bars):,} entries are'} not scored, {WHY[why]}: {_some(bars)}"
            for why, bars in self.unused.items()
            if why != "ahead"
        ]
        if len(ahead := self.unused.get("ahead", [])) > 1:
            told.append(f"{len(ahead):,} entries are of the last bar of the data or later: {_some(ahead)}")
        if self.missing:
            told.append(
                f"{plural(len(self.missing), 'bar')} without a forecast in time, not scored: {_some(self.missing)}"
            )
        if self.lost:
            told.append(f"forecasts of symbols that the data has not, which are not scored: {_some(self.lost)}")
        return told


def promised_of(report: Report) -> tuple[NDArray[np.datetime64], Floats]:
    """Return the closes and the returns of all judged bars of a run's judged series, in excess of cash."""
    judged = report.standing["series"][0]
    table = report.stored("equity")
    times: list[NDArray[Any]] = []
    returns: list[Floats] = []
    for part in PARTS:
        own = table[table["part"] == part]
        if len(own) > 1:
            equity = own[f"{judged['name']}/{judged['strategy']}"].to_numpy(dtype=np.float64)
            cash = own["cash"].to_numpy(dtype=np.float64)[1:] if "cash" in own else None
            returns.append(excess_of(equity, cash))
            times.append(own["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()[1:])
    return np.concatenate(times).astype("datetime64[us]"), np.concatenate(returns)


def forward_of(
    version: Version, entries: Iterable[Entry], market: Market, *, revised: bool = False, progress: Progress
) -> Forward | None:
    """Return what a version earned with what it recorded; None, if it has recorded nothing.

    Parameters
    ----------
    entries : iterable of Entry
        Of this version, oldest first.
    revised : bool
        Entries on prices that are others now count all the same.

    Raises
    ------
    DataError
        If the bars have none in common with those that were recorded.
    """
    entries = list(entries)
    if not entries:
        return None
    require(market.home.path, f"{version.standing.label} would read the bars that its recipe names")
    report = load_report(version.standing.run, home=version.path)
    session, _ = reopen(report, progress, changes="not as in the run")
    bars = market.bars(session)
    recorded = {one["symbol"] for entry in entries for one in entry["symbols"]}
    if not recorded & set(bars.symbols):
        raise DataError(
            f"{version.standing.label} recorded forecasts of {_some(sorted(recorded))}, and the bars are of "
            f"{_some(bars.symbols)}: give those that it was recorded on with --data"
        )
    used, unused = _sorted(version, entries, bars, revised)
    walk = prepare(session.recipe, session.registry, bars, [(0, len(bars))])
    start = min(used, default=len(bars))
    missing = [f"{bars.sessions[bar]}" for bar in range(start, len(bars) - 1) if bar not in used]
    lost = sorted(recorded - set(bars.symbols))
    returns, scored = _earned(walk, start, used)
    return Forward(version, report, walk, start, used, unused, missing, lost, returns, scored)


def _sorted(
    version: Version, entries: Sequence[Entry], bars: Bars, revised: bool
) -> tuple[dict[int, Entry], dict[str, list[str]]]:
    """Return the entries that count by the position of their bar, and the bars of the others by why."""
    clock = clock_of(version)
    place = {time: position for position, time in enumerate(bars.times)}
    digests = dict(enumerate(history_digests(bars, range(1, len(bars) + 1))))
    used: dict[int, Entry] = {}
    unused: dict[str, list[str]] = {}
    for entry in entries:
        bar = np.datetime64(entry["bar"].removesuffix("Z"), "us")
        position = place.get(bar)
        why = ""
        if entry["seal"] != version.standing.seal:
            why = "foreign"
        elif bar < clock.judged:
            why = "judged"
        elif bar >= bars.times[-1]:
            why = "ahead"
        elif position is None:
            why = "gone"
        elif position in used:
            why = "" if _said(entry) == _said(used[position]) else "repeated"
        elif _moment(entry["recorded_at"]) > clock.due(bar, bars.times[position + 1]):
            why = "late"
        elif entry["bars"] != digests[position] and not revised:
            why = "revised"
        else:
            used[position] = entry
        if why:
            unused.setdefault(why, []).append(entry["bar"][:10] if bars.frequency == "1d" else entry["bar"])
    return used, unused


def _said(entry: Entry) -> Any:
    return {one["symbol"]: (one["weight"], one.get("forecast")) for one in entry["symbols"]}


def _moment(text: str) -> np.datetime64:
    return np.datetime64(text.removesuffix("+00:00"), "us")


def _earned(walk: WalkForward, start: int, used: Mapping[int, Entry]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the returns of the bars after those of entries that count, and their positions."""
    bars = walk.bars
    if not used or start + 2 > len(bars):
        return np.empty(0), np.empty(0, dtype=np.int64)
    column = {symbol: place for place, symbol in enumerate(bars.symbols)}
    targets = np.zeros((len(bars) - start, len(bars.symbols)))
    wanted = np.zeros(len(bars.symbols))
    for row in range(len(targets)):
        if (entry := used.get(start + row)) is not None:
            for one in entry["symbols"]:
                if one["symbol"] in column:
                    wanted[column[one["symbol"]]] = one["weight"]
        targets[row] = wanted
    trading = replace(walk.trading.take(start, len(bars)), kept=None)
    [result] = backtest(bars.take(start, len(bars)), targets[:, :, None], trading)
    scored = np.array([bar + 1 for bar in sorted(used) if bar + 1 < len(bars)], dtype=np.int64)
    found: Floats = result.returns[scored - start - 1]
    return found, scored


def _some(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
