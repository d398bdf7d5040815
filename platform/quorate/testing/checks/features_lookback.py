"""Rules of features: the declared lookback is enough, is not too long, and is all that matters of the past."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from quorate.plugins.provider import Plugin
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.markets import market
from quorate.testing.tools.compare import differs, example, first_of, number, place, spread
from quorate.testing.tools.features import compute, kept, n_bars, spec_of
from quorate.testing.tools.windows import Windows, other_oldest, values_at_end, windows_of

_ROUNDING = 1e-6  # of the standard deviation, beside which rounding is nothing
_FADED = 1e-3  # what a recursive feature may owe to the bars before its lookback
_PATIENCE = 6.0  # seconds, after which fewer histories have to do
_SLACK = 3  # how many times what is needed a recursive lookback may be


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant", "warm-up-only")
def check_feature_lookback_enough(plugin: Plugin) -> None:
    """The last `lookback` bars suffice to compute a value (for `recursive`: to 0.1 % of its deviation)."""
    spec = spec_of(plugin)
    bars = market(n_bars(spec), 2)
    whole = _computed(plugin, spec)
    scale, allowed = _scale(whole, spec), _allowed(spec)
    last = _ends(spec, len(bars))
    started, alone = time.monotonic(), []
    for t in last:
        alone.append(_alone(plugin, spec, int(t)))
        if time.monotonic() - started > _PATIENCE:
            break
    found, last = np.array(alone), last[: len(alone)]
    wrong = np.abs(found - whole[last]) > allowed * scale
    wrong |= ~np.isfinite(found)
    if spec.recursive and len(np.unique(whole[kept(spec, bars)])) < len(bars) // 4:
        wrong &= wrong.mean() > 0.05  # a flag flips now and then where the number behind it is close
    if wrong.any():
        at, column = first_of(wrong)
        row = int(last[at])
        raise Violation(
            f"{place(bars, row, column)} it is {number(whole[row, column], found[at, column])} with all bars before "
            "and "
            f"{number(found[at, column], whole[row, column])} from the last {spec.lookback} bars alone, which "
            f"lookback={spec.lookback} says "
            f"suffice: it reads older bars. {_enough_is(plugin, spec)}",
            **example(bars, row, column, found[at, column], whole[row, column], lookback=int(spec.lookback)),
        )


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant", "warm-up-only", "lookback-enough")
def check_feature_lookback_tight(plugin: Plugin) -> str | None:
    """The declared lookback is not longer than what a value reads."""
    spec = spec_of(plugin)
    if spec.lookback == 1:
        return None
    whole = _computed(plugin, spec)
    scale = _scale(whole, spec)
    if scale == 0.0:
        raise NotApplicable("it is constant: see the rule 'not-constant'")
    if spec.recursive:
        needed = _needed(plugin, spec, _FADED * scale)
        if spec.lookback > _SLACK * needed and spec.lookback - needed > 20:
            raise _too_long(spec, needed, f"{needed} bars are enough for 0.1 % of its standard deviation")
        return None
    for windows in windows_of(spec):
        if _oldest_matters(plugin, windows, scale):
            return None
    needed = _needed(plugin, spec, _ROUNDING * scale)
    detail = f"whatever bar t-{spec.lookback - 1} is, the value at t stays the same"
    raise _too_long(spec, min(needed, spec.lookback - 1), detail)


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant", "warm-up-only")
def check_feature_start_independent(plugin: Plugin) -> None:
    """Values do not depend on where the history begins."""
    spec = spec_of(plugin)
    whole = _computed(plugin, spec)
    bars = market(n_bars(spec), 2)
    scale = _scale(whole, spec)
    flags = spec.recursive and len(np.unique(whole[kept(spec, bars)])) < len(bars) // 4
    for dropped in (1, 2, 3, 5, 7, 20, 50, 100):
        if dropped + spec.lookback >= len(bars):
            break
        found = compute(plugin, bars.take(dropped, len(bars)))
        wrong = kept(spec, bars)[dropped:] & (np.cumsum(np.ones(found.shape), axis=0) >= spec.lookback)
        wrong &= differs(
            whole[dropped:] / scale if scale else whole[dropped:], found / (scale or 1.0), _allowed(spec), 1.0
        )
        if wrong.mean() > (0.05 if flags else 0.0):
            row, column = first_of(wrong)
            raise Violation(
                f"{place(bars, row + dropped, column)} it is "
                f"{number(whole[row + dropped, column], found[row, column])}, and "
                f"{number(found[row, column], whole[row + dropped, column])} when the history begins {dropped} bars "
                "later: it depends on where the "
                f"history begins, beyond its lookback of {spec.lookback} bars. Use a window of fixed length in place "
                "of a running total, an expanding mean or a count of rows; if old bars fade away, declare "
                "recursive=True",
                **example(
                    bars, row + dropped, column, found[row, column], whole[row + dropped, column], dropped=dropped
                ),
            )


def _computed(plugin: Plugin, spec: FeatureSpec) -> Floats:
    try:
        return compute(plugin, market(n_bars(spec), 2))
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e


def _scale(whole: Floats, spec: FeatureSpec) -> float:
    values = whole[kept(spec, market(n_bars(spec), 2))]
    size = spread(values)
    # A deviation of mere rounding is none.
    return 0.0 if size <= 1e-12 * np.nanmax(np.abs(values), initial=0.0) else size


def _allowed(spec: FeatureSpec) -> float:
    return _FADED if spec.recursive else _ROUNDING


def _ends(spec: FeatureSpec, size: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(spec.lookback, size - 1, 30).astype(np.int64))


def _enough_is(plugin: Plugin, spec: FeatureSpec) -> str:
    """Return the remedy for a lookback that is too short: the one that is enough, if any."""
    exact = None if spec.recursive else _suffices(plugin, spec, _ROUNDING)
    faded = _suffices(plugin, spec, _FADED)
    if exact is None and faded is None:
        return (
            "No lookback would be enough: the value depends on all bars since the beginning, as a running total or a "
            "mean over all history does. Use a window of fixed length"
        )
    if exact is not None and (faded is None or faded > 0.9 * exact):
        return f"Declare lookback={exact} (a return over n bars reads n + 1), or use a shorter window"
    assert faded is not None
    faded += faded // 10  # another history may need some more
    if spec.recursive:
        return f"Declare lookback={faded}"
    return (
        f"If old bars fade away, as in an exponential mean, declare recursive=True and lookback={faded}; else a window"
    )


def _suffices(plugin: Plugin, spec: FeatureSpec, allowed: float) -> int | None:
    """Return the smallest number of bars that is enough for a value, or None if not even many are."""
    size = max(1500, 6 * int(spec.lookback))
    bars = market(size, 2)
    started = time.monotonic()
    whole = compute(plugin, bars)
    ends = np.linspace(size * 2 // 3, size - 1, 8 if time.monotonic() - started < 0.05 else 2).astype(int)
    scale = spread(whole[size // 2 :])

    def enough(length: int) -> bool:
        for t in ends:
            found = compute(plugin, bars.take(int(t) - length + 1, int(t) + 1))[-1]
            if not (np.abs(found - whole[t]) <= allowed * scale).all():  # NaN is not enough either
                return False
        return True

    low, high, limit = int(spec.lookback), 2 * int(spec.lookback), size * 2 // 3
    while high < limit and not enough(high):
        low, high = high, 2 * high
    high = min(high, limit)
    if high == limit and not enough(limit):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _alone(plugin: Plugin, spec: FeatureSpec, last: int, lookback: int | None = None) -> Floats:
    """Return the values at bar `last` from a history of `lookback` bars that ends there."""
    length = lookback or spec.lookback
    values: Floats = compute(plugin, market(n_bars(spec), 2).take(last - length + 1, last + 1))[-1]
    return values


def _needed(plugin: Plugin, spec: FeatureSpec, allowed: float) -> int:
    """Return the smallest lookback whose values differ from those of the declared one by at most `allowed`."""
    windows = next(windows_of(spec))
    expected = values_at_end(plugin, windows)
    low, high = 1, int(spec.lookback)
    while expected is not None and low < high:
        middle = (low + high) // 2
        found = values_at_end(plugin, [np.asfortranarray(w[-middle:]) for w in windows])
        with np.errstate(invalid="ignore"):
            enough = found is not None and bool((np.abs(found - expected) <= allowed).all())
        low, high = (low, middle) if enough else (middle + 1, high)
    return high


def _too_long(spec: FeatureSpec, needed: int, detail: str) -> Violation:
    return Violation(
        f"lookback={spec.lookback} says more than it reads: {detail}. Each bar too many costs a row of every "
        f"symbol: declare lookback={needed}",
        expected=needed,
        found=int(spec.lookback),
    )


def _oldest_matters(plugin: Plugin, windows: Windows, scale: float) -> bool:
    expected = values_at_end(plugin, windows)
    shorter = values_at_end(plugin, [np.asfortranarray(w[1:]) for w in windows])
    if expected is None or shorter is None or _changed(expected, shorter, scale):
        return True
    groups = [tuple(range(len(windows))), *((i,) for i in range(len(windows)))] if len(windows) > 1 else [(0,)]
    for chosen in groups:
        for oldest in other_oldest(windows):
            changed = [np.array(w, order="F") for w in windows]
            for i in chosen:
                changed[i][0] = oldest[i]
            found = values_at_end(plugin, changed)
            if found is None or _changed(expected, found, scale):
                return True
    return False


def _changed(expected: Floats, found: Floats, scale: float) -> bool:
    return bool(differs(expected / scale, found / scale, 1e-7, 1.0).any())
