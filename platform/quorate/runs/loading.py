"""Loading the bars of a recipe: asked of its sources, looked at, made longer, with what stands beside them."""

from __future__ import annotations

import datetime as dt
import os
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from quorate.bars.panel import Bars
from quorate.errors import DataError, DataWarning, QuorateError
from quorate.plugins.calling import call
from quorate.plugins.options import told_when_reading
from quorate.plugins.specs import SourceSpec
from quorate.recipe.environment import holds_secrets, is_value, names_in, retold, substitute, tell
from quorate.recipe.schema.data import Data
from quorate.runs.markets import as_said, bars_in, market_reader, renames_of, with_last_names
from quorate.runs.session import Session

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
MONTH = 35  # days: a longer bar holds no more
LONGER_THAN_DAYS = ("1w", "1mo")


def load_bars(session: Session) -> Bars:
    """Ask the recipe's sources for its bars, and for the covariates beside them."""
    from quorate.runs.quality import Checking

    checking = Checking.of(session)
    bars, apart = read_source(session, checking.when_read)
    looked = checking.look(bars, apart)
    for line in looked.warnings:
        session.warn(line)
    if looked.refused:
        raise DataError(f"{looked.why}, and there are doubts about the bars:\n  " + "\n  ".join(looked.refused))
    session.quality = looked.quality
    return as_used(session, looked.bars)


def read_source(session: Session, apart: Collection[str] = ()) -> tuple[Bars, list[pd.DataFrame]]:
    """Return the bars of the recipe's source as they are, and rows that these rules had set apart."""
    from quorate.bars.reading import setting_apart
    from quorate.bars.resample import first_session
    from quorate.runs.resampling import within_hours

    recipe, given = session.recipe, session.recipe.data.options
    spec, renames = session.registry.get(SourceSpec, recipe.data.source), renames_of(recipe.data)

    done = bool(told_when_reading(spec, read=None))  # a source of several markets: the bars of each have their names

    def made(answer: Any) -> Bars:
        bars = bars_in(answer)
        return as_said(bars if done else with_last_names(bars, renames), recipe.data, renames)

    span = {"since": _asked_since(recipe.data), "until": recipe.data.until}
    with setting_apart(apart) as reading:
        bars = ask_source(session, spec, given, "data", made, read=market_reader(session, renames), **span)
    _check_names(bars, given, {str(name) for frame in reading.frames for name in frame["symbol"].unique()})
    since = recipe.data.since
    if since is not None and recipe.data.resample is not None:
        since = first_session(bars.calendar, since, recipe.data.resample)  # the first longer bar is whole
    bars, told_of_hours = within_hours(within(bars, since, recipe.data.until), recipe.data)
    for line in told_of_hours:
        session.warn(line)
    if bars.fills is not None:
        bars.fills.check()
    return bars, reading.frames


def _asked_since(data: Data) -> dt.date | None:
    """Return the first day that a source is asked for: before that of a recipe, where a longer bar may hold it."""
    if data.since is None or data.resample not in LONGER_THAN_DAYS:
        return data.since
    return data.since - dt.timedelta(days=MONTH)


def as_used(session: Session, bars: Bars) -> Bars:
    """Return bars as models read them: made longer, where the recipe wants that, with its covariates."""
    from quorate.runs.resampling import resampled

    bars, told_of_length = resampled(bars, session.recipe)
    for line in told_of_length:
        session.warn(line)
    if session.recipe.covariates:
        from quorate.runs.covariates import with_covariates

        bars = with_covariates(session, bars)
    if session.recipe.benchmark is not None or session.recipe.factors is not None:
        from quorate.runs.references import with_references

        bars = with_references(session, bars)
    return bars


def ask_source(
    session: Session, spec: SourceSpec, given: Mapping[str, Any], where: str, made: Callable[[Any], T], **told: Any
) -> T:
    """Return what a source gives for options as the recipe has them; what it warns of is kept, and no secret told.

    Parameters
    ----------
    where : str
        The recipe's table.
    made : callable
        What is returned, of the source's answer, as ``read`` of `quorate.plugins.calling.call`.
    told : mapping
        What it is also told, if its signature names it.
    """
    failed = None
    filled = {**substitute(given, where), **told_when_reading(spec, home=session.home.path, **told)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", DataWarning)
        try:
            answer = call(spec, f"the recipe's [{where}]", (), filled, made)
        except QuorateError as e:
            if not holds_secrets(given):
                raise
            failed = retold(e, f"{spec}", given)
    if failed is not None:
        raise failed  # here, where it has no context: a traceback would tell what the message hides
    for warning in caught:
        if issubclass(warning.category, DataWarning):
            session.warn(tell(str(warning.message), given) or f"{spec} warned, and what it said may not be told")
    return answer


def within(bars: Bars, since: dt.date | None, until: dt.date | None) -> Bars:
    """Return the bars of these sessions, both included, with the symbols that have some there."""
    if since is None and until is None:
        return bars
    import numpy as np

    days = bars.sessions.astype("datetime64[D]")
    first = 0 if since is None else int(np.searchsorted(days, np.datetime64(since, "D")))
    stop = len(bars) if until is None else int(np.searchsorted(days, np.datetime64(until, "D"), side="right"))
    if first >= stop:
        span = f"from {since or 'the first'} to {until or 'the last'} (data.since, data.until)"
        raise DataError(f"there is no bar {span}: the bars are {bars.span}")
    part = bars.take(first, stop).until(stop - first)
    left = [name for column, name in enumerate(part.symbols) if bool(part.present[:, column].any())]
    return part if len(left) == len(part.symbols) else part.select(left)


def _check_names(bars: Bars, given: Mapping[str, Any], apart: Collection[str]) -> None:
    """Refuse bars whose symbols or calendar are named by what came from the environment: names are stored."""
    if any(is_value(symbol, given) for symbol in {*bars.symbols, *apart}):
        raise DataError(
            "a symbol's name comes from the environment, or from a file that is named by it, and names are stored: "
            "write it into the recipe, e.g. data.symbol"
        )
    values = {os.environ.get(name) for name in names_in(given)}
    texts = {text for category in bars.categories.values() for text in category.levels}
    if values & texts or any(is_value(name, given) for name in bars.categories):
        raise DataError(
            "a category, or a text of it, comes from the environment, and these are stored: leave it out of "
            "data.categories"
        )
    if is_value(bars.calendar.name, given):
        raise DataError("data.calendar takes its name from the environment, and it is stored: write it into the recipe")
