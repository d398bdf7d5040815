"""How files are read: the options that all kinds of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import quorate
from quorate_data._columns import check_columns
from quorate_data._timing import Timing, make_timing
from quorate_data._wide import check_fields

if TYPE_CHECKING:
    from quorate_data._records import Wanted


@dataclass(frozen=True)
class Layout:
    """The options that all kinds of file share; see `csv`."""

    columns: dict[str, str]
    symbol: str | None
    symbols: list[str]
    calendar: str
    date_format: str | None
    sort: bool
    invalid: Literal["error", "drop"]
    adjusted: bool
    decimal: Literal[".", ","] | None
    timing: Timing
    categories: list[str]
    fields: Mapping[str, str] = field(default_factory=dict)
    each: str = ""  # the field that each column of a wide file has
    storage_options: Mapping[str, Any] = field(default_factory=dict)
    home: Path | None = None
    records: Wanted | None = None  # of a covariate, not of bars
    clock: quorate.Calendar = field(init=False)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("decimal", self.decimal, (None, ".", ",")),
            ("invalid", self.invalid, ("error", "drop")),
            ("stamp", self.timing.stamp, (None, "close", "open")),
        ):
            if value not in known:
                told = " or ".join(repr(one) for one in known if one)
                raise quorate.DataError(f"data.{name} must be {told}; it was {value!r}")
        for name in ("symbols", "categories"):
            if isinstance(value := getattr(self, name), str):
                raise quorate.DataError(f"data.{name} must be a list; for this one write [{value!r}]")
            object.__setattr__(self, name, list(value))
        check_columns(self.columns)
        check_fields(self)
        object.__setattr__(self, "clock", quorate.get_calendar(self.calendar))


def make_layout(
    *,
    timezone: str | None,
    stamp: Literal["close", "open"] | None,
    frequency: str | None,
    mixed: bool,
    wide: bool,
    **options: Any,
) -> Layout:
    """Return the options of `csv` that all kinds of file share, checked; `DataError` for what cannot be."""
    for name, kind in (
        *((one, dict) for one in ("columns", "fields", "storage_options")),
        *((one, list) for one in ("symbols", "categories")),
    ):
        options[name] = kind() if options[name] is None else options[name]
    return Layout(**options, timing=make_timing(stamp, frequency, mixed, timezone), each="close" if wide else "")
