"""What came of running a run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.report import console

MOST = 20  # differences that are shown


def render(found: Mapping[str, Any]) -> None:
    """Print whether every number was the same, and which were not; `found` is a `Reproduction` as plain data."""
    target = console.out()
    verdict, colour = ("identical", "green") if found["identical"] else ("DIFFERENT", "red")
    target.print(f"{found['run']}: [bold]{verdict}[/bold]", style=colour)
    target.print(
        f"{found['predictions']:,} predictions compared bit for bit: {found['differing']:,} differ"
        + (f", at most by {found['largest']:.3g}" if found["differing"] else "")
    )
    target.print(f"{len(found['differences'])} other numbers differ")
    for line in found["differences"][:MOST]:
        target.print(f"  {line}", markup=False)
    for line in found["versions"]:
        target.print(f"changed since: {line}", markup=False)
    if found["source"] is not None:
        same = "the source gives the same bars now" if not found["source"] else "the source has rewritten its history:"
        target.print(same)
        for line in found["source"][:MOST]:
            target.print(f"  {line}", markup=False)
