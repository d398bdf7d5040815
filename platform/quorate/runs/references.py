"""The series of a recipe that returns are held against: asked of their sources, laid beside the bars, and told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from quorate.bars.panel import Bars
from quorate.bars.records import records_of_bars
from quorate.bars.reference_records import Kind, of_symbol, reference_of
from quorate.bars.references import ReferenceSeries, check_spacing
from quorate.errors import DataError, QuorateError
from quorate.recipe import schema
from quorate.recipe.covariates import reader_of
from quorate.recipe.environment import is_value, names_in, tell_all
from quorate.recipe.references import Given, of_own_bars
from quorate.runs.covariates import records_in, renamed
from quorate.runs.loading import ask_source
from quorate.runs.session import Session


def with_references(session: Session, bars: Bars) -> Bars:
    """Return the bars with the recipe's benchmark and factors, up to the last bar.

    Raises
    ------
    DataError
        Naming the recipe's table, if its source gives nothing that can be used.
    """
    found: dict[str, ReferenceSeries] = {}
    for table in ("benchmark", "factors"):
        if (given := getattr(session.recipe, table)) is not None:
            found[table] = _read(session, table, given, bars)
    return bars.with_references(found)


def _read(session: Session, table: str, given: Given, bars: Bars) -> ReferenceSeries:
    if isinstance(given, schema.Benchmark) and of_own_bars(given):
        return of_symbol(bars, str(given.symbol))
    spec, heard = reader_of(table, given, session.registry), len(session.warnings)
    try:
        series = _asked(session, table, given, bars)
        check_spacing(series, bars.times)
        if not len(series.until(bars.times[-1], bars.sessions[-1])) or series.stamps[-1] < bars.times[0]:
            raise DataError(
                f"none of its records is of the time of the bars, {bars.span}: they are of "
                f"{str(series.stamps[0])[:10]}..{str(series.stamps[-1])[:10]}"
            )
    except QuorateError as e:
        raise type(e)(_of_value(renamed(str(e), table, spec))) from None
    session.warnings[heard:] = [renamed(line, table, spec) for line in session.warnings[heard:]]
    return series


def _asked(session: Session, table: str, given: Given, bars: Bars) -> ReferenceSeries:
    """Return the series, each of its files read by itself."""
    path = given.options.get("path")
    frames, read = [], []
    for one in path if isinstance(path, list) else [path]:
        options = {**given.options, **({"path": one} if one is not None else {})}
        frame, told = _records(session, table, given, options, bars)
        frames.append(frame)
        read += told
    kind: Kind = "factors"
    symbol = None
    if isinstance(given, schema.Benchmark):
        kind, symbol = "returns" if given.returns else "prices", given.symbol
    zone = bars.calendar.timezone
    series, doubts = reference_of(frames, _name(table, given), zone, kind, percent=given.percent, symbol=symbol)
    if any(is_value(value, given.options) for value in series.values):
        raise DataError("a value is named by what comes from the environment, and names are stored")
    for line in doubts:
        session.warn(line)
    return replace(series, read=tuple(read))


def _records(
    session: Session, table: str, given: Given, options: Mapping[str, Any], bars: Bars
) -> tuple[pd.DataFrame, list[Mapping[str, Any]]]:
    """Return what the source gives for these options as records, and what it has read."""
    spec, zone = reader_of(table, given, session.registry), bars.calendar.timezone

    def ask(values: Any) -> Bars | pd.DataFrame:
        return ask_source(session, spec, options, table, records_in, zone=zone, values=values)

    if isinstance(given, schema.Factors):
        answer = ask(given.values or "*")
    elif given.value is not None:
        answer = ask([given.value])
    else:
        answer = _only_value(ask)
    if not isinstance(answer, Bars):
        return answer, list(answer.attrs.get("read", ()))
    field = given.value if isinstance(given, schema.Benchmark) and given.value else "close"
    return records_of_bars(answer, (field,)), list(answer.read)


def _only_value(ask: Any) -> Any:
    """Return the only value that a file has, or its closes."""
    try:
        return ask(None)
    except DataError as e:
        with suppress(DataError):
            return ask(["close"])
        raise e from None


def _name(table: str, given: Given) -> str:
    """Return what a series is called: nothing that comes from the environment."""
    if table == "factors":
        return table
    path = given.options.get("path")
    if isinstance(given, schema.Benchmark) and given.symbol and not names_in(given.symbol):
        return given.symbol
    return Path(path).name.partition(".")[0] if isinstance(path, str) and not names_in(path) else table


def _of_value(text: str) -> str:
    """Return a message with the key as a benchmark has it: one value."""
    text = re.sub(r'benchmark\.values = \["([^"]*)"\]', r'benchmark.value = "\1"', text)
    return text.replace("benchmark.values", "benchmark.value")


def reference_facts(bars: Bars, recipe: schema.Recipe) -> list[dict[str, Any]]:
    """Return what is told of the series that returns are held against, as plain data; nothing, where there is none."""
    found = []
    for table, one in bars.references.items():
        given: Given = getattr(recipe, table)
        found.append(
            {
                "table": table,
                "name": one.name,
                "source": given.source,
                "sha256": one.sha256,
                "values": list(one.names),
                "rate": one.rate or None,
                "prices": one.prices,
                "records": len(one),
                "first": str(one.stamps[0])[:10] if len(one) else None,
                "last": str(one.stamps[-1])[:10] if len(one) else None,
                **({"read": told} if (told := tell_all(one.read, given.options)) else {}),
            }
        )
    return found
