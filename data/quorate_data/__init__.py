"""The built-in sources: bundled data sets, files, vendors and a simulated market."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_sources() -> Iterator[quorate.SourceSpec]:
    """Yield the built-in sources."""
    yield from _of_files()
    yield quorate.SourceSpec(
        "bundled",
        "quorate_data.bundled:bundled",
        requires=("arch",),
        description="NASDAQ Composite and S&P 500, daily, 1999-2018; needs no network",
    )
    yield quorate.SourceSpec(
        "postgresql",
        "quorate_data.databases:postgresql",
        records="quorate_data.records:postgresql",
        requires=("psycopg",),
        description="a table, a view or a query of a PostgreSQL server",
    )
    yield quorate.SourceSpec(
        "sql",
        "quorate_data.databases:sql",
        records="quorate_data.records:sql",
        description="the same of any database that SQLAlchemy or ADBC has a driver for, such as SQLite",
    )
    yield quorate.SourceSpec(
        "markets",
        "quorate_data.markets:markets",
        description="several markets in one panel, each by a source of its own, aligned by when a close is known",
    )
    yield quorate.SourceSpec(
        "store", "quorate_data.kept:store", description="bars that quorate data add has kept, also as of a date"
    )
    yield quorate.SourceSpec(
        "simulated",
        "quorate_data.simulated:simulated",
        records="quorate_data.simulated_news:simulated_news",
        description="daily bars with a known, tradable signal, or with none at all",
    )
    yield from _of_vendors()


def _of_files() -> Iterator[quorate.SourceSpec]:
    """Yield those that read files."""
    yield quorate.SourceSpec(
        "arrow",
        "quorate_data.files:arrow",
        parts="quorate_data.files:arrow_parts",
        records="quorate_data.records:arrow",
        requires=("pyarrow",),
        description="Arrow and Feather files: one, a folder with one per symbol, or a pattern",
    )
    yield quorate.SourceSpec(
        "csv",
        "quorate_data.files:csv",
        parts="quorate_data.files:csv_parts",
        records="quorate_data.records:csv",
        description="CSV files: one, a folder with one per symbol, or a pattern",
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
        parts="quorate_data.lean:lean_parts",
        description="a data folder of LEAN: equities with their splits, dividends and former names, crypto, FX",
    )
    yield quorate.SourceSpec(
        "parquet",
        "quorate_data.files:parquet",
        parts="quorate_data.files:parquet_parts",
        records="quorate_data.records:parquet",
        description="Parquet files: one, a folder with one per symbol, or a pattern",
    )


def _of_vendors() -> Iterator[quorate.SourceSpec]:
    """Yield those that ask vendors, or read what these give."""
    yield quorate.SourceSpec(
        "yfinance",
        "quorate_data.vendors.yfinance:yfinance",
        actions="quorate_data.vendors.yfinance:yfinance_actions",
        parts="quorate_data.vendors._fetch:by_symbol",
        requires=("yfinance",),
        description="Yahoo Finance: raw daily and intraday bars, with splits and dividends",
    )
    yield quorate.SourceSpec(
        "ccxt",
        "quorate_data.vendors.ccxt:ccxt",
        parts="quorate_data.vendors._fetch:by_symbol",
        requires=("ccxt",),
        description="crypto exchanges: bars of a day at most, as each exchange gives them",
    )
    yield quorate.SourceSpec(
        "databento",
        "quorate_data.vendors.databento:databento",
        parts="quorate_data.vendors._fetch:by_symbol",
        requires=("databento",),
        description="Databento: bars of exchanges, asked for with a key",
    )
    yield quorate.SourceSpec(
        "dbn",
        "quorate_data.vendors.databento:dbn",
        parts="quorate_data.vendors.databento:dbn_parts",
        requires=("databento",),
        description="DBN files, as Databento gives them: one, a folder, or a pattern",
    )
