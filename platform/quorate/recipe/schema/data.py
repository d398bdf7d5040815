"""The table of a recipe that says where its bars come from: ``[data]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from quorate.bars.frequency import read_frequency
from quorate.errors import DataError
from quorate.recipe.schema.base import Day, FileOr, Open, Section
from quorate.recipe.schema.checks import Checks
from quorate.recipe.schema.rates import Rate


class Spell(Section):
    """A time during which a symbol belongs to the universe.

    Parameters
    ----------
    symbol : str
        Its name.
    entry : date
        First session; without it, it belongs from the beginning.
    exit : date
        Last session; without it, it belongs to the end.
    delisted : bool
        It was delisted then: positions are closed at the first bar after `exit`.
    payout : float, cash per share
        What a delisted symbol pays out; without it, its last price less `data.haircut`.
    """

    symbol: str
    entry: Day | None = None
    exit: Day | None = None
    delisted: bool = False
    payout: float | None = Field(default=None, ge=0)


class Rename(Section):
    """A ticker change: one company, whose bars before `date` are called `old`.

    Parameters
    ----------
    old : str
        What it was called.
    new : str
        What it is called from then on.
    date : date
        First session under the new name.
    """

    old: str
    new: str
    date: Day


def _frequency(text: str) -> str:
    try:
        return read_frequency(text)
    except DataError as e:
        raise ValueError(str(e).removeprefix("a frequency ")) from e


Frequency = Annotated[str, AfterValidator(_frequency)]


class Data(Open):
    """Where the bars come from, and what becomes of doubts about them; every other key is an option of the source.

    Sessions before `since` and after `until` are cut off as soon as the bars are read: nothing knows of them, but for
    the start of a first week or month that `resample` makes.

    Parameters
    ----------
    source : str
        The plugin that reads the bars, of kind source.
    quality : str
        What becomes of doubts about the bars: told as warnings, or an error that stops the run.
    since : date
        First session that is used; without it, the first that there is. Of longer bars it is the first that ends then
        or later, and that is whole.
    until : date
        Last session that is used; without it, the last that there is.
    universe : str or list of Spell
        Which symbols belong when: a CSV or Parquet file with the columns ``symbol``, ``entry``, ``exit`` and, if they
        are there, ``delisted`` and ``payout``; or such rows. Outside its spells a symbol is neither learnt from,
        predicted nor held. Without it, every symbol belongs, always.
    renamed : str or list of Rename
        Ticker changes: a file with the columns ``old``, ``new`` and ``date``, or such rows. The bars of a company
        become one history, under the last of its names.
    haircut : float, share
        What a position loses of the last price when its symbol is delisted, or ends, and no payout is known; without
        it, nothing.
    hours : str
        Which bars within the day are used: ``regular`` leaves out those outside the market's hours, as `calendar` has
        them; ``all`` makes its sessions last around the clock. Without it all are, and longer bars are made of those
        within the hours.
    resample : str
        Makes the bars into longer ones, ``5min``, ``4h``, ``1d``, ``1w`` or ``1mo``, of which only those count that are
        over; without it, they stay as the source gives them.
    cash : float, str or RateOf, per year
        What cash earns per year, as a fraction: 0.04 is 4 %. A text is the name of a covariate, read as it was known at
        each close; a table has ``covariate``, and ``per`` and ``percent`` of what it tells. Returns are judged in
        excess of it; without it, cash earns nothing.
    checks : dict
        What the rules that look at bars do, and from where on they find something; without it, the doubts of every run
        are warnings. The key is a rule, or ``*`` for the rest; the value is ``warn``, ``refuse``, ``quarantine``
        (those bars are set apart), ``off``, or a table, e.g. ``{ then = "quarantine", limit = 20 }``.
    """

    source: str = "bundled"
    quality: Literal["warn", "refuse"] = "warn"
    checks: Checks | None = None
    since: Day | None = None
    until: Day | None = None
    universe: FileOr[Spell] | None = None
    renamed: FileOr[Rename] | None = None
    haircut: float | None = Field(default=None, ge=0, le=1)
    hours: Literal["regular", "all"] | None = None
    resample: Frequency | None = None
    cash: Rate | None = None
