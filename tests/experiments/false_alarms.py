"""How often the rules find something in sound bars: simulated markets, by the distribution of their returns.

    python tests/experiments/false_alarms.py [SYMBOLS]

Prints a table for docs/data.md: symbols of 2,500 daily bars with a finding, of all that were simulated.
"""

import sys

import numpy as np
import pandas as pd

from quorate.bars.findings import find
from quorate.bars.panel import Bars
from quorate.bars.us_equity import holidays as us_holidays

BARS, TOGETHER = 2500, 100
MARKETS = ("normal", "t, 5 degrees", "t, 3 degrees", "GARCH(1, 1)")


def steps(market: str, rng: np.random.Generator) -> np.ndarray:
    """Return returns of one standard deviation and a half of a percent a day."""
    if market == "GARCH(1, 1)":
        found, variance = np.empty(BARS), 1.0
        for t in range(BARS):
            found[t] = np.sqrt(variance) * rng.standard_normal()
            variance = 0.02 + 0.1 * found[t] ** 2 + 0.88 * variance
        return 0.015 * found
    if market == "normal":
        return 0.015 * rng.standard_normal(BARS)
    degrees = float(market[3])
    return 0.015 * rng.standard_t(degrees, BARS) / np.sqrt(degrees / (degrees - 2))


def panel(market: str, seed: int) -> Bars:
    """Return a hundred symbols of a market."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2000-01-03", periods=BARS * 11 // 10)
    days = days[~np.isin(days.to_numpy().astype("datetime64[D]"), us_holidays())]
    closed = pd.DatetimeIndex(["2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02"])
    days = days[~days.isin(closed)][:BARS]
    frames = []
    for k in range(TOGETHER):
        close = np.round(50 * np.exp(np.cumsum(steps(market, rng))), 4)
        open_ = np.append(50, close[:-1]) * np.exp(0.004 * rng.standard_normal(BARS))
        wide = np.exp(0.005 * np.abs(rng.standard_normal((2, BARS))))
        high, low = np.maximum(open_, close) * wide[0], np.minimum(open_, close) / wide[1]
        volume = np.rint(1e6 * np.exp(0.5 * rng.standard_normal(BARS)))
        told = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
        frames.append(
            pd.DataFrame({"symbol": f"S{k:03d}", "time": days.tz_localize("UTC") + pd.Timedelta("21h"), **told})
        )
    return Bars.from_frame(pd.concat(frames))


def main() -> None:
    """Count findings, and print them."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    table: dict[str, dict[str, int]] = {}
    for market in MARKETS:
        for seed in range(number // TOGETHER):
            for one in find(panel(market, seed)):
                row = table.setdefault(one.rule, dict.fromkeys(MARKETS, 0))
                row[market] += 1
    print(f"| rule | {' | '.join(MARKETS)} |\n|---|{'---|' * len(MARKETS)}")
    for rule, row in table.items():
        print(f"| `{rule}` | {' | '.join(f'{n / number:.1%}' for n in row.values())} |")
    print(f"{number} symbols of {BARS} bars a market; of the other rules nothing was found")


if __name__ == "__main__":
    main()
