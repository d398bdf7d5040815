"""What bars are like, and the recipe that was chosen for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.report import console


def render(suggested: Mapping[str, Any]) -> None:
    """Print what was found and chosen, what is to be asked, and what to type next."""
    target = console.out()
    target.print(console.facts([("found", suggested["found"]), ("wrote", suggested["file"])]))
    target.print()
    shown = [one for one in suggested["choices"] if one["why"] and one["key"] not in ("name", "data.source")]
    target.print(console.facts([(f"{one['key']} = {_short(one['value'])}", one["why"]) for one in shown]))
    for line in suggested["lacks"]:
        target.print(f"[yellow]missing[/yellow] {console.escape(line)}")
    for line in suggested["doubts"]:
        target.print(f"? {line}", markup=False)
    print("\nnext:")
    for line in suggested["next"]:
        print(f"  {line}")


def _short(value: str) -> str:
    return value if len(value) <= 32 else f"{value[:29]}..."
