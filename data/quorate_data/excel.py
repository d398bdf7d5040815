"""Bars from workbooks of Excel and LibreOffice."""

from __future__ import annotations

import csv as text_files
import datetime as dt
import io
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import quorate
from quorate_data import _tables
from quorate_data._layout import Layout, make_layout
from quorate_data._options import options_of
from quorate_data._tables import Table
from quorate_data._text import listed, near
from quorate_data.files import bars_of, csv

_ENDINGS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


@options_of(csv, "separator", endings=_ENDINGS)
def excel(path: str | list[str], sheet: str | None = None, skip_rows: int = 0, **options: Any) -> quorate.Bars:
    """Read bars from workbooks: a sheet is read as a CSV file is. ``quorate[excel]`` reads them.

    Parameters
    ----------
    sheet : str, optional
        The sheet that has the bars; or a pattern such as ``"*"``, and each sheet is the file of a symbol, which it is
        called after. Without it the only one that is not empty. `fields` names sheets, too.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """

    def read(file: Path, layout: Layout) -> list[Table]:
        book, wanted = (file.parent, file.name) if file.parent.is_file() else (file, sheet)
        texts = _sheets(book, wanted)
        tables = []
        for name, text in texts.items():
            found = _tables.read_csv(file if len(texts) == 1 else file / name, layout, ",", skip_rows, text)
            for table in found if len(texts) > 1 else ():
                if "symbol" not in table.frame:
                    table.frame["symbol"] = name
            tables += found
        return tables

    return bars_of(path, _ENDINGS, make_layout(**options), read, books=True)


def _sheets(book: Path, wanted: str | None) -> dict[str, str]:
    """Return the sheets that are wanted as the text of CSV files, by their name."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(book) as workbook:
            names = workbook.sheet_names
            chosen = [name for name in names if wanted is None or wanted == name]
            chosen = chosen or [name for name in names if wanted is not None and fnmatchcase(name, wanted)]
            rows = {name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in chosen}
    except (CalamineError, OSError) as e:
        raise quorate.DataError(f"{book}: not a readable workbook: {e}") from e
    if not chosen:
        raise quorate.DataError(
            f"{book}: there is no sheet {wanted!r}; its sheets are {listed(names)}{near(str(wanted), names)}"
        )
    filled = {name: _text(cells) for name, cells in rows.items() if cells}
    if not filled:
        raise quorate.DataError(f"{book}: {listed(chosen)} {'is' if len(chosen) == 1 else 'are'} empty")
    if wanted is None and len(filled) > 1:
        raise quorate.DataError(
            f"{book}: there are several sheets, {listed(filled)}; say which has the bars with "
            f'data.sheet = "{next(iter(filled))}", or data.sheet = "*" if each is of a symbol'
        )
    return filled


def _text(rows: Sequence[Sequence[object]]) -> str:
    """Return the cells of a sheet as the lines of a CSV file, a line per row."""
    timed = {i for row in rows for i, cell in enumerate(row) if isinstance(cell, dt.datetime)}
    out = io.StringIO()
    writer = text_files.writer(out, lineterminator="\n")
    for row in rows:
        cells = [_cell(cell, i in timed) for i, cell in enumerate(row)]
        if any(cells):
            writer.writerow(cells)
        else:
            out.write("\n")
    return out.getvalue()


def _cell(value: object, timed: bool) -> str:
    """Return a cell as text; of a column of dates and times, midnight is a time, too."""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, dt.datetime) or (timed and isinstance(value, dt.date)):
        # Days are counted in floats, which are some microseconds beside a time.
        when = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
        exact = (when + dt.timedelta(microseconds=500)).replace(tzinfo=None)
        return exact.isoformat(" ", "milliseconds").removesuffix(".000")
    return " ".join(str(value).split())
