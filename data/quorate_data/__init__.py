"""The built-in sources: bundled data sets, files and a simulated market."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_sources() -> Iterator[quorate.SourceSpec]:
    """Yield the built-in sources."""
    yield quorate.SourceSpec(
        "arrow",
        "quorate_data.files:arrow",
        requires=("pyarrow",),
        description="Arrow and Feather files: one, a folder with one per symbol, or a pattern",
    )
    yield quorate.SourceSpec(
        "bundled",
        "quorate_data.bundled:bundled",
        requires=("arch",),
        description="NASDAQ Composite and S&P 500, daily, 1999-2018; needs no network",
    )
    yield quorate.SourceSpec(
        "csv", "quorate_data.files:csv", description="CSV files: one, a folder with one per symbol, or a pattern"
    )
    yield quorate.SourceSpec(
        "excel",
        "quorate_data.excel:excel",
        requires=("python-calamine",),
        description="workbooks of Excel and LibreOffice: a sheet, or one per symbol",
    )
    yield quorate.SourceSpec(
        "freqtrade",
        "quorate_data.freqtrade:freqtrade",
        description="what freqtrade downloaded: Feather, Parquet and JSON files called as BTC_USDT-1h.feather is",
    )
    yield quorate.SourceSpec(
        "lean",
        "quorate_data.lean:lean",
        actions="quorate_data.lean:lean_actions",
        description="a data folder of LEAN: equities with their splits, dividends and former names, crypto, FX",
    )
    yield quorate.SourceSpec(
        "parquet",
        "quorate_data.files:parquet",
        description="Parquet files: one, a folder with one per symbol, or a pattern",
    )
    yield quorate.SourceSpec(
        "simulated",
        "quorate_data.simulated:simulated",
        description="daily bars with a known, tradable signal, or with none at all",
    )
