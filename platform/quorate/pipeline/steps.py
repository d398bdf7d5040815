"""What a trained model forecasts of a test at each of its steps: measured, and written bar by bar."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.rows import Dataset
from quorate.errors import RecipeError
from quorate.execution.outputs import Outputs
from quorate.pipeline.periods import Period
from quorate.plugins.specs.outputs import at_steps
from quorate.store.files import replacing
from quorate.walkforward.steps import figures_at

FORECASTS = "forecasts.csv"


class Answers(NamedTuple):
    """What a model answers on some rows of a dataset.

    Parameters
    ----------
    outputs : dict of ndarray, (n_answers,)
        By name, its forecast of `own` first; of other steps as ``mean@5``.
    own : int
        The step whose prices are forecast.
    """

    dataset: Dataset
    rows: NDArray[np.int64]
    outputs: Outputs
    own: int


def check_longest(steps: tuple[int, ...], period: Period, bars: int) -> None:
    """Raise `RecipeError`, if no label of the longest step ends within a training period of so many bars."""
    if steps and steps[-1] >= bars:
        raise RecipeError(
            f"a label {steps[-1]} bars ahead is longer than the training period, {period}, which has {bars} bars: take "
            "fewer steps, --steps, or a longer period, --train-start, --train-end"
        )


def figures_of(answers: Answers, told: list[str]) -> list[dict[str, Any]]:
    """Return the figures of each step; which of them cannot be measured is told."""
    dataset, rows, outputs, own = answers
    names = at_steps((next(iter(outputs)),), dataset.steps, own)
    found, missing = [], []
    for column, (step, name) in enumerate(zip(dataset.steps, names, strict=True)):
        forecasts = np.full(len(dataset), np.nan)
        forecasts[rows] = outputs[name]
        if figures := figures_at(dataset, column, forecasts, rows):
            found.append(figures)
        else:
            missing.append(step)
    if missing:
        told.append(
            f"from {missing[0]} bars ahead on no forecast is measured: all those labels end after the test; it needs "
            f"more than {missing[-1] + 1} bars for all steps"
        )
    return found


def write_forecasts(path: Path, bars: Bars, answers: Answers) -> None:
    """Write what was forecast at the close of each bar, and what came; empty, where that is not known yet."""
    dataset, rows, outputs, own = answers
    labels = {"label": dataset.y} if not dataset.steps else {}
    names = at_steps(("label",), dataset.steps, own)
    labels |= {name: dataset.path[:, column] for column, name in enumerate(names)}
    columns = [*(values.tolist() for values in outputs.values()), *(y[rows].tolist() for y in labels.values())]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", *outputs, *labels])
        for day, *values in zip(bars.sessions[dataset.bar[rows]].astype(str), *columns, strict=True):
            writer.writerow([day, *("" if value != value else value for value in values)])
