"""The rules of the conformance kit: what each asks, and what came of asking a plugin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from quorate.report import console

# Worst first, as everywhere.
WORDS = {
    "failed": ("FAIL", "bold red"),
    "not-checked": ("not checked", "yellow"),
    "excused": ("excused", "yellow"),
    "passed": ("pass", "green"),
    "not-applicable": ("n/a", "bright_black"),
}
MANY = 4  # plugins from which on only what does not hold is shown in full

# What came of one rule on one plugin: kind, plugin, rule, state, message, summary.
Answer = Mapping[str, Any]


def render_rules(rules: Sequence[Mapping[str, Any]]) -> None:
    """Print every rule: its kind, its name, and what it asks."""
    columns = [("kind", "left"), ("rule", "left"), ("what it asks", "left")]
    cells = [[(r["kind"], r["rule"], r["what"]) for r in of_kind] for _, of_kind in groupby(rules, lambda r: r["kind"])]
    console.out().print(console.table(columns, cells))


def render(answers: Sequence[Answer], sound: bool, every: bool) -> None:
    """Print what came of asking plugins their rules, the worst first, and whether all hold; `every`: each rule."""
    target = console.out()
    plugins = [list(group) for _, group in groupby(answers, lambda a: (a["kind"], a["plugin"]))]
    checked = [group for group in plugins if group[0]["kind"] != "plugin"]
    short = len(checked) > MANY and not every
    files = [a for a in answers if a["kind"] == "plugin"]
    if loading := [a for a in files if a["state"] != "passed" or not checked]:
        target.print(_table("while loading", loading))
    for group in checked:
        rows = [a for a in group if a["state"] not in ("passed", "not-applicable")] if short else group
        if rows:
            target.print(_table(f"{group[0]['kind']} {group[0]['plugin']}", rows))
    target.print(_verdict(answers, sound, len(checked)), style="green" if sound else "red")
    if any(a["state"] == "failed" for a in answers):
        target.print(
            "each rule in one line: quorate check --rules; one page per kind: docs/plugins/", style="bright_black"
        )


def _table(title: str, rows: Sequence[Answer]) -> Any:
    grid = console.table([(title, "left"), ("", "left"), ("what was found", "left")], [_cells(rows)])
    grid.columns[0].no_wrap = True
    grid.columns[1].no_wrap = True
    return grid


def _cells(rows: Sequence[Answer]) -> Iterator[Sequence[Any]]:
    for state, (word, style) in WORDS.items():
        of_state = [a for a in rows if a["state"] == state]
        if state == "not-checked" and of_state:
            yield console.plural(len(of_state), "rule"), console.Text(word, style), of_state[0]["message"]
            continue
        for a in of_state:
            yield a["rule"], console.Text(word, style), a["message"] or a["summary"]


def _verdict(answers: Sequence[Answer], sound: bool, n_plugins: int) -> str:
    counts = Counter(a["state"] for a in answers)
    told = [f"{counts[state]} {state.replace('-', ' ')}" for state in WORDS if counts.get(state)]
    return f"{'SOUND' if sound else 'FAULTY'}: {console.plural(n_plugins, 'plugin')}, {', '.join(told)}"
