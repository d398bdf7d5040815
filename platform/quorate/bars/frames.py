"""Long frames of bars: their order, and what rounding has taken from highs and lows."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import DataError, DataWarning

ROUNDING = 1e-6  # of a price: less than that is no trade, but digits that were cut off


def check_order(frame: pd.DataFrame) -> None:
    """Refuse bars that are not sorted by time within each symbol, or of which a symbol has two at a time."""
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


def _is_ordered(frame: pd.DataFrame) -> bool:
    """Return whether each symbol's bars come one after another."""
    codes, _ = pd.factorize(frame["symbol"])
    stamps = frame["time"].dt.tz_convert(None).to_numpy().astype(np.int64)
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        codes, stamps = codes[order], stamps[order]
    return bool(((np.diff(stamps) > 0) | (np.diff(codes) != 0)).all())


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


def _which(frame: pd.DataFrame, bad: NDArray[np.bool_], rule: str) -> tuple[list[int], str, list[str]]:
    """Return what an error tells of bars that stand where they may not."""
    was = [f"{row['symbol']} at {row['time']}" for _, row in frame[bad][: DataError.TOLD].iterrows()]
    return np.flatnonzero(bad).tolist(), rule, was
