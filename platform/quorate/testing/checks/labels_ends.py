"""Rules of labels: each value is settled at the bar it names, and from that bar on known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats
from quorate.testing._base import Violation, after, causal
from quorate.testing.markets import market, panel
from quorate.testing.tools.compare import changed, cuts, example, first_of, number, place, read_only
from quorate.testing.tools.labels import Positions, compute, computed

_HORIZONS = (1, 2, 5)
_N = 180
_LAST, _FAR = 8, 40  # bars that change in the end, and bars before them that no label of such a horizon reaches over
_MANY = 0.03  # share of values that change with the last bars, from which on it is no matter of single ends

Answer = tuple[Floats, Positions]


@causal
@after("input-unmodified")
def check_label_ends_ahead(plugin: Plugin) -> None:
    """A value becomes known after its own bar, and within the data."""
    for horizon in _HORIZONS:
        for bars in (market(_N, 2), panel(_N, 60)):
            values, ends = computed(plugin, bars.open, horizon)
            known = bars.present & ~np.isnan(values)
            early = known & (ends <= np.arange(_N)[:, None])
            late = known & (ends >= _N)
            for wrong, must in (
                (early, "after its own bar: a trade fills at t + 1 at the earliest, so ends is t + 1 or more"),
                (late, f"within the data, whose last bar is {_N - 1}: where the outcome lies beyond, the value is NaN"),
            ):
                if wrong.any():
                    row, column = first_of(wrong)
                    raise Violation(
                        f"{place(bars, row, column)} the value is {number(values[row, column])} and said to "
                        "be known at "
                        f"bar {ends[row, column]} (horizon {horizon}): it must become known {must}",
                        bar=row,
                        symbol=bars.symbols[column],
                        horizon=horizon,
                        found=int(ends[row, column]),
                    )


@causal
@after("input-unmodified", "deterministic")
def check_label_ends_honest(plugin: Plugin) -> str | None:
    """A value is settled at the bar it names: what comes after that bar changes neither it nor its end."""
    remark = None
    bars = market(_N, 2)
    for horizon in (2, 1, 5):
        whole = computed(plugin, bars.open, horizon)
        for known in cuts(horizon + 20, _N, seed=horizon):
            settled = _settled(whole, known)
            for how, prices in _futures(bars.open, known):
                other = compute(plugin, prices, horizon)
                _same(plugin, bars, settled | _settled(other, known), whole, other, how, horizon)
            part = compute(plugin, read_only(bars.open[:known]), horizon)
            unsaid = settled & np.isnan(part[0])
            early = (settled & ~unsaid) | _settled(part, known)
            _same(plugin, bars, early, whole, part, f"with the bars up to {known - 1} only", horizon)
            if unsaid.any():
                row, column = first_of(unsaid)
                remark = (
                    f"{place(bars, row, column)} it ends at bar {whole[1][row, column]}, but is NaN as long as bars "
                    f"after {known - 1} are missing: give values that end early also near the end of the data"
                )
    return remark


def _futures(prices: Floats, known: int) -> Iterator[tuple[str, Floats]]:
    """Yield prices with other futures: one that begins with a jump, one without, and one that stands still."""
    other = market(len(prices), 2, seed=77).open[known:]
    last = prices[known - 1]
    for how, future in (
        ("other prices, three times as high, follow", other * 3.0),
        ("other prices follow", other / other[0] * last),
        ("the price stands still", np.broadcast_to(last, other.shape)),
    ):
        yield f"when {how} from bar {known} on", read_only(np.concatenate([prices[:known], future]))


def _settled(answer: Answer, known: int) -> NDArray[np.bool_]:
    """Return which of the first `known` rows are known and say to have ended by then."""
    values, ends = answer[0][:known], answer[1][:known]
    settled: NDArray[np.bool_] = ~np.isnan(values) & (ends < known)
    return settled


def _reads_all(plugin: Plugin, bars: Bars, horizon: int) -> bool:
    """Say whether values that ended long before change where only the last prices do: for most bars, or far back."""
    last, far = len(bars) - _LAST, len(bars) - _LAST - _FAR
    whole = computed(plugin, bars.open, horizon)
    hit = np.zeros(far, dtype=bool)
    for _, prices in _futures(bars.open, last):
        other = compute(plugin, prices, horizon)
        known = (whole[1][:far] < last - _FAR) & np.isfinite(whole[0][:far])
        hit |= (known & changed(whole[0][:far], other[0][:far])).any(axis=1)
    return bool(hit.mean() > _MANY)


def _same(
    plugin: Plugin, bars: Bars, settled: NDArray[np.bool_], whole: Answer, part: Answer, how: str, horizon: int
) -> None:
    n = len(settled)
    (value, end), (other, other_end) = whole, part
    wrong = settled & (changed(value[:n], other[:n]) | (end[:n] != other_end[:n]))
    if wrong.any():
        row, column = first_of(wrong)
        if _reads_all(plugin, bars, horizon):
            raise Violation(
                f"{place(bars, row, column)} it is {_told(whole, part, row, column)} with all bars, and "
                f"{_told(part, whole, row, column)} {how} (horizon {horizon}): values of nearly all bars change when "
                "only the last prices do, so each rests on a statistic of the entire history (a median, mean, "
                "deviation, "
                "quantile or rank of all rows). The ends are not what is wrong: take the statistic from the prices up "
                "to "
                "bar t, e.g. of a trailing window, or use a fixed number",
                **example(bars, row, column, other[row, column], value[row, column], horizon=horizon, changed_from=n),
            )
        said = min(int(end[row, column]), int(other_end[row, column]))
        raise Violation(
            f"{place(bars, row, column)} it is {_told(whole, part, row, column)} with all bars, and "
            f"{_told(part, whole, row, column)} {how} (horizon {horizon}): bars after its end change it. Let ends "
            "name the "
            "last bar that the value reads, also to decide whether there is a value at all, and give NaN where it is "
            "not there yet; wrong ends let training labels reach into the test",
            **example(bars, row, column, other[row, column], value[row, column], horizon=horizon, end=said),
        )


def _told(answer: Answer, beside: Answer, row: int, column: int) -> str:
    value, end = answer[0][row, column], answer[1][row, column]
    return "NaN" if np.isnan(value) else f"{number(value, beside[0][row, column])}, known at bar {end},"
