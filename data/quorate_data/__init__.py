"""The built-in sources: bundled data sets, files and a simulated market."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_sources() -> Iterator[quorate.SourceSpec]:
    """Yield the built-in sources."""
    yield quorate.SourceSpec(
        "bundled",
        "quorate_data.bundled:bundled",
        requires=("arch",),
        description="NASDAQ Composite and S&P 500, daily, 1999-2018; needs no network",
    )
    yield quorate.SourceSpec(
        "csv",
        "quorate_data.files:csv",
        parts="quorate_data.files:csv_parts",
        description="CSV files: one, a folder with one per symbol, or a pattern",
    )
    yield quorate.SourceSpec(
        "parquet",
        "quorate_data.files:parquet",
        parts="quorate_data.files:parquet_parts",
        description="Parquet files: one, a folder with one per symbol, or a pattern",
    )
    yield quorate.SourceSpec(
        "store", "quorate_data.kept:store", description="bars that quorate data add has kept, also as of a date"
    )
    yield quorate.SourceSpec(
        "simulated",
        "quorate_data.simulated:simulated",
        description="daily bars with a known, tradable signal, or with none at all",
    )
