"""Tables as bars: whose they are, when each is known, what its numbers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._numbers import numbers
from quorate_data._order import name_columns
from quorate_data._remedies import remedy
from quorate_data._stamps import Stamps, read_stamps
from quorate_data._symbols import choose, keep_apart, name_symbols, where
from quorate_data._tables import Table
from quorate_data._timing import Times, Timing, close_times
from quorate_data._values import finish

if TYPE_CHECKING:
    from quorate_data._layout import Layout


def bars_of_tables(tables: list[Table], layout: Layout) -> quorate.Bars:
    """Return the bars of tables; `DataError` for the first thing that is wrong with them."""
    tables = choose(name_symbols(tables, layout.symbol), layout.symbols)
    stamps = [read_stamps(t, layout.timing.timezone, layout.clock, layout.date_format) for t in tables]
    for table, one in zip(tables, stamps, strict=True):
        _check_clock_change(table, one, layout.timing)
    keep_apart(tables, stamps)
    frames, beside = (list(parts) for parts in zip(*[numbers(t, layout.decimal) for t in tables], strict=True))
    names = np.concatenate([f["symbol"].to_numpy(dtype=str) for f in frames])
    try:
        times = _closes(tables, stamps, names, layout)
    except quorate.DataError as e:
        raise quorate.DataError(f"{where(tables)}: {e}") from e
    start = 0
    for frame in frames:
        stop = start + len(frame)
        frame["time"] = pd.DatetimeIndex(times[start:stop]).tz_localize("UTC")
        start = stop
    frames = _named(tables, frames)
    finished = [
        finish(table, frame, told, layout.adjusted, layout.invalid, layout.sort)
        for table, frame, told in zip(tables, frames, beside, strict=True)
    ]
    finished = [
        frame.assign(**{name: texts.reindex(frame.index) for name, texts in table.categories.items()})
        for table, frame in zip(tables, finished, strict=True)
    ]
    return _panel(tables, finished, layout)


def _closes(tables: list[Table], stamps: list[Stamps], names: NDArray[np.str_], layout: Layout) -> Times:
    """Return when each bar is over."""
    if all(table.closed for table in tables):
        return np.concatenate([one.utc for one in stamps])
    return close_times(stamps, names, layout.clock, layout.timing)


def _named(tables: list[Table], frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the frames, with names for the columns of files that name none: one order for all of as many columns."""
    alike: dict[int, list[int]] = {}
    for i, table in enumerate(tables):
        if table.bare:
            alike.setdefault(frames[i].shape[1], []).append(i)
    for places in alike.values():
        parts = [frames[i].sort_values("time", kind="stable").drop(columns=["symbol", "time"]) for i in places]
        fields = {name: field for field, name in name_columns(tables[places[0]].path, parts).items()}
        for i in places:
            frames[i] = frames[i][["symbol", "time", *fields]].rename(columns=fields)
    return frames


def _check_clock_change(table: Table, stamps: Stamps, timing: Timing) -> None:
    """Ask for the zone of stamps without one, if an hour stands twice where clocks go back."""
    if not stamps.naive or timing.timezone is not None or stamps.at_midnight:
        return
    wall = pd.DatetimeIndex(stamps.wall)
    again = pd.DataFrame({"symbol": table.frame["symbol"].to_numpy(), "wall": wall}).duplicated().to_numpy()
    night = again & (wall.day_of_week == 6) & (wall.hour < 4) & np.isin(wall.month, (3, 4, 10, 11))
    if night.any() and night.sum() == again.sum():
        first = int(night.argmax())
        raise quorate.DataError(
            f"{table.at(table.frame.index[first])}: {wall[first]} stands twice, as an hour does where clocks go back: "
            'say in which zone the stamps are with data.timezone, e.g. "America/New_York"'
        )


def _panel(tables: list[Table], frames: list[pd.DataFrame], layout: Layout) -> quorate.Bars:
    whole = pd.concat(frames)
    if layout.sort:
        whole = whole.sort_values(["symbol", "time"], kind="stable")
    try:
        return quorate.Bars.from_frame(whole, layout.clock, layout.categories)
    except quorate.DataError as whole_error:
        for table, frame in zip(tables, frames, strict=True):
            try:
                quorate.Bars.from_frame(frame, layout.clock, layout.categories)
            except quorate.DataError as e:
                told = f"{table.path}: {e}{remedy(table, frame, layout.clock)}"
                raise quorate.DataError(told, e.rows, e.rule, e.was) from e
        raise quorate.DataError(
            f"{where(tables)}: {whole_error}{remedy(tables[0], whole, layout.clock)}",
            whole_error.rows,
            whole_error.rule,
            whole_error.was,
        ) from whole_error
