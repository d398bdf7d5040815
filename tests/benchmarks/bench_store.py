"""The store of bars: importing 1,000 files, importing them again, and reading 500 symbols now and as of a day."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pandas as pd
from bench_files import BARS, write
from figures import Figures, bench
from measure import seconds

import quorate
from quorate.store.bars.collection import Collection

FILES, READ = 1000, 500
REWRITTEN = 20  # bars of each symbol that a second import brings otherwise


def bench_store(figures: Figures, repeats: int, quick: bool) -> None:
    """Time imports, and reads in turn."""
    figures.title(f"the store: {FILES:,} files of {BARS:,} bars")
    with tempfile.TemporaryDirectory() as name:
        (bars := Path(name) / "bars").mkdir()
        write(bars, FILES)
        collection = quorate.BarStore(Path(name) / "store").collection("us", new=True)
        settings = [f"path={bars}", "calendar=weekdays"]

        def bring() -> None:
            quorate.import_bars(Collection(collection.folder), "csv", settings)

        figures.add(f"{FILES:,} files of {BARS:,} bars brought into the store", [seconds(bring)], "s", most=60)
        figures.add("  brought again: nothing is read", [seconds(bring) for _ in range(repeats)], "s")
        symbols = [f"S{k:03d}" for k in range(READ)]
        plain = [seconds(lambda: Collection(collection.folder).read(symbols)) for _ in range(repeats)]
        figures.add(f"{READ} symbols of {BARS:,} bars read from it", plain, "s", most=1.5)
        for path in bars.iterdir():  # a vendor rewrites the last weeks
            frame = pd.read_csv(path)
            frame.loc[BARS - REWRITTEN :, "Volume"] += 1
            frame.to_csv(path, index=False)
        bring()
        today = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        ratios = []
        for _ in range(max(repeats, 5)):
            now = seconds(lambda: Collection(collection.folder).read(symbols))
            ratios.append(seconds(lambda: Collection(collection.folder).read(symbols, as_of=today)) / now)
        figures.add(f"{READ} symbols read from it as of a day, over reading them as they are", ratios, most=1.3)


PARTS = {"store": bench_store}

if __name__ == "__main__":
    bench(PARTS, __doc__)
