"""Training presets: a list of them, every setting of one, and how they did beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.plugins.documented import as_toml
from quorate.report import console

KEYS = ("lookback", "epochs", "batch_size", "learning_rate", "patience")


def render_list(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the presets, one a line."""
    target = console.out()
    columns: list[console.Column] = [
        ("preset", "left", 0, lambda row: row["name"] + (" (default)" if row["default"] else "")),
        ("network", "left", 0, lambda row: row["model"]),
        *((key.replace("_", " "), "right", 0, lambda row, key=key: _text(row["params"].get(key))) for key in KEYS),
        (
            "label",
            "left",
            0,
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
    lines += [f"[models.{document['model']}]", *(f"{key} = {as_toml(value)}" for key, value in own.items())]
    lines += ["", "# The other settings of the network, which the preset leaves as they are:"]
    lines += [f"# {key} = {as_toml(value)}" for key, value in params.items() if key not in own]
    for line in lines:
        target.print(line, markup=False, highlight=False, soft_wrap=True)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
