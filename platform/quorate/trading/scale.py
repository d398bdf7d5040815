"""What vectorbt is told: the same settings whatever a program has set, and numbers of a size that it is made for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from quorate.statistics import Floats

CAPITAL, PRICE = 2.0**16, 2.0**6  # at least, and less than twice that, is what vectorbt sees: it leaves out tiny sizes
# Whatever a program has set as vectorbt's defaults, it is this that is computed.
SETTINGS: dict[str, Any] = {
    "size_type": "targetpercent",
    "direction": "both",
    "fixed_fees": 0.0,
    "min_size": 1e-8,
    "max_size": np.inf,
    "size_granularity": np.nan,
    "reject_prob": 0.0,
    "lock_cash": False,
    "allow_partial": True,
    "raise_reject": False,
    "log": False,
    "val_price": np.inf,
    "cash_sharing": True,
    "call_seq": "auto",
    "ffill_val_price": True,
    "update_value": False,
    "init_temp_records": False,
    "attach_call_seq": False,
    "fillna_close": True,
    "trades_type": "exittrades",
    "freq": "1D",
    "engine": "auto",
    "wrapper_kwargs": {"column_only_select": False, "group_select": True},
    "broadcast_kwargs": {"align_index": False, "align_columns": True, "index_from": "strict", "columns_from": "stack"},
}


class Scale(NamedTuple):
    """By what prices and money are divided for vectorbt: powers of two, so that no digit changes."""

    price: Floats  # of each symbol
    money: float

    @classmethod
    def of(cls, close: Floats, capital: float) -> Scale:
        """Return it for last closes, (n_bars, n_symbols), and the capital."""
        first = close[np.isfinite(close).argmax(axis=0), np.arange(close.shape[1])]
        price = np.ldexp(1.0, np.frexp(first / PRICE)[1] - 1)
        return cls(np.where(np.isfinite(price), price, 1.0), float(np.ldexp(1.0, np.frexp(capital / CAPITAL)[1] - 1)))

    def back(self, records: pd.DataFrame) -> pd.DataFrame:
        """Return orders or positions of the symbols as they are in the market's prices and the account's currency."""
        price = self.price[records["col"].to_numpy()]
        factors = dict.fromkeys(("price", "entry_price", "exit_price"), price)
        factors |= dict.fromkeys(("fees", "entry_fees", "exit_fees", "pnl"), self.money)
        factors["size"] = self.money / price
        return records.assign(**{name: records[name] * by for name, by in factors.items() if name in records})
