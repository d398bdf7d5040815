"""Rates of interest in a recipe: numbers, or covariates as they were known."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Tag, field_validator

from quorate.recipe.schema.base import NAMED, NUMBER, TABLE, Section, Span, span_of

MOST = 1.0  # from which size on a rate is a mistake of unit


class RateOf(Section):
    """A rate that a covariate tells, where it is not a fraction per year.

    Parameters
    ----------
    covariate : str
        Its name, or of several values ``NAME.VALUE``.
    per : str
        The time that a value is for, e.g. ``8h``; without it, a year.
    percent : bool
        Values are per cent: 4.0 is 4 %.
    """

    covariate: str
    per: Span | None = None
    percent: bool = False

    @field_validator("per")
    @classmethod
    def _some_time(cls, text: str | None) -> str | None:
        if text is not None and not span_of(text):
            raise ValueError(f"must be longer than nothing; it was {text!r}")
        return text


def _fraction(value: float) -> float:
    if not abs(value) < MOST:
        raise ValueError(f"must be a fraction per year, between -1 and 1: 0.04 is 4 %; it was {value:g}")
    return value


def _form(value: Any) -> str:
    return NAMED if isinstance(value, str) else NUMBER if isinstance(value, int | float) else TABLE


Rate = Annotated[
    Annotated[float, AfterValidator(_fraction), Tag(NUMBER)]
    | Annotated[str, Tag(NAMED)]
    | Annotated[RateOf, Tag(TABLE)],
    Discriminator(_form),
]
