"""What registered ensembles earned, laid on the closes at which all of them are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import IntegrityError, RecipeError, plural
from quorate.report.report import Report
from quorate.runs.loaded import load_report
from quorate.runs.registering import ModelRegistry, Version
from quorate.statistics import Floats, returns_of
from quorate.statistics._excess import excess_of

Times = NDArray[np.datetime64]
NAMES = {"development": "walk-forward", "holdout": "holdout"}


class Member:
    """A registered version, and what its judged series earned.

    Parameters
    ----------
    version : Version
        Which.

    Raises
    ------
    IntegrityError
        If its run is not the one that was registered.
    """

    def __init__(self, version: Version) -> None:
        self.version = version
        self.label = version.standing.label
        self.report: Report = load_report(version.standing.run, home=version.path)
        if self.report.seal != version.document["report_seal"]:
            raise IntegrityError(
                f"{self.label} is not what was registered: the report of its run has the seal {self.report.seal[:12]}, "
                f"and must have {version.document['report_seal'][:12]}"
            )
        self.data: dict[str, Any] = self.report.provenance["data"]
        judged = version.document["judged"]
        self.series = f"{judged['series']}/{judged['strategy']}"

    def curve(self, part: str) -> Curve | None:
        """Return its equity in a part; None where it has none, as a holdout that was not opened."""
        section = self.report.results[part]
        if not section:
            return None
        carried = bool(section.get("carry"))
        rows = self.report.rows(part, "equity", ["time", self.series, *(["cash"] if carried else ())])
        times, equity, *cash = zip(*rows, strict=True)
        return Curve(
            np.array([time.replace(tzinfo=None) for time in times], dtype="datetime64[us]"),
            np.array(equity, dtype=np.float64),
            np.cumprod(1 + np.array(cash[0])) if cash else None,
        )

    def listed(self) -> dict[str, Any]:
        """Return what it is, as plain data."""
        standing, results = self.version.standing, self.report.results
        return {
            "label": self.label,
            "name": standing.name,
            "version": standing.version,
            "stage": standing.stage,
            "run": standing.run,
            "verdict": standing.verdict,
            "override": standing.override,
            "series": self.series,
            "symbols": list(self.data["symbols"]),
            "frequency": self.data["frequency"],
            "calendar": self.data["calendar"],
            "spans": {NAMES[part]: dict(results[part]["span"]) for part in NAMES if results[part]},
            "trials": results["development"]["trials"]["n"],
            "looks": self.report.provenance["holdout"].get("recipes_that_opened_it"),
        }


@dataclass(frozen=True, eq=False)
class Curve:
    """Closes, the equity at each, and what 1 in cash has grown to by then; None, where cash earns nothing."""

    times: Times
    equity: Floats
    cash: Floats | None


@dataclass(frozen=True, eq=False)
class Joint:
    """What several earned from one joint close to the next.

    Parameters
    ----------
    known : ndarray of datetime64, (n + 1,)
        When the closes of all are known, UTC, the one before the first return included.
    total, excess : ndarray of float64, (n, k)
        Net simple returns of each account, and the same in excess of cash.
    bars_per_year : float
        Of the joint closes.
    left_out : tuple of int, (k,)
        Closes of each, within the time that all have, that are none of the others.
    """

    known: Times
    total: Floats
    excess: Floats
    bars_per_year: float
    left_out: tuple[int, ...]


def members_of(names: Sequence[str], home: Any) -> list[Member]:
    """Return the versions that are named, in the order of their labels.

    Raises
    ------
    RecipeError
        If none is named, or one twice.
    StoreError
        If one is not registered.
    """
    if not names or isinstance(names, str):
        raise RecipeError(f"a portfolio is a list of registered versions, NAME or NAME@3; it was {names!r}")
    registry = ModelRegistry(home)
    found = [registry.get(name) for name in names]
    labels = [version.standing.label for version in found]
    for place, label in enumerate(labels):
        if label in labels[:place]:
            first = names[labels.index(label)]
            raise RecipeError(f"{label} is named twice, as {first!r} and {names[place]!r}: name each version once")
    return sorted(map(Member, found), key=lambda one: (one.version.standing.name, one.version.standing.version))


def joint(members: Sequence[Member], part: str) -> Joint | None:
    """Return what all earned in a part that all have; None where that is not one return."""
    curves = [one.curve(part) for one in members]
    if any(curve is None for curve in curves):
        return None
    known = [curve for curve in curves if curve is not None]
    times = [curve.times for curve in known]
    daily = all(one.data["frequency"] == "1d" for one in members)
    moments, places = by_session(times) if daily else by_refresh(times)
    if len(moments) < 2:
        return None
    total = np.column_stack([returns_of(curve.equity[place]) for curve, place in zip(known, places, strict=True)])
    excess = np.column_stack([_excess(curve, place) for curve, place in zip(known, places, strict=True)])
    left_out = tuple(int(place[-1] - place[0] + 1 - len(place)) for place in places)
    return Joint(moments, total, excess, _a_year(members, moments, min(left_out)), left_out)


def _excess(curve: Curve, place: NDArray[np.int64]) -> Floats:
    return excess_of(curve.equity[place], None if curve.cash is None else returns_of(curve.cash[place]))


def _a_year(members: Sequence[Member], moments: Times, fewest_left_out: int) -> float:
    """Return the joint closes in a year: those of the one with the fewest, or where it loses some, as they came."""
    least = min(float(one.data["bars_per_year"]) for one in members)
    if not fewest_left_out:
        return least
    years = (moments[-1] - moments[0]) / np.timedelta64(31_557_600, "s")
    return float(min(least, (len(moments) - 1) / years))


def by_session(times: Sequence[Times]) -> tuple[Times, list[NDArray[np.int64]]]:
    """Return when the sessions that all have are known of all, and where each has them.

    Parameters
    ----------
    times : sequence of ndarray of datetime64[us]
        Closes, one a day, ascending.

    Returns
    -------
    ndarray of datetime64[us], (n,)
        The latest close of each session.
    list of ndarray of int64, (n,)
        Positions in each of `times`.
    """
    # Markets close at other hours; a bar that is stamped at midnight closed in the session before it.
    days = [(one - np.timedelta64(1, "us")).astype("datetime64[D]") for one in times]
    common = reduce(np.intersect1d, days)
    places = [np.searchsorted(own, common) for own in days]
    if not len(common):
        return times[0][:0], places
    return np.max([one[place] for one, place in zip(times, places, strict=True)], axis=0), places


def by_refresh(times: Sequence[Times]) -> tuple[Times, list[NDArray[np.int64]]]:
    """Return when each has closed at least once more since the joint close before, and the close of each known then.

    The refresh times of Barndorff-Nielsen, Hansen, Lunde and Shephard (2011): none waits for the same moment, and no
    value is later than its joint close. Arguments and results as of `by_session`, with any number of closes a day.
    """
    if all(np.array_equal(times[0], one) for one in times[1:]):
        return times[0], [np.arange(len(times[0]))] * len(times)
    places: list[list[int]] = [[] for _ in times]
    moments = []
    following = [0] * len(times)
    while all(place < len(one) for place, one in zip(following, times, strict=True)):
        now = max(one[place] for place, one in zip(following, times, strict=True))
        moments.append(now)
        for own, (k, one) in zip(places, enumerate(times), strict=True):
            following[k] = int(np.searchsorted(one, now, side="right"))
            own.append(following[k] - 1)
    return np.array(moments, dtype="datetime64[us]"), [np.array(own, dtype=np.int64) for own in places]


def no_overlap(members: Sequence[Member]) -> str:
    """Return why nothing is joint, with the span of each."""
    spans = [f"{one.label} {_span(one)}" for one in members]
    return f"{plural(len(members), 'ensemble')} have no walk-forward in common: {'; '.join(spans)}"


def _span(member: Member) -> str:
    span = member.report.results["development"]["span"]
    return f"{span['first']}..{span['last']}, {member.data['frequency']}"
