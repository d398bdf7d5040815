"""What the audit of a pipeline found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.report import console

STATES = {"alarm": "bold red", "warning": "yellow", "unknown": "yellow", "clean": "green"}


def render(audit: Mapping[str, Any]) -> None:
    """Print what every detector found; `audit` is as of `Audit.to_dict`."""
    target = console.out()
    how = "its own folds and parameters" if audit["full"] else "four folds and small models"
    word = console.Text("CLEAN", "bold green") if audit["clean"] else console.Text("LEAKING", "bold red")
    target.print(f"[bold]{audit['recipe']}[/bold]  ", word, f"  audited with {how}, data {audit['data'][:8]}", sep="")
    rows = [(console.Text(f["state"], STATES[f["state"]]), f["detector"], f["detail"]) for f in audit["findings"]]
    target.print(console.table([("", "left"), ("detector", "left"), ("", "left")], [rows]))
