"""Training presets: a list of them, every setting of one, and how they did beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.plugins.documented import as_toml
from quorate.report import console

# Of the list, from which width of a terminal on each setting is shown.
KEYS = {"epochs": 0, "lookback": 46, "batch_size": 76, "learning_rate": 92, "patience": 103}
NETWORK, LABEL = 62, 114
MEASURE = 19  # what a figure and its ratio take
BASE = 33  # what stands beside them


def render_list(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the presets, one a line."""
    target = console.out()
    columns: list[console.Column] = [
        ("preset", "left", 0, lambda row: row["name"] + (" (default)" if row["default"] else "")),
        ("network", "left", NETWORK, lambda row: row["model"]),
        *(
            (key.replace("_", " "), "right", least, lambda row, key=key: _text(row["params"].get(key)))
            for key, least in KEYS.items()
        ),
        (
            "label",
            "left",
            LABEL,
            lambda row: {"regression": "a number", "classification": "a class"}.get(row["task"], "any"),
        ),
    ]
    target.print(console.listing(columns, [rows], target.width))
    target.print("quorate training-preset show PRESET tells every setting of one", markup=False)


def render_one(document: Mapping[str, Any]) -> None:
    """Print a preset as a recipe takes it, and what its network has beside that."""
    target = console.out()
    own, params = document["own"], document["params"]
    lines = [f"# {document['preset']}: {document['about']}", f"seed = {document['seed']}", ""]
    several = [f"seeds = {document['seeds']}  # of a walk-forward"] * (document["seeds"] > 1)
    lines += [f"[models.{document['model']}]", *several, *(f"{key} = {as_toml(value)}" for key, value in own.items())]
    lines += ["", "# The other settings of the network, which the preset leaves as they are:"]
    lines += [f"# {key} = {as_toml(value)}" for key, value in params.items() if key not in own]
    for line in lines:
        target.print(line, markup=False, highlight=False, soft_wrap=True)


def render_compared(document: Mapping[str, Any]) -> None:
    """Print the presets beside each other, and whether each is as good as the one they are compared with."""
    target, rows, base = console.out(), document["presets"], document["base"]
    target.print(
        f"trained on {document['train_rows']:,} rows, measured on {document['test_rows']:,} later ones, from "
        f"{document['test_first']} on",
        markup=False,
    )
    measures = ["val_loss", *rows[base]["metrics"]]
    whole = BASE + len(measures) * MEASURE
    columns: list[console.Column] = [
        ("preset", "left", 0, lambda row: row[0]),
        ("seconds", "right", 0, lambda row: f"{row[1]['seconds']:.1f}"),
        ("epochs", "right", whole + 21, lambda row: _text(row[1]["epochs"])),
        ("weights", "right", whole + 12, lambda row: f"{row[1]['weights']:,}" if row[1]["weights"] else ""),
        *(
            (
                name.replace("_", " "),
                "right",
                BASE + (place + 1) * MEASURE,
                lambda row, name=name: _beside(row[1], name),
            )
            for place, name in enumerate(measures)
        ),
        ("verdict", "left", 0, lambda row: row[1]["verdict"]),
    ]
    target.print(console.listing(columns, [list(rows.items())], target.width))
    target.print(
        f"in brackets: as a multiple of {base}'s, above 1 worse; PASS: none above {1 + document['allowed']:g}. One "
        "training each, on one stretch of bars: another seed can turn a verdict",
        markup=False,
    )


def render_quality(document: Mapping[str, Any]) -> None:
    """Print what each preset passed, and what failed in words."""
    target, rows = console.out(), document["presets"]
    checks = list(next(iter(rows.values()))["checks"])
    columns: list[console.Column] = [
        ("preset", "left", 0, lambda row: row[0]),
        ("network", "left", 36 + len(checks) * 20, lambda row: row[1]["network"]),
        *(
            (name, "left", 36 + place * 18, lambda row, name=name: _check(row[1]["checks"][name]))
            for place, name in enumerate(checks)
        ),
    ]
    target.print(console.listing(columns, [list(rows.items())], target.width))
    for name, row in rows.items():
        for check, one in row["checks"].items():
            if one["passed"] is False:
                target.print(f"{name}, {check}: {one['told']}", markup=False)
    target.print(
        f"{'PASS' if document['passed'] else 'FAIL'}: {plural(document['epochs'], 'epoch')} each, "
        f"{document['seconds']:.0f} s in all; what is earned is told, and nothing is asked of it",
        markup=False,
    )


def _check(one: Mapping[str, Any]) -> str:
    return "FAIL" if one["passed"] is False else one["told"] if one["passed"] is None else f"pass, {one['told']}"


def _beside(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name) if name == "val_loss" else row["metrics"][name]
    ratio = row["ratios"][name]
    return "-" if value is None else f"{value:.4g}" + ("" if ratio is None else f" ({ratio:.3f})")


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
