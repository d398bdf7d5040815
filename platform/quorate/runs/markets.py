"""What a recipe says of symbols and markets beside their source: several markets, names, and who belongs when."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quorate.bars.frequency import read_frequency
from quorate.errors import DataError, DataWarning, PluginError, one_of
from quorate.plugins.calling import call
from quorate.plugins.options import resolve_options, told_when_reading
from quorate.plugins.specs import SourceSpec
from quorate.recipe.schema import Data

if TYPE_CHECKING:
    from quorate.bars.panel import Bars
    from quorate.bars.renames import Rename
    from quorate.runs.session import Session

OWN = ("hours", "resample")  # what a market's table may ask for itself


def bars_in(answer: Any) -> Bars:
    """Return what a source has answered, if it is bars."""
    from quorate.bars.panel import Bars

    if not isinstance(answer, Bars):
        raise PluginError(f"it must return quorate.Bars; it returned {type(answer).__name__}")
    return answer


def market_reader(session: Session, renames: Sequence[Rename]) -> Callable[[Mapping[str, Any]], Bars]:
    """Return how a source of several markets reads one of them: from its table, ``source`` and its options."""
    data = session.recipe.data

    def read(table: Mapping[str, Any]) -> Bars:
        name = table.get("source")
        if not isinstance(name, str) or name == data.source:
            others = [one for one in session.registry.names("source") if one != data.source]
            raise DataError(f"data.markets: each needs a source, one of {one_of(others)}; it was {name!r}")
        spec = session.registry.get(SourceSpec, name)
        given = {key: value for key, value in table.items() if key not in ("source", *OWN)}
        own = _own(table, data)
        options = resolve_options(spec, given, "data.markets")
        told = told_when_reading(spec, home=session.home.path, since=data.since, until=data.until)
        bars = with_last_names(
            call(spec, "one of the recipe's data.markets", (), {**options, **told}, bars_in), renames
        )
        return _at_own_length(bars, own)

    return read


def _own(table: Mapping[str, Any], data: Data) -> Data:
    """Return the recipe's ``[data]`` with the hours and the longer bars that a market's table asks for itself."""
    found = {key: table.get(key, getattr(data, key)) for key in OWN}
    hours, resample = found["hours"], found["resample"]
    if hours not in (None, "regular", "all"):
        raise DataError(f"data.markets: hours must be regular or all; it was {hours!r}")
    if resample is not None:
        try:
            found["resample"] = read_frequency(resample)
        except (DataError, TypeError, AttributeError) as e:
            raise DataError(f"data.markets: resample must be a frequency, e.g. 1h or 1d; it was {resample!r}") from e
    return data.model_copy(update=found)


def _at_own_length(bars: Bars, data: Data) -> Bars:
    """Return the bars of one of several markets, within its own hours and as long as wanted, by its own calendar."""
    from quorate.runs.resampling import longer, within_hours

    market = bars.calendar.name
    bars, told = within_hours(bars, data)
    if data.resample is not None:
        bars, more = longer(bars, data.resample)
        told = (*told, *more)
    for line in told:
        warnings.warn(f"market {market!r}: {line}", DataWarning, stacklevel=2)
    return bars


def renames_of(data: Data) -> Sequence[Rename]:
    """Return the ticker changes of a recipe."""
    if data.renamed is None:
        return ()
    from quorate.bars.renames import COLUMNS, read_renames

    return read_renames(_table(data.renamed, "renamed", COLUMNS, COLUMNS))


def as_said(bars: Bars, data: Data, renames: Sequence[Rename]) -> Bars:
    """Return the bars, under the last names of their companies, of those that belong to the recipe's universe."""
    if data.universe is None and data.haircut is None:
        return bars
    from quorate.bars.changes import with_delistings
    from quorate.bars.renames import in_turn, renamed_spells
    from quorate.bars.universe import COLUMNS, Universe, in_universe, read_spells

    own = bars.universe
    if data.universe is None:
        spells = own.spells if own else ()
    else:
        told = read_spells(_table(data.universe, "universe", COLUMNS, COLUMNS[:1]))
        spells = with_delistings(renamed_spells(told, in_turn((*bars.renames, *renames)), bars), own)
    return in_universe(bars, Universe(spells, data.haircut or (own.haircut if own else 0.0)))


def with_last_names(bars: Bars, renames: Sequence[Rename]) -> Bars:
    """Return the bars under the names that companies have in the end."""
    if not renames:
        return bars
    from quorate.bars.changes import agreed
    from quorate.bars.renames import renamed

    return renamed(bars, agreed(bars.renames, renames))


def _table(given: Any, key: str, columns: Sequence[str], needed: Sequence[str]) -> Any:
    from quorate.store.tables import read_table

    rows = given if isinstance(given, str) else [one.model_dump() for one in given]
    return read_table(rows, key, columns, needed)
