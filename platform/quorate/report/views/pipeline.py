"""Tuning, training and evaluating one model: what each came to, in a few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.figures import figure
from quorate.report.sections.steps import some_of

FORMS = {"rmse": ".6g", "mae": ".6g", "mape": ".3%", "direction_accuracy": ".1%"}
STEPS = (
    ("RMSE", "rmse", "fine"),
    ("MAE", "mae", "fine"),
    ("direction", "direction_accuracy", "fraction"),
    ("MASE", "mase", "ratio3"),
)


def render_tuned(document: Mapping[str, Any]) -> None:
    """Print what is kept of a model's parameters, and where."""
    target = console.out()
    for sentence in document["sentences"]:
        target.print(sentence, markup=False)
    for name, value in document["params"].items():
        target.print(f"  {name} = {value!r}", markup=False)
    target.print(f"{document['path']}: quorate train --params {document['path']} --output-dir DIR", markup=False)


def render_trained(document: Mapping[str, Any]) -> None:
    """Print what was trained on what, and where it lies."""
    target, training, data = console.out(), document["training"], document["target"]
    target.print(
        f"{document['architecture']}, trained on {training['rows']:,} rows of {data['symbol']} {data['field']}, "
        f"{training['first']} to {training['last']}; the last label ended on {training['label_end']}",
        markup=False,
    )
    if course := training.get("course"):
        took = "" if course["seconds"] is None else f" in {course['seconds']:.1f} s"
        why = f", ended by: {course['stopped']}" if course["stopped"] else ""
        held = "" if course["val_loss"] is None else f", {_known(course['val_loss'])} on what was held back"
        target.print(
            f"{plural(course['epochs'], 'epoch')}{took}{why}; epoch {course['best_epoch']} is kept: loss "
            f"{_known(course['train_loss'])} in training{held}",
            markup=False,
        )
    for path in (
        *(str(Path(document["folder"], name)) for name in ("model.json", *document["files"])),
        *document["also"],
    ):
        target.print(path, markup=False)


def render_windows(document: Mapping[str, Any]) -> None:
    """Print what came of a training on windows, and the files."""
    target, metrics, timing = console.out(), document["metrics"], document["timing"]
    if "total_epochs" in timing:
        by = f" by {document['workers']} processes" if document["workers"] > 1 else ""
        target.print(
            f"{document['model']}: {document['weights']:,} weights, {timing['total_epochs']} epochs{by} in "
            f"{timing['total_seconds']:.1f} s, the first {timing['warm_up_seconds']:.2f} s; that of epoch "
            f"{timing['best_epoch']} is kept ({timing['stopped']}); "
            f"{timing['samples_per_second']:,.0f} windows a second",
            markup=False,
        )
    names = [name for name, value in metrics["valid"].items() if not isinstance(value, Mapping)]
    columns: list[console.Column] = [
        ("", "left", 0, lambda name: name.replace("_", " ")),
        *((part, "right", 0, lambda name, part=part: _known(metrics[part][name])) for part in metrics),
    ]
    if "persistence" in metrics["test"]:
        columns.append(("test, last value", "right", 0, lambda name: _known(metrics["test"]["persistence"][name])))
    target.print(console.listing(columns, [names], target.width))
    for path in document["files"]:
        target.print(path, markup=False, soft_wrap=True)


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def render_evaluated(document: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Print the figures of a test beside those of the last price as forecast."""
    target, data = console.out(), document["target"]
    target.print(
        f"{document['architecture']}: {document['forecasts']:,} forecasts of {data['symbol']} {data['field']}, "
        f"{document['first']} to {document['last']}",
        markup=False,
    )
    names = [name for name in FORMS if name in document]
    columns: list[console.Column] = [
        ("", "left", 0, lambda name: name.replace("_", " ")),
        ("model", "right", 0, lambda name: _figure(name, document[name])),
        ("last price", "right", 0, lambda name: _figure(name, document["naive"][name])),
    ]
    target.print(console.listing(columns, [names], target.width))
    against = document["better_than_naive"]
    p = "" if against["p"] is None else f" (p {against['p']:.2g}, one-sided)"
    target.print(f"against the last price as forecast: {against['verdict']}{p}", markup=False)
    if steps := document.get("steps"):
        _render_steps(steps)
    for path in files:
        target.print(str(path), markup=False)


def _render_steps(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print how each step was forecast; of many steps a few."""
    target, every = console.out(), [row["step"] for row in rows]
    shown = some_of(every, every[0])
    few = "" if len(shown) == len(every) else f", {len(shown)} of {len(every)} steps"
    target.print(f"the change so many bars ahead{few}:", markup=False)
    columns: list[console.Column] = [
        ("bars ahead", "right", 0, lambda row: figure(row["step"], "count")),
        ("forecasts", "right", 0, lambda row: figure(row["n"], "count")),
        *(
            (heading, "right", 0, lambda row, name=name, unit=unit: figure(row[name], unit))
            for heading, name, unit in STEPS
        ),
    ]
    target.print(console.listing(columns, [[row for row in rows if row["step"] in shown]], target.width))


def _figure(name: str, value: float) -> str:
    return format(value, FORMS[name])
