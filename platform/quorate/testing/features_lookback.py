"""Rules of features: the declared lookback is enough, is not too long, and is all that matters of the past."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quorate.bars import Floats
from quorate.providers import Plugin
from quorate.specs import FeatureSpec
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing._compare import differs, first_of, number, place, plain, rough, spread
from quorate.testing._features import compute, evaluate, kept, n_bars, spec_of
from quorate.testing.markets import market

_ROUNDING = 1e-6  # of the standard deviation, beside which rounding is nothing
_FADED = 1e-3  # what a recursive feature may owe to the bars before its lookback
_WINDOWS = 48
_SLACK = 3  # how many times what is needed a recursive lookback may be
_FACTORS = (1.001, 0.999, 1.05, 0.95, 2.0, 0.5, 100.0, 0.01)

Windows = list[Floats]  # per input: (lookback, n_windows), or (lookback, n_symbols) of one cross-section


@after("deterministic", "prefix-invariant", "scramble-invariant")
def check_feature_lookback_enough(plugin: Plugin) -> None:
    """The last `lookback` bars suffice to compute a value (for `recursive`: to 0.1 % of its deviation)."""
    spec = spec_of(plugin)
    bars = market(n_bars(spec), 2)
    whole = _computed(plugin, spec)
    scale, allowed = _scale(whole, spec), _allowed(spec)
    last = _ends(spec, len(bars))
    found = np.array([_alone(plugin, spec, int(t)) for t in last])
    wrong = np.abs(found - whole[last]) > allowed * scale
    wrong |= ~np.isfinite(found)
    if spec.recursive and len(np.unique(whole[kept(spec, bars)])) < len(bars) // 4:
        wrong &= wrong.mean() > 0.05  # a flag flips now and then where the number behind it is close
    if wrong.any():
        at, column = first_of(wrong)
        row = int(last[at])
        remedy = (
            "a longer lookback"
            if spec.recursive
            else "the true lookback (a return over n bars reads n + 1), or recursive=True if old bars fade away; a "
            "running total or a mean over all history is no feature: use a window"
        )
        raise Violation(
            f"{place(bars, row, column)} it is {number(whole[row, column])} with all bars before and "
            f"{number(found[at, column])} from the last {spec.lookback} bars alone, which "
            f"lookback={spec.lookback} says "
            f"suffice: it reads older bars. Declare {remedy}",
            bar=row,
            symbol=bars.symbols[column],
            lookback=int(spec.lookback),
            expected=plain(found[at, column]),
            found=plain(whole[row, column]),
        )


def check_feature_lookback_tight(plugin: Plugin) -> str | None:
    """The declared lookback is not longer than what a value reads."""
    spec = spec_of(plugin)
    if spec.lookback == 1:
        return None
    whole = _computed(plugin, spec)
    scale = _scale(whole, spec)
    if scale == 0.0:
        raise NotApplicable("it is constant: see the rule 'not-constant'")
    try:
        check_feature_lookback_enough(plugin)
    except Violation as e:
        raise NotApplicable("the lookback is not enough: see the rule 'lookback-enough'") from e
    if spec.recursive:
        needed = _needed(plugin, spec, _FADED * scale)
        if spec.lookback > _SLACK * needed and spec.lookback - needed > 20:
            raise _too_long(spec, needed, f"{needed} bars are enough for 0.1 % of its standard deviation")
        return None
    for windows in _all_windows(spec):
        if _oldest_matters(plugin, windows, scale):
            return None
    needed = _needed(plugin, spec, _ROUNDING * scale)
    detail = f"whatever bar t-{spec.lookback - 1} is, the value at t stays the same"
    raise _too_long(spec, min(needed, spec.lookback - 1), detail)


@after("deterministic", "prefix-invariant", "scramble-invariant")
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
                f"{place(bars, row + dropped, column)} it is {number(whole[row + dropped, column])}, and "
                f"{number(found[row, column])} when the history begins {dropped} bars later: it depends on where the "
                f"history begins, beyond its lookback of {spec.lookback} bars. Use a window of fixed length in place "
                "of a running total, an expanding mean or a count of rows; if old bars fade away, declare "
                "recursive=True",
                bar=row + dropped,
                symbol=bars.symbols[column],
                dropped=dropped,
                expected=plain(found[row, column]),
                found=plain(whole[row + dropped, column]),
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


def _alone(plugin: Plugin, spec: FeatureSpec, last: int, lookback: int | None = None) -> Floats:
    """Return the values at bar `last` from a history of `lookback` bars that ends there."""
    length = lookback or spec.lookback
    values: Floats = compute(plugin, market(n_bars(spec), 2).take(last - length + 1, last + 1))[-1]
    return values


def _last(plugin: Plugin, windows: Windows) -> Floats | None:
    """Return the values at the windows' last bar, or None where so few bars are too few for it."""
    try:
        values: Floats = np.asarray(evaluate(plugin, windows), dtype=np.float64)[-1]
    except (Violation, ValueError, IndexError, TypeError):
        return None
    return values


