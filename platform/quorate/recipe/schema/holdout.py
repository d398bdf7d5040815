"""The table of a recipe that says what is held out: the last part of the history, and symbols."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from quorate.errors import IntegrityError
from quorate.recipe.schema.base import Day, Section


class Holdout(Section):
    """The last part of the history, cut off before anything else, and symbols that no model learns from.

    One of `start`, `bars` and `fraction` is given; without any, it is ``fraction = 0.15``.

    Parameters
    ----------
    start : date
        First session of the holdout.
    bars : int, bars
        Length of the holdout; 0 for none.
    fraction : float, share
        Length of the holdout as a share of the history; 0 for none.
    symbols : list of str, int or float
        Symbols that are held out of all that is learnt, and judged apart: names, in which ``*`` and ``?`` stand for
        any letters and any letter, or how many (``15``), or which share (``0.2``) is chosen by `seed`.
    seed : int
        Of that choice; without one it is 0. A run keeps the names that were chosen.
    """

    start: Day | None = None
    bars: int | None = Field(default=None, ge=0)
    fraction: float | None = Field(default=None, ge=0, lt=1)
    symbols: (
        Annotated[int, Field(ge=1)]
        | Annotated[float, Field(gt=0, lt=1)]
        | str
        | Annotated[list[str], Field(min_length=1)]
        | None
    ) = None
    seed: int | None = Field(default=None, ge=0)

    @property
    def held_out(self) -> list[str]:
        """The names of the symbols that are held out, where these were chosen already."""
        if self.symbols is None:
            return []
        if not isinstance(self.symbols, list):
            raise IntegrityError(f"holdout.symbols = {self.symbols!r}: which these are was not chosen")
        return self.symbols

    @model_validator(mode="after")
    def _one(self) -> Holdout:
        given = [k for k in ("start", "bars", "fraction") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"takes one of start, bars and fraction; it has {' and '.join(given)}")
        if self.seed is not None and not isinstance(self.symbols, int | float):
            raise ValueError("seed chooses symbols: it needs symbols = a number or a share")
        return self
