"""What reading files costs beside pandas reading them: 500 files of 2,500 daily bars, and the doubts about them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from figures import Figures, bench
from measure import seconds

from quorate.bars.doubts import doubts
from quorate.bars.findings import find
from quorate_data.files import csv

FILES, BARS = 500, 2500


def write(folder: Path, files: int = FILES) -> None:
    """Write so many files of bars."""
    days = pd.bdate_range("2010-01-04", periods=BARS).strftime("%Y-%m-%d")
    for k in range(files):
        rng = np.random.default_rng(k)
        close = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(BARS)))
        open_ = close * np.exp(0.003 * rng.standard_normal(BARS))
        high, low = np.maximum(open_, close) * 1.01, np.minimum(open_, close) * 0.99
        volume = rng.integers(100_000, 1_000_000, BARS)
        frame = pd.DataFrame({"Date": days, "Open": open_, "High": high, "Low": low, "Close": close, "Volume": volume})
        frame.to_csv(folder / f"S{k:03d}.csv", index=False)


def bench_files(figures: Figures, repeats: int, quick: bool) -> None:
    """Time reading files in turn with pandas."""
    figures.title(f"{FILES} files of {BARS:,} bars")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        files = sorted(folder.iterdir())
        bars = csv(name)
        ratios, ours = [], []
        for _ in range(repeats):
            plain = seconds(lambda: [pd.read_csv(file, parse_dates=["Date"]) for file in files])
            ours.append(seconds(lambda: csv(name)))
            ratios.append(ours[-1] / plain)
        figures.add(f"{FILES} files of {BARS:,} bars read, over `pandas.read_csv`", ratios)
        figures.add("  read", ours, "s")
        figures.add("  doubts about them", [seconds(lambda: doubts(bars))], "s")
        every = [seconds(lambda: find(bars)) for _ in range(repeats)]
        figures.add(f"the quality report of {FILES} symbols of {BARS:,} bars", every, "s", most=3)


PARTS = {"files": bench_files}

if __name__ == "__main__":
    bench(PARTS, __doc__)
