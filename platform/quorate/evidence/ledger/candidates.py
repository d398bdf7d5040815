"""The candidates of a run, recorded as they are judged."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError
from quorate.evidence import evidence
from quorate.evidence.evidence import Performance
from quorate.evidence.ledger.chain import Entry, Head
from quorate.evidence.ledger.independent import effective
from quorate.evidence.ledger.ledger import Ledger, ledger_of
from quorate.evidence.ledger.lineage import lineage_of
from quorate.evidence.ledger.tally import count
from quorate.evidence.result import finite_or_none
from quorate.statistics import Floats
from quorate.statistics._excess import excess_of
from quorate.store import Home
from quorate.store.files import replacing

if TYPE_CHECKING:
    import pandas as pd

Days = NDArray[np.int32]

ROLES = ("ensemble", "alternative", "member")
LENT = "lent"  # in the folder of a borrowed ledger
_TEXTS = ("name", "strategy", "role")
_LONGEST = 200  # characters of a text


@dataclass(frozen=True, eq=False)
class Candidate:
    """A series that could be promoted.

    Parameters
    ----------
    name, strategy, role : str
        As in the report: ``ensemble`` (the judged one), ``alternative`` or ``member``.
    returns : ndarray of float64, (n,)
        Net, per bar, in excess of cash.
    days : ndarray of int32, (n,)
        Session of each return, in days since 1970, ascending.
    bars_per_year : float
        For annualisation.
    """

    name: str
    strategy: str
    role: str
    returns: Floats
    days: Days
    bars_per_year: float

    @property
    def key(self) -> str:
        """SHA-256 of the days and returns: equal series are one trial."""
        # Minus zero is zero.
        return hashlib.sha256(b"returns-1|" + self.days.tobytes() + (self.returns + 0.0).tobytes()).hexdigest()


class Recorder:
    """Records the candidates of one part of a run as they are judged, and counts what was tried by then.

    This is the `count` of `quorate.walkforward.part.Known`, which a part of a run is judged with.

    Parameters
    ----------
    home, bars, run, part, recipe_digest
        As of `record_candidates`.
    members : collection of str
        Names of the models; the first candidate that is none of them is the judged ensemble.

    Attributes
    ----------
    head : Head or None
        After the count: what the provenance keeps, for `quorate.evidence.ledger.verify` and to count the same again.
    """

    def __init__(
        self, home: Home, bars: Bars, *, run: str, part: str, recipe_digest: str, members: Collection[str]
    ) -> None:
        self.home, self.bars, self.members = home, bars, members
        self.facts = {"run": run, "part": part, "recipe_digest": recipe_digest}
        self.head: Head | None = None
        self.began = ""

    def __call__(self, candidates: Mapping[str, Performance]) -> evidence.Tried:
        """Record performances by their labels, name and strategy, and return what was tried with them."""
        # What never traded was no try.
        tried = [self._candidate(i, label, p) for i, (label, p) in enumerate(candidates.items()) if p.returns.any()]
        self.head = record_candidates(self.home, self.bars, tried, **self.facts)
        days = [one.days for one in tried if len(one.days)]
        span = (_day(min(d[0] for d in days)), _day(max(d[-1] for d in days))) if days else ("", "")
        recipe = self.facts["recipe_digest"] if self.facts["part"] == "development" else None
        found = _tried(self.home, self.bars, span, self.head.seq, recipe)
        self.began = found.began
        return found

    @property
    def provenance(self) -> dict[str, Any]:
        """What a run keeps of the ledger: its last entry then, and since when it knows; of a copy only the latter."""
        head = None if ledger_of(self.home).borrowed else self.head
        return {**(head._asdict() if head else {}), "began": self.began}

    def _candidate(self, place: int, label: str, performance: Performance) -> Candidate:
        name, _, strategy = label.rpartition("/")
        role = "member" if name in self.members else "alternative" if place else "ensemble"
        days = _days(self.bars, performance.times)
        return Candidate(name, strategy, role, performance.returns, days, performance.bars_per_year)


def tried_by_now(home: Home, bars: Bars, *, run: str, recipe_digest: str, until: int) -> evidence.Tried:
    """Return what was tried on the days of a run's walk-forward by now: what its own count knew, and what came after.

    Parameters
    ----------
    home, bars, run, recipe_digest
        As of `record_candidates`.
    until : int
        Number of the last entry that counts.
    """
    entries = [e for e in ledger_of(home).of_run(run) if e.get("kind") == "candidate" and e["part"] == "development"]
    days = [(e["first"], e["last"]) for e in entries if e["first"]]
    span = (min(first for first, _ in days), max(last for _, last in days)) if days else ("", "")
    return _tried(home, bars, span, until, recipe_digest)


def _tried(home: Home, bars: Bars, span: tuple[str, str], until: int, recipe: str | None) -> evidence.Tried:
    ledger = ledger_of(home)
    found = count(ledger, bars, *span, until=until, recipe=recipe)
    return evidence.Tried(found.n, finite_or_none(effective(ledger, found)) or 0.0, found.began)


def stored_candidates(equity: pd.DataFrame, series: Iterable[Mapping[str, Any]], bars: Bars) -> list[Candidate]:
    """Return the candidates of a finished part: of a run that another home computed, or that is older than the ledger.

    Parameters
    ----------
    equity : DataFrame
        The stored table of that part: ``time``, a column for each series, and ``cash``, where the recipe has rates.
    series : iterable of mapping
        What the report says of them: ``name``, ``strategy`` and ``role``.
    """
    days = _days(bars, equity["time"].dt.tz_localize(None).to_numpy().astype(bars.times.dtype))
    cash = equity["cash"].to_numpy(dtype=np.float64)[1:] if "cash" in equity else None
    found = []
    for one in series:
        if one["role"] in ROLES:
            value = equity[f"{one['name']}/{one['strategy']}"].to_numpy(dtype=np.float64)
            returns = excess_of(value, cash)
            found.append(Candidate(one["name"], one["strategy"], one["role"], returns, days, bars.bars_per_year))
    return found


def _days(bars: Bars, times: NDArray[np.datetime64]) -> Days:
    """Return the session of each return of a span; its first bar has none."""
    sessions = bars.sessions[np.searchsorted(bars.times, times[1:])]
    return sessions.astype("datetime64[D]").astype(np.int32)


def record_candidates(
    home: Home, bars: Bars, candidates: Iterable[Candidate], *, run: str, part: str, recipe_digest: str
) -> Head:
    """Record the candidates of one part of a run, each once, and return the last entry among them.

    Doing so again, as `resume` does, adds nothing and returns the same.

    Parameters
    ----------
    home : Home
        Whose ledger it is.
    bars : Bars
        All of the run's, the holdout included.
    candidates : iterable of Candidate
        A series without a return is none.
    run, part, recipe_digest : str
        As in the run's provenance; ``development`` or ``holdout``.

    Raises
    ------
    StoreError, IntegrityError
        If the ledger cannot be written, or its last line was changed.
    """
    ledger, candidates = ledger_of(home), list(candidates)
    if ledger.borrowed:
        keep_lent(ledger.folder / LENT, [candidate for candidate in candidates if len(candidate.returns)])
    # The report that bears them is entered, too.
    facts: dict[str, Any] = {"kind": "candidate", "run": run, "part": part, "recipe": recipe_digest, "entered": True}
    facts |= data_facts(ledger, bars)
    entries = [{**facts, **_candidate_facts(ledger, c)} for c in candidates if len(c.returns)]
    with ledger.writing() as write:
        there = {_same(entry): entry for entry in ledger.of_run(run) if entry.get("kind") == "candidate"}
        written = write([entry for entry in entries if _same(entry) not in there])
        old = [there[_same(entry)] for entry in entries if _same(entry) in there]
        last = max([*old, *written], key=lambda entry: int(entry["seq"]), default=None)
        return Head(last["seq"], last["hash"]) if last else ledger.head


def _same(entry: Entry) -> tuple[str, ...]:
    """Return what a run has one entry for."""
    return entry["part"], entry["series"], entry["strategy"], entry["key"]


def _candidate_facts(ledger: Ledger, candidate: Candidate) -> dict[str, Any]:
    moments = statistics.moments(candidate.returns)
    key = candidate.key
    return {
        "series": candidate.name,
        "strategy": candidate.strategy,
        "role": candidate.role,
        "key": key,
        "returns": ledger.files.keep_returns(key, candidate.days, candidate.returns),
        "bars": len(candidate.returns),
        "bars_per_year": candidate.bars_per_year,
        "first": _day(candidate.days[0]),
        "last": _day(candidate.days[-1]),
        "sharpe": finite_or_none(moments.per_bar),
        "skew": finite_or_none(moments.skew),
        "kurtosis": finite_or_none(moments.kurtosis),
    }


def data_facts(ledger: Ledger, bars: Bars, lineage: frozenset[str] | None = None) -> dict[str, str]:
    """Return what an entry says of its data: the fingerprint, and the digest of the lineage, which is stored."""
    known = lineage_of(bars) if lineage is None else lineage
    return {"data": bars.fingerprint, "lineage": ledger.files.keep_data(bars.fingerprint, known)}


def _day(number: np.int32) -> str:
    return str(np.datetime64(int(number), "D"))


def keep_lent(folder: Path, candidates: Iterable[Candidate]) -> None:
    """Write candidates that were recorded in a borrowed ledger, as they are, beside those that are there.

    A ledger keeps rounded series, and its entries stand in a chain of its own: where the copy came from, `read_lent`
    gives them to be recorded as if they had been judged there.
    """
    for number, one in enumerate(candidates, len(list(folder.glob("*.npz")))):
        with replacing(folder / f"{number:06d}.npz") as temporary, open(temporary, "wb") as file:
            arrays: dict[str, Any] = {name: np.array(getattr(one, name)) for name in _TEXTS}
            arrays |= {"days": one.days, "returns": one.returns, "bars_per_year": np.float64(one.bars_per_year)}
            np.savez(file, **arrays)


def read_lent(folder: Path, bars: Bars) -> Iterator[Candidate]:
    """Yield the candidates in a folder, in the order in which they were recorded.

    Raises
    ------
    IntegrityError
        If a file is not what `keep_lent` writes, or is not of these bars.
    """
    known = bars.sessions.astype("datetime64[D]").astype(np.int32)
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as file:
                days, returns, year = (file[name] for name in ("days", "returns", "bars_per_year"))
                words = {name: file[name] for name in _TEXTS}
                texts = {name: str(word) for name, word in words.items()}
        except Exception as e:  # what is no such file may break the reading of it in any way
            raise IntegrityError(f"{path.name} of what was tried cannot be read: {e!r}") from e
        sound = (
            days.dtype == np.int32
            and returns.dtype == year.dtype == np.float64
            and days.ndim == returns.ndim == 1
            and year.ndim == 0
            and len(days) == len(returns) > 0
            and bool(np.all(np.diff(days) >= 0))
            and bool(np.all(np.isin(days, known)))
            and bool(np.all(np.isfinite(returns)))
            and float(year) == bars.bars_per_year
            and all(word.ndim == 0 and word.dtype.kind == "U" for word in words.values())
            and texts["role"] in ROLES
            and all(0 < len(text) <= _LONGEST for text in texts.values())
        )
        if not sound:
            raise IntegrityError(f"{path.name} of what was tried is no candidate of these bars")
        yield Candidate(days=days, returns=returns, bars_per_year=float(year), **texts)
