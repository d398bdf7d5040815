"""What the tables of a recipe share: no unknown keys, no silent conversion."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag

Params = dict[str, Any]


def _iso(value: Any) -> Any:
    with suppress(ValueError, TypeError):  # of what is no date the type is wrong
        return dt.date.fromisoformat(value)
    return value


Day = Annotated[dt.date, BeforeValidator(_iso)]


FILE, ROWS = "a file", "rows"  # what a table beside the bars may be; of errors, no key
IN_BARS, IN_SESSIONS = "in bars", "in sessions"  # what a horizon may count; the same


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
