"""What is said about an audit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from quorate.cli._base import print_json, printing, working
from quorate.report import console
from quorate.runs.audit import Audit, audit

STATES = {"alarm": "bold red", "warning": "yellow", "unknown": "yellow", "clean": "green"}


def show(
    recipe: str, sets: Iterable[str], plugins: Iterable[Path], full: bool, draws: int, home: Path | None, as_json: bool
) -> bool:
    """Audit a recipe's pipeline and print what every detector found; return whether none raised an alarm."""
    with working() as progress:
        found = audit(recipe, home=home, plugins=plugins, overrides=sets, full=full, draws=draws, progress=progress)
    with printing():
        if as_json:
            print_json(found.to_dict())
        else:
            _render(found)
    return found.clean


def _render(found: Audit) -> None:
    target = console.out()
    how = "its own folds and parameters" if found.full else "four folds and small models"
    word = console.styled("CLEAN", "bold green") if found.clean else console.styled("LEAKING", "bold red")
    target.print(f"[bold]{found.recipe}[/bold]  ", word, f"  audited with {how}, data {found.data[:8]}", sep="")
    rows = [(console.styled(f.state, STATES[f.state]), f.detector, f.detail) for f in found.findings]
    target.print(console.table([("", "left"), ("detector", "left"), ("", "left")], [rows]))
