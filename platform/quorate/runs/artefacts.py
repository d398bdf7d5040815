"""What a finished run also writes where its recipe asks for it: files by the names that training packages use."""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from quorate import statistics
from quorate.errors import QuorateError, RecipeError, StoreError
from quorate.execution.progress import Progress
from quorate.recipe.yaml_text import dump
from quorate.report import written
from quorate.report.report import Report
from quorate.statistics import Floats
from quorate.store.files import io_reason, write_json, write_text
from quorate.store.places import Place, is_address, place_of
from quorate.walkforward.part import Part
from quorate.walkforward.training import timing_of

PROBE = ".writable"
SPLITS = {"development": "valid", "holdout": "test"}  # what training packages call the parts
FIGURES = ("mae", "rmse", "mape", "direction_accuracy")


def ready(folder: str) -> None:
    """Make the folder that a recipe names, before anything is computed.

    Raises
    ------
    RecipeError
        If that cannot be done.
    """
    if not folder:
        return
    try:
        if not folder.strip():
            raise ValueError('it is blank; leave it out, or write "", for none')
        if is_address(folder):
            _try(place_of(folder))
            return
        path = Path(folder).expanduser()
        path.mkdir(parents=True, exist_ok=True)
        _try(place_of(path))
    except (OSError, ValueError, RuntimeError, StoreError, RecipeError) as e:  # a zero byte; ~ of nobody
        why = io_reason(e, Path(folder)) if isinstance(e, OSError) else str(e)
        raise RecipeError(f"artefacts = {folder!r} must be a folder that can be written: {why}") from e


def _try(place: Place) -> None:
    """Raise `StoreError`, if nothing can be written at a place."""
    with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
        probe = Path(folder, PROBE)
        probe.touch()
        place.put(PROBE, probe)
        place.remove(PROBE)


def write(report: Report, part: Part, name: str, folder: str, progress: Progress) -> str | None:
    """Write the files of a part into the run's own folder there, and return that; None, where none is asked for.

    ``config.yaml``; ``metrics_valid.json`` and ``evaluation.json`` of the development, ``metrics_test.json`` and
    ``evaluation.json`` of the holdout once it was opened; ``metrics.json`` of the part that stands;
    ``norm_stats.json``, mean and deviation of each feature on the training rows of the last fold; ``timing.json``;
    pictures, where matplotlib is installed.

    Parameters
    ----------
    name : {"development", "holdout"}
        The part.
    """
    if not folder:
        return None
    if not is_address(folder):
        own = _written(report, part, name, Path(folder).expanduser(), progress)
        where = "" if own is None else str(own)
    else:
        # On another machine no folder can be had before another run has it: the run's id keeps it its own.
        with tempfile.TemporaryDirectory(prefix="quorate-") as here:
            own = _written(report, part, name, Path(here), progress)
            if own is None:
                return None
            where = f"{folder.rstrip('/')}/{own.name}-{report.run_id.rpartition('-')[2]}"
            try:
                for path in sorted(own.iterdir()):
                    place_of(where).put(path.name, path)
            except StoreError as e:
                progress.warn(f"the run is stored, but its artefacts are not all written: {e}")
                return None
    if where:
        progress.note(f"artefacts: {where}")
    return where or None


def _written(report: Report, part: Part, name: str, folder: Path, progress: Progress) -> Path | None:
    """Write the files of a part into the run's own folder; None, where that cannot be done."""
    try:
        path = _own(folder, report)
        judged: Mapping[str, Any] = report.results[name]["series"][0]
        metrics = {"run": report.run_id, "split": SPLITS[name], "verdict": report.results[name]["verdict"]}
        metrics |= {"series": f"{judged['name']}/{judged['strategy']}"}
        metrics |= {key.replace("-", "_"): value for key, value in judged["metrics"].items()}
        for file in (f"metrics_{SPLITS[name]}.json", "metrics.json"):
            write_json(path / file, metrics)
        learnt = {"training": part.trainings} if part.trainings else {}
        write_json(path / "evaluation.json", {"split": SPLITS[name], **evaluation(report, name), **learnt})
        write_json(path / "norm_stats.json", norm_stats(part))
        trained = [
            {"model": fit.model, "fold": fit.fold, **timing_of(fit.course)}
            for fit in part.fits
            if fit.course is not None
        ]
        write_json(path / "timing.json", {**timing(report, name), **({"training": trained} if trained else {})})
        write_text(path / "config.yaml", dump(report.provenance["recipe"]))
    except (OSError, StoreError) as e:
        why = io_reason(e, folder) if isinstance(e, OSError) else str(e)
        progress.warn(f"the run is stored, but its artefacts are not written: {why}")
        return None
    try:
        written.draw(report, path)
    except QuorateError as e:
        progress.note(f"{path}: no pictures: {e}")
    return path


