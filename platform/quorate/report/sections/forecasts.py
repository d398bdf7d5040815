"""What was forecast, and what came: in groups of forecasts of like size, and by direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from quorate.errors import StoreError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Lines, Points, Section, Table, Text

GROUPS = 10
FEWEST = 20  # forecasts in a group
BARS = 50  # whose mean is drawn: what came of a single forecast says nothing

Pairs = list[tuple[float, float]]  # forecast and label


def forecasts(report: Report, part: str) -> Section | None:
    """Return the judged forecasts in groups by their size, beside what came of each; None without tables."""
    judged = report.results[part]["series"][0]
    try:
        rows = report.rows(part, "predictions", ["time", "label", f"ensemble/{judged['name']}"])
    except StoreError:
        return None
    known = [row for row in rows if all(value is not None and value == value for value in row)]
    pairs = sorted((p, y) for _, y, p in known)
    if len(pairs) < FEWEST:
        return None
    binary = {y for _, y in pairs} <= {0.0, 1.0}
    unit = "fraction" if binary else "fine"
    came = "share that rose" if binary else "mean that came"
    groups = _groups(pairs)
    blocks: list[Block] = [_table(groups, unit, came), *_directions(pairs, 0.5 if binary else 0.0)]
    means = [(_mean([p for p, _ in group]), _mean([y for _, y in group])) for group in groups]
    forecast, label = zip(*means, strict=True)
    blocks.insert(1, Points("reliability", forecast, label, ("mean forecast", came), unit))
    if (lines := _through_time(known, unit)) is not None:
        blocks.append(lines)
    low, high = (_mean([y for _, y in half]) for half in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]))
    halves = f"{figure(high, unit)} in the higher half of the forecasts, {figure(low, unit)} in the lower"
    blocks.append(Text(f"The {came} was {halves}."))
    sentence = (
        f"What came of {len(pairs):,} forecasts of {judged['name']} on the {said_of(part)}, from the lowest to the "
        "highest: if they are worth something, what came rises with them."
    )
    return Section("forecasts", "Forecasts", sentence, blocks, part)


def _through_time(known: Sequence[tuple[datetime, float, float]], unit: str) -> Lines | None:
    """Return the mean forecast of the last bars beside the mean of what came of it; None for few bars."""
    by_bar: dict[datetime, list[tuple[float, float]]] = {}
    for time, label, forecast in known:
        by_bar.setdefault(time, []).append((label, forecast))
    if len(by_bar) < 2 * BARS:
        return None
    times = sorted(by_bar)
    labels, forecasts = ([_mean([pair[i] for pair in by_bar[time]]) for time in times] for i in (0, 1))
    values = {name: _last(found) for name, found in (("forecast", forecasts), ("what came", labels))}
    return Lines(f"mean of the last {BARS} bars", times, values, unit)


def _last(values: Sequence[float]) -> list[float]:
    """Return the mean of the last `BARS` values at each; NaN before there are as many."""
    sums = list(accumulate(values, initial=0.0))
    means = [(sums[i] - sums[i - BARS]) / BARS for i in range(BARS, len(sums))]
    return [math.nan] * (BARS - 1) + means


def _groups(pairs: Pairs) -> list[Pairs]:
    """Return forecasts of like size together, the lowest first."""
    number = min(GROUPS, len(pairs) // FEWEST)
    return [pairs[k * len(pairs) // number : (k + 1) * len(pairs) // number] for k in range(number)]


def _table(groups: Sequence[Pairs], unit: str, came: str) -> Table:
    rows = []
    for group in groups:
        forecast, label = _mean([p for p, _ in group]), _mean([y for _, y in group])
        rows.append(
            [
                Cell(figure(group[0][0], unit), group[0][0]),
                Cell(figure(group[-1][0], unit), group[-1][0]),
                Cell(figure(forecast, unit), forecast),
                Cell(figure(label, unit), label),
                Cell(figure(len(group), "count"), len(group)),
            ]
        )
    columns = [Column("lowest"), Column("highest"), Column("mean forecast"), Column(came), Column("forecasts")]
    return Table(columns, [rows])


def _directions(pairs: Pairs, level: float) -> list[Table]:
    """Return how often up and down were forecast and came."""
    columns = [Column("forecast", "left"), Column("rose"), Column("did not")]
    rows = []
    for name, up in (("up", True), ("down", False)):
        chosen = [y > level for p, y in pairs if (p > level) == up]
        rose = sum(chosen)
        counts = (rose, len(chosen) - rose)
        rows.append([Cell(name), *(Cell(figure(n, "count"), n) for n in counts)])
    return [Table(columns, [rows])]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
