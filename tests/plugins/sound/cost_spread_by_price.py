"""A cent of spread: dearer for cheap shares; read from the bar before the fill."""

import numpy as np

import quorate


def spread_by_price(bars, cent=0.01, fees=0.0001):
    before = np.vstack([bars.close[:1], bars.close[:-1]])
    return fees, np.minimum(0.5 * cent / np.where(np.isnan(before), 1.0, before), 0.02)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("spread-by-price", spread_by_price)
