"""The covariates of a recipe: asked of their sources, laid beside the bars, and told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from quorate.bars.covariates import DAY, EVERY, NEXT, Covariate, value_name
from quorate.bars.panel import Bars
from quorate.bars.periods import Periods
from quorate.bars.records import OWN, covariate_of, records_of_bars
from quorate.bars.resample import resample
from quorate.errors import DataError, PluginError, QuorateError, near_misses, one_of, plural
from quorate.evidence.result import finite_or_none
from quorate.plugins.options import READING, options_of
from quorate.plugins.specs import FeatureSpec, SourceSpec
from quorate.recipe import schema
from quorate.recipe.covariates import reader_of
from quorate.recipe.environment import is_value, tell_all
from quorate.runs.loading import ask_source
from quorate.runs.session import Session
from quorate.statistics import Floats

FUTURE = pd.Timedelta(days=3)  # a clock may be wrong, and a date is the end of its day
EARLY = np.timedelta64(DAY, "us")  # before its reference time, from which on a publication is odd


def with_covariates(session: Session, bars: Bars) -> Bars:
    """Return the bars with the recipe's covariates, of each the records that were known by the last bar.

    Raises
    ------
    DataError
        Naming the covariate, if its source gives nothing that can be used.
    """
    found = {}
    for name, one in (session.recipe.covariates or {}).items():
        heard = len(session.warnings)
        key = f"covariates.{name}"
        spec = reader_of(key, one, session.registry)
        try:
            found[name] = _asked(session, spec, name, one, bars)
        except QuorateError as e:
            raise type(e)(renamed(str(e), key, spec)) from None
        session.warnings[heard:] = [renamed(line, key, spec) for line in session.warnings[heard:]]
    return bars.with_covariates(found)


def _asked(session: Session, spec: SourceSpec, name: str, one: schema.Covariate, bars: Bars) -> Covariate:
    given = one.options
    told = {"zone": bars.calendar.timezone, "values": one.values}
    answer = ask_source(session, spec, given, f"covariates.{name}", records_in, **told)
    over = None
    if isinstance(answer, Bars):
        read, frame = answer.read, records_of_bars(_longer(session, answer, one), one.values or ("close",))
    else:
        read, frame = tuple(answer.attrs.get("read", ())), _dated(answer, one)
        over = _periods(frame, one, bars)
    lag, oldest = (None if text is None else schema.span_of(text) for text in (one.lag, one.max_age))
    covariate = replace(covariate_of(frame, lag, one.missing, oldest, one.stale, over), read=read)
    if any(is_value(symbol, given) for symbol in covariate.symbols) or any(
        is_value(v, given) for v in covariate.values
    ):
        raise DataError("a symbol or a value is named by what comes from the environment, and names are stored")
    for line in _doubts(covariate, bars, _reads_next(session, name, one)):
        session.warn(line)
    if "published_at" not in frame and _of_first_days(covariate, bars):
        session.warn(
            f"every record is of the first day of a month, and counts as known {one.lag} after that day: if each is of "
            "the whole month, as of many statistics, the lag must be longer by a month"
        )
    return covariate


def _longer(session: Session, answer: Bars, one: schema.Covariate) -> Bars:
    """Return bars at the frequency that a covariate is read at."""
    if one.aggregate is not None:
        raise DataError(
            "bars are made longer by rules of their own, the first open, the highest high, the last close and so on: "
            "leave aggregate out"
        )
    if one.resample is None:
        return answer
    found = resample(answer, one.resample)
    for line in found.told:
        session.warn(line)
    return found.bars


def _dated(frame: pd.DataFrame, one: schema.Covariate) -> pd.DataFrame:
    """Return records with a value, also of dates alone; an error, if one is to come of which nobody knew."""
    if "published_at" not in frame and "time" in frame and isinstance(frame["time"].dtype, pd.DatetimeTZDtype):
        late = frame["time"] > pd.Timestamp.now("UTC") + FUTURE
        if late.any():
            raise DataError(
                f"{plural(int(late.sum()), 'record')} of {len(frame):,} are of a time that has not come yet, the first "
                f"of {frame['time'][late].iloc[0]}, and a lag says how long after its time each was known: give a "
                "column published_at, from when on each date was known"
            )
    return frame.assign(date=1.0) if one.values == [] and not {*frame} - {*OWN} else frame


def _periods(frame: pd.DataFrame, one: schema.Covariate, bars: Bars) -> Periods | None:
    """Return how records are read by the period, if they are."""
    if one.resample is None:
        return None
    given = one.aggregate if isinstance(one.aggregate, dict) else {}
    how = {value_name(str(name)): (one.aggregate if isinstance(one.aggregate, str) else "last") for name in frame}
    known = {name: how[name] for name in how if name not in OWN}
    for name, what in given.items():
        if value_name(name) not in known:
            raise DataError(
                f"aggregate: there is no value {name!r}; there are {one_of([*known])}{near_misses(name, [*known])}"
            )
        known[value_name(name)] = what
    lag = 0 if one.lag is None else int(np.timedelta64(schema.span_of(one.lag), "us").astype(np.int64))
    local = frame["time"].dt.tz_convert(bars.calendar.timezone)
    return Periods(one.resample, bars.calendar, known, lag, dates=bool((local == local.dt.normalize()).all()))


def _reads_next(session: Session, name: str, one: schema.Covariate) -> bool:
    """Return whether a recipe reads how far off the dates of a covariate are, which are to come then."""
    specs = [session.registry.get(FeatureSpec, used) for used in session.recipe.features.use]
    return one.values == [] or any(f"{name}.{NEXT}" in spec.inputs for spec in specs)


def _of_first_days(covariate: Covariate, bars: Bars) -> bool:
    """Return whether records of several months are all of the first day of one."""
    ends = pd.DatetimeIndex(np.unique(covariate.time)).tz_localize("UTC").tz_convert(bars.calendar.timezone)
    days = (ends - pd.Timedelta(1, "us")).day  # a day ends at midnight
    return len(days) > 2 and bool((days == 1).all())


def records_in(answer: Any) -> Bars | pd.DataFrame:
    """Return records, or bars, that a source has given."""
    if not isinstance(answer, Bars | pd.DataFrame):
        raise PluginError(
            f"it must return records, as a DataFrame, or quorate.Bars; it returned {type(answer).__name__}"
        )
    return answer


def renamed(text: str, key: str, spec: SourceSpec) -> str:
    """Return what a source says of the recipe's table `key`, as it does not know what that is called."""
    keys = "|".join(map(re.escape, (*options_of(spec), *READING)))
    text = re.sub(rf"\bdata\.(?=(?:{keys})\b)", f"{key}.", text)
    return text if text.startswith(key) else f"{key}: {text}"


