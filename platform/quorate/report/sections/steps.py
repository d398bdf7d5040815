"""How members forecast each step, where labels have several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Heat, Section, Table, Text
from quorate.report.sections.skill import WORDS

SHOWN = 5  # steps that are told one by one, beside the one that is traded
WIDE = 10  # steps in a row of the grid
FULL = 0.10  # of the error of persistence saved, from which a colour is the strongest


def steps(report: Report, part: str) -> Section | None:
    """Return how each step was forecast: some in a table, all in a grid; None where labels have but one."""
    rows: Sequence[Mapping[str, Any]] = report.results[part].get("steps") or ()
    if not rows:
        return None
    every = sorted({row["step"] for row in rows})
    traded = traded_step(report, part)
    chosen = some_of(every, traded)
    members = {one["name"] for one in report.results[part]["series"] if one["role"] == "member"}
    blocks: list[Block] = [_table([row for row in rows if row["step"] in chosen])]
    if len(every) > len(chosen):
        blocks.append(Text("How much of the error of persistence each member saves, step by step:"))
        blocks += [_grid(name, rows, every) for name in dict.fromkeys(row["series"] for row in rows) if name in members]
    told = (
        f"{len(every):,} steps of 1 to {every[-1]:,} bars" if every[0] == 1 else f"steps {', '.join(map(str, every))}"
    )
    sentence = (
        f"How each member forecast {told} on the {said_of(part)}. Step {traded:,} is what the ensemble combines, "
        "strategies trade and gates judge; the others are told here alone."
    )
    return Section("steps", "Steps", sentence, blocks, part)


def traded_step(report: Report, part: str) -> int:
    """Return how many bars ahead the forecasts are that are traded; of sessions, as many as they have at most."""
    horizon: int | str = report.provenance["recipe"]["labels"]["horizon"]
    return horizon if isinstance(horizon, int) else int(report.results[part]["rows"]["label_bars"]["most"])


def some_of(every: Sequence[int], traded: int) -> list[int]:
    """Return a few steps of many: the first, the last, and between them further apart the further ahead they are."""
    if len(every) <= SHOWN + 1:
        return list(every)
    last = len(every) - 1
    places = {round(math.expm1(math.log1p(last) * k / (SHOWN - 1))) for k in range(SHOWN)}
    return sorted({traded, *(every[place] for place in places)})


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("member", "left"), Column("step"), Column("RMSE"), Column("accuracy", keep=1), Column("MASE", keep=2),
        Column("against persistence", keep=1), Column("DM", keep=4), Column("p-value", keep=3),
        Column("against naive", "left"),
    ]  # fmt: skip
    groups: dict[str, list[list[Cell]]] = {}
    for row in rows:
        groups.setdefault(row["series"], []).append(
            [
                Cell(row["series"]),
                Cell(figure(row["step"], "count"), row["step"]),
                Cell(figure(row["rmse"], "fine"), row["rmse"]),
                Cell(figure(row["direction_accuracy"], "fraction"), row["direction_accuracy"]),
                Cell(figure(row["mase"], "ratio3"), row["mase"]),
                Cell(figure(row["mase_persistence"], "ratio3"), row["mase_persistence"]),
                Cell(figure(row["dm"], "ratio"), row["dm"]),
                Cell(figure(row["p_value"], "p-value"), row["p_value"]),
                Cell(row["verdict"], tone=WORDS.get(row["verdict"], "")),
            ]
        )
    return Table(columns, list(groups.values()))


def _grid(name: str, rows: Sequence[Mapping[str, Any]], every: Sequence[int]) -> Heat:
    """Return the share of the error of persistence that a member saves, of all steps, ten in a row."""
    saved = {row["step"]: row["mase_persistence"] for row in rows if row["series"] == name}
    lines = [every[k : k + WIDE] for k in range(0, len(every), WIDE)]
    values = [
        [1 - saved[step] if saved.get(step) is not None else math.nan for step in line]
        + [math.nan] * (WIDE - len(line))
        for line in lines
    ]
    told = [f"{line[0]}..{line[-1]}" if len(line) > 1 else str(line[0]) for line in lines]
    return Heat(name, told, [f"+{k}" for k in range(WIDE)], values, "fraction", FULL)
