"""What the doctor found, and under which licences things are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from quorate.errors import plural, visible
from quorate.report import console
from quorate.report.console import Text

NARROW = 72  # columns below which topics are not named
TINTS = {"ok": "green", "note": "yellow", "mend": "bold red"}


def render(found: Mapping[str, Any]) -> None:
    """Print every finding with its state and remedy, topic by topic, and last how many are to be mended."""
    target = console.out()
    narrow = target.width < NARROW
    columns = [("topic", "name"), ("state", "name"), ("what", "left"), ("how it is", "left")][narrow:]
    groups = []
    for topic, findings in groupby(found["findings"], itemgetter("topic")):
        heads = [topic]  # the first line of a topic names it
        groups.append([_row(heads.pop() if heads else "", finding)[narrow:] for finding in findings])
    target.print(console.table(columns, groups))
    states = [finding["state"] for finding in found["findings"]]
    mend, note = states.count("mend"), states.count("note")
    told = f"{mend} to be mended" if mend else "nothing is to be mended"
    print(f"{told}, {plural(note, 'note')}; home {visible(found['home'])}")


def _row(topic: str, finding: Mapping[str, Any]) -> list[str | Text]:
    told = Text(visible(finding["told"]))
    if finding["run"]:
        told += Text(f" (run {visible(finding['run'])})", "bright_black")
    if finding["remedy"]:
        told += Text("\n> ", "bright_black") + Text(visible(finding["remedy"]), "bold")
    return [topic, Text(finding["state"], TINTS[finding["state"]]), visible(finding["what"]), told]


def render_licences(found: Mapping[str, Any]) -> None:
    """Print licences by group, those that ask for something first, and what they ask."""
    target = console.out()
    for group in found["groups"]:
        if group["packages"]:
            target.print(Text(f"{group['name']}: {plural(len(group['packages']), 'package')}", "bold"))
            target.print(Text(group["means"]))
            columns = [("package", "left"), ("licence", "left"), ("for", "left")]
            rows = [[f"{one['name']} {one['version']}", one["licence"] or "unknown", one["needed_for"]]
                    for one in group["packages"]]  # fmt: skip
            target.print(console.table(columns, [rows]))
    for note in found["notes"]:
        target.print(Text(note))
    if found["missing"]:
        target.print(Text(f"offered, and not installed, so that nothing is known: {', '.join(found['missing'])}"))
    target.print(Text("This is what packages say of themselves, and no legal advice."))
