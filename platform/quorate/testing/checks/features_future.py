"""Rules of features: nothing in them comes from the future."""

from __future__ import annotations

from quorate.bars.panel import Bars
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats
from quorate.testing._base import Violation, after, causal
from quorate.testing.markets import scramble
from quorate.testing.tools.compare import changed, cuts, example, first_of, number, place
from quorate.testing.tools.features import compute, kept, markets, spec_of

AHEAD = (
    "it reads the future. Use only bars up to and including t: a trailing window, a shift forward "
    "(x[t - k], never x[t + k]), no statistic of the entire history, no back-fill, no centred window"
)


@causal
@after("input-unmodified", "deterministic")
def check_feature_prefix_invariant(plugin: Plugin) -> None:
    """Values do not change when the future is cut off."""
    for bars in markets(plugin):
        whole = compute(plugin, bars)
        for known in cuts(spec_of(plugin).lookback, len(bars)):
            part = _cut_off(plugin, bars, known)
            _same(plugin, bars, whole, part, known, f"with the bars up to {known - 1} only")


@causal
@after("input-unmodified", "deterministic")
def check_feature_scramble_invariant(plugin: Plugin) -> None:
    """Values do not change when the future becomes another one."""
    bars = next(markets(plugin))
    whole = compute(plugin, bars)
    for known in cuts(spec_of(plugin).lookback, len(bars), seed=1):
        part = compute(plugin, scramble(bars, known))
        _same(plugin, bars, whole, part, known, f"when other prices follow from bar {known} on")


def _cut_off(plugin: Plugin, bars: Bars, known: int) -> Floats:
    try:
        return compute(plugin, bars.take(0, known))
    except Violation as e:
        raise Violation(
            f"{e.message}: with only the bars up to {known - 1}, though with all {len(bars)} it computes. A run "
            "computes it on short histories, too: let each value come from its own trailing window, and fit nothing "
            "on the entire history",
            changed_from=known,
        ) from e


def _same(plugin: Plugin, bars: Bars, whole: Floats, part: Floats, known: int, how: str) -> None:
    wrong = kept(spec_of(plugin), bars)[:known] & changed(whole[:known], part[:known])
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"{place(bars, row, column)} it is {number(whole[row, column], part[row, column])} with all {len(bars)} "
            "bars, and "
            f"{number(part[row, column], whole[row, column])} {how}: {AHEAD}",
            **example(bars, row, column, part[row, column], whole[row, column], changed_from=known),
        )
