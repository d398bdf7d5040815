"""Rules of sources that more is asked of than all their bars: parts, spans, splits and dividends, secrets."""

from __future__ import annotations

import datetime as dt
import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from quorate.bars.actions import check_actions
from quorate.bars.panel import Bars
from quorate.errors import DataError
from quorate.plugins.options import told_when_reading
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import SourceSpec
from quorate.plugins.specs.base import Lazy
from quorate.recipe.environment import mask
from quorate.testing._base import NotApplicable, Violation, after, call, default_options
from quorate.testing.checks.sources import bars_of

_SENTINEL = "only-for-quorate-check"
_MOST = 5  # parts that are read one by one
_JOINED = (
    "an import reads parts side by side and joins them: each must read what the whole reads of it, with the same names "
    "of symbols"
)


def check_source_parts_listed(plugin: Plugin) -> None:
    """The parts are a list of tables of its own options, each a list of values, the same every time."""
    parts = _parts(plugin)
    again = _parts(plugin)
    known = default_options(plugin)
    for one in parts:
        for name, value in one.items() if isinstance(one, Mapping) else [("", one)]:
            if not isinstance(one, Mapping) or not isinstance(value, list) or name not in known:
                raise Violation(
                    f"one of its parts is {one!r}: each must be a table of its options, and each of these a list of "
                    f'values, e.g. {{"symbols": ["SPY"]}}, so that several parts can be read at once; its options are '
                    f"{', '.join(known)}",
                    found=repr(one),
                )
    told = [json.dumps(one, sort_keys=True, default=str) for one in parts]
    if len(set(told)) < len(told):
        twice = next(one for one in told if told.count(one) > 1)
        raise Violation(f"the part {twice} is there twice: an import would read it twice", found=twice)
    if parts != again:
        raise Violation(
            f"its parts are {told[:3]} the first time and {[*map(repr, again[:3])]} the next: what was imported before "
            "is known by its part, so the same parts must come in the same order, e.g. sorted",
            expected=told[:3],
            found=[json.dumps(one, sort_keys=True, default=str) for one in again[:3]],
        )


@after("parts-listed")
def check_source_parts_whole(plugin: Plugin) -> None:
    """All parts read together are the whole, and so are the first ones read one by one, as far as they go."""
    parts, whole = _parts(plugin), bars_of(plugin)
    joined: dict[str, list[Any]] = {}
    for part in parts:
        for name, value in part.items():
            joined.setdefault(name, []).extend(value)
    _compare(whole.to_frame(), _read(plugin, joined).to_frame(), "all its parts together")
    every = whole.to_frame().set_index(["symbol", "time"])
    alone = pd.concat([_read(plugin, part).to_frame() for part in parts[:_MOST]], ignore_index=True)
    doubled = alone.duplicated(["symbol", "time"])
    if doubled.any():
        one = alone[doubled].iloc[0]
        raise Violation(f"two parts have {one['symbol']} at {one['time']}: {_JOINED}", symbol=str(one["symbol"]))
    keys = pd.MultiIndex.from_frame(alone[["symbol", "time"]])
    index = pd.MultiIndex.from_frame(whole.to_frame()[["symbol", "time"]])
    if len(extra := keys.difference(index)):
        symbol, time = extra[0]
        raise Violation(f"a part has {symbol} at {time}, which the whole has not: {_JOINED}", symbol=str(symbol))
    _compare(every.loc[keys].reset_index(), alone, "its parts one by one")
    if len(parts) <= _MOST and len(alone) < len(every):
        symbol, time = index.difference(keys)[0]
        raise Violation(f"no part has {symbol} at {time}, which the whole has: {_JOINED}", symbol=str(symbol))


def check_source_span_is_cut(plugin: Plugin) -> None:
    """Asked for a part of its history it gives the bars of the whole there: none is missing, none is otherwise."""
    spec = _spec(plugin)
    if not told_when_reading(spec, since=None, until=None):
        raise NotApplicable("its signature names neither since nor until: it is never asked for a part of its history")
    whole = bars_of(plugin)
    days = whole.sessions.astype("datetime64[D]")
    first, last = (days[int(len(days) * share)].item() for share in (0.4, 0.7))
    for asked in ({"since": first}, {"until": last}, {"since": first, "until": last}):
        span: dict[str, dt.date] = told_when_reading(spec, **asked)
        if not span:
            continue
        told = " and ".join(f"{name} {day}" for name, day in span.items())
        part = _read(plugin, {}, **span)
        since, until = (np.datetime64(span.get(name, edge)) for name, edge in (("since", days[0]), ("until", days[-1])))
        expected, found = (_between(bars, since, until) for bars in (whole, part))
        _compare(expected, found, f"its bars asked for {told}, cut to these days,")


def check_source_actions_valid(plugin: Plugin) -> None:
    """Splits and dividends are of its symbols, each once, of a known kind and day, with a value above zero."""
    spec = _spec(plugin)
    if spec.actions is None:
        raise NotApplicable("it tells no splits and dividends")
    symbols = bars_of(plugin).symbols
    found = call(_offering(plugin, spec.actions))
    if not isinstance(found, pd.DataFrame):
        raise Violation(
            f"actions gave {type(found).__name__}: it must give a DataFrame with the columns symbol, session, kind and "
            "value, empty if there are none",
            expected="DataFrame",
            found=type(found).__name__,
        )
    try:
        told = check_actions(found) if len(found) or len(found.columns) else found
    except (DataError, TypeError, ValueError) as e:
        raise Violation(f"{e}", found=str(e)) from e
    if not len(told):
        return
    for bad, must in (
        (~told["symbol"].isin(symbols), f"of a symbol that it has bars of ({', '.join(symbols[:5])})"),
        (told["value"] <= 0, "above zero: new shares per old, or cash per share"),
        (told.duplicated(["symbol", "session", "kind"]), "told once: add up what falls on one day"),
    ):
        if bad.any():
            one = told[bad].iloc[0]
            what = f"the {one['kind']} of {one['symbol']} on {one['session']:%Y-%m-%d}, {one['value']:g},"
            raise Violation(f"{what} must be {must}", symbol=str(one["symbol"]), found=float(one["value"]))


