"""What one more threshold costs in a backtest of 5,031 bars: it should be far below 50 ms."""

from __future__ import annotations

import statistics
import time

import numpy as np

from quorate.trading.backtest import equity_curves
from quorate.trading.costs import Trading
from quorate_data.bundled import bundled

REPEATS = 7
FEW, MANY = 10, 110


def seconds(columns: int, targets: np.ndarray, bars: object, trading: Trading) -> float:
    start = time.perf_counter()
    equity_curves(bars, targets[:, :, :columns], trading)  # type: ignore[arg-type]
    return time.perf_counter() - start


def main() -> None:
    bars = bundled("nasdaq")
    score = np.random.default_rng(0).normal(0, 0.1, len(bars))
    levels = np.linspace(0, 0.2, MANY)
    targets = np.where(score[:, None, None] > levels[None, None, :], 1.0, 0.0)
    trading = Trading("open", 5e-4, 2e-4)
    start = time.perf_counter()
    equity_curves(bars, targets[:, :, :1], trading)
    print(f"first backtest of the process, imports included: {time.perf_counter() - start:.2f} s")
    each = []
    for _ in range(REPEATS):
        few, many = seconds(FEW, targets, bars, trading), seconds(MANY, targets, bars, trading)
        each.append((many - few) / (MANY - FEW))
    print(f"one more threshold: {1e3 * statistics.median(each):.2f} ms (median of {REPEATS} paired runs)")


if __name__ == "__main__":
    main()
