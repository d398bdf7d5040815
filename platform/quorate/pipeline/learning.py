"""How a model was trained, beside it in its folder: its epochs and steps as JSON, and its learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from quorate.evidence.result import plain
from quorate.execution.course import Course
from quorate.pipeline.watched import LOG
from quorate.report.sections.training import curves_of
from quorate.store.files import write_json, write_text
from quorate.walkforward.training import summary_of

COURSE, CURVES = "training.json", "learning_curves.png"


def summary(course: Course, peak_memory: int) -> dict[str, Any]:
    """Return what sums up one training, and the MiB that its process held at most; None where that is not known."""
    told = {name: value for name, value in summary_of([course]).items() if name not in ("fits", "not_finite")}
    own = {"epochs": len(course), "best_epoch": course.best_epoch, "stopped": course.stopped}
    return {**told, **own, "peak_memory_mib": peak_memory / 2**20 or None}


def write_course(folder: Path, model: str, course: Course, summed: dict[str, Any], told: list[str]) -> list[Path]:
    """Write the course of a training, and draw its losses; return the files."""
    epochs = [
        {"epoch": place + 1, **{name: float(values[place]) for name, values in course.epochs.items()}}
        for place in range(len(course))
    ]
    batches = [np.round(losses.astype(np.float64), 8).tolist() for losses in course.batches]
    write_json(folder / COURSE, {"summary": summed, **plain({"epochs": epochs, "batches": batches})})
    files = [folder / COURSE]
    if not (folder / LOG).exists():  # several processes do not tell while they train
        write_text(folder / LOG, "".join(f"{line}\n" for line in course.lines))
    losses = list(zip(course.epochs["train_loss"].tolist(), course.epochs["val_loss"].tolist(), strict=True))
    try:
        from quorate.report.picture import draw_learning
    except ImportError:
        told.append("no learning curves are drawn, as matplotlib is missing: pip install 'quorate[plots]'")
        return files
    draw_learning(folder / CURVES, model, [curves_of(model, [losses], course.best_epoch)])
    return [*files, folder / CURVES]
