"""Rules of sources: a panel of bars in order, the same every time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from quorate.bars.panel import FIELDS, Bars
from quorate.errors import IntegrityError, QuorateError
from quorate.plugins.calling import without_foreign_options
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, call
from quorate.testing.tools.compare import numbers, plain, seeded


def check_source_computes(plugin: Plugin) -> None:
    """Bars, from its default options."""
    bars = _call(plugin)
    if not isinstance(bars, Bars):
        raise Violation(
            f"it gave {type(bars).__name__}: it must return quorate.Bars, e.g. quorate.Bars.from_frame(frame)",
            expected="Bars",
            found=type(bars).__name__,
        )
    if not len(bars) or not bars.symbols:
        raise Violation(f"it gave {len(bars)} bars of {len(bars.symbols)} symbols: it must give some", found=len(bars))


def check_source_panel_valid(plugin: Plugin) -> None:
    """The panel is sorted, unique, in UTC, and its prices are positive and in order."""
    bars = bars_of(plugin)
    remedy = "Build it with quorate.Bars.from_frame, which checks all that"
    steps = np.diff(bars.times.astype("datetime64[us]").astype(np.int64))
    if (steps <= 0).any():
        row = int((steps <= 0).argmax()) + 1
        raise Violation(
            f"bar {row} is stamped {bars.times[row]}, and the one before it {bars.times[row - 1]}: stamps "
            "must increase, "
            f"each once. {remedy}",
            bar=row,
            expected=f"after {bars.times[row - 1]}",
            found=str(bars.times[row]),
        )
    shape = (len(bars.times), len(bars.symbols))
    for name in FIELDS:
        if getattr(bars, name).shape != shape:
            raise Violation(
                f"{name} has the shape {getattr(bars, name).shape}: it must be {shape}, bars x symbols. {remedy}",
                column=name,
                expected=list(shape),
                found=list(getattr(bars, name).shape),
            )
    rebuilt = _rebuilt(plugin, bars, remedy)
    if rebuilt.symbols != bars.symbols:
        raise Violation(
            f"its symbols are {', '.join(bars.symbols[:5])}: they must be sorted, each once, each with a bar "
            f"({', '.join(rebuilt.symbols[:5])}). {remedy}",
            expected=list(rebuilt.symbols[:5]),
            found=list(bars.symbols[:5]),
        )
    for name in ("times", "sessions", *FIELDS):
        _equal(name, getattr(rebuilt, name), getattr(bars, name), f"it must be as from_frame makes it. {remedy}")
    _refuse_dates(bars)
    if bars.fills is not None:
        try:
            bars.fills.check()
        except IntegrityError as e:
            raise Violation(
                f"{e}. Put markets together with quorate.align, which places each value where it is known"
            ) from e


def _refuse_dates(bars: Bars) -> None:
    """Raise `Violation` if daily bars are stamped with their date, at its first moment, in place of their close."""
    if bars.calendar.close == "24:00" or len(bars) < 2 or np.diff(bars.times).min() < np.timedelta64(12, "h"):
        return
    utc = pd.DatetimeIndex(bars.times).tz_localize("UTC")
    for moments in (utc, utc.tz_convert(bars.calendar.timezone)):
        if (moments == moments.normalize()).all():
            day = np.array([moments[0].date()], dtype="datetime64[D]")
            close = bars.calendar.close_times(day)[0]
            raise Violation(
                f"every bar is stamped 00:00 ({moments.tz}), the first one {bars.times[0]}: a stamp must be the close, "
                f"here {close} (calendar {bars.calendar.name!r}, which closes at {bars.calendar.close} "
                f"{bars.calendar.timezone}), or prices count as known hours before. Stamp the dates with "
                "quorate.get_calendar(name).close_times(dates), or name the calendar of a market that closes "
                'at midnight ("24x7", "weekdays")',
                bar=0,
                expected=str(close),
                found=str(bars.times[0]),
            )


def check_source_fingerprint_honest(plugin: Plugin) -> None:
    """Equal bars have equal fingerprints, other bars have others, and every call gives the same."""
    found = []
    for seed in (1, 2):
        with seeded(seed):
            found.append(bars_of(plugin))
    first, again = found
    for name in ("times", *FIELDS):
        _equal(
            name, getattr(first, name), getattr(again, name),
            "two calls must give the same bars: seed what is random (np.random.default_rng(0)), fix the "
            "dates asked for",
        )  # fmt: skip
    if first.fingerprint != again.fingerprint:
        raise Violation(
            f"the fingerprint is {first.fingerprint[:12]} the first time and {again.fingerprint[:12]} the "
            "next, of equal "
            "bars: leave Bars.fingerprint as it is",
            expected=first.fingerprint,
            found=again.fingerprint,
        )
    plainly = Bars(**{name: getattr(first, name) for name in Bars.__dataclass_fields__})
    if plainly.fingerprint != first.fingerprint:
        raise Violation(
            f"the fingerprint is {first.fingerprint[:12]}, and {plainly.fingerprint[:12]} computed anew from the same "
            "arrays: it must come from the content, or changed data would go unnoticed. Leave "
            "Bars.fingerprint as it is",
            expected=plainly.fingerprint,
            found=first.fingerprint,
        )
    changed = first.close.copy(order="F")
    changed[tuple(np.argwhere(first.present)[-1])] *= 1.0001
    if replace(first, close=changed).fingerprint == first.fingerprint:
        raise Violation(
            "the fingerprint stays the same when the last close changes: it must come from the content, or "
            "changed data "
            "would go unnoticed. Leave Bars.fingerprint as it is",
            found=first.fingerprint,
        )


def check_source_read_only(plugin: Plugin) -> None:
    """Nobody can write into its arrays."""
    bars = bars_of(plugin)
    for name in FIELDS:
        if getattr(bars, name).flags.writeable:
            raise Violation(
                f"{name} can be written: bars are shared by all features, so set flags.writeable = False, or "
                "build them "
                "with quorate.Bars.from_frame, which does",
                column=name,
                expected="read-only",
                found="writeable",
            )


def _call(plugin: Plugin) -> Any:
    try:
        return call(plugin)
    except Violation as e:
        if isinstance(e.__cause__, OSError) and not isinstance(e.__cause__, FileNotFoundError):
            raise NotApplicable(f"its data cannot be reached from here: {e.__cause__}") from e
        raise


def bars_of(plugin: Plugin) -> Bars:
    """Return the bars, or say that there are none to look at."""
    try:
        bars = _call(plugin)
    except Violation as e:
        raise NotApplicable("it gives no bars: see the rule 'computes'") from e
    if not isinstance(bars, Bars) or not len(bars) or not bars.symbols:
        raise NotApplicable("it gives no bars: see the rule 'computes'")
    return bars


def _rebuilt(plugin: Plugin, bars: Bars, remedy: str) -> Bars:
    try:
        return Bars.from_frame(bars.to_frame(), bars.calendar)
    except QuorateError as e:
        assert plugin.spec is not None
        raise Violation(f"{without_foreign_options(plugin.spec, str(e))}. {remedy}", found=str(e)) from e
    except Exception as e:  # arrays that do not belong together
        raise Violation(f"its panel holds together in no way ({type(e).__name__}: {e}). {remedy}", found=str(e)) from e


def _equal(name: str, expected: Any, found: Any, must: str) -> None:
    if expected.shape != found.shape:
        raise Violation(
            f"{name} has the shape {found.shape} where {expected.shape} is due: {must}",
            column=name,
            expected=list(expected.shape),
            found=list(found.shape),
        )
    wrong = ~((expected == found) | ((expected != expected) & (found != found)))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        is_number = expected.dtype.kind == "f"
        pair = numbers(expected[at], found[at]) if is_number else (str(expected[at]), str(found[at]))
        raise Violation(
            f"{name} of bar {at[0]} is {pair[1]} where {pair[0]} is due: {must}",
            bar=at[0],
            column=name,
            expected=plain(expected[at]) if is_number and np.isfinite(expected[at]) else pair[0],
            found=plain(found[at]) if is_number and np.isfinite(found[at]) else pair[1],
        )
