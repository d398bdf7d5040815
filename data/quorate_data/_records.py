"""Tables as records of covariates: what each is of, when it was published, and its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import quorate
from quorate_data._columns import Part, place_of_time
from quorate_data._layout import Layout
from quorate_data._names import plain
from quorate_data._numbers import numbers
from quorate_data._spans import last_days
from quorate_data._stamps import read_stamps
from quorate_data._tables import Table
from quorate_data._text import listed, near
from quorate_data._timing import make_timing

PUBLISHED = "published_at"
COLUMNS = ("symbol", "time", PUBLISHED)
ALIASES = {
    "symbol": ("symbol", "ticker"),
    "time": ("time", "date", "datetime", "timestamp", "reference", "referencedate", "period", "periodend", "asof"),
    PUBLISHED: (
        *("publishedat", "published", "publishdate", "publicationdate", "publication", "publishtime"),
        *("releasedat", "released", "releasedate", "releasetime", "announcedat", "announcementdate", "announced"),
        *("knownat", "knowledgedate", "availableat", "availabledate", "filedat", "filed", "filingdate", "filingtime"),
        *("realtimestart", "vintage", "vintagedate", "reportdate", "rdq", "createdat"),
    ),
}


@dataclass(frozen=True)
class Wanted:
    """Which columns of a file are which: our name to the file's, and what it calls the values; ``*`` is all others."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in COLUMNS:
                raise quorate.DataError(
                    f"data.columns: {name!r} is not a column of records; it must be one of {listed(COLUMNS)}"
                    f"{near(name, COLUMNS)}; values are named in data.values"
                )

    def part(self, path: Path, header: Sequence[str]) -> Part:
        """Return where the columns of a file stand.

        Raises
        ------
        DataError
            If there is no time, a column that is named is not there, or values cannot be told.
        """
        places: dict[str, int] = {}
        for name in COLUMNS:
            place = self._place(path, header, name)
            if place is not None:
                places[name] = place
        if "time" not in places:
            places["time"] = place_of_time(path, header, {})
        rest = [i for i, name in enumerate(header) if i not in places.values() and name]
        if self.values == "*":
            return Part({**places, **{header[i]: i for i in rest}}, [places["time"]], records=True)
        if self.values is None:
            if len(rest) != 1:
                example = f'["{header[rest[0]]}"]' if rest else "[], if dates alone are meant"
                raise quorate.DataError(
                    f"{path}: of the columns {listed(header)} it must be said which are values, as "
                    f"{'several' if rest else 'none'} could be: data.values = {example}"
                )
            return Part({**places, header[rest[0]]: rest[0]}, [places["time"]], records=True)
        found = {name: self._named(path, header, f"data.values: {name!r}", name) for name in self.values}
        if twice := [name for name, place in found.items() if place in places.values()]:
            raise quorate.DataError(f"{path}: data.values names {twice[0]!r}, which is no value: leave it out")
        return Part({**places, **found}, [places["time"]], records=True)

    def _place(self, path: Path, header: Sequence[str], name: str) -> int | None:
        if name in self.columns:
            return self._named(path, header, f"data.columns.{name}: {self.columns[name]!r}", self.columns[name])
        found = [i for i, one in enumerate(header) if plain(one) in ALIASES[name]]
        if len(found) > 1:
            raise quorate.DataError(
                f"{path}: the columns {listed([header[i] for i in found])} could all be {name!r}; say which one is "
                f'with data.columns = {{ {name} = "{header[found[0]]}" }}'
            )
        return found[0] if found else None

    def _named(self, path: Path, header: Sequence[str], what: str, wanted: str) -> int:
        exact = [i for i, one in enumerate(header) if one == wanted.strip()]
        found = exact or [i for i, one in enumerate(header) if one.lower() == wanted.strip().lower()]
        if len(found) != 1:
            many = f"there are {len(found)} of that name" if found else f"is not there; there are {listed(header)}"
            raise quorate.DataError(f"{path}: the column of {what} {many}{near(wanted, header) if not found else ''}")
        return found[0]


def records_layout(
    columns: dict[str, str] | None,
    values: Sequence[str] | None,
    timezone: str | None,
    date_format: str | None,
    decimal: Any,
) -> Layout:
    """Return how files of records are read."""
    return Layout(
        columns={}, symbol=None, symbols=[], calendar="24x7", date_format=date_format, sort=True, invalid="error",
        adjusted=False, decimal=decimal, timing=make_timing(None, None, False, timezone), categories=[],
        records=Wanted(columns or {}, values),
    )  # fmt: skip


def records_of_tables(tables: Sequence[Table], layout: Layout, zone: str) -> pd.DataFrame:
    """Return the records of tables, as `SourceSpec.records` must give them.

    Stamps without a zone are in that of the layout, or else in `zone`. Where a column holds dates alone, or midnights,
    each stands for the end of that day; a quarter, a month, a week or a year, for its end.

    Raises
    ------
    DataError
        Naming the row and the value that cannot be read.
    """
    if not tables:
        raise quorate.DataError("there are no records")
    frames = []
    for table in tables:
        own = table.frame
        found: dict[str, Any] = {"time": _moments(table, "time", layout, zone)}
        if PUBLISHED in own:
            found[PUBLISHED] = _moments(table, PUBLISHED, layout, zone)
        symbols = own["symbol"] if "symbol" in own else pd.Series("", index=own.index)
        rest = own.drop(columns=[name for name in (PUBLISHED, "symbol") if name in own])
        values, _ = numbers(replace(table, frame=rest.assign(symbol="")), layout.decimal)
        frames.append(pd.DataFrame({**values.drop(columns="symbol"), **found, "symbol": symbols}))
    if len({PUBLISHED in frame for frame in frames}) > 1:
        raise quorate.DataError(f"{tables[0].path}: some files have a column {PUBLISHED}, others have none")
    return pd.concat(frames, ignore_index=True)


def _moments(table: Table, name: str, layout: Layout, zone: str) -> pd.DatetimeIndex:
    """Return the stamps of a column as instants; a date is the end of the day, and a span that of its last one.

    What records are of may be to come; nothing was published then.
    """
    timezone = layout.timing.timezone
    clock = replace(quorate.get_calendar("24x7"), timezone=timezone or zone)
    column = replace(table, frame=table.frame.assign(time=table.frame[name]))
    try:
        if (
            name == "time"
            and layout.date_format is None
            and (days := last_days(column, column.frame["time"])) is not None
        ):
            return _ends_of(days, clock.timezone)
        stamps = read_stamps(column, timezone, clock, layout.date_format, to_come=name == "time")
    except quorate.DataError as e:
        raise quorate.DataError(f"{e} (column {name!r})") from e
    if not stamps.at_midnight:
        return pd.DatetimeIndex(stamps.utc).tz_localize("UTC")
    if not stamps.naive and timezone is None:  # midnights of a zone of their own
        return pd.DatetimeIndex(stamps.utc + np.timedelta64(1, "D")).tz_localize("UTC")
    return _ends_of(pd.DatetimeIndex(stamps.wall), clock.timezone)


def _ends_of(days: pd.DatetimeIndex, timezone: str) -> pd.DatetimeIndex:
    ends = days + pd.Timedelta(days=1)
    later = np.zeros(len(ends), dtype=bool)  # of an hour that stands twice
    return ends.tz_localize(timezone, ambiguous=later, nonexistent="shift_forward").tz_convert("UTC")
