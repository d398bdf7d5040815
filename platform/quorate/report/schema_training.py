"""What ``report.json`` tells of how models were trained, typed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from quorate.report.schema_base import Number, Object


class Whole(Object):
    """Whole numbers, one of each fit."""

    median: float
    least: int
    most: int


class TrainingFigures(Object):
    """How a model was trained that tells it; losses are medians of those of the epochs that are kept."""

    model: str
    fits: int
    """Those whose training is known."""
    epochs: Whole
    best_epoch: Whole
    """Counted from 1."""
    train_loss: Number
    val_loss: Number
    """On the rows that were held back."""
    gap: Number
    """Validation loss less training loss."""
    stopped: dict[str, int]
    """Why trainings ended, and how many of them."""
    not_finite: int
    """Fits whose loss was no number in the end."""
    failed: int
    seconds: Number
    """Of all epochs of all fits; of fits in lock step each has its share."""
    seconds_per_epoch: Number
    first_epoch_seconds: Number
    """It also warms up."""
    steps: int | None
    steps_per_second: Number
    milliseconds_per_step: Number
    rows_per_second: Number
    peak_memory_mib: Number
    """What the process of a fit held at most."""
    dm: Number
    """Test of Diebold and Mariano against the naive forecast; below zero where it errs less."""
    verdict: str | None
    """What that says: better than naive, worse than naive, no evidence."""
    pct_mae: Number = None
    """Of the forecast prices, as a share of the price; this and the next where labels are returns."""
    pct_rmse: Number = None
    pct_mape: Number = None
    """Absolute error over the absolute change of the price: large where prices hardly move."""
    price_mae: Number = None
    price_rmse: Number = None
    """Both in the currency of the prices."""


class StageUse(BaseModel):
    """What a stage took of processors and memory."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    cpu_seconds: float
    """Of all processes; what workers took within the last second of a stage may count in the next one."""
    total_memory_mib: float
    """That all processes of this machine held at most at a time, as far as was seen."""
    peak_memory_mib: float
    """That the process that drives held at most."""


class Telemetry(BaseModel):
    """How long it took and where; nothing in it changes a result."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    seconds: float
    stages: dict[str, float]
    """Seconds of each."""
    peak_memory_mib: float
    """Of the process that drives."""
    total_memory_mib: float | None = None
    """Of all processes of this machine together; null in reports made before it was told."""
    cpu_seconds: float | None = None
    """Of all processes of this machine."""
    stage_use: dict[str, StageUse] = Field(default={})
    """By stage."""
    executor: str
    workers: int
    fits: int
    cached: int
    fit_cpu_seconds: dict[str, float]
    """By model, of those that were not kept from before."""
    fit_warnings: dict[str, int] = Field(default={})
    training: list[TrainingFigures] = Field(default=[])
    holdout: Telemetry | None = None
