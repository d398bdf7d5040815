"""What is said of a run in one file: that it was written, and what came of verifying one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural
from quorate.report import console

MOST = 20  # lines of one kind that are shown
COLOURS = {"VERIFIED": "green", "DIFFERENT": "red", "INSUFFICIENT": "yellow"}


def render_bundled(found: Mapping[str, Any]) -> None:
    """Print where a bundle is, what is in it, and how others verify it; `found` is a `Bundled` as plain data."""
    target = console.out()
    target.print(f"wrote {found['path']}: {found['bytes'] / 2**20:.1f} MiB", markup=False)
    files = f", {plural(found['sources'], 'plugin file')}" if found["sources"] else ""
    target.print(f"{plural(found['fits'], 'fit')} in the hash tree{files}", markup=False)
    target.print(f"root {found['root']}", markup=False)
    if found["bars"] == "included":
        target.print("the bars are in it: make sure that you may pass them on", markup=False)
    else:
        told = found["fingerprint"][:12]
        target.print(f"of the bars only the fingerprint {told} is in it; --bars puts them in", markup=False)
    target.print(f"verify: quorate verify {found['path']} --root {found['root'][:16]}", markup=False)


def render_verified(found: Mapping[str, Any]) -> None:
    """Print what was checked, what differs and what was not checked; `found` is a `Verification` as plain data."""
    target = console.out()
    verdict = found["verdict"]
    target.print(f"{found['run']}: [bold]{verdict}[/bold]", style=COLOURS[verdict])
    target.print(f"root {found['root']}; {plural(found['fits'], 'fit')} in the hash tree", markup=False)
    for line in found["faults"][:MOST]:
        target.print(f"  differs: {line}", markup=False)
    if len(found["faults"]) > MOST:
        target.print(f"  and {len(found['faults']) - MOST:,} more", markup=False)
    if found["figures"]:
        parts = " and ".join(found["figures"])
        target.print(f"figures of {parts} computed again from the bundle's predictions", markup=False)
    if found["keys"]:
        target.print(f"{plural(found['keys'], 'fit')} with the key that bars and recipe give", markup=False)
    if spots := found["spots"]:
        _render_spots(target, found, spots)
    for line in found["changed"]:
        target.print(f"not as in the run: {line}", markup=False)
    for line in found["unchecked"]:
        target.print(f"not checked: {line}", markup=False)
    if not found["wanted"] and verdict == "VERIFIED":
        target.print(
            "hashes alone were checked: they say that nothing changed since, not that it is true", markup=False
        )


def _render_spots(target: Any, found: Mapping[str, Any], spots: list[Mapping[str, Any]]) -> None:
    same = sum(not spot["differing"] for spot in spots)
    near = sum(spot["agrees"] for spot in spots) - same
    by = f"the root and {found['word']!r}" if found["word"] else "the root"
    within = f", {near} within {found['tolerance']:.0%} of their standard deviation" if near else ""
    target.print(
        f"{plural(len(spots), 'fit')} computed again, chosen by {by}: {same} the same in every bit{within}",
        markup=False,
    )
    target.print(
        f"had 10 % of the {found['fits']:,} fits been forged, these would find one with {found['chance']:.0%}",
        markup=False,
    )
