"""Backtests and evidence as they grow: thresholds, symbols, bars."""

from __future__ import annotations

import numpy as np
from figures import Figures, bench
from measure import fresh_home, quorate_run, seconds

from quorate.trading.backtest import equity_curves
from quorate.trading.costs import Trading
from quorate_data.bundled import bundled
from quorate_plugins.costs import impact

FEW, MANY = 10, 110
# Models that cost next to nothing: what is measured is what comes after them.
CHEAP = ("features.use=['return_1', 'return_5']", "models.logistic={}")


def bench_thresholds(figures: Figures, repeats: int, quick: bool) -> None:
    """Time one more threshold."""
    figures.title("one more threshold in a backtest of 5,031 bars")
    bars = bundled("nasdaq")
    score = np.random.default_rng(0).normal(0, 0.1, len(bars))
    targets = np.where(score[:, None, None] > np.linspace(0, 0.2, MANY)[None, None, :], 1.0, 0.0)
    trading = Trading("open", 5e-4, 2e-4)

    def took(columns: int) -> float:
        return seconds(lambda: equity_curves(bars, targets[:, :, :columns], trading))

    took(1)  # imports
    each = [1e3 * (took(MANY) - took(FEW)) / (MANY - FEW) for _ in range(max(repeats, 5))]
    figures.add("one more threshold, 5,031 bars", each, "ms", most=5)


def bench_impact(figures: Figures, repeats: int, quick: bool) -> None:
    """Time a series whose orders move prices, beside one whose do not."""
    figures.title("impact of orders: 5,031 bars, a change of weight on every fifth")
    bars = bundled("nasdaq")
    drawn = np.random.default_rng(0).uniform(0, 1, -(-len(bars) // 5))
    targets = np.repeat(drawn, 5)[: len(bars), None, None]
    _, half, moved = impact(bars)
    plain, sized = (Trading("open", 5e-4, half, 1e9, share) for share in (0.0, moved))

    def took(trading: Trading) -> float:
        return seconds(lambda: [equity_curves(bars, targets, trading) for _ in range(20)])

    took(sized)  # imports
    ratio = [took(sized) / took(plain) for _ in range(max(repeats, 5))]
    figures.add("a series with impact, of one without", ratio, "x", most=15)


def bench_panel(figures: Figures, repeats: int, quick: bool) -> None:
    """Time what follows the fits of a wide panel."""
    n = 60 if quick else 300
    figures.title(f"{n} symbols x 2,500 days: decisions and accounts")
    sets = (
        *CHEAP,
        f"data.n_symbols={n}",
        "data.n_bars=2500",
        "models.lightgbm=false",
        "models.gradient-boosting=false",
    )
    took = []
    for _ in range(repeats):
        with fresh_home() as home:
            stages = quorate_run("planted", home, *sets)[1]["telemetry"]["stages"]
        took.append(stages["ensemble"] + stages["backtest"])
    figures.add(f"{n} symbols x 2,500 days: thresholds chosen and traded", took, "s", most=15)


def bench_long(figures: Figures, repeats: int, quick: bool) -> None:
    """Time the evidence on very many bars."""
    figures.title("50,000 bars: evidence")
    sets = (
        *CHEAP, "data.n_bars=50000", "data.calendar='24x7'", "data.start='1870-01-01'", "models.lightgbm=false",
        "models.gradient-boosting=false", "folds.initial=10000", "folds.test=10000", "holdout.bars=0",
    )  # fmt: skip
    took = []
    for _ in range(repeats):
        with fresh_home() as home:
            took.append(quorate_run("planted", home, *sets)[1]["telemetry"]["stages"]["evidence"])
    figures.add("evidence on 40,000 bars", took, "s", most=8)


PARTS = {"thresholds": bench_thresholds, "impact": bench_impact, "panel": bench_panel, "long": bench_long}

if __name__ == "__main__":
    bench(PARTS, __doc__)
