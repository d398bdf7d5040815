"""Large bars through a run of light models on fourteen features: memory and processor time of all its processes."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from figures import Figures, bench
from measure import QUORATE

MINUTES, SYMBOLS, DAYS = 10_000_000, 500, 2_500
RECIPE = """
name = "size"
[data]
source = "parquet"
path = "bars.parquet"
calendar = "{calendar}"
[features]
use = ["group:momentum"]
[folds]
initial = {initial}
test = {test}
[execution]
workers = 1
[models.ridge]
[models.{model}]
"""


def bench_size(figures: Figures, repeats: int, quick: bool) -> None:
    """Take the peak of each run; with `quick` of a tenth of the bars."""
    part = 10 if quick else 1
    for what, made, calendar, bars, model in (
        (
            f"{MINUTES // part:,} minutes of one symbol",
            lambda: minutes(MINUTES // part),
            "24x7",
            MINUTES // part,
            "logistic",
        ),
        (f"{SYMBOLS // part:,} symbols of {DAYS:,} days", lambda: days(SYMBOLS // part), "weekdays", DAYS, "lightgbm"),
    ):
        figures.title(f"{what}, ridge and {model}")
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            folder = Path(name)
            made().to_parquet(folder / "bars.parquet")
            text = RECIPE.format(calendar=calendar, initial=2 * bars // 5, test=bars // 5, model=model)
            (folder / "size.toml").write_text(text)
            peak, took, worked = peak_of(folder, QUORATE, "run", "size.toml", "--home", "home", "--json")
        figures.add(f"{what} through a run of four light models, memory", [peak], "GiB", most=6)
        figures.add(f"  {what}: the run", [took], "s")
        figures.add(f"  {what}: processor time", [worked], "s")


def minutes(n: int) -> pd.DataFrame:
    """Return bars of a market that never closes."""
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 2e-4, n)))
    times = pd.date_range("2005-01-01", periods=n, freq="1min", tz="UTC").as_unit("us")
    return _around(rng, close, times, pd.Categorical.from_codes(np.zeros(n, dtype=np.int8), ["BTC"]))


def days(symbols: int) -> pd.DataFrame:
    """Return daily bars of several symbols, one after the other."""
    rng = np.random.default_rng(2)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (symbols, DAYS)), axis=1)).ravel()
    times = pd.bdate_range("2012-01-02", periods=DAYS, tz="UTC").as_unit("us")
    names = pd.Categorical.from_codes(np.repeat(np.arange(symbols), DAYS), [f"S{k:03d}" for k in range(symbols)])
    return _around(rng, close, times.repeat(1).append([times] * (symbols - 1)), names)


def _around(
    rng: np.random.Generator, close: np.ndarray, times: pd.DatetimeIndex, symbols: pd.Categorical
) -> pd.DataFrame:
    opened = close * np.exp(rng.normal(0, 5e-5, len(close)))
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 5e-5, len(close))))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 5e-5, len(close))))
    volume = rng.integers(1, 1000, len(close)).astype(float)
    return pd.DataFrame(
        {"symbol": symbols, "time": times, "open": opened, "high": high, "low": low, "close": close, "volume": volume}
    )


def peak_of(folder: Path, *command: str) -> tuple[float, float, float]:
    """Return the most memory, GiB, that a command and all its processes took, its seconds, and the processors'."""
    start, before, peak = time.perf_counter(), _processor_seconds(), 0.0
    with (folder / "out").open("w") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env={**os.environ})
        whole = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, sum(map(_own, [whole, *_children(whole)])))
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder / 'out').read_text()[-3000:]}")
    return peak / 2**30, time.perf_counter() - start, _processor_seconds() - before


def _processor_seconds() -> float:
    """Return what ended processes that this one started have worked, with those that they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _own(process: psutil.Process) -> int:
    """Return the memory of a process, what it shares with others counted once among them."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


PARTS = {"size": bench_size}

if __name__ == "__main__":
    bench(PARTS, __doc__)
