"""What a tracking server is sent of a run, a sweep and its trials: names and plain values, by MLflow's own rules."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from quorate.recipe.canonical import digest
from quorate.report.report import PARTS, Report
from quorate.runs.swept import Sweep

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 5000  # characters of a value that every MLflow takes
_FOREIGN = re.compile(r"[^\w\-. :/]")
STATES = {"complete": "FINISHED", "failed": "FAILED"}  # a trial of any other state was ended early


@dataclass(frozen=True)
class Content:
    """What one run of a tracking server holds.

    Parameters
    ----------
    name : str
        What it is called.
    kind : {"run", "sweep", "trial"}
        What it is here.
    seal : str
        Of all that is sent: what was sent with another one is sent again.
    began, seconds : float
        When it was begun, in seconds since 1970, and how long it took.
    params : dict
        By dotted name, as text.
    metrics : list of tuple
        Name, value and step.
    tags : dict
        As text.
    status : str
        As MLflow calls it.
    """

    name: str
    kind: str
    seal: str
    began: float
    seconds: float
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[tuple[str, float, int]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "FINISHED"


def of_run(report: Report) -> Content:
    """Return what is sent of a run: metrics of every series and gate, by part; of each fold, as a step."""
    provenance, override = report.provenance, report.override
    metrics = [one for part in PARTS if report.results[part] for one in _of_part(report, part)]
    times = [report.telemetry, report.telemetry.get("holdout")]
    seconds = sum(one["seconds"] for one in times if one)
    gates = {
        f"gate.{part}.{gate['gate']}": str(gate["verdict"])
        for part in PARTS
        for gate in (report.results[part] or {}).get("gates", [])
    }
    told = {
        "recipe_digest": provenance["recipe_digest"],
        "results_digest": provenance["results_digest"],
        "report_seal": report.seal,
        "verdict": report.verdict,
        "promoted": str(report.promoted).lower(),
        "data": provenance["data"]["fingerprint"],
        "judged": "/".join(report.standing["series"][0][name] for name in ("name", "strategy")),
        **({"override": override["reason"]} if override else {}),
    }
    return Content(
        report.run_id,
        "run",
        digest([report.seal, dict(override or {})]),
        _moment(provenance["created"]),
        seconds,
        _flat(provenance["recipe"]),
        _finite([*metrics, ("seconds", seconds, 0)]),
        {**_named(told), **_named(gates)},
    )


def of_sweep(sweep: Sweep) -> Content:
    """Return what is sent of a sweep: of each search the recipe's own value, the best one, and what is kept."""
    document = sweep.document
    metrics: list[tuple[str, Any, int]] = [("seconds", document["telemetry"]["seconds"], 0)]
    told = {"recipe_digest": document["recipe_digest"], "loss": str(document["loss"])}
    for name, search in document["searches"].items():
        metrics += [(f"{name}/{which}", search[which].get("value"), 0) for which in ("own", "best")]
        metrics.append((f"{name}/trials", len(search["trials"]), 0))
        told |= {f"kept.{name}": str(search["kept"]), f"kept.{name}.params": json.dumps(search["kept_params"])}
    seconds = float(document["telemetry"]["seconds"])
    return Content(
        sweep.id,
        "sweep",
        digest(document),
        _moment(document["created"]),
        seconds,
        _flat(document["recipe"]),
        _finite(metrics),
        _named(told),
    )


def of_trials(sweep: Sweep) -> Iterator[Content]:
    """Yield what is sent of each trial of a sweep: its parameters, and what they came to."""
    document, began = sweep.document, _moment(sweep.document["created"])
    names = [one["name"] for one in document["objectives"]]
    for search, found in document["searches"].items():
        for trial in found["trials"]:
            values = dict(zip(names, trial.get("values") or [trial.get("value")], strict=False))
            metrics = [(name, value, 0) for name, value in values.items()]
            metrics += [(name, trial.get(name), 0) for name in ("folds", "cpu_seconds")]
            yield Content(
                f"{search}-{trial['trial']}",
                "trial",
                "",
                began,
                float(trial.get("cpu_seconds") or 0.0),
                _flat(trial["params"]),
                _finite(metrics),
                _named({"search": search, "trial": str(trial["trial"]), "state": str(trial["state"])}),
                STATES.get(trial["state"], "KILLED"),
            )


def _of_part(report: Report, part: str) -> Iterator[tuple[str, Any, int]]:
    found = report.results[part]
    names = []
    for series in found["series"]:
        names.append(f"{series['name']}/{series['strategy']}")
        for metric, value in series["metrics"].items():
            yield f"{part}/{names[-1]}/{metric}", value, 0
    for gate in found["gates"]:
        yield f"{part}/gate/{gate['gate']}", gate["value"], 0
    for fold in found["folds"]:
        step = fold["fold"]
        yield f"{part}/fold/train_rows", fold["train_rows"], step
        yield f"{part}/fold/test_rows", fold["test_rows"], step
        yield f"{part}/fold/threshold", fold["threshold"], step
        for member, weight in fold["weights"].items():
            yield f"{part}/fold/weight/{member}", weight, step
    predictions, equity = report.predictions, report.equity
    ends = ends_of(predictions[predictions["part"] == part])
    if ends is not None:
        for name, column in fold_returns(equity[equity["part"] == part][names], ends).items():
            for step, value in column.items():
                yield f"{part}/{name}/fold-return", value, int(str(step))


def ends_of(predictions: pd.DataFrame) -> pd.Series | None:
    """Return the last close of each fold; None, where folds overlap, as those of combinatorial paths do."""
    spans = predictions.index.to_series().groupby(predictions["fold"].to_numpy()).agg(["min", "max"])
    follow = (spans["min"].to_numpy()[1:] > spans["max"].to_numpy()[:-1]).all()
    return spans["max"] if len(spans) and follow else None


def fold_returns(equity: pd.DataFrame, ends: pd.Series) -> pd.DataFrame:
    """Return what each series earned in each fold, by its account; together they are its total return.

    Parameters
    ----------
    equity : DataFrame
        A column per series, by close, from the first close of a part on: there it is the capital.
    ends : Series
        By fold, in order, its last close.
    """
    stops = np.searchsorted(equity.index.to_numpy(), ends.to_numpy(), side="right") - 1
    marks = equity.iloc[[0, *stops]].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a lost account nothing is left to earn with
        earned = marks[1:] / marks[:-1] - 1.0
    return equity.iloc[: len(earned)].assign(**dict(zip(equity.columns, earned.T, strict=True))).set_index(ends.index)


def _finite(metrics: Sequence[tuple[str, Any, int]]) -> list[tuple[str, float, int]]:
    known = [(n, float(value), step) for n, value, step in metrics if value is not None and math.isfinite(value)]
    return [(_safe(name), value, step) for name, value, step in known]


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Return a nested table by dotted names; a list is one value."""
    found: dict[str, str] = {}
    for name, value in table.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{path}.")
        else:
            found[_safe(path)] = _cut(value if isinstance(value, str) else json.dumps(value))
    return found


def _named(tags: Mapping[str, str]) -> dict[str, str]:
    return {_safe(f"quorate.{name}"): _cut(value) for name, value in tags.items()}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _safe(name: str) -> str:
    return _FOREIGN.sub("_", name)[:250]


def _moment(text: str) -> float:
    import datetime as dt

    return dt.datetime.fromisoformat(text).timestamp()
