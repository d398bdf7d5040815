"""All that is wrong with files, told at once: looked for when something is, so that sound files are read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._names import PRICES
from quorate_data._numbers import numbers
from quorate_data._paths import symbol_of
from quorate_data._remedies import MANY, NOT_BY_CHANCE, SHARE
from quorate_data._stamps import Stamps, read_stamps
from quorate_data._symbols import ENDINGS, check_symbols
from quorate_data._tables import Table
from quorate_data._timing import close_times
from quorate_data._values import newest_first

if TYPE_CHECKING:
    from quorate_data._layout import Layout

T = TypeVar("T")

LIKE_OTHERS = "a time stamp must be written as the others"
FEW = 0.05  # of the stamps of a file, below which they are not what the others are to be like
FILES = 5  # of those with faults, that are told one by one
SORT = "to have bars sorted, set data.sort = true"
DROP = 'bars with impossible prices are left out by data.invalid = "drop"'
HELP = {"sorted": SORT, "low": DROP, "positive": DROP, "finite": DROP, "negative": DROP}  # by a word of the rule


@dataclass(frozen=True)
class Fault:
    """One rule that some rows of a file do not keep.

    Parameters
    ----------
    rule : str
        What a row must be.
    number : int
        How many are not.
    of : int
        Of how many.
    rows : list of str
        The first of them, and what they are.
    """

    rule: str
    number: int
    of: int
    rows: list[str]

    def __str__(self) -> str:
        more = self.number - len(self.rows)
        rest = f" and {more:,} more" if more > 0 else ""
        return f"{self.rule}: {', '.join(self.rows)}{rest}"


def all_faults(
    first: quorate.DataError, unread: Sequence[quorate.DataError], tables: Sequence[Table], layout: Layout
) -> quorate.DataError:
    """Return the error that tells all that is wrong with files; the first one, where there is nothing else.

    Parameters
    ----------
    first : DataError
        What reading stopped at.
    unread : sequence of DataError
        Of files that cannot be read at all.
    tables : sequence of Table
        The others.
    """
    found: dict[Path, list[Fault]] = {}
    for table in tables:
        if faults := list(_of_table(table, layout)):
            found.setdefault(table.path, []).extend(faults)
    every = [fault for faults in found.values() for fault in faults]
    if len(unread) + len(found) < 2:
        if unread or not every or (len(every) == 1 and every[0].number == 1 == len(first.rows)):
            return first
        # What all rows are is how the file is to be read, and so many that others are may follow from it.
        if any(fault.rule == first.rule and fault.number == fault.of for fault in every):
            every = [fault for fault in every if fault.number * 2 < fault.of]
            return quorate.DataError("\n".join([str(first), *(f"    {fault}" for fault in every)]), first.rows)
        if len(every) == 1 and every[0].rule == first.rule:
            return quorate.DataError(f"{first}\n    {every[0]}", first.rows)
    lines = [str(e) for e in unread] + [_told(path, faults, tables) for path, faults in found.items()]
    more = len(lines) - FILES
    head = [f"{len(lines):,} files have faults:"] if len(lines) > 1 else []
    told = [*head, *lines[:FILES], *([f"and {more:,} more"] if more > 0 else []), _help(every)]
    return quorate.DataError("\n".join(filter(None, told)), first.rows)


def _help(every: Sequence[Fault]) -> str:
    """Return what is to be done about rows that are wrong."""
    of_values = [fault for fault in every if fault.rule.startswith((*PRICES, "volume"))]
    if any(fault.number > MANY and fault.number > SHARE * fault.of for fault in of_values):
        return NOT_BY_CHANCE
    rules = {word for fault in every for word in fault.rule.split()}
    helping = dict.fromkeys(text for word, text in HELP.items() if word in rules)
    return "; ".join(["correct them in the file", *helping]) if every else ""


def _told(path: Path, faults: Sequence[Fault], tables: Sequence[Table]) -> str:
    unit = next(table.unit for table in tables if table.path == path)
    number = sum(fault.number for fault in faults)
    what = f"1 {unit} cannot be used as it is" if number == 1 else f"{number:,} {unit}s cannot be used as they are"
    return "\n".join([f"{path}: {what}", *(f"    {fault}" for fault in faults)])


def _of_table(table: Table, layout: Layout) -> Iterator[Fault]:
    """Yield what is wrong with the rows of a table: what one rule finds is out of the way of the next."""
    if "symbol" in table.frame:
        faults, table, _ = _tried(table, check_symbols)
        yield from faults
    else:
        table = table.without(())
        table.frame["symbol"] = layout.symbol or symbol_of(table.path, ENDINGS)
    if layout.symbols:
        table = table.without(np.flatnonzero(~table.frame["symbol"].isin(layout.symbols)).tolist())
    if not len(table.frame):
        return

    def stamps(left: Table) -> Stamps:
        return read_stamps(left, layout.timing.timezone, layout.clock, layout.date_format)

    apart = _unlike(table, stamps)
    if len(apart.frame) < len(table.frame):
        labels = table.frame.index[~table.frame.index.isin(apart.frame.index)]
        error = quorate.DataError("", *table.wrong(table.frame.index.isin(labels), "time", LIKE_OTHERS))
        yield _fault(table, labels, error)
    faults, dated, read = _tried(apart, stamps)
    yield from faults
    faults, numbered, values = _tried(table, lambda left: numbers(left, layout.decimal)[0])
    yield from faults
    if values is not None and layout.invalid == "error" and set(PRICES) <= set(values):
        # As of one symbol, each at a time of its own: whose they are, and when, is another matter.
        own = pd.date_range("2000-01-01", periods=len(values), freq="min", tz="UTC")
        yield from _of_values(numbered, values.assign(symbol="", time=own))
    if read is not None:
        yield from _of_order(dated, read, layout)


def _unlike(table: Table, check: Callable[[Table], Stamps]) -> Table:
    """Return the table without stamps that are unlike most, if it is they for which the others cannot be read."""
    try:
        check(table)
    except quorate.DataError as e:
        if len(e.rows) * 2 < len(table.frame):
            return table
        odd = _odd(table.frame["time"].astype("str").str.strip())
        if not 0 < odd.mean() < 0.5:
            return table
        left = table.without(np.flatnonzero(odd).tolist())
        try:
            check(left)
        except quorate.DataError as again:
            return table if len(again.rows) * 2 >= len(left.frame) else left
        return left
    return table


def _odd(text: pd.Series) -> NDArray[np.bool_]:
    """Return which stamps have signs in an order that few others have, or no day and month in any order."""
    shape = text.str.replace(r"\d+", "9", regex=True).str.replace(r"[A-Za-z]+", "a", regex=True)
    parts = text.str.extract(r"^(\d{1,2})[/-](\d{1,2})[/-]").astype(np.float64)
    few = shape.map(shape.value_counts(normalize=True)) < FEW
    wild = (parts.max(axis=1) > 31) | (parts.min(axis=1) > 12) | (parts.min(axis=1) == 0)
    return np.asarray(few | wild, dtype=bool)


def _tried(table: Table, check: Callable[[Table], T]) -> tuple[list[Fault], Table, T | None]:
    """Return what a check finds, the rows that it finds nothing wrong with, and what it returns of them."""
    faults: list[Fault] = []
    while len(table.frame):
        try:
            return faults, table, check(table)
        except quorate.DataError as e:
            if not e.rows:
                break
            faults.append(_fault(table, table.frame.index[[*e.rows]], e))
            table = table.without(e.rows)
    return faults, table, None


def _of_values(table: Table, frame: pd.DataFrame) -> Iterator[Fault]:
    """Yield what is wrong with prices and volumes, or that bars are not sorted."""
    seen: set[str] = set()
    while len(frame):
        try:
            quorate.Bars.from_frame(frame, "24x7")
            return
        except quorate.DataError as e:
            if not e.rows or e.rule in seen:  # without a bar that is too early, the next one may be
                return
            seen.add(e.rule)
            yield _fault(table, frame.index[[*e.rows]], e)
            frame = frame.drop(index=frame.index[[*e.rows]])


def _of_order(table: Table, stamps: Stamps, layout: Layout) -> Iterator[Fault]:
    """Yield bars that stand twice, or after a later one."""
    names = table.frame["symbol"].to_numpy(dtype=str)
    try:
        times = stamps.utc if table.closed else close_times([stamps], names, layout.clock, layout.timing)
    except quorate.DataError:
        times = stamps.utc
    frame = pd.DataFrame({"symbol": names, "time": pd.DatetimeIndex(times).tz_localize("UTC")}, index=table.frame.index)
    again = frame.duplicated()
    if again.any():
        rows = []
        for label, (name, time) in frame[again][: quorate.DataError.TOLD].iterrows():
            earlier = ((frame["time"] == time) & (frame["symbol"] == name)).to_numpy().argmax()
            rows.append(f"{table.row(label)} (as {table.row(frame.index[int(earlier)])})")
        yield Fault("a symbol has one bar at a time", int(again.sum()), len(again), rows)
    if not layout.sort and not newest_first(frame):
        yield from _of_values(table, frame[~again].assign(**dict.fromkeys(PRICES, 1.0)))


def _fault(table: Table, labels: Iterable[object], error: quorate.DataError) -> Fault:
    every = list(labels)
    rows = [f"{table.row(label)} ({was})" for label, was in zip(every, error.was, strict=False)]
    return Fault(error.rule, len(every), len(table.frame), rows)
