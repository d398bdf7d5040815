"""Round trips, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.panel import Bars


def trades_of(bars: Bars, positions: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Return the trades of vectorbt's positions, see `quorate.trading.backtest.BacktestResult`."""
    entry = positions["entry_idx"].astype(np.int64)
    leave = positions["exit_idx"].astype(np.int64)
    times = pd.DatetimeIndex(bars.times).tz_localize("UTC")
    return pd.DataFrame(
        {
            "symbol": np.asarray(bars.symbols)[positions["col"].astype(np.int64)],
            "side": np.where(positions["direction"] == 0, "long", "short"),
            "decided": times[entry - 1],
            "entered": times[entry],
            "exited": times[leave],
            "size": positions["size"],
            "entry_price": positions["entry_price"],
            "exit_price": positions["exit_price"],
            "fees": positions["entry_fees"] + positions["exit_fees"],
            "pnl": positions["pnl"],
            "pnl_fraction": positions["return"],
            "closed": positions["status"] == 1,
        }
    )