def check_source_secret_untold(plugin: Plugin) -> None:
    """What it says of its reading holds no value of an option that is a secret by its name."""
    names = [name for name in default_options(plugin) if mask({name: "x"}) != {name: "x"}]
    if not names:
        raise NotApplicable("none of its options is a secret by its name")
    try:
        bars = call(plugin, **dict.fromkeys(names, _SENTINEL))
    except Violation as e:
        if _SENTINEL in e.message:
            raise Violation(
                f"an error of it tells the value of {names[0]}: {e.message.replace(_SENTINEL, '***')}: name the "
                "option, never its value",
                found=names[0],
            ) from None
        raise NotApplicable(f"it gives no bars with another {names[0]}") from e
    told = json.dumps(list(getattr(bars, "read", ())), default=str)
    if _SENTINEL in told:
        raise Violation(
            f"Bars.read holds the value of {names[0]}, and a run keeps what it holds: leave it out, or write the name "
            f"of the option: {told.replace(_SENTINEL, '***')}",
            found=names[0],
        )


@after("parts-listed")
def check_source_part_named(plugin: Plugin) -> None:
    """A part that cannot be read is named by the error."""
    part = next((one for one in _parts(plugin) if any(isinstance(v, str) for vs in one.values() for v in vs)), None)
    if part is None:
        raise NotApplicable("no part of it is named by a text")
    name, values = next((n, vs) for n, vs in part.items() if any(isinstance(v, str) for v in vs))
    missing = f"{values[0]}.no-such-part"
    try:
        call(plugin, **{**part, name: [missing]})
    except Violation as e:
        if missing not in e.message and missing not in str(e.__cause__):
            raise Violation(
                f"asked for {name} = [{missing!r}], which is not there, {e.message}: an import of many parts names the "
                "one that cannot be read by this error, so it must say which",
                expected=missing,
                found=e.message,
            ) from e.__cause__
    else:
        raise Violation(
            f"asked for {name} = [{missing!r}], which is not there, it gave bars: it must say that there is none",
            expected="an error",
            found="bars",
        )


def _spec(plugin: Plugin) -> SourceSpec:
    assert isinstance(plugin.spec, SourceSpec)
    return plugin.spec


def _offering(plugin: Plugin, function: Lazy) -> Plugin:
    """Return the plugin with another of its functions in place of the one that reads bars."""
    return replace(plugin, spec=_spec(plugin).offering(function))


def _parts(plugin: Plugin) -> list[Any]:
    """Return the parts that a source tells, with the options that it is asked with."""
    spec = _spec(plugin)
    if spec.parts is None:
        raise NotApplicable("it tells no parts: an import reads it as a whole")
    asked, options = _offering(plugin, spec.parts), default_options(plugin)
    named = inspect.signature(asked.spec.resolve() if asked.spec else call).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in named.values()) and (more := sorted({*options} - {*named})):
        raise Violation(
            f"its function of parts does not take {more[0]}: it is called with all options of the source, so take the "
            "others as **options",
            found=more[0],
        )
    try:
        found = asked.spec.resolve()(**options) if asked.spec else []
    except Exception as e:
        raise Violation(f"its function of parts raised {type(e).__name__}: {e}") from e
    if not isinstance(found, list):
        raise Violation(
            f"parts gave {type(found).__name__}: it must give a list of tables of options", found=type(found).__name__
        )
    if not found:
        raise NotApplicable("with these options it has no parts")
    return found


def _read(plugin: Plugin, part: Mapping[str, Any], **span: Any) -> Bars:
    bars = call(plugin, **part, **span)
    if not isinstance(bars, Bars):
        raise Violation(f"asked for {dict(part)} it gave {type(bars).__name__}: it must give quorate.Bars")
    return bars


def _between(bars: Bars, since: np.datetime64, until: np.datetime64) -> pd.DataFrame:
    days = bars.sessions.astype("datetime64[D]")
    inside = pd.DatetimeIndex(bars.times[(days >= since) & (days <= until)]).tz_localize("UTC")
    frame = bars.to_frame()
    return frame[frame["time"].isin(inside)].reset_index(drop=True)


def _compare(expected: pd.DataFrame, found: pd.DataFrame, what: str) -> None:
    """Raise `Violation` unless two long frames hold the same bars."""
    keys = ["symbol", "time"]
    both = expected.merge(found, on=keys, how="outer", suffixes=("", "|found"), indicator="|side")
    apart = both[both["|side"] != "both"]
    if len(apart):
        one = apart.iloc[0]
        lacks = "lack" if one["|side"] == "left_only" else "have, and the whole has not,"
        raise Violation(
            f"{what} {lacks} {one['symbol']} at {one['time']} ({len(apart):,} such bars of {len(both):,}): {_JOINED}",
            symbol=str(one["symbol"]),
            found=len(apart),
        )
    for name in [str(name) for name in expected if name not in keys and f"{name}|found" in both]:
        was, now = both[name], both[f"{name}|found"]
        wrong = (was != now) & ~(was.isna() & now.isna())
        if wrong.any():
            one = both[wrong].iloc[0]
            raise Violation(
                f"{what} have the {name} {one[f'{name}|found']} of {one['symbol']} at {one['time']}, and the whole has "
                f"{one[name]}: {_JOINED}",
                symbol=str(one["symbol"]),
                column=name,
            )
