"""What the typed objects of a report have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Number = float | None


class Object(BaseModel):
    """What has these fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Dashed(Object):
    """An object whose names have dashes."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))
