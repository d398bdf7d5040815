"""Evaluating: the forecasts of a trained model on a test period that neither training nor tuning has seen.

A forecast of a bar's price is the price of the bar before, and on top of it the change that the model, asked one bar
earlier still, expects from there: labels count from the next bar's fill. The naive forecast is the price before alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER, Fold, audit_split
from quorate.dataset.horizons import longest
from quorate.dataset.rows import entry_prices
from quorate.errors import DataError, RecipeError
from quorate.evidence.result import plain
from quorate.execution import machine
from quorate.execution.fit import model_of
from quorate.execution.keeping import forecasts as forecasts_of
from quorate.execution.key import version
from quorate.execution.progress import Progress
from quorate.execution.task import FitData
from quorate.pipeline import artefact
from quorate.pipeline.artefact import Artefact
from quorate.pipeline.config import METRICS
from quorate.pipeline.periods import DAY, Period, check
from quorate.pipeline.request import Request
from quorate.pipeline.rows import before, code_of, dataset_of, spec_of, task_of_fit, training_rows
from quorate.pipeline.steps import FORECASTS, Answers, figures_of, write_forecasts
from quorate.pipeline.translation import Opened, opened
from quorate.plugins.code import code_digest
from quorate.recipe.resolve import to_toml
from quorate.runs.surroundings import in_usual_surroundings
from quorate.statistics import Floats
from quorate.store.files import write_json
from quorate.walkforward.training import price_errors

RESULT = "metrics.json"
PICTURE = "forecast_vs_actual"
SIZE = 0.05  # of the test against the naive forecast


class Evaluated(NamedTuple):
    """What an evaluation came to: the document of ``metrics.json``, the files, and what is to be told."""

    document: dict[str, Any]
    files: list[Path]
    told: list[str]


class Forecasts(NamedTuple):
    """Prices of the test period, each (n_forecasts,): what came, what was forecast, and the price before."""

    dates: NDArray[np.datetime64]
    actual: Floats
    forecast: Floats
    last: Floats


def show_recipe(request: Request, model: Path, home: Path | None = None) -> str:
    """Return the recipe by which a test's bars and rows are read, as TOML."""
    session = _opened(request, artefact.read(model), _periods(request, artefact.read(model))[1], home).session
    return to_toml(session.recipe, session.registry)


@in_usual_surroundings
def evaluate(
    request: Request,
    model: Path,
    scaler: Path | None = None,
    *,
    home: Path | None = None,
    progress: Progress | None = None,
) -> Evaluated:
    """Forecast the test period with a trained model, and measure the forecasts.

    Parameters
    ----------
    model, scaler : Path
        The folder of a trained model, or its files.

    Raises
    ------
    QuorateError
        For anything the user can put right: above all, a test that begins before training, or tuning, ended.
    """
    trained = artefact.read(model, scaler)
    for item in request.sets:
        if not item.startswith(("data.", "execution.")):
            raise RecipeError(f"--set {item}: what the model is was settled when it was trained; data.* may change")
    training, test = _periods(request, trained)
    found = _opened(request, trained, test, home)
    forecasts, answers, told = _forecasts(found, trained, training, test)
    told = [*found.told, *found.session.warnings, *told]
    steps = plain(figures_of(answers, told))
    document = _measured(forecasts, answers.own, trained, test, request.metrics or METRICS, found.bars, told)
    document |= {"steps": steps} if steps else {}
    folder = request.output_dir or Path("results")
    write_json(folder / RESULT, document)
    write_forecasts(folder / FORECASTS, found.bars, answers)
    files = [folder / RESULT, folder / FORECASTS]
    picture = folder / f"{PICTURE}.{request.plot_format or 'png'}"
    try:
        from quorate.report.picture import draw_forecasts
    except ImportError:
        told.append(f"{picture.name} is not drawn, as matplotlib is missing: pip install 'quorate[plots]'")
        return Evaluated(document, files, told)
    title = f"{document['target']['symbol']} {document['target']['field']}: {document['architecture']}"
    draw_forecasts(picture, title, *forecasts)
    return Evaluated(document, [*files, picture], told)


def _periods(request: Request, trained: Artefact) -> tuple[Period, Period]:
    """Return the periods of training and test, after checking that the model has seen nothing of the test."""
    if request.test_start is None or request.test_end is None:
        raise RecipeError("evaluating needs the test's days: --test-start YYYY-MM-DD and --test-end YYYY-MM-DD")
    test = Period("test", request.test_start, request.test_end)
    first, last = trained.document["training"]["period"]
    training = Period("training", dt.date.fromisoformat(first) if first else None, dt.date.fromisoformat(last))
    check(training, test)
    tuned = trained.document["tuned"]
    if tuned is not None:
        start, end = (dt.date.fromisoformat(day) for day in tuned["periods"]["validation"])
        check(Period("validation", start, end), test)
    return training, test


def _opened(request: Request, trained: Artefact, test: Period, home: Path | None) -> Opened:
    document = trained.document
    since = document["training"]["period"][0]
    day = dt.date.fromisoformat(since) if since else None
    return opened(request, document["recipe"], home, {"data": {"since": day, "until": test.last}})


