"""What was forecast, and what came: in groups of forecasts of like size, and by direction."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.errors import QuorateError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Points, Section, Table, Text

GROUPS = 10
FEWEST = 20  # forecasts in a group

Pairs = list[tuple[float, float]]  # forecast and label


def forecasts(report: Report, part: str) -> Section | None:
    """Return the judged forecasts in groups by their size, beside what came of each; None without tables."""
    judged = report.results[part]["series"][0]
    try:
        rows = report.rows(part, "predictions", ["label", f"ensemble/{judged['name']}"])
    except QuorateError:
        return None
    pairs = sorted((p, y) for y, p in rows if y is not None and p is not None and y == y and p == p)
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
    apart = _mean([y for _, y in pairs[len(pairs) // 2 :]]) - _mean([y for _, y in pairs[: len(pairs) // 2]])
    blocks.append(Text(f"The higher half of the forecasts came to {figure(apart, unit)} more than the lower half."))
    sentence = (
        f"What came of {len(pairs):,} forecasts of {judged['name']} on the {said_of(part)}, from the lowest to the "
        "highest: if they are worth something, what came rises with them."
    )
    return Section("forecasts", "Forecasts", sentence, blocks, part)


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
