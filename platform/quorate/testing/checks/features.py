"""Rules of features: what they compute, and from what."""

from __future__ import annotations

import time

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.markets import market, panel
from quorate.testing.tools.compare import (
    differs,
    example,
    first_of,
    number,
    place,
    plain,
    quiet,
    seeded,
    spread,
    watch_inputs,
)
from quorate.testing.tools.covariates import inputs_of, not_inputs
from quorate.testing.tools.features import compute, evaluate, kept, markets, n_bars, spec_of
from quorate.testing.tools.fresh import MEMORY, fresh

_SLOW = 0.3  # seconds: the kit calls a feature some hundred times, a run for every cut
_NO_DRAWS = (
    "draw no random numbers in a feature (also seeded ones mean nothing to a model), and keep nothing from one call "
    "to the next"
)


@after("input-unmodified")
def check_feature_computes(plugin: Plugin) -> str | None:
    """One finite real number per bar and symbol, in the shape of the inputs, that fits float32."""
    spec = spec_of(plugin)
    _check_declared(spec)
    for bars in (market(n_bars(spec), 2), market(n_bars(spec), 1)):
        started = time.monotonic()
        values = compute(plugin, bars)
        spent = time.monotonic() - started  # of the second call: the first may import and compile
        raw = np.asarray(evaluate(plugin, inputs_of(spec, bars)))
        if raw.dtype.kind not in "fiub":
            raise Violation(
                f"it gives values of type {raw.dtype}: they must be real numbers, float64. Convert them, e.g. "
                "values.astype(float)",
                found=str(raw.dtype),
                expected="float64",
            )
        with np.errstate(over="ignore"):
            lost = kept(spec, bars) & np.isfinite(values) & ~np.isfinite(values.astype(np.float32))
        if lost.any():
            row, column = first_of(lost)
            raise Violation(
                f"{place(bars, row, column)} it is {number(values[row, column])}, which float32 cannot hold. Features "
                "are kept as float32: divide by a typical size, or take the logarithm",
                bar=row,
                symbol=bars.symbols[column],
                found=plain(values[row, column]),
            )
    if spent > _SLOW:
        return (
            f"one call takes {spent:.1f} s for {n_bars(spec)} bars: fewer cuts were tried. Compile once, e.g. in a "
            "function with functools.cache, and load nothing anew at each call"
        )
    return None


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant")
def check_feature_symbols_independent(plugin: Plugin) -> None:
    """Values of a symbol do not depend on which other symbols there are (unless `cross_sectional`)."""
    spec = spec_of(plugin)
    if spec.cross_sectional:
        raise NotApplicable("it is declared cross_sectional")
    next(markets(plugin))
    size = n_bars(spec)
    together = market(size, 4)
    whole = compute(plugin, together)
    scale = spread(whole[kept(spec, together)])
    for names in ([s] for s in together.symbols):
        _same_alone(plugin, together, whole, names, scale)
    _same_alone(plugin, together, whole, ["AAA", "CCC"], scale)
    late = panel(size, size // 4)
    whole = compute(plugin, late)
    for names in (["AAA"], ["BBB"]):
        _same_alone(plugin, late, whole, names, scale)
    # Columns in another order: a symbol has no rank among the others.
    arrays = inputs_of(spec, together)
    turned = np.asarray(evaluate(plugin, [np.asfortranarray(a[:, ::-1]) for a in arrays]), dtype=np.float64)[:, ::-1]
    straight = compute(plugin, together)
    wrong = kept(spec, together) & differs(straight, turned, scale=scale)
    if wrong.any():
        row, column = first_of(wrong)
        raise _mixed(together, row, column, straight, turned, "with the symbols in reverse order")


def check_feature_input_unmodified(plugin: Plugin) -> None:
    """The inputs are left as they were."""
    spec = spec_of(plugin)
    try:
        _check_declared(spec)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e
    bars = market(n_bars(spec), 2)
    watch_inputs(dict(zip(spec.inputs, inputs_of(spec, bars), strict=True)), lambda *arrays: evaluate(plugin, arrays))


@after("input-unmodified")
def check_feature_deterministic(plugin: Plugin) -> None:
    """The same bars give the same values, bit for bit."""
    spec = spec_of(plugin)
    bars, other = next(markets(plugin)), market(n_bars(spec), 2, seed=9)
    found = []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(compute(plugin, bars))
    for again in found[1:]:
        _repeats(spec, bars, found[0], again, "the next, from the same bars", _NO_DRAWS)
    # What one remembers of the first market shows in the next of the same shape, or when the first comes again.
    with seeded(1):
        anew, after = compute(fresh(plugin), other), compute(plugin, other)
        again = compute(plugin, bars)
    _repeats(spec, other, anew, after, "after another market of the same shape was seen", MEMORY)
    _repeats(spec, bars, found[0], again, "after another market was seen, from the same bars", MEMORY)


def _repeats(spec: FeatureSpec, bars: Bars, first: Floats, again: Floats, when: str, remedy: str) -> None:
    wrong = kept(spec, bars) & differs(first, again, tolerance=0.0)
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"{place(bars, row, column)} it is {number(first[row, column], again[row, column])} the first time and "
            f"{number(again[row, column], first[row, column])} {when}: {remedy}",
            **example(bars, row, column, first[row, column], again[row, column]),
        )


