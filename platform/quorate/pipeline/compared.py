"""Training presets beside each other: each is trained on the first bars, and measured on those after them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.dataset.folds import NEVER, Fold, audit_split
from quorate.dataset.rows import Dataset, entry_prices
from quorate.errors import DataError, RecipeError
from quorate.execution.course import Course, course_of
from quorate.execution.fit import fitted
from quorate.execution.outputs import predict
from quorate.execution.progress import Progress
from quorate.execution.reading import FitRows
from quorate.execution.task import FitTask
from quorate.pipeline.presets import COMPARED, preset
from quorate.pipeline.request import Request, bars_of
from quorate.pipeline.rows import dataset_of, task_of_fit
from quorate.pipeline.translation import Opened, opened
from quorate.plugins.registry import Registry
from quorate.recipe.bar_files import EVERY
from quorate.recipe.resolve import to_plain
from quorate.runs.session import open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.training import summary_of

TRAINED = 0.8  # share of the bars, from the first on, that presets are trained on
ALLOWED = 0.05  # by how much a loss may be above that of the preset all are compared with
BASE = "legacy"
BETTER_HIGH = ("auc", "accuracy")


class _Learnt(NamedTuple):
    forecast: NDArray[np.float64]
    weights: int | None
    course: Course | None


@in_usual_surroundings
def compare_presets(
    what: str,
    names: Sequence[str] = COMPARED,
    *,
    epochs: int | None = None,
    target: str | None = None,
    sets: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    home: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train presets on a recipe's bars, features and label, and measure each.

    Parameters
    ----------
    what : str
        A recipe, or bars: a file, a folder, the name of a source. Of a recipe all before its holdout is used.
    names : sequence of str
        Presets; `BASE` is trained in any case, as the others are compared with it.
    epochs : int, optional
        At most so many for each.

    Returns
    -------
    dict
        ``presets``: for each its seconds, epochs, weights, loss, metrics, what each is as a multiple of the base's,
        and ``verdict``, ``PASS`` where none is worse by more than `ALLOWED`.

    Raises
    ------
    QuorateError
        For anything the user can put right.
    """
    progress = progress or Progress()
    wanted = [*dict.fromkeys([*(preset(name).name for name in names), BASE])]
    base = _base(what, home, sets, plugins)
    data = base.pop("data", None) or bars_of(what, Registry.load(plugins).names("source"))
    requests = {name: _request(data, name, epochs, target, sets, plugins) for name in wanted}
    most = {name: epochs or preset(name).params["epochs"] for name in wanted}
    told = ", ".join(f"{name} {count}" for name, count in most.items())
    progress.note(f"trains {len(wanted)} networks, with at most so many epochs: {told}; --epochs N shortens it")
    rows: dict[str, dict[str, Any]] = {}
    facts: dict[str, Any] = {}
    for name in wanted:
        found = opened(requests[name], base, home, {})
        for line in found.told:
            progress.warn(line)
        rows[name], facts = _measured(found)
        progress.note(f"{name}: {rows[name]['seconds']:.1f} s, {rows[name]['epochs']} epochs")
    for name, row in rows.items():
        row |= _beside(row, rows[BASE], name == BASE)
    return {"what": what, "base": BASE, "allowed": ALLOWED, "epochs": epochs, **facts, "presets": rows}


def _request(
    data: Mapping[str, Any],
    name: str,
    epochs: int | None,
    target: str | None,
    sets: Sequence[str],
    plugins: Sequence[Path],
) -> Request:
    return Request(
        preset=name,
        data=dict(data),
        target=target,
        loop={} if epochs is None else {"epochs": epochs},
        sets=tuple(sets),
        plugins=tuple(plugins),
    )


def _is_bars(what: str, plugins: Sequence[Path]) -> bool:
    path = Path(what)
    if path.suffix == ".toml":
        return False
    registry = Registry.load(plugins)
    named = what in registry.names("source") and what not in registry.names("recipe")
    return named or path.exists() or what.lower().endswith(EVERY)


