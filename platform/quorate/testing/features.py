"""Rules of features: what they compute, and that none of it comes from the future or from elsewhere."""

from __future__ import annotations

import numpy as np

from quorate.bars import FIELDS, Bars, Floats
from quorate.providers import Plugin
from quorate.specs import FeatureSpec
from quorate.testing._base import NotApplicable, Violation, after, causal
from quorate.testing._compare import (
    changed,
    cuts,
    differs,
    first_of,
    number,
    place,
    plain,
    quiet,
    seeded,
    spread,
    watch_inputs,
)
from quorate.testing._features import compute, evaluate, kept, markets, n_bars, spec_of
from quorate.testing.markets import market, panel, scramble

AHEAD = (
    "it reads the future. Use only bars up to and including t: a trailing window, a shift forward "
    "(x[t - k], never x[t + k]), no statistic of the entire history, no back-fill, no centred window"
)
_SHORT = 3  # bars of standstill that any data has


def check_feature_computes(plugin: Plugin) -> None:
    """One finite real number per bar and symbol, in the shape of the inputs, that fits float32."""
    spec = spec_of(plugin)
    _check_declared(spec)
    for bars in (market(n_bars(spec), 2), market(n_bars(spec), 1)):
        values = compute(plugin, bars)
        raw = np.asarray(evaluate(plugin, [getattr(bars, name) for name in spec.inputs]))
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


@causal
@after("deterministic")
def check_feature_prefix_invariant(plugin: Plugin) -> None:
    """Values do not change when the future is cut off."""
    for bars in markets(plugin):
        whole = compute(plugin, bars)
        for known in cuts(spec_of(plugin).lookback, len(bars)):
            part = compute(plugin, bars.take(0, known))
            _same(plugin, bars, whole, part, known, f"with the bars up to {known - 1} only")


@causal
@after("deterministic")
def check_feature_scramble_invariant(plugin: Plugin) -> None:
    """Values do not change when the future becomes another one."""
    bars = next(markets(plugin))
    whole = compute(plugin, bars)
    for known in cuts(spec_of(plugin).lookback, len(bars), seed=1):
        part = compute(plugin, scramble(bars, known))
        _same(plugin, bars, whole, part, known, f"when other prices follow from bar {known} on")


def _same(plugin: Plugin, bars: Bars, whole: Floats, part: Floats, known: int, how: str) -> None:
    wrong = kept(spec_of(plugin), bars)[:known] & changed(whole[:known], part[:known])
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"{place(bars, row, column)} it is {number(whole[row, column])} with all {len(bars)} bars, and "
            f"{number(part[row, column])} {how}: {AHEAD}",
            bar=row,
            symbol=bars.symbols[column],
            changed_from=known,
            expected=plain(part[row, column]),
            found=plain(whole[row, column]),
        )


@after("deterministic", "prefix-invariant", "scramble-invariant")
def check_feature_warm_up_only(plugin: Plugin) -> None:
    """Values are finite from the `lookback`-th bar of a symbol on."""
    spec = spec_of(plugin)
    bars = next(markets(plugin))
    size = len(bars)
    late = panel(size, size // 4)
    for some, what in ((bars, "ordinary bars"), (late, "bars of two symbols, one of them listed later")):
        _refuse_gaps(spec, some, compute(plugin, some), what, "declare a longer lookback, or define the value there")


def check_feature_quiet_bars(plugin: Plugin) -> str | None:
    """Values stay finite where the price stands still for some bars, or nothing is traded."""
    spec = spec_of(plugin)
    next(markets(plugin))
    begin = n_bars(spec) // 2
    remark = None
    for what, words in (
        ("flat", "prices that stand still"),
        ("volume", "no volume"),
        ("flat, volume", "prices that stand still and no volume"),
    ):
        short = quiet(n_bars(spec), begin, begin + _SHORT, what)
        remedy = "define the value there, e.g. quorate.rolling.ratio gives 0 for 0/0"
        _refuse_gaps(spec, short, compute(plugin, short), f"{_SHORT} bars with {words} ({begin} and after)", remedy)
        stop = begin + spec.lookback + 2
        long = quiet(stop + 30, begin, stop, what)
        gaps = kept(spec, long) & ~np.isfinite(compute(plugin, long))
        if gaps.any():
            remark = f"not finite after {stop - begin} bars with {words}: a run over such bars would be refused"
    return remark


@after("deterministic", "prefix-invariant", "scramble-invariant")
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
    arrays = [getattr(together, name) for name in spec.inputs]
    turned = np.asarray(evaluate(plugin, [np.asfortranarray(a[:, ::-1]) for a in arrays]), dtype=np.float64)[:, ::-1]
    straight = compute(plugin, together)
    wrong = kept(spec, together) & differs(straight, turned, scale=scale)
    if wrong.any():
        row, column = first_of(wrong)
        raise _mixed(together, row, column, straight, turned, "with the symbols in reverse order")


def check_feature_input_unmodified(plugin: Plugin) -> None:
    """The inputs are left as they were."""
    spec = spec_of(plugin)
    _check_declared(spec)
    bars = market(n_bars(spec), 2)
    watch_inputs({name: getattr(bars, name) for name in spec.inputs}, lambda *arrays: evaluate(plugin, arrays))


def check_feature_deterministic(plugin: Plugin) -> None:
    """The same bars give the same values, bit for bit."""
    spec = spec_of(plugin)
    bars, other = next(markets(plugin)), market(n_bars(spec), 2, seed=9)
    found = []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(compute(plugin, bars))
            compute(plugin, other)
    for again in found[1:]:
        wrong = kept(spec, bars) & differs(found[0], again, tolerance=0.0)
        if wrong.any():
            row, column = first_of(wrong)
            raise Violation(
                f"{place(bars, row, column)} it is {number(found[0][row, column])} the first time and "
                f"{number(again[row, column])} the next, from the same bars. Seed what is random "
                "(np.random.default_rng(0) inside the function), and keep no state between calls",
                bar=row,
                symbol=bars.symbols[column],
                expected=plain(found[0][row, column]),
                found=plain(again[row, column]),
            )


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
    unknown = [name for name in spec.inputs if name not in FIELDS]
    if unknown or not spec.inputs:
        raise Violation(f"inputs are {spec.inputs}: they must be among {', '.join(FIELDS)}", found=list(spec.inputs))
    if not isinstance(spec.lookback, int | np.integer) or spec.lookback < 1:
        raise Violation(
            f"lookback is {spec.lookback!r}: it must be a whole number of bars, at least 1 (the bar itself)",
            found=str(spec.lookback),
        )


def _refuse_gaps(spec: FeatureSpec, bars: Bars, values: Floats, what: str, remedy: str) -> None:
    gaps = kept(spec, bars) & ~np.isfinite(values)
    if gaps.any():
        row, column = first_of(gaps)
        age = int(bars.present[: row + 1, column].sum())
        raise Violation(
            f"{place(bars, row, column)}, bar number {age} of the symbol, it is {values[row, column]} ({what}); from "
            f"bar number {spec.lookback} on (its lookback) it must be a finite number, or a run is refused: "
            f"{remedy}",
            bar=row,
            symbol=bars.symbols[column],
            found=str(values[row, column]),
            lookback=int(spec.lookback),
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
        f"{place(bars, row, column)} it is {number(expected[row, column])} among other symbols and "
        f"{number(found[row, column])} {how}: it mixes symbols. Work along axis 0 (time) only, or declare "
        "cross_sectional=True",
        bar=row,
        symbol=bars.symbols[column],
        expected=plain(found[row, column]),
        found=plain(expected[row, column]),
    )