@after("input-unmodified")
def check_feature_not_constant(plugin: Plugin) -> str | None:
    """Values vary from bar to bar."""
    spec = spec_of(plugin)
    remark = None
    for bars in (*markets(plugin), quiet(n_bars(spec), n_bars(spec) // 2, n_bars(spec) // 2 + 20, "flat, volume")):
        values = compute(plugin, bars)[kept(spec, bars)].astype(np.float32)
        if len(np.unique(values[np.isfinite(values)])) > 1:
            return remark
        remark = "constant on an ordinary market: it varies in rare situations only"
    raise Violation(
        f"it is {number(values[0])} on every bar of every market tried: a model can learn nothing from it. Let it "
        "depend on its inputs, or leave it out",
        found=plain(values[0]),
    )


def _check_declared(spec: FeatureSpec) -> None:
    if isinstance(spec.inputs, str):
        raise Violation(
            f"inputs is the text {spec.inputs!r}: it must be a tuple of names, ({spec.inputs!r},)", found=spec.inputs
        )
    if not_inputs(spec) or not spec.inputs:
        raise Violation(
            f"inputs are {spec.inputs}: they must be among {', '.join(FIELDS)}, or covariates, "
            "such as news or news.score",
            found=list(spec.inputs),
        )
    if not isinstance(spec.lookback, int | np.integer) or spec.lookback < 1:
        raise Violation(
            f"lookback is {spec.lookback!r}: it must be a whole number of bars, at least 1 (the bar itself)",
            found=str(spec.lookback),
        )


def _same_alone(plugin: Plugin, bars: Bars, whole: Floats, names: list[str], scale: float) -> None:
    columns = [bars.symbols.index(name) for name in names]
    some = bars.select(names)
    rows = np.searchsorted(bars.times, some.times)
    expected = whole[np.ix_(rows, np.asarray(columns))]
    found = compute(plugin, some)
    wrong = kept(spec_of(plugin), some) & differs(expected, found, scale=scale)
    if wrong.any():
        row, column = first_of(wrong)
        raise _mixed(some, row, column, expected, found, f"with {' and '.join(names)} only")


def _mixed(bars: Bars, row: int, column: int, expected: Floats, found: Floats, how: str) -> Violation:
    return Violation(
        f"{place(bars, row, column)} it is {number(expected[row, column], found[row, column])} among other symbols and "
        f"{number(found[row, column], expected[row, column])} {how}: it mixes symbols. Work along axis 0 (time) only, "
        "or declare "
        "cross_sectional=True",
        **example(bars, row, column, found[row, column], expected[row, column]),
    )
