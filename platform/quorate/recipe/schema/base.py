"""What the tables of a recipe share: no unknown keys, no silent conversion."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag

Params = dict[str, Any]


def _iso(value: Any) -> Any:
    with suppress(ValueError, TypeError):  # of what is no date the type is wrong
        return dt.date.fromisoformat(value)
    return value


Day = Annotated[dt.date, BeforeValidator(_iso)]

_UNITS = {"w": 7 * 86_400, "d": 86_400, "h": 3_600, "min": 60, "s": 1}  # seconds
_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(w|d|h|min|s)")


def span_of(text: str) -> dt.timedelta:
    """Return a span of time that is written as ``45d`` or ``2h``."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f'must be a number with one of {", ".join(_UNITS)} after it, e.g. "45d" or "2h"; it was {text!r}'
        )
    return dt.timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def _span(text: str) -> str:
    span_of(text)
    return text


Span = Annotated[str, AfterValidator(_span)]


FILE, ROWS = "a file", "rows"  # what a table beside the bars may be; of errors, no key
IN_BARS, IN_SESSIONS = "in bars", "in sessions"  # what a horizon may count; the same
NUMBER, NAMED, TABLE = "a number", "a name", "a table"  # what a rate may be; the same


def _form(value: Any) -> str:
    return FILE if isinstance(value, str) else ROWS


class Section(BaseModel):
    """A table of the recipe: unknown keys are errors, values are never converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Open(BaseModel):
    """A table that names a plugin: every key it does not know is an option of that plugin."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    @property
    def options(self) -> Params:
        """The plugin's options."""
        return dict(self.model_extra or {})


Row = TypeVar("Row", bound=Section)
FileOr = Annotated[Annotated[str, Tag(FILE)] | Annotated[list[Row], Tag(ROWS)], Discriminator(_form)]
