"""What reading files costs beside pandas reading them: 500 files of 2,500 daily bars, and the doubts about them."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from quorate.bars.doubts import doubts
from quorate_data.files import csv

FILES, BARS, REPEATS = 500, 2500, 3


def write(folder: Path) -> None:
    days = pd.bdate_range("2010-01-04", periods=BARS).strftime("%Y-%m-%d")
    for k in range(FILES):
        rng = np.random.default_rng(k)
        close = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(BARS)))
        open_ = close * np.exp(0.003 * rng.standard_normal(BARS))
        high, low = np.maximum(open_, close) * 1.01, np.minimum(open_, close) * 0.99
        volume = rng.integers(100_000, 1_000_000, BARS)
        frame = pd.DataFrame({"Date": days, "Open": open_, "High": high, "Low": low, "Close": close, "Volume": volume})
        frame.to_csv(folder / f"S{k:03d}.csv", index=False)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        files = sorted(folder.iterdir())
        bars = csv(name)
        pairs = []
        for _ in range(REPEATS):
            plain = seconds(lambda: [pd.read_csv(file, parse_dates=["Date"]) for file in files])
            pairs.append((seconds(lambda: csv(name)), plain))
        ours, plain = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{FILES} files of {BARS:,} bars: {ours:.2f} s, {ours / plain:.2f} times pandas.read_csv ({plain:.2f} s)")
        print(f"doubts about them: {seconds(lambda: doubts(bars)):.2f} s")


if __name__ == "__main__":
    main()