def _own(folder: Path, report: Report) -> Path:
    """Return the folder of this run: called by when it was begun, with a number where another one was, too."""
    begun = datetime.fromisoformat(str(report.provenance["created"]))
    number = 1
    while True:
        path = folder / (f"run_{begun:%Y%m%d_%H%M%S}" + (f"_{number}" if number > 1 else ""))
        try:
            path.mkdir()
            write_json(path / "timing.json", {"run": report.run_id})
            return path
        except FileExistsError:
            if _whose(path) == report.run_id:
                return path
        number += 1


def _whose(path: Path) -> str | None:
    """Return the run whose folder it is."""
    try:
        found = json.loads((path / "timing.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("run") if isinstance(found, dict) else None


def evaluation(report: Report, name: str) -> dict[str, Any]:
    """Return how far the judged forecasts were from what came: of each symbol, and the mean of all symbols."""
    judged = report.results[name]["series"][0]["name"]
    table = report.predictions
    table = table[(table["part"] == name) & table["label"].notna()]
    each = {}
    for symbol, rows in table.groupby("symbol", sort=True):
        labels, forecasts = (rows[column].to_numpy(dtype=np.float64) for column in ("label", f"ensemble/{judged}"))
        known = np.isfinite(forecasts)
        each[str(symbol)] = {"n": int(known.sum()), **_errors(labels[known], forecasts[known])}
    means = {figure: _mean([one[figure] for one in each.values()]) for figure in FIGURES}
    return {"run": report.run_id, "symbols_evaluated": len(each), **means, "per_symbol": each}


def _errors(labels: Floats, forecasts: Floats) -> dict[str, float | None]:
    binary = bool(np.isin(labels, (0.0, 1.0)).all())
    found = {
        "mae": statistics.mae(labels, forecasts),
        "rmse": statistics.rmse(labels, forecasts),
        "mape": math.nan if binary else statistics.mape(labels, forecasts),
        "direction_accuracy": (
            statistics.accuracy(labels > 0.5, forecasts > 0.5)
            if binary
            else statistics.direction_accuracy(labels, forecasts)
        ),
    }
    return {key: value if math.isfinite(value) else None for key, value in found.items()}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def norm_stats(part: Part) -> dict[str, Any]:
    """Return mean and deviation (ddof 0) of each feature on the rows that the last fold learnt from."""
    dataset, fold = part.walk.dataset, part.walk.folds[-1]
    rows = dataset.X[fold.train].astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that no row knows has neither
        mu, sd = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    return {
        "features": list(dataset.feature_names),
        "fold": fold.index,
        "rows": len(rows),
        "mu": [value if math.isfinite(value) else None for value in mu.tolist()],
        "sd": [value if math.isfinite(value) else None for value in sd.tolist()],
    }


def timing(report: Report, name: str) -> dict[str, Any]:
    """Return what computing a part took: its stages, which add up to the whole, and its fits."""
    told: Mapping[str, Any] = report.telemetry["holdout"] if name == "holdout" else report.telemetry
    fits = report.fits
    fresh = fits[(fits["part"] == name) & ~fits["cached"]]
    return {
        "run": report.run_id,
        "split": SPLITS[name],
        "total_seconds": told["seconds"],
        "stages": told["stages"],
        "fits": told["fits"],
        "cached": told["cached"],
        "mean_fit_seconds": float(fresh["seconds"].mean()) if len(fresh) else None,
        "std_fit_seconds": float(fresh["seconds"].std()) if len(fresh) > 1 else None,
        "fit_seconds": [round(seconds, 4) for seconds in fresh["seconds"]],
    }