def _needed(plugin: Plugin, spec: FeatureSpec, allowed: float) -> int:
    """Return the smallest lookback whose values differ from those of the declared one by at most `allowed`."""
    windows = next(_all_windows(spec))
    expected = _last(plugin, windows)
    low, high = 1, int(spec.lookback)
    while expected is not None and low < high:
        middle = (low + high) // 2
        found = _last(plugin, [np.asfortranarray(w[-middle:]) for w in windows])
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
    expected = _last(plugin, windows)
    shorter = _last(plugin, [np.asfortranarray(w[1:]) for w in windows])
    if expected is None or shorter is None or _changed(expected, shorter, scale):
        return True
    groups = [tuple(range(len(windows))), *((i,) for i in range(len(windows)))] if len(windows) > 1 else [(0,)]
    for chosen in groups:
        for oldest in _others(windows):
            changed = [np.array(w, order="F") for w in windows]
            for i in chosen:
                changed[i][0] = oldest[i]
            found = _last(plugin, changed)
            if found is None or _changed(expected, found, scale):
                return True
    return False


def _others(windows: Windows) -> Iterator[Windows]:
    """Yield other values for the oldest bar."""
    for factor in _FACTORS:
        yield [w[0] * factor for w in windows]
    yield [w[1] for w in windows]
    yield [np.zeros_like(w[0]) if (w > 1e4).all() else w.max(axis=0) * 1.01 for w in windows]
    yield [w.min(axis=0) * 0.99 for w in windows]


def _changed(expected: Floats, found: Floats, scale: float) -> bool:
    return bool(differs(expected / scale, found / scale, 1e-7, 1.0).any())


def _all_windows(spec: FeatureSpec) -> Iterator[Windows]:
    """Yield histories of `lookback` bars of many kinds, most of them side by side as if they were symbols."""
    ordinary = market(n_bars(spec), 2)
    wild = rough(n_bars(spec), 2)
    n, size = int(spec.lookback), len(ordinary)
    if spec.cross_sectional:
        for bars in (ordinary, wild):
            for t in np.linspace(n - 1, size - 1, _WINDOWS // 4).astype(int):
                yield [np.asfortranarray(getattr(bars, name)[t - n + 1 : t + 1]) for name in spec.inputs]
        return
    at = np.linspace(n - 1, size - 1, _WINDOWS).astype(int)
    for bars in (ordinary, wild):
        yield [
            np.asfortranarray(np.stack([getattr(bars, name)[t - n + 1 : t + 1, 0] for t in at], axis=1))
            for name in spec.inputs
        ]
    yield _shaped(spec, ordinary.close[:n, 0], n)


def _shaped(spec: FeatureSpec, close: Floats, n: int) -> Windows:
    """Return histories that rise, fall, stand still, alternate, and are calm or wild throughout."""
    step = np.arange(n)
    noise = np.log(close / close[0])
    paths = [0.01 * step, -0.01 * step, 0.0 * step, 0.01 * (step % 2), -0.01 * (step % 2), noise * 0.1, noise * 5]
    paths += [0.002 * step, -0.002 * step, 0.05 * np.sin(step / 3.0)]
    base = 100 * np.exp(np.stack(paths, axis=1))
    made = {
        "open": base * 0.999,
        "high": base * (1.004 + 0.003 * np.cos(step))[:, None],
        "low": base * (0.996 - 0.003 * np.sin(step))[:, None],
        "close": base,
        "volume": 1e6 * np.exp(0.02 * np.stack([step * (-1) ** i for i in range(len(paths))], axis=1)),
    }
    return [np.asfortranarray(made[name]) for name in spec.inputs]
