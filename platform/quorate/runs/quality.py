"""What a run makes of what the rules find in its bars: warnings, an error, or bars set apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from quorate.bars.rules import REST, RULES, Action, Finding
from quorate.errors import plural
from quorate.recipe.environment import substitute
from quorate.recipe.schema import Data

if TYPE_CHECKING:
    import pandas as pd

    from quorate.bars.panel import Bars
    from quorate.runs.session import Session

FIRST = 10  # symbols, the worst, that a report tells one by one
PART = "data"  # where a run keeps the tables


@dataclass(frozen=True, eq=False)
class Quality:
    """What was found in bars, and what was set apart.

    Parameters
    ----------
    then : mapping
        What became of what each rule found.
    limits : mapping
        From where on each found something.
    found : sequence of Finding
        The most serious rule first.
    apart : DataFrame
        A row for each bar that was set apart: symbol, time, session, fields, rule and reason.
    bars : mapping
        How many bars each symbol has, with those that were set apart.
    """

    then: Mapping[str, Action]
    limits: Mapping[str, float]
    found: Sequence[Finding]
    apart: pd.DataFrame
    bars: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def symbols(self) -> list[dict[str, Any]]:
        """A row for each symbol of which something was found, the worst first."""
        from quorate.bars.findings import by_symbol

        return by_symbol(self.found)

    def summary(self) -> dict[str, Any]:
        """Return what a report tells of it, whatever the number of symbols."""
        rules: dict[str, dict[str, Any]] = {}
        for one in self.found:
            told = rules.setdefault(one.rule, {"then": self.then[one.rule], "symbols": 0, "bars": 0})
            told["symbols"] += 1
            told["bars"] += one.bars
            if one.worst > told.get("worst", float("-inf")):
                told |= {"symbol": one.symbol, "at": one.at, "worst": one.worst, "told": one.told}
        limits = {rule: limit for rule, limit in self.limits.items() if rule in rules}
        return {"rules": rules, "limits": limits, "symbols": self.symbols[:FIRST], "set_apart": len(self.apart)}

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data, but for the bars that were set apart."""
        rules = {
            name: {"asks": rule.asks, "then": self.then[name], "limit": self.limits.get(name), "unit": rule.unit}
            for name, rule in RULES.items()
        }
        found: list[dict[str, Any]] = [{**one._asdict(), "then": self.then[one.rule]} for one in self.found]
        return {"rules": rules, "symbols": self.symbols, "findings": found, "set_apart": len(self.apart)}

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables that a run keeps."""
        import pandas as pd

        found = pd.DataFrame([one._asdict() for one in self.found], columns=[*Finding._fields])
        found["then"] = [self.then[one.rule] for one in self.found]
        every = sum(self.bars.values()) or float("nan")
        found["share"] = [one.bars / self.bars.get(one.symbol, every) for one in self.found]
        return {"findings": found.astype({"bars": "int64", "worst": float, "share": float}), "quarantine": self.apart}


@dataclass(frozen=True, eq=False)
class Looked:
    """Bars that were looked at.

    Parameters
    ----------
    bars : Bars
        What remains of them.
    warnings : list of str
        What is to be told.
    refused : list of str
        Why they are refused; empty, if they are not.
    why : str
        What in the recipe has them refused.
    quality : Quality, optional
        What was found; None, where the recipe has no checks.
    """

    bars: Bars
    warnings: list[str]
    refused: list[str] = field(default_factory=list)
    why: str = ""
    quality: Quality | None = None


@dataclass(frozen=True, eq=False)
class Checking:
    """What the rules do.

    Parameters
    ----------
    session : Session
        Whose bars are looked at.
    then : mapping
        By rule.
    limits : mapping
        By rule, of those that have one.
    asked : bool
        Whether all is to be found that is not off: the recipe has checks, or somebody looks at the bars.
    """

    session: Session
    then: Mapping[str, Action]
    limits: Mapping[str, float]
    asked: bool

    @classmethod
    def of(cls, session: Session, every: bool = False) -> Checking:
        """Return what a recipe has the rules do; with `every`, also those are asked that a run does not ask."""
        data: Data = session.recipe.data
        checks = data.checks or {}
        rest = checks[REST].then if REST in checks else None
        then: dict[str, Action] = {}
        limits: dict[str, float] = {}
        for name, rule in RULES.items():
            own = checks.get(name)
            usual = _possible(name, rest) or ("warn" if every and rule.then == "off" else rule.then)
            then[name] = (own.then if own else None) or usual
            if rule.limit is not None:
                limits[name] = own.limit if own and own.limit is not None else rule.limit
        return cls(session, then, limits, every or data.checks is not None)

    @property
    def when_read(self) -> list[str]:
        """The rules by which rows are set apart when they are read."""
        return [name for name, rule in RULES.items() if rule.reading and self.then[name] == "quarantine"]

    def look(self, bars: Bars, apart: Sequence[pd.DataFrame] = ()) -> Looked:
        """Return what becomes of bars; rows that were set apart when they were read are told with the others.

        Raises
        ------
        DataError
            If no bar is left.
        """
        data = self.session.recipe.data
        if not self.asked:
            lines = self._doubts(bars, [name for name, action in self.then.items() if action == "warn"])
            refused = lines if data.quality == "refuse" else []
            return Looked(bars, lines, refused, 'data.quality is "refuse"')
        from quorate.bars.findings import find
        from quorate.bars.quarantine import as_table, found_apart, set_apart

        unheld = _within(as_table(apart, bars.calendar), data)
        wanted = [name for name, rule in RULES.items() if self.then[name] == "quarantine" and not rule.reading]
        left, both = bars, unheld
        if wanted:
            left, found_odd = set_apart(bars, {name: self.limits.get(name, 0.0) for name in wanted})
            both = as_table([one for one in (unheld, found_odd) if len(one)], bars.calendar)
        off = [name for name, action in self.then.items() if action in ("off", "quarantine")]
        if data.options.get("mixed") or bars.fills is not None:
            off.append("lengths")
        found = find(left, self.limits, off, bars, _sessions(unheld))
        found += [] if "rewritten" in off else self._rewritten(left)
        warned, refused = (self._lines(left, bars, found, name) for name in ("warn", "refuse"))
        says = "data.checks refuses such bars" if refused else 'data.quality is "refuse"'
        if data.quality == "refuse":
            refused = refused or warned
        order = {rule: at for at, rule in enumerate(RULES)}
        every = sorted([*found_apart(both), *found], key=lambda one: (order[one.rule], -one.bars))
        counts = dict(zip(bars.symbols, bars.present.sum(axis=0).tolist(), strict=True))
        for symbol, rows in unheld.groupby("symbol"):
            counts[str(symbol)] = counts.get(str(symbol), 0) + len(rows)
        quality = Quality(self.then, self.limits, every, both, counts)
        return Looked(left, [*self._apart(both), *warned], refused, says, quality)

    def _lines(self, left: Bars, bars: Bars, found: Sequence[Finding], action: str) -> list[str]:
        """Return what is told of the rules that do one thing: the doubts of every run, and what else was found."""
        from quorate.bars.doubts import few
        from quorate.bars.findings import OF_PRESENCE

        rules = [name for name in RULES if self.then[name] == action]
        if left is bars:
            lines = self._doubts(bars, rules)
        else:  # what was set apart is not missing
            lines = self._doubts(bars, [name for name in rules if name in OF_PRESENCE])
            lines += self._doubts(left, [name for name in rules if name not in OF_PRESENCE])
        for name in rules:
            if RULES[name].then == "off":
                lines += few([one.told for one in found if one.rule == name])
        return lines

    def _doubts(self, bars: Bars, rules: Sequence[str]) -> list[str]:
        """Return the doubts of every run, as far as these rules have them."""
        from quorate.bars.doubts import different_lengths, doubts
        from quorate.bars.quality import wrong_calendar
        from quorate.bars.universe import survivors_only

        lines = [told] if "calendar" in rules and (told := wrong_calendar(bars)) else []
        if "lengths" in rules and not (self.session.recipe.data.options.get("mixed") or bars.fills is not None):
            lines += different_lengths(bars)
        lines += doubts(bars, self.limits, [name for name in RULES if name not in rules])
        return lines + (survivors_only(bars) if "survivors" in rules else [])

    def _apart(self, table: pd.DataFrame) -> list[str]:
        """Return a line for each rule by which bars were set apart, or would be refused."""
        from quorate.bars.quarantine import why

        lines = []
        for rule in (name for name in RULES if (table["rule"] == name).any()):
            rows = table[table["rule"] == rule]
            what = "set apart by" if self.then[rule] == "quarantine" else "refused by"
            more = f"; {len(rows) - 1:,} more" if len(rows) > 1 else ""
            lines.append(
                f"{plural(len(rows), 'bar')} {what} {rule}: {why(rows.iloc[int(rows['time'].argmin())])}{more}"
            )
        return lines

    def _rewritten(self, bars: Bars) -> list[Finding]:
        """Return which symbols of the store were rewritten by what the recipe may know; none of bars from elsewhere."""
        from quorate.store.bars.drift import rewritten
        from quorate.store.bars.store import BarStore

        data = self.session.recipe.data
        if data.source != "store":
            return []
        given = substitute(data.options, "data")
        as_of = None
        if told := given.get("as_of"):
            as_of = dt.date.fromisoformat(told) if len(told) <= 10 else dt.datetime.fromisoformat(told)
        collection = BarStore(given.get("path"), self.session.home.path).collection(given["collection"])
        return rewritten(collection, bars.frequency, bars.symbols, as_of, self.limits["rewritten"])


def _possible(name: str, wanted: Action | None) -> Action | None:
    """Return what all rules shall do, if this one can; bars that cannot be set apart are told."""
    rule = RULES[name]
    if rule.reading and wanted in ("warn", "off"):
        return None
    return "warn" if wanted == "quarantine" and not rule.apart else wanted


def _within(table: pd.DataFrame, data: Data) -> pd.DataFrame:
    """Return the rows of the sessions that a recipe uses."""
    if data.since is not None:
        table = table[table["session"] >= str(data.since)]
    if data.until is not None:
        table = table[table["session"] <= str(data.until)]
    return table.reset_index(drop=True)


def _sessions(table: pd.DataFrame) -> dict[str, Any]:
    """Return the sessions of rows by symbol."""
    return {str(symbol): rows.to_numpy().astype("datetime64[D]") for symbol, rows in table.groupby("symbol")["session"]}


def apart_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return bars that were set apart as plain data."""
    import math

    rows = table.to_dict("records")
    for row in rows:
        row["time"] = row["time"].isoformat()
        row["session"] = f"{row['session']:%Y-%m-%d}"
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                row[name] = None
    return [{str(name): value for name, value in row.items()} for row in rows]
