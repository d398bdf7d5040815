"""Who is told what happened."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from quorate.plugins.specs.alerting import USUAL, Event
from quorate.recipe.schema.base import Open


class Told(Open):
    """An alert; every other key is an option of its plugin. ``NAME = false`` takes one away that a recipe extends.

    Parameters
    ----------
    on : list of str
        The events that it tells.
    plugin : str
        The plugin that tells them, of kind alert; without it, the one of the alert's own name.
    """

    on: list[Event] = list(USUAL)
    plugin: str | None = None


class Alerts(BaseModel):
    """Who is told when a promotion fails or a run ends with an error; it never changes a result.

    Every other key, ``[alerts.NAME]``, is an alert. ``${NAME}`` in its texts is filled in from the environment.

    Parameters
    ----------
    stalled_minutes : float, minutes
        For so long no fit was finished although some were begun: then the event ``stalled`` is told, once; 0: never.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, Told | Literal[False]]

    stalled_minutes: float = Field(default=0.0, ge=0)

    @property
    def named(self) -> dict[str, Told | Literal[False]]:
        """The alerts that the recipe names."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def told(self) -> dict[str, Told]:
        """Those of them that it does not take away."""
        return {name: one for name, one in self.named.items() if one is not False}
