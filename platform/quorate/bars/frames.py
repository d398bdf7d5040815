"""Long frames of bars, checked before they become a panel."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.reading import LARGEST, PRICES, ROUNDING, SMALLEST, holdable
from quorate.errors import DataError, DataWarning, near_misses


def check_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame, its highs and lows widened by what rounding took from them, or raise `DataError`."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"bars are made of a DataFrame, a row per symbol and bar; it was {type(frame).__name__}")
    if not frame.columns.is_unique:
        doubled = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"bars must have each column once; there are several called {doubled!r}")
    for name in ("symbol", "time", *PRICES):
        if name not in frame:
            raise DataError(
                f"bars need a column {name!r}; the columns are {', '.join(map(str, frame.columns))}"
                f"{near_misses(name, map(str, frame.columns))}"
            )
    if frame.empty:
        raise DataError("there are no bars: the frame is empty")
    if frame["symbol"].isna().any():
        raise DataError(f"column 'symbol' has no name in row {int(frame['symbol'].isna().to_numpy().argmax())}")
    if not isinstance(frame["time"].dtype, pd.DatetimeTZDtype):
        raise DataError(f"column 'time' must be time-zone aware; its type is {frame['time'].dtype}")
    if frame["time"].isna().any():
        raise DataError(f"column 'time' has no stamp in row {int(frame['time'].isna().to_numpy().argmax())}")
    frame = holdable(frame)
    if frame.empty:
        raise DataError("there are no bars left: each of them was set apart")
    _check_order(frame)
    return _check_values(frame)


def _is_ordered(frame: pd.DataFrame) -> bool:
    """Return whether each symbol's bars come one after another."""
    codes, _ = pd.factorize(frame["symbol"])
    stamps = frame["time"].dt.tz_convert(None).to_numpy().astype(np.int64)
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        codes, stamps = codes[order], stamps[order]
    return bool(((np.diff(stamps) > 0) | (np.diff(codes) != 0)).all())


def _check_order(frame: pd.DataFrame) -> None:
    if _is_ordered(frame):
        return
    doubled = frame.duplicated(["symbol", "time"]).to_numpy()
    if doubled.any():
        first = frame.iloc[int(doubled.argmax())]
        raise DataError(
            f"{first['symbol']} has two bars at {first['time']} ({int(doubled.sum())} duplicated in all): "
            "a symbol has one bar at a time",
            *_which(frame, doubled, "a symbol has one bar at a time"),
        )
    step = frame.groupby("symbol", sort=False)["time"].diff()
    backwards = (step < pd.Timedelta(0)).to_numpy()
    if backwards.any():
        first = frame.iloc[int(backwards.argmax())]
        raise DataError(
            f"bars must be sorted by time; {first['symbol']} at {first['time']} comes after a later bar "
            f"({int(backwards.sum())} such places)",
            *_which(frame, backwards, "bars must be sorted by time"),
        )


def _check_values(frame: pd.DataFrame) -> pd.DataFrame:
    for name in (*PRICES, *(["volume"] if "volume" in frame else [])):
        values = frame[name].to_numpy()
        if values.dtype.kind not in "fiu":
            raise DataError(f"column {name!r} must be numbers; its type is {frame[name].dtype}, e.g. {values[0]!r}")
        numbers = values.astype(np.float64)
        if name == "volume":
            _refuse(frame, name, numbers < 0, "must not be negative")
            _refuse(frame, name, np.isinf(numbers), "must not be infinite")
        else:
            _refuse(frame, name, ~np.isfinite(numbers), "must be a finite number")
            _refuse(frame, name, numbers <= 0, "must be positive")
            beyond = (numbers < SMALLEST) | (numbers > LARGEST)
            _refuse(frame, name, beyond, f"must lie between {SMALLEST:g} and {LARGEST:g}, in whatever unit")
    if "volume" in frame and len(frame) > 1 and not (frame["volume"] > 0).any():
        if (frame["volume"] == 0).any():
            warnings.warn("volume is zero on every bar: taken as none", DataWarning, stacklevel=2)
        frame = frame.drop(columns="volume")
    frame = widened(frame)
    low, high = frame["low"].to_numpy(), frame["high"].to_numpy()
    _refuse(frame, "high", high < low, "must not be below the low")
    for name in ("open", "close"):
        price = frame[name].to_numpy()
        _refuse(frame, name, (price < low) | (price > high), "must lie between low and high")
    return frame


def widened(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose highs and lows hold open and close, where only rounding kept them from it; warns of it."""
    body = frame[["open", "close"]].to_numpy(dtype=np.float64)
    for name, edge, side in (("high", body.max(axis=1), 1.0), ("low", body.min(axis=1), -1.0)):
        values = frame[name].to_numpy(dtype=np.float64)
        short = side * (edge - values)
        with np.errstate(invalid="ignore"):
            near = (short > 0) & (short <= ROUNDING * edge)
        if near.any():
            frame = frame.assign(**{name: np.where(near, edge, values)})
            warnings.warn(
                f"{int(near.sum())} of {len(near)} {name}s were widened: rounding had put an open or close beyond them",
                DataWarning,
                stacklevel=2,
            )
    return frame


def _refuse(frame: pd.DataFrame, name: str, bad: NDArray[np.bool_], rule: str) -> None:
    if not bad.any():
        return
    first = frame.iloc[int(bad.argmax())]
    beside = f" (low {first['low']:g}, high {first['high']:g})" if "low" in rule else ""
    raise DataError(
        f"{name} {rule}: {first['symbol']} at {first['time']} has {first[name]:g}{beside}; "
        f"{int(bad.sum())} of {len(bad)} bars are wrong",
        np.flatnonzero(bad).tolist(),
        f"{name} {rule}",
        [
            f"{row[name]:g}" + (f", low {row['low']:g}, high {row['high']:g}" if beside else "")
            for _, row in frame[bad][: DataError.TOLD].iterrows()
        ],
    )


def _which(frame: pd.DataFrame, bad: NDArray[np.bool_], rule: str) -> tuple[list[int], str, list[str]]:
    """Return what an error tells of bars that stand where they may not."""
    was = [f"{row['symbol']} at {row['time']}" for _, row in frame[bad][: DataError.TOLD].iterrows()]
    return np.flatnonzero(bad).tolist(), rule, was