def _forecasts(
    found: Opened, trained: Artefact, training: Period, test: Period
) -> tuple[Forecasts, Answers, list[str]]:
    document, session, bars = trained.document, found.session, found.bars
    model = document["architecture"]
    assert test.first
    begin = before(bars, test.first - DAY)
    if begin >= len(bars):
        raise DataError(f"there is no bar of the test, {test}: the bars are {bars.span}")
    told = _changed(found, trained, training)
    if str(bars.sessions[-1]) < str(test.last):
        told.append(f"the bars end on {bars.sessions[-1]}, before --test-end {test.last}")
    dataset, warned = dataset_of(session, model, bars, lambda _: begin)
    if list(dataset.feature_names) != document["features"]:
        raise DataError(
            f"the bars give the features {', '.join(dataset.feature_names)}; the model has learnt from "
            f"{', '.join(document['features'])}"
        )
    train = training_rows(bars, dataset, training.last)
    rows = np.flatnonzero((dataset.bar >= begin) & (dataset.end != NEVER)).astype(np.int64)
    if not len(rows):
        raise DataError(f"no forecast of the test, {test}, can be compared: it has {len(bars) - begin} bars, too few")
    audit_split(train, rows, dataset.bar, dataset.learnt_end, 0, "the test")
    fold = Fold(0, begin, len(bars), train, rows)
    task = task_of_fit(session, model, dataset.feature_names)
    seconds = session.recipe.execution.fit_seconds
    [(predictions, others)] = forecasts_of(FitData(dataset, (fold,)), [(task, trained.state)], seconds)
    own = longest(session.recipe.labels.horizon, dataset.bar[rows], dataset.end[rows])
    answers = Answers(dataset, rows, {model_of(task).prediction: predictions, **others}, own)
    last = entry_prices(bars, dataset, session.recipe.backtest.fill)[rows]
    if not np.isfinite(last).all():
        raise RecipeError(f"no price can be told of the label {session.recipe.labels.name!r}: it must be a return")
    ends = dataset.end[rows]
    actual = bars.fill(session.recipe.backtest.fill)[ends, dataset.symbol[rows]]
    return Forecasts(bars.sessions[ends], actual, last * (1 + predictions), last), answers, [*told, *warned]


def _changed(found: Opened, trained: Artefact, training: Period) -> list[str]:
    """Return what is not as it was when the model was trained."""
    document, session, told = trained.document, found.session, []
    known = found.bars.until(before(found.bars, training.last))
    if known.fingerprint != document["data"]["fingerprint"]:
        told.append("the bars of the training period are not those that the model has learnt from")
    spec = spec_of(session, document["architecture"])
    provider = session.registry.find("model", spec.name).provider
    if code_digest(spec.resolve(), provider.module, provider.local) != document["plugin"]["code"]:
        told.append(f"the code of the model {spec.name!r} is not what it was when it was trained")
    told += [
        f"the code of the transform {step['name']!r} is not what it was when the model was trained"
        for step in document.get("transforms", ())
        if code_of(session, step["name"]) != step["code"]
    ]
    for name, before_it in document["libraries"].items():
        if version(name) != before_it:
            told.append(f"{name} is {version(name)}, and was {before_it} when the model was trained")
    if machine.machine() != document["machine"]:
        told.append("the model was trained on another kind of machine: forecasts may differ in their last digits")
    return told


def _measured(
    forecasts: Forecasts, own: int, trained: Artefact, test: Period, wanted: Sequence[str], bars: Bars, told: list[str]
) -> dict[str, Any]:
    model, naive = (_figures(forecasts, one) for one in (forecasts.forecast, forecasts.last))
    against = statistics.diebold_mariano(
        (forecasts.actual - forecasts.forecast) / forecasts.last,
        (forecasts.actual - forecasts.last) / forecasts.last,
        own,  # labels of consecutive bars overlap
    )
    p = against.p_better
    return {
        "schema_version": 1,
        **{name: model[name] for name in wanted},
        "naive": {name: naive[name] for name in wanted},
        "better_than_naive": {"p": p if np.isfinite(p) else None, "verdict": against.verdict(SIZE)},
        "errors": plain(
            {**price_errors(forecasts.actual, forecasts.forecast, forecasts.last), "dm": against.statistic}
        ),
        "forecasts": len(forecasts.dates),
        "first": str(forecasts.dates[0]),
        "last": str(forecasts.dates[-1]),
        "test": test.to_plain(),
        "training": trained.document["training"],
        "tuned": trained.document["tuned"],
        "architecture": trained.document["architecture"],
        "target": trained.document["target"],
        "files": trained.document["files"],
        "data": {"fingerprint": bars.fingerprint},
        "warnings": list(told),
    }


def _figures(forecasts: Forecasts, prices: Floats) -> Mapping[str, float]:
    actual, _, last = forecasts.actual, forecasts.forecast, forecasts.last
    return {
        "rmse": statistics.rmse(actual, prices),
        "mae": statistics.mae(actual, prices),
        "mape": statistics.pct_mae(actual, prices),
        "direction_accuracy": statistics.direction_accuracy_price(actual, prices, last),
    }
