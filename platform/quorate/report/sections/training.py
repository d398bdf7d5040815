"""How models were trained that tell it: where losses ended, why training did, and what an epoch took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain, groupby, zip_longest
from typing import Any

from quorate.errors import StoreError, plural
from quorate.report.figures import figure, span
from quorate.report.report import PARTS, Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Facts, Lines, Section, Table, Text

LEARNT, HELD = "training", "validation"  # how the two losses are called
ADVICE = (
    "The gap is the validation loss less the training loss. While both still fall at the last epoch, more epochs may "
    "help; where validation rises and training falls, the model learns by heart; where neither does, it learns nothing."
)
Losses = Sequence[tuple[float, float]]  # of training and validation, by epoch


def trainings(report: Report, part: str) -> Sequence[Mapping[str, Any]]:
    """Return what sums up the training of each model of a part that tells it."""
    told: Mapping[str, Any] = report.telemetry.get("holdout", {}) if part == PARTS[1] else report.telemetry
    return told.get("training") or ()


def training(report: Report, part: str) -> Section | None:
    """Return how models were trained; None where none of them tells."""
    found = trainings(report, part)
    if not found:
        return None
    blocks: list[Block] = [_losses(found), _cost(found), Facts([(one["model"], _ended(one)) for one in found])]
    blocks += [Text(text, "warn") for one in found if (text := _trouble(one))]
    blocks += _curves(report, part, found)
    blocks.append(Text(ADVICE))
    sentence = (
        f"How models were trained on the folds of the {said_of(part)}, as far as they tell. Losses are those of the "
        "epoch that is kept, the median of the fits; an epoch is a pass over the training rows, of boosting a round, "
        "counted from 1."
    )
    return Section("training", "Training", sentence, blocks, part)


def _losses(found: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("member", "left"), Column("fits", keep=2), Column("epochs"), Column("best epoch"),
        Column("training loss"), Column("validation loss"), Column("gap"),
    ]  # fmt: skip
    rows = [
        [
            Cell(one["model"]),
            Cell(figure(one["fits"], "count"), one["fits"]),
            *(Cell(_span(one[name]), one[name]["median"]) for name in ("epochs", "best_epoch")),
            *(Cell(figure(one[name], "loss"), one[name]) for name in ("train_loss", "val_loss", "gap")),
        ]
        for one in found
    ]
    return Table(columns, [rows])


def _cost(found: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("member", "left"), Column("in all"), Column("per epoch"), Column("per step"), Column("steps/s", keep=1),
        Column("rows/s"), Column("peak MiB"),
    ]  # fmt: skip
    rows = [
        [
            Cell(one["model"]),
            *(_time(one[name]) for name in ("seconds", "seconds_per_epoch")),
            _time(None if one["milliseconds_per_step"] is None else one["milliseconds_per_step"] / 1000),
            *(
                Cell(figure(one[name], unit), one[name])
                for name, unit in (("steps_per_second", "bars"), ("rows_per_second", "count"))
            ),
            Cell(figure(one["peak_memory_mib"], "count"), one["peak_memory_mib"]),
        ]
        for one in found
    ]
    return Table(columns, [rows])


def _span(told: Mapping[str, float]) -> str:
    """Return a median of whole numbers, and between what they lie."""
    middle = f"{told['median']:,g}"
    return middle if told["least"] == told["most"] else f"{middle} ({told['least']:,}..{told['most']:,})"


def _time(seconds: float | None) -> Cell:
    return Cell("-" if seconds is None else span(seconds), seconds)


def _ended(one: Mapping[str, Any]) -> str:
    """Return why the trainings of a model ended."""
    why = ", ".join(f"{reason} ({plural(count, 'fit')})" for reason, count in one["stopped"].items())
    return f"ended: {why or 'it does not tell why'}"


def _trouble(one: Mapping[str, Any]) -> str:
    """Return what went wrong; nothing, where nothing did."""
    told = [f"the loss of {plural(one['not_finite'], 'fit')} was no number in the end"] if one["not_finite"] else []
    told += [f"{plural(one['failed'], 'fit')} failed"] if one["failed"] else []
    return f"{one['model']}: {' and '.join(told)}." if told else ""


def _curves(report: Report, part: str, found: Sequence[Mapping[str, Any]]) -> list[Lines]:
    """Return the losses of each model by epoch; none, where the run has no tables."""
    try:
        rows = report.rows(part, "training", ["model", "fold", "train_loss", "val_loss"])
    except StoreError:
        return []
    fits: dict[str, list[Losses]] = {}
    for (model, _), some in groupby(rows, key=lambda row: row[:2]):
        values = [(_number(train), _number(held)) for _, _, train, held in some]
        fits.setdefault(model, []).append(values)
    drawn = [curves_of(one["model"], fits[one["model"]], round(one["best_epoch"]["median"])) for one in found]
    return [block for block in drawn if len(block.times) > 1]


def curves_of(model: str, fits: Sequence[Losses], best: int) -> Lines:
    """Return the training and the validation loss by epoch: the median of the fits that came so far, and their range.

    Parameters
    ----------
    best : int
        The epoch that is marked.
    """
    from statistics import median  # the library's, whose imports take longer than all else of most reports

    rows = [[one for one in row if one is not None] for row in zip_longest(*fits)]
    numbers = [k for k, row in enumerate(rows, 1) if any(map(math.isfinite, chain(*row)))]  # some tell of few alone
    epochs = [rows[k - 1] for k in numbers]
    values, ranges = {}, {}
    for place, name in enumerate((LEARNT, HELD)):
        known = [[one[place] for one in row if math.isfinite(one[place])] for row in epochs]
        if any(known):
            values[name] = [median(row) if row else math.nan for row in known]
            if len(fits) > 1:
                ranges[name] = (
                    [min(row, default=math.nan) for row in known],
                    [max(row, default=math.nan) for row in known],
                )
    title = f"{model}: loss by epoch" + (f", median of {len(fits)} fits" if len(fits) > 1 else "")
    return Lines(title, numbers, values, "loss", across="epoch", ranges=ranges, mark=best, marked=f"best epoch {best}")


def _number(value: float | None) -> float:
    return math.nan if value is None else value
