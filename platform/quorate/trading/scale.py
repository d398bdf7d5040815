"""Numbers of a size that vectorbt is made for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.statistics import Floats

CAPITAL, PRICE = 2.0**16, 2.0**6  # at least, and less than twice that, is what vectorbt sees: it leaves out tiny sizes


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

    def back(self, booked: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return orders or positions of the symbols as they are in the market's prices and the account's currency.

        By the names of vectorbt's fields; a table of each would take longer than what it is for.
        """
        found = {name: booked[name] for name in booked.dtype.names or ()}
        price = self.price[found["col"]]
        factors: dict[str, Any] = dict.fromkeys(("price", "entry_price", "exit_price"), price)
        factors |= dict.fromkeys(("fees", "entry_fees", "exit_fees", "pnl"), self.money)
        factors["size"] = self.money / price
        return found | {name: found[name] * by for name, by in factors.items() if name in found}
