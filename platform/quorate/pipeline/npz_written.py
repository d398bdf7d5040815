"""The folder of a training on windows: weights, configuration, scaling, metrics, times, log, confusion matrices."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from quorate.errors import StoreError
from quorate.execution.course import Course
from quorate.execution.state import State
from quorate.pipeline.learning import summary, write_course
from quorate.pipeline.watched import LOG
from quorate.recipe import yaml_text
from quorate.store import tensors
from quorate.store.checkpoints import FOLDER
from quorate.store.files import io_reason, replacing, write_json, write_text
from quorate.walkforward.training import timing_of

WEIGHTS = "best.safetensors"
Classes = tuple[NDArray[Any], NDArray[Any]]


def make_folder(parent: Path, name: str | None = None) -> Path:
    """Make and return a new folder, ``run_YYYYMMDD_HHMMSS``; a second one of that name gets a number.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    first = name or f"run_{dt.datetime.now():%Y%m%d_%H%M%S}"
    for number in range(1, 10_000):
        folder = parent / (first if number == 1 else f"{first}_{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as e:
            raise StoreError(io_reason(e, folder)) from e
        return folder
    raise StoreError(f"there are too many folders {parent / first}_N: remove some")


def write_all(
    folder: Path,
    state: State,
    *,
    config: Mapping[str, Any],
    stats: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
    course: Course | None,
    peak_memory: int,
    loading: float,
    classes: Mapping[str, Classes],
    told: list[str],
) -> tuple[dict[str, Any], list[Path]]:
    """Write what came of a training; return all of it as plain data, and the files."""
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(tensors.to_bytes(state.arrays))
    write_text(folder / "config.yaml", yaml_text.dump(config))
    write_json(folder / "norm_stats.json", stats)
    files = [folder / name for name in (WEIGHTS, "config.yaml", "norm_stats.json")]
    plain = {name: _finite(one) for name, one in metrics.items()}
    for name, one in plain.items():
        write_json(folder / f"metrics_{name}.json", one)
        files.append(folder / f"metrics_{name}.json")
    timing: dict[str, Any] = {"load_seconds": loading}
    summed: dict[str, Any] | None = None
    if course is not None:
        timing |= timing_of(course)
        summed = summary(course, peak_memory)
        files += write_course(folder, config["model"]["type"], course, summed, told)
    files += [path for path in (folder / LOG, folder / FOLDER) if path.exists()]
    write_json(folder / "timing.json", timing)
    files.append(folder / "timing.json")
    files += _pictures(folder, classes, told)
    document = {"folder": str(folder), "model": config["model"]["type"], "metrics": plain, "timing": timing}
    return {**document, "training": summed}, files


def matrix_of(actual: NDArray[Any], called: NDArray[Any]) -> list[list[int]]:
    """Return how often each class, a row, was called each class, a column."""
    return [[int(((actual == row) & (called == column)).sum()) for column in (0, 1)] for row in (0, 1)]


def _pictures(folder: Path, classes: Mapping[str, Classes], told: list[str]) -> list[Path]:
    if not classes:
        return []
    try:
        from quorate.report.picture import draw_heat
    except ImportError:
        told.append("no confusion matrix is drawn, as matplotlib is missing: pip install 'quorate[plots]'")
        return []
    from quorate.report.sections.model import Heat

    files = []
    for name, (actual, called) in classes.items():
        files.append(folder / f"confusion_matrix_{name}.png")
        values = [[float(one) for one in row] for row in matrix_of(actual, called)]
        heat = Heat(name, ("label 0", "label 1"), ("forecast 0", "forecast 1"), values, "count")
        draw_heat(files[-1], f"{name}: how often each class was called each", heat)
    return files


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with None for what is not defined."""
    return {
        name: _finite(value) if isinstance(value, Mapping) else value if math.isfinite(value) else None
        for name, value in values.items()
    }
