"""What ``report.json`` holds of the series beside the bars, typed."""

from __future__ import annotations

from typing import Any

from quorate.report.schema_base import Dashed, Number, Object

Day = str


class Days(Object):
    """Some spans of time, in days."""

    median: Number
    max: Number


class Covariate(Object):
    """A series beside the bars, as far as it was known by the last bar."""

    name: str
    source: str
    sha256: str
    """Of the records."""
    values: list[str]
    symbols: int
    """That records are of; 0: they hold for all."""
    records: int
    first: str | None
    """The earliest reference time, UTC."""
    last: str | None
    delay: Days
    """From the reference time to when it was known."""
    age: Days
    """From the reference time of what is known to the closes of bars."""
    known: float
    """Share of bars at whose close something is known that is not stale."""
    lag: str | None
    missing: str | float
    max_age: str | None
    stale: str
    resample: str | None = None
    """The period that records are read by."""
    aggregate: dict[str, str] | None = None
    """What the records of a period come to, by value."""
    read: list[dict[str, Any]] | None = None
    """As of the bars."""


class Market(Dashed):
    """What the bars themselves did, close to close, without costs."""

    first: Day
    last: Day
    returns: int
    """How many there are, a bar each."""
    sharpe: Number
    """Annual."""
    max_drawdown: Number
    """As a fraction, below zero."""
    cagr: Number
    total_return: Number
    volatility: Number
    """Annual."""


class Plugin(Object):
    """A plugin that the recipe uses."""

    kind: str
    name: str
    provider: str
    """The distribution, the file, or ``inline``."""
    version: str | None
    module: str | None
    file: str | None
    sha256: str | None
    """Of the file's text."""
    inline: bool
    code: str | None = None
    """Hash of the code of what this package does not ship."""