def _doubts(covariate: Covariate, bars: Bars, to_come: bool) -> list[str]:
    """Return what is to be asked about records; an error, if none is of these bars.

    Parameters
    ----------
    to_come : bool
        Whether they are meant to be of dates to come.
    """
    lines = []
    every = bool((covariate.code == EVERY).any())
    lacking = sorted({*bars.symbols} - {*covariate.symbols})
    if not len(covariate):
        raise DataError("there are no records")
    if not every and len(lacking) == len(bars.symbols):
        own = covariate.symbols
        raise DataError(
            f"none of its records is of a symbol of the bars: they are of {', '.join(own[:5])}, the bars of "
            f"{', '.join(bars.symbols[:5])}{near_misses(bars.symbols[0], own)}; records without a symbol hold for all"
        )
    if not every and lacking:
        more = ", ..." if len(lacking) > 3 else ""
        lines.append(
            f"there are no records of {plural(len(lacking), 'symbol')} of {len(bars.symbols)}: "
            f"{', '.join(lacking[:3])}{more}"
        )
    early = covariate.known < covariate.time - EARLY
    if early.any() and not to_come:
        first = int(early.argmax())
        lines.append(
            f"{plural(int(early.sum()), 'record')} of {len(early):,} were published before what they are of, the first "
            f"on {covariate.known[first]} of {covariate.time[first]}: are time and published_at the right columns? Of "
            "dates to come, values = [] reads how many days they are off"
        )
    return lines


def covariate_facts(bars: Bars, recipe: schema.Recipe) -> list[dict[str, Any]]:
    """Return what is told of each covariate, as plain data; nothing, where there is none."""
    found = []
    for name, one in bars.covariates.items():
        wanted = (recipe.covariates or {})[name]
        read = one.as_read
        place = read.places(bars.times, bars.symbols)
        ages = read.ages(place, bars.times)
        fresh = bars.present & (place >= 0) & ~read.is_stale(ages)
        delays = (one.known - one.time).astype(np.int64) / DAY
        found.append(
            {
                "name": name,
                "source": wanted.source,
                "sha256": one.sha256,
                "values": [*one.values],
                "symbols": len(one.symbols),
                "records": len(one),
                "first": str(one.time.min()) if len(one) else None,
                "last": str(one.time.max()) if len(one) else None,
                "delay": _spread(delays),
                "age": _spread(ages[bars.present & (place >= 0)]),
                "known": float(fresh.sum() / bars.present.sum()),
                **{key: getattr(wanted, key) for key in ("lag", "missing", "max_age", "stale")},
                **({"resample": wanted.resample} if wanted.resample else {}),
                **({"aggregate": dict(one.over.how)} if one.over else {}),
                **({"read": told} if (told := tell_all(one.read, wanted.options)) else {}),
            }
        )
    return found


def _spread(days: Floats) -> dict[str, float | None]:
    """Return the median and the most of some days."""
    return {
        "median": finite_or_none(float(np.median(days))) if len(days) else None,
        "max": finite_or_none(float(days.max())) if len(days) else None,
    }
