"""Round trips, as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorate.bars.panel import Bars


def trades_of(bars: Bars, positions: pd.DataFrame) -> pd.DataFrame:
    """Return the trades of vectorbt's positions, see `quorate.trading.backtest.BacktestResult`."""
    entry = positions["entry_idx"].to_numpy(dtype=np.int64)
    leave = positions["exit_idx"].to_numpy(dtype=np.int64)
    times = pd.DatetimeIndex(bars.times).tz_localize("UTC")
    return pd.DataFrame(
        {
            "symbol": np.asarray(bars.symbols)[positions["col"].to_numpy(dtype=np.int64)],
            "side": np.where(positions["direction"].to_numpy() == 0, "long", "short"),
            "decided": times[entry - 1],
            "entered": times[entry],
            "exited": times[leave],
            "size": positions["size"].to_numpy(),
            "entry_price": positions["entry_price"].to_numpy(),
            "exit_price": positions["exit_price"].to_numpy(),
            "fees": (positions["entry_fees"] + positions["exit_fees"]).to_numpy(),
            "pnl": positions["pnl"].to_numpy(),
            "pnl_fraction": positions["return"].to_numpy(),
            "closed": positions["status"].to_numpy() == 1,
        }
    )
