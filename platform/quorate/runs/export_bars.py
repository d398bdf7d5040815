"""Bars written to files: one per symbol, the parts of a split in time, or what is trained and tested on."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.errors import RecipeError, StoreError, one_of, plural
from quorate.recipe.bar_files import source_of
from quorate.runs.doubts import data_table
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.files import replacing, write_json, write_text
from quorate.store.parquet import write_parquet

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 200  # bytes of a file's name
FORMATS = ("csv", "parquet")
LAYOUTS = ("symbols", "splits", "train-test")
SHARES = {"train": 0.7, "val": 0.85, "test": 1.0}  # of the sessions, up to where each part reaches
TEST_ROWS = 30  # of each symbol, its last
SUMMARY, METADATA = "data_summary.csv", "asset_metadata.json"
LOG = "features/feature_engineering.log"


@in_usual_surroundings
def bars_of_files(path: str, settings: Iterable[str] = (), symbols: Sequence[str] | None = None) -> Bars:
    """Return the bars of a file or a folder.

    Parameters
    ----------
    settings : iterable of str
        Options of the source, ``key=value``.
    symbols : sequence of str, optional
        These only.

    Raises
    ------
    DataError
        If it cannot be read as bars.
    """
    table = data_table({"source": source_of(Path(path)), "path": path}, settings)
    if symbols:
        table["data"]["symbols"] = [*symbols]
    return load_bars(open_session({"name": "export", "models": {"logistic": {}}, **table}))


def export_bars(
    bars: Bars, out: Path, layout: str = "symbols", file_format: str = "parquet", test_rows: int = TEST_ROWS
) -> list[Path]:
    """Write bars to a folder, and return the files.

    Parameters
    ----------
    bars : Bars
        What is written: symbol, time (of the close, UTC), prices, volume, categories.
    out : Path
        The folder; empty, or not there.
    layout : {"symbols", "splits", "train-test"}
        A file per symbol. ``train``, ``val`` and ``test``, cut by sessions at 70 and 85 % for all symbols alike. Or
        ``train/`` and ``test/`` with a file per symbol, whose last rows are the test, and `summary` and metadata.
    file_format : {"parquet", "csv"}
        Of the files.
    test_rows : int
        Of ``train-test``, how many rows of each symbol are the test.

    Raises
    ------
    RecipeError
        For a layout or a format that there is not.
    StoreError
        If the folder holds something already, or two symbols would be one file.
    """
    for name, value, known in (("layout", layout, LAYOUTS), ("format", file_format, FORMATS)):
        if value not in known:
            raise RecipeError(f"--{name} must be one of {one_of(known)}; it was {value!r}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError(f"cannot write to {out}: it holds something already; name an empty folder")
    if layout == "splits":
        parts = _splits(bars)
        write_text(out / LOG, _log(bars, parts))
        return [*(_write(part, out / f"{name}.{file_format}") for name, part in parts), out / LOG]
    names = _names(bars, file_format)
    frames = {str(symbol): frame for symbol, frame in bars.to_frame().groupby("symbol", sort=True)}
    if layout == "symbols":
        return [_write(frame, out / names[symbol]) for symbol, frame in frames.items()]
    rows = summary(bars, test_rows, file_format)
    written = []
    for row in rows:
        frame, cut = frames[row["symbol"]], row["train_rows"]
        written += [_write(frame[:cut], out / row["train_file"]), _write(frame[cut:], out / row["test_file"])]
    write_summary(rows, out / SUMMARY)
    write_json(out / METADATA, metadata(bars))
    return [*written, out / SUMMARY, out / METADATA]


def summary(bars: Bars, test_rows: int = TEST_ROWS, file_format: str = "parquet") -> list[dict[str, Any]]:
    """Return of each symbol how many rows there are, and how many of them are trained and tested on.

    Raises
    ------
    RecipeError
        If a symbol would have no row to train on.
    """
    names = _names(bars, file_format)
    rows = []
    for column, symbol in enumerate(bars.symbols):
        present = np.flatnonzero(bars.present[:, column])
        if not 0 < test_rows < len(present):
            raise RecipeError(
                f"--test-rows must lie between 1 and {len(present) - 1}, as {symbol} has {len(present)} rows; it was "
                f"{test_rows}"
            )
        rows.append(
            {
                "symbol": symbol,
                "latest_date": str(bars.sessions[present[-1]]),
                "total_rows": len(present),
                "train_rows": len(present) - test_rows,
                "test_rows": test_rows,
                "train_file": f"train/{names[symbol]}",
                "test_file": f"test/{names[symbol]}",
            }
        )
    return rows


def write_summary(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write what `summary` returns as CSV."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)


def metadata(bars: Bars) -> dict[str, dict[str, Any]]:
    """Return what is known of each symbol."""
    told = {}
    for column, symbol in enumerate(bars.symbols):
        present = np.flatnonzero(bars.present[:, column])
        told[symbol] = {
            "frequency": bars.frequency,
            "bars_per_year": bars.bars_per_year,
            "calendar": bars.calendar.name,
            "timezone": bars.calendar.timezone,
            "rows": len(present),
            "first_date": str(bars.sessions[present[0]]),
            "latest_date": str(bars.sessions[present[-1]]),
            "volume": bool(np.isfinite(bars.volume[present, column]).all()),
        }
    return told


def _splits(bars: Bars) -> list[tuple[str, pd.DataFrame]]:
    """Return the parts of a split in time, each a long frame, by name: no session is in two of them."""
    days = np.unique(bars.sessions)
    frame = bars.to_frame()
    row = np.searchsorted(days, bars.sessions[bars.present.nonzero()[0]])
    start, found = 0, []
    for name, share in SHARES.items():
        stop = int(len(days) * share)
        found.append((name, frame[(row >= start) & (row < stop)]))
        start = stop
    return found


def _log(bars: Bars, parts: Sequence[tuple[str, pd.DataFrame]]) -> str:
    """Return how the columns of the parts of a split were made, and how these were cut."""
    lines = [
        f"bars {bars!r}: {plural(len(bars.symbols), 'symbol')}, calendar {bars.calendar.name}",
        f"columns {', '.join(parts[0][1].columns)}: as they were read, time that of the close in UTC; no feature was "
        "computed (quorate data export RECIPE.toml writes features and labels)",
    ]
    for (name, part), share in zip(parts, SHARES.values(), strict=True):
        span = f", closes {part['time'].min():%Y-%m-%d} to {part['time'].max():%Y-%m-%d}" if len(part) else ""
        lines.append(f"{name}: {plural(len(part), 'row')}{span}, cut by sessions at {share:.0%}")
    return "\n".join(lines) + "\n"


def _names(bars: Bars, file_format: str) -> dict[str, str]:
    """Return the file of each symbol."""
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for symbol in bars.symbols:
        name = names[symbol] = f"{symbol.replace('/', '-')}.{file_format}"
        if len(name.encode()) > LONGEST:
            raise StoreError(f"cannot write {name[:40]}...: the name of a file must have at most {LONGEST} bytes")
        if (other := taken.setdefault(name.lower(), symbol)) != symbol:
            raise StoreError(f"{other} and {symbol} would both be the file {name}: export one of them by --symbol")
    return names


def _write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        with replacing(path) as temporary:
            frame.to_csv(temporary, index=False)
    else:
        write_parquet(frame, path)
    return path