def _base(what: str, home: Path | None, sets: Sequence[str], plugins: Sequence[Path]) -> dict[str, Any]:
    """Return what of a recipe counts: its bars, features, label, holdout; nothing for bars alone."""
    if _is_bars(what, plugins):
        return {}
    session = open_session(what, home=home, plugins=plugins, overrides=sets, progress=Progress())
    return {key: part for key, part in to_plain(session.recipe).items() if key != "models"}


def _measured(found: Opened) -> tuple[dict[str, Any], dict[str, Any]]:
    [model] = found.table["models"]
    bars = found.bars.until(holdout_start(found.bars, found.session.recipe))
    cut = int(len(bars) * TRAINED)
    dataset, _ = dataset_of(found.session, model, bars, lambda _: cut)
    train = np.flatnonzero(dataset.learnt_end < cut).astype(np.int64)
    test = np.flatnonzero((dataset.bar >= cut) & (dataset.end != NEVER)).astype(np.int64)
    if not len(train) or not len(test):
        raise DataError(f"{len(bars)} bars are too few: {len(train)} rows would train, and {len(test)} be measured")
    audit_split(train, test, dataset.bar, dataset.learnt_end, 0, "the comparison")
    task = task_of_fit(found.session, model, dataset.feature_names)
    began = time.perf_counter()
    learnt, _ = fitted(task, dataset, Fold(0, cut, len(bars), train, test), _asked(task))
    seconds, course = time.perf_counter() - began, learnt.course
    row: dict[str, Any] = {"network": model, "seconds": seconds, "weights": learnt.weights, "epochs": None}
    if course is not None:
        told = summary_of([course])
        row |= {"seconds": told["seconds"] or seconds, "epochs": len(course), "best_epoch": course.best_epoch}
        row |= {"stopped": course.stopped, "val_loss": told["val_loss"]}
    row["metrics"] = _metrics(found, dataset, test, learnt.forecast, task.binary)
    days = bars.sessions
    facts = {"train_rows": len(train), "test_rows": len(test), "bars": len(bars), "test_first": str(days[cut])}
    return row, facts


def _asked(task: FitTask) -> Any:
    def answer(model: Any, spec: Any, rows: FitRows) -> _Learnt:
        forecast = predict(model, spec, rows.test, task.binary)[0]
        return _Learnt(forecast, getattr(model, "n_weights", None), course_of(spec, model, len(rows.y)))

    return answer


def _metrics(
    found: Opened, dataset: Dataset, test: NDArray[np.int64], forecast: NDArray[np.float64], binary: bool
) -> dict[str, float | None]:
    y = dataset.y[test].astype(np.float64)
    if binary:
        hit = y == 1
        values = {"log_loss": statistics.log_loss(hit, forecast), "auc": statistics.auc(hit, forecast)}
    else:
        values = {"rmse": statistics.rmse(y, forecast)}
        recipe = found.session.recipe
        last = entry_prices(found.bars, dataset, recipe.backtest.fill)[test]
        if recipe.labels.name == "return" and np.isfinite(last).all():
            actual = found.bars.fill(recipe.backtest.fill)[dataset.end[test], dataset.symbol[test]]
            values["mape"] = statistics.pct_mae(actual, last * (1 + forecast))
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _beside(row: Mapping[str, Any], base: Mapping[str, Any], same: bool) -> dict[str, Any]:
    """Return what a preset came to as a multiple of the base's, and whether it is as good."""
    ratios: dict[str, float | None] = {"seconds": _ratio(row["seconds"], base["seconds"])}
    ratios["weights"] = _ratio(row["weights"], base["weights"])
    judged = {"val_loss": _ratio(row.get("val_loss"), base.get("val_loss"))}
    for name, value in row["metrics"].items():
        there = base["metrics"][name]
        judged[name] = _ratio(there, value) if name in BETTER_HIGH else _ratio(value, there)
    known = [one for one in judged.values() if one is not None]
    if not known:
        raise RecipeError("nothing of the presets can be compared: no loss and no metric is defined on the test rows")
    verdict = "base" if same else "PASS" if max(known) <= 1 + ALLOWED else "FAIL"
    return {"ratios": {**ratios, **judged}, "verdict": verdict}


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base
