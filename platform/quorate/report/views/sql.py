"""The answer to a statement of SQL, and the views that one can ask."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from quorate.errors import plural, visible
from quorate.report import console
from quorate.report.sql_columns import EXAMPLES

LONGEST = 60  # characters of a value that are shown
GAP = 3  # columns of the terminal between two of a table
MARK = " ..."


def render(columns: Sequence[str], rows: Sequence[Sequence[Any]], limit: int) -> None:
    """Print rows, at most `limit` of them where it is not 0: there is one more, if there are more."""
    target = console.out()
    shown = rows[:limit] if limit else rows
    cells = [[_cell(value) for value in row] for row in shown]
    sides = ["right" if all(_is_number(row[k]) for row in shown) and shown else "left" for k in range(len(columns))]
    widths = [max([len(visible(name)), *(len(row[k]) for row in cells)]) for k, name in enumerate(columns)]
    room = _room(widths, target.width)
    heads = list(zip([visible(name) for name in columns], sides, strict=True))[:room]
    target.print(console.table(heads, [[row[:room] for row in cells]]))
    told = plural(len(shown), "row")
    if len(shown) < len(rows):
        told = f"the first {told}: --limit 0 shows all, --csv FILE writes them"
    if room < len(columns):
        left = ", ".join(columns[room:])
        told += f"; no room for {plural(len(columns) - room, 'column')}: {left[:200]}{MARK if len(left) > 200 else ''}"
        told += "; name fewer, or use --csv, --parquet or --json"
    target.print(told, style="bright_black", markup=False)


def _room(widths: Sequence[int], width: int) -> int:
    """Return how many columns, from the left, have room; at least one."""
    used = 0
    for k, one in enumerate(widths):
        used += one + GAP
        if used > width:
            return max(k, 1)
    return len(widths)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    """Return a value as it is shown: figures to six digits, or cents, times in UTC, a dash for NULL."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}" if 1e3 <= abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list | dict):
        value = json.dumps(plain(value), ensure_ascii=False)
    text = " ".join(visible(plain(value) if not isinstance(value, bool) else str(value).lower()).split())
    return text if len(text) <= LONGEST else text[: LONGEST - len(MARK)] + MARK


def as_json(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield pieces of a list of objects, a row each; of two columns of one name the second gets a number.

    A column is its name and type: what is JSON itself is part of the document.
    """
    names = _distinct([name for name, _ in columns])
    readers = [_read if kind == "JSON" else plain for _, kind in columns]
    begin = "[\n"
    for row in rows:
        yield begin + json.dumps(
            {name: read(value) for name, read, value in zip(names, readers, row, strict=True)}, allow_nan=False
        )
        begin = ",\n"
    yield "[]\n" if begin == "[\n" else "\n]\n"


def _read(value: Any) -> Any:
    return value if value is None else json.loads(value)


def _distinct(columns: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in columns:
        number = 1
        one = name
        while one in found:
            one, number = f"{name}_{number}", number + 1
        found.append(one)
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times as ISO 8601, what is no number as null, all else as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.date | dt.time):  # a time stamp is a date, too
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return plain(float(value)) if isinstance(value, Decimal) else str(value)


def render_tables(views: Sequence[Mapping[str, Any]]) -> None:
    """Print the views with their columns and what they mean."""
    target = console.out()
    for view in views:
        target.print(f"[bold]{view['view']}[/bold]  {console.escape(view['about'])}")
        rows = [[one["column"], one["type"], one["meaning"]] for one in view["columns"]]
        target.print(console.table([("column", "left"), ("type", "left"), ("what", "left")], [rows]))
    target.print('a word in capitals stands for several columns; names with - or / go in double quotes: "max-drawdown"')
    statement = next(iter(EXAMPLES.values())).replace("\n", " ")
    target.print(f'for example: quorate sql "{statement}"', markup=False)
