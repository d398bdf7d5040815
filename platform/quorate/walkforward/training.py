"""How the training of members went: the tables that are stored, and what sums them up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from quorate import statistics
from quorate.evidence.evidence import Performance
from quorate.evidence.result import plain
from quorate.execution.course import COLUMNS, Course
from quorate.execution.task import FitResult
from quorate.statistics import Floats


def training_frames(part: str, fits: Sequence[FitResult]) -> dict[str, pd.DataFrame]:
    """Return the tables ``training``, a row per fit and epoch, and ``batches``, a row per step; of the first seed."""
    told = [(fit, fit.course) for fit in fits if fit.course is not None]
    epochs = [
        pd.DataFrame(
            {
                "model": fit.model,
                "fold": fit.fold,
                "epoch": np.arange(1, len(course) + 1),
                **course.epochs,
                "best": np.arange(1, len(course) + 1) == course.best_epoch,
            }
        )
        for fit, course in told
    ]
    batches = [
        pd.DataFrame(
            {
                "model": fit.model,
                "fold": fit.fold,
                "epoch": place + 1,
                "batch": np.arange(len(losses)) * course.every + 1,
                "loss": losses.astype(np.float64),
            }
        )
        for fit, course in told
        for place, losses in enumerate(course.batches)
    ]
    columns = dict.fromkeys(COLUMNS, "float64")
    return {
        "training": _table(part, epochs, {"epoch": "int64", **columns, "best": "bool"}),
        "batches": _table(part, batches, {"epoch": "int64", "batch": "int64", "loss": "float64"}),
    }


def _table(part: str, frames: Sequence[pd.DataFrame], types: Mapping[str, str]) -> pd.DataFrame:
    """Return tables below each other; where there is none, one that has the same columns."""
    types = {"model": "str", "fold": "int64", **types}
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    found = pd.concat(frames, ignore_index=True).astype(types) if frames else empty
    found.insert(0, "part", pd.Series(part, index=found.index, dtype="str"))
    return found


def trainings(
    fits: Sequence[FitResult], forecast: Mapping[str, Performance], skill: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return of each model whose training is known how it went, and how far its forecasts were from what came.

    Parameters
    ----------
    forecast : mapping of str to Performance
        By model.
    skill : DataFrame
        The table of that name.
    """
    tests = {row["model"]: row for row in skill.to_dict("records")}
    found = []
    for model in dict.fromkeys(fit.model for fit in fits):
        own = [fit for fit in fits if fit.model == model]
        courses = [one.course for fit in own for one in fit.replicates or (fit,) if one.course is not None]
        if not courses:
            continue
        test, performance = tests.get(model, {}), forecast.get(model)
        last = np.empty(0) if performance is None else performance.entry_price
        told = {
            "model": model,
            **summary_of(courses),
            "failed": sum(bool(fit.error) for fit in own),
            "peak_memory_mib": max(fit.peak_memory for fit in own) / 2**20 or None,
            "dm": test.get("dm"),
            "verdict": test.get("verdict"),
        }
        if performance is not None and len(last):
            told |= price_errors(last * (1 + performance.labels), last * (1 + performance.predictions), last)
        found.append(plain(told))
    return found


def summary_of(courses: Sequence[Course]) -> dict[str, Any]:
    """Return what sums up the trainings of one model: losses are medians of those of the best epochs.

    Where several were trained in lock step, what a second did counts for all of them.
    """
    lengths = [len(course) for course in courses]
    seconds = float(np.nansum([np.nansum(course.epochs["seconds"]) for course in courses]))
    timed = not all(np.isnan(course.epochs["seconds"]).all() for course in courses)
    steps, rows = (sum(values) for values in ([sum(c.steps) for c in courses], [c.rows * len(c) for c in courses]))
    per_second = 1 / seconds if timed and seconds else math.nan
    best = {name: np.array([course.best(name) for course in courses]) for name in ("train_loss", "val_loss")}
    return plain(  # type: ignore[no-any-return]
        {
            "fits": len(courses),
            "epochs": _spread(lengths),
            "best_epoch": _spread([course.best_epoch for course in courses]),
            "train_loss": _median(best["train_loss"]),
            "val_loss": _median(best["val_loss"]),
            "gap": _median(best["val_loss"] - best["train_loss"]),
            "stopped": dict(Counter(course.stopped for course in courses if course.stopped)),
            "not_finite": sum(bool(np.isnan(course.epochs["train_loss"][-1])) for course in courses),
            "seconds": seconds if timed else math.nan,
            "seconds_per_epoch": 1 / (per_second * sum(lengths)),
            "first_epoch_seconds": _median(np.array([course.epochs["seconds"][0] for course in courses])),
            "steps": steps or None,
            "steps_per_second": steps * per_second or math.nan,
            "milliseconds_per_step": 1000 / (steps * per_second) if steps else math.nan,
            "rows_per_second": rows * per_second,
        }
    )


def timing_of(course: Course) -> dict[str, Any]:
    """Return the times of a training; the first epoch, which also warms up, is told by itself."""
    seconds = course.epochs["seconds"]
    return plain(  # type: ignore[no-any-return]
        {
            "total_epochs": len(course),
            "best_epoch": course.best_epoch,
            "stopped": course.stopped,
            "total_seconds": float(seconds.sum()),
            "mean_seconds": float(seconds.mean()),
            "std_seconds": float(seconds.std()),
            "warm_up_seconds": float(seconds[0]),
            "samples_per_second": summary_of([course])["rows_per_second"],
            "epoch_times": seconds.tolist(),
        }
    )


def price_errors(actual: Floats, forecast: Floats, last: Floats) -> dict[str, float]:
    """Return how far prices that were forecast are from those that came, as shares of these and in currency.

    ``pct_mae`` and ``pct_rmse`` are of prices; ``pct_mape`` is of their changes since `last`, those of zero left out:
    a few near zero make up all of it, without a bound.
    """
    known = np.isfinite(forecast) & np.isfinite(actual) & (actual > 0)
    actual, forecast, last = actual[known], forecast[known], last[known]
    moved = actual != last
    errors = np.abs(actual - forecast)
    return {
        "pct_mae": statistics.pct_mae(actual, forecast),
        "pct_rmse": statistics.rmse(np.ones(len(actual)), forecast / actual),
        "pct_mape": float(np.mean(errors[moved] / np.abs(actual - last)[moved])) if moved.any() else math.nan,
        "price_mae": statistics.mae(actual, forecast),
        "price_rmse": statistics.rmse(actual, forecast),
    }


def _spread(values: Sequence[int]) -> dict[str, float]:
    return {"median": float(np.median(values)), "least": min(values), "most": max(values)}


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan
