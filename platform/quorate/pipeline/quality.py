"""Whether the presets work here: each is trained, read again, exported and traded on a small market."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.errors import QuorateError, RecipeError
from quorate.execution.progress import Progress
from quorate.pipeline.presets import COMPARED, SEED, preset
from quorate.pipeline.request import bars_of
from quorate.plugins.registry import Registry
from quorate.recipe.load import merge, nested_override
from quorate.runs.export_model import export_model
from quorate.runs.loading import load_bars
from quorate.runs.predict import predict
from quorate.runs.run import run
from quorate.runs.session import open_session
from quorate.runs.stored import trust_home

CHECKS = ("trains", "error", "loads and predicts", "ONNX", "backtest", "P&L")
NAIVE, WORST = "past-mean", 2.0  # the constant forecast; as a multiple of its error, what is no forecast any more
MARKET: dict[str, Any] = {"source": "simulated", "n_bars": 460, "signal": 0.4, "seed": 7}
FEATURES = ["return_1", "return_5", "zscore_20", "rsi_14"]
FOLDS = {"splitter": "expanding", "initial": 300, "test": 160}


def check_quality(
    data: Mapping[str, Any] | None = None, *, epochs: int = 5, progress: Progress | None = None
) -> dict[str, Any]:
    """Run the checklist of the presets that are compared, in a home of its own that is removed again.

    Parameters
    ----------
    data : mapping, optional
        A recipe's ``[data]`` in place of a small simulated market.
    epochs : int
        At most so many for each network: whether it works is seen after few.

    Returns
    -------
    dict
        ``presets``: by name, ``network``, ``seconds`` of its fits, and ``checks``, by the names of `CHECKS`, each with
        ``passed`` (None: it is told, and nothing is asked of it) and ``told``; ``passed``, whether all did.

    Raises
    ------
    QuorateError
        If the market cannot be read, or nothing can be trained on it.
    """
    progress = progress or Progress()
    recipe = _recipe(dict(data or MARKET), epochs)
    with tempfile.TemporaryDirectory(prefix="quorate-quality-") as folder:
        home = Path(folder, "home")
        bars = load_bars(open_session(recipe, home=home, progress=Progress()))
        if len(bars) > MARKET["n_bars"]:  # the latest are enough to see whether it works
            first = bars.sessions[-MARKET["n_bars"]].astype("datetime64[D]").item()
            recipe["data"] = {**recipe["data"], "since": first}
            progress.note(f"the bars from {first} on are used")
        began = time.perf_counter()
        document = run(recipe, home=home, progress=progress).document
        trust_home(home)
        found = _checked(document, home)
        seconds = time.perf_counter() - began
    passed = all(one["passed"] is not False for row in found.values() for one in row["checks"].values())
    return {
        "epochs": epochs,
        "data": document["provenance"]["data"],
        "presets": found,
        "seconds": seconds,
        "passed": passed,
    }


def _recipe(data: dict[str, Any], epochs: int) -> dict[str, Any]:
    models: dict[str, Any] = {"majority": False}
    for name in COMPARED:
        models[name] = {"plugin": preset(name).model, **preset(name).params, "epochs": epochs}
    return {
        "name": "quality",
        "seed": SEED,
        "on_failure": "drop",
        "data": data,
        "labels": {"name": "return", "horizon": 1},
        "features": {"use": FEATURES},
        "folds": FOLDS,
        "holdout": {"bars": 0},
        "models": models,
        "threshold": {"default": 0.0001, "grid": [0.0001]},
        "strategy": {"name": "long-short"},
        "gates": {"preset": "headline"},
        "execution": {"keep_models": "last", "workers": 1},
    }


def data_of(what: str | None, sets: Sequence[str]) -> dict[str, Any]:
    """Return the recipe's table of bars that were named, with options, ``data.NAME=VALUE``; or the small market's."""
    table: dict[str, Any] = {"data": dict(MARKET)}
    if what is not None:
        table = {"data": bars_of(what, Registry.load(()).names("source"))}
    for item in sets:
        if not item.startswith("data."):
            raise RecipeError(f"--set {item}: only options of the bars are taken, data.NAME=VALUE")
        table = merge(table, nested_override(item), f"--set {item}")
    found: dict[str, Any] = table["data"]
    return found


def _checked(document: Mapping[str, Any], home: Path) -> dict[str, dict[str, Any]]:
    part = document["results"]["development"]
    series = {
        one["name"]: one["metrics"] for one in part["series"] if one["role"] in ("member", "benchmark", "baseline")
    }
    hold = series["buy-and-hold"]["total-return"]
    naive = series[NAIVE].get("rmse")
    cpu = document["telemetry"]["fit_cpu_seconds"]
    told, members, again = "", {}, {}
    try:
        forecast = predict("latest", kept=True, home=home)
        members = forecast.targets[0]["members"]
        again = {name: name in (forecast.kept or {})["fitted_again"] for name in members}
    except QuorateError as e:
        told = str(e)
    found = {}
    for name in COMPARED:
        trained = name in members or name in series
        checks = {
            "trains": _said(trained, f"{cpu.get(name, 0.0):.1f} s of CPU" if trained else "no fit succeeded"),
            "error": _erred(series.get(name), naive),
            "loads and predicts": _loaded(name, members, again, told),
            "ONNX": _exported(name, home),
            "backtest": _traded(series.get(name)),
            "P&L": _earned(series.get(name), hold),
        }
        found[name] = {"network": preset(name).model, "seconds": cpu.get(name), "checks": checks}
    return found


def _said(passed: bool | None, told: str) -> dict[str, Any]:
    return {"passed": passed, "told": told}


def _erred(metrics: Mapping[str, Any] | None, naive: float | None) -> dict[str, Any]:
    """Tell the error of the change beside the constant forecast's: a network that learns nothing comes close to it."""
    error = (metrics or {}).get("rmse")
    if error is None or not naive or not math.isfinite(error):
        return _said(False, "its forecasts have no error that is a number")
    return _said(error <= WORST * naive, f"{error / naive:.2f} of a constant's")


def _loaded(name: str, members: Mapping[str, float], again: Mapping[str, bool], told: str) -> dict[str, Any]:
    if name not in members:
        return _said(False, told or "it gave no forecast")
    if again[name]:
        return _said(False, "it was fitted again: what was kept is not there")
    return _said(True, f"next bar {members[name]:+.2%}")


def _exported(name: str, home: Path) -> dict[str, Any]:
    try:
        done = export_model("latest", home.with_name(f"{name}.onnx"), model=name, home=home)
    except QuorateError as e:
        return _said(False, str(e))
    return _said(done.largest <= done.allowed, f"differs by {done.largest:.1g}, allowed {done.allowed:.1g}")


def _traded(metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    if metrics is None:
        return _said(False, "it was not traded")
    if closed := metrics["closed-trades"]:
        return _said(True, f"{closed:.0f} trades")
    return _said(True if metrics["exposure"] else None, "held" if metrics["exposure"] else "no order")


def _earned(metrics: Mapping[str, Any] | None, hold: float) -> dict[str, Any]:
    """Tell what was earned beside holding: on a small market neither proves anything."""
    if metrics is None:
        return _said(False, "it was not traded")
    return _said(None, f"{metrics['total-return']:+.1%}, holding {hold:+.1%}")
