"""Built-in cost models: what an order costs, as fractions of the traded value per side, and by its own size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HERE = "quorate_plugins.costs"
USUAL = 0.02  # daily volatility of a symbol of which fewer than two returns are known
NOTHING = 1e-12  # taken for the daily value of a symbol of which nothing is traded


@quorate.hookimpl
def quorate_costs() -> Iterator[quorate.CostSpec]:
    """Yield the built-in cost models."""
    yield quorate.CostSpec("fixed", f"{HERE}:fixed", description="the same fees and slippage for every order")
    yield quorate.CostSpec(
        "range",
        f"{HERE}:bar_range",
        description="slippage in proportion to the bars' range of late: more in wild markets",
    )
    yield quorate.CostSpec(
        "impact",
        f"{HERE}:impact",
        description="half the spread, and market impact: by the square root of an order's share of the daily volume",
    )


def fixed(bars: quorate.Bars, fees: float = 0.0005, slippage: float = 0.0002) -> tuple[float, float]:
    """Return the same fees and slippage for every bar.

    Parameters
    ----------
    fees : float, fraction of the traded value
        Paid per side.
    slippage : float, fraction of the traded value
        Per side, what is lost to a worse price.
    """
    return fees, slippage


def bar_range(
    bars: quorate.Bars, fees: float = 0.0005, share: float = 0.02, window: int = 20, most: float = 0.05
) -> tuple[float, NDArray[np.float64]]:
    """Return slippage as a `share` of the mean range (high less low, over the close) of a symbol's last bars.

    Parameters
    ----------
    fees : float, fraction of the traded value
        Paid per side.
    share : float
        Slippage per side, as a share of the range.
    window : int, bars
        How many before the one that fills the order the range is taken over; where there are fewer, those.
    most : float, fraction of the traded value
        Upper bound of the slippage.
    """
    import pandas as pd

    ranges = pd.DataFrame((bars.high - bars.low) / bars.close)
    # Row by row on each symbol's own bars: one that misses a bar keeps what was before.
    before = ranges.apply(lambda column: column.dropna().rolling(window, min_periods=1).mean().shift())
    slippage = (before.reindex(ranges.index) * share).ffill().fillna(share * 0.02)
    return fees, slippage.clip(0.0, most).to_numpy()


def impact(
    bars: quorate.Bars, fees: float = 0.0005, half_spread: float = 0.0002, coefficient: float = 1.0, window: int = 20
) -> tuple[float, float, NDArray[np.float64]]:
    """Return fees, half the spread, and impact by the square root of an order's share of what is traded a day.

    An order of the value V has the slippage ``half_spread + coefficient * volatility * sqrt(V / daily value)``, by the
    deviation of daily returns and the mean value traded a day, volume times close, of the last sessions. Of markets
    and years as different as can be, the coefficient is about 1 (Toth and others 2011, Bouchaud and others 2018);
    Almgren and others (2005) measured a power of 0.6 in place of 0.5.

    A bar without a volume counts as one on which nothing was traded. A symbol of which nothing was traded in the
    window costs the most that there is. In its first session it has no impact: nothing is known.

    Parameters
    ----------
    fees : float, fraction of the traded value
        Paid per side.
    half_spread : float, fraction of the traded value
        Lost per side by an order of any size.
    coefficient : float
        Slippage in daily volatilities of an order as large as the daily volume.
    window : int, sessions
        How many before that of the order volatility and volume are taken over; where there are fewer, those.

    Raises
    ------
    DataError
        If a symbol has bars and no volume.
    RecipeError
        If the window is too short for a deviation, or the coefficient negative.
    """
    import numpy as np
    import pandas as pd

    if window < 2:
        raise quorate.RecipeError(f"costs.window: a volatility needs 2 sessions or more; it was {window}")
    if coefficient < 0:
        raise quorate.RecipeError(
            f"costs.coefficient must be at least 0: orders gain nothing by size; it was {coefficient:g}"
        )
    _check_volume(bars)
    session = np.unique(bars.sessions, return_inverse=True)[1]
    span = max(1, round(bars.calendar.sessions_per_year / bars.bars_per_year))  # sessions in a bar, e.g. of a week
    by_session = pd.DataFrame(bars.close).groupby(session)
    close, traded = by_session.last(), pd.DataFrame(bars.volume * bars.close).groupby(session).sum()

    def before(column: pd.Series) -> pd.Series:
        # On each symbol's own sessions: one that misses some keeps what was before.
        own = column.dropna()
        returns = np.log(own).diff() / np.sqrt(span)
        volatility = returns.rolling(window, min_periods=2).std().fillna(USUAL)
        daily = traded[column.name][own.index].rolling(window, min_periods=1).mean() / span
        latest: pd.Series = coefficient * volatility / np.sqrt(np.maximum(daily, NOTHING))
        return latest.shift()

    known = close.apply(before).reindex(close.index)
    return fees, half_spread, known.ffill().fillna(0.0).to_numpy()[session]


def _check_volume(bars: quorate.Bars) -> None:
    """Raise `DataError`, if a symbol has bars of which none has a volume."""
    import numpy as np

    silent = np.isfinite(bars.close).any(axis=0) & ~np.isfinite(bars.volume).any(axis=0)
    if names := [bars.symbols[k] for k in np.flatnonzero(silent)]:
        raise quorate.DataError(
            f'costs.model = "impact" needs the volume of every symbol; in {bars.span} there is none of '
            f'{", ".join(names)}: give bars with a volume, or take costs.model = "range"'
        )
