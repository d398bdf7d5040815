"""The tables of a recipe for series beside the bars."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from quorate.recipe.schema.base import Open, Span
from quorate.recipe.schema.data import Frequency

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_TAKEN = ("open", "high", "low", "close", "volume")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text) or text in _TAKEN:
        raise ValueError(
            "must be called by lower case letters, digits, - and _, beginning with a letter, and other than a field of "
            f"bars; it was {text!r}"
        )
    return text


Aggregate = Literal["last", "mean", "sum", "min", "max", "count"]
Name = Annotated[str, AfterValidator(_name)]


class Covariate(Open):
    """A series beside the bars, ``[covariates.NAME]``; every other key is an option of the source that reads it.

    Its values join the features, called NAME, or of several values NAME_VALUE. At a bar's close counts what was known
    by then: the record of the latest reference time, in its latest revision.

    Parameters
    ----------
    source : str
        The plugin that reads it, of kind source; without it, the one for files that end as `path` does.
    bars : bool
        It is bars, such as those of another market: known at their closes. So is what a source gives that reads
        nothing else; bars of a single symbol hold for all.
    values : list of str
        The columns that are its values; of bars their fields. Without it, the only one that there is, and of bars the
        close. None, ``[]``: dates alone, of which is read how many days they are off.
    resample : str
        Read by the period, e.g. ``1d``, ``1w`` or ``4h``, instead of record by record: a period counts when it is over,
        with what of it is known by then. Bars are made into longer ones, as by ``data.resample``.
    aggregate : str or dict
        What the records of a period come to, ``last``, ``mean``, ``sum``, ``min``, ``max`` or ``count``: all values
        alike, or each by its name; the others by their last. Bars have rules of their own.
    lag : str
        How long after its publication a record was known, e.g. ``2h``; where no column tells that, how long after its
        reference time.
    missing : str or float
        What becomes of bars at whose close nothing is known yet: ``drop`` leaves their rows out, ``error`` stops, a
        number stands for the value.
    max_age : str
        A record whose reference time is longer ago, e.g. ``60d``, is stale; without it, none is.
    stale : str
        What becomes of bars at whose close what is known is stale: as if nothing were known, or an error.
    """

    source: str | None = None
    bars: bool = False
    values: list[str] | None = None
    resample: Frequency | None = None
    aggregate: Aggregate | dict[str, Aggregate] | None = None
    lag: Span | None = None
    missing: Literal["drop", "error"] | float = "drop"
    max_age: Span | None = None
    stale: Literal["missing", "error"] = "missing"
