"""What ``quorate check`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from quorate.errors import RecipeError
from quorate.recipe.load import nested_override
from quorate.report import console
from quorate.testing import Outcome
from quorate.testing.runner import outcomes

# Worst first, as everywhere.
WORDS = {
    "failed": ("FAIL", "bold red"),
    "not-checked": ("not checked", "yellow"),
    "excused": ("excused", "yellow"),
    "passed": ("pass", "green"),
    "not-applicable": ("n/a", "bright_black"),
}
MANY = 4  # plugins from which on only what does not hold is shown in full


def check(targets: Sequence[str], settings: Sequence[str], seconds: float, every: bool, as_json: bool) -> bool:
    """Check the targets, print what came of it, and return whether every rule holds."""
    options: dict[str, Any] = {}
    for item in settings:
        options.update(nested_override(item))
    found: list[Outcome] = []
    for target in _expanded(targets):
        with console.counting(f"checking {target}") as tell:
            for outcome in outcomes(target, options=options, seconds=seconds):
                found.append(outcome)
                tell(f"{outcome.kind} {outcome.plugin}: {outcome.rule}")
    sound = all(outcome.state in ("passed", "not-applicable", "excused") for outcome in found)
    if as_json:
        from quorate.cli._listing import print_json

        print_json({"sound": sound, "rules": [asdict(outcome) for outcome in found]})
    else:
        _print(found, every)
    return sound


def _expanded(targets: Sequence[str]) -> Iterator[str]:
    """Yield the targets; for a folder its plugin files, as where folders are given to a run."""
    for target in targets:
        path = Path(target)
        if path.suffix == ".toml":
            raise RecipeError(f"{target} is a recipe: quorate recipe show {target} checks it; check takes plugins")
        if not path.is_dir():
            yield target
            continue
        files = [str(file) for file in sorted(path.glob("*.py")) if not file.name.startswith("_")]
        if not files:
            raise RecipeError(f"the folder {target} holds no plugin file (*.py)")
        yield from files


def _print(found: Sequence[Outcome], every: bool) -> None:
    target = console.out()
    plugins = [list(group) for _, group in groupby(found, key=lambda o: (o.kind, o.plugin))]
    checked = [group for group in plugins if group[0].kind != "plugin"]
    short = len(checked) > MANY and not every
    loading = [o for group in plugins if group[0].kind == "plugin" for o in group if o.state != "passed" or not checked]
    if loading:
        target.print(_table("while loading", loading))
    for group in checked:
        rows = [o for o in group if o.state not in ("passed", "not-applicable")] if short else group
        if rows:
            target.print(_table(f"{group[0].kind} {group[0].plugin}", rows))
    target.print(_verdict(found, len(checked)), style="green" if _holds(found) else "red")
    hint = [o for o in found if o.state == "failed"]
    if hint:
        target.print(
            "each rule in one line: quorate check --rules; one page per kind: docs/plugins/", style="bright_black"
        )


def _holds(found: Sequence[Outcome]) -> bool:
    return not any(o.state in ("failed", "not-checked") for o in found)


def _table(title: str, rows: Sequence[Outcome]) -> Any:
    grid = console.table([(title, "left"), ("", "left"), ("what was found", "left")], [_cells(rows)])
    grid.columns[0].no_wrap = True
    grid.columns[1].no_wrap = True
    return grid


def _cells(rows: Sequence[Outcome]) -> Iterator[Sequence[Any]]:
    for state, (word, style) in WORDS.items():
        of_state = [o for o in rows if o.state == state]
        if state == "not-checked" and of_state:
            yield console.plural(len(of_state), "rule"), console.styled(word, style), of_state[0].message
            continue
        for o in of_state:
            yield o.rule, console.styled(word, style), o.message or o.summary


def _verdict(found: Sequence[Outcome], n_plugins: int) -> str:
    counts: Mapping[str, int] = Counter(o.state for o in found)
    told = [f"{counts[state]} {state.replace('-', ' ')}" for state in WORDS if counts.get(state)]
    return f"{'SOUND' if _holds(found) else 'FAULTY'}: {console.plural(n_plugins, 'plugin')}, {', '.join(told)}"


def rules(as_json: bool) -> None:
    """Print every rule of every kind."""
    from quorate.plugins.specs import KINDS
    from quorate.testing.runner import rules as rules_of

    rows: list[dict[str, Any]] = [
        {"kind": kind, "rule": rule.name, "causal": rule.causal, "what": rule.summary}
        for kind in KINDS
        for rule in rules_of(kind)
    ]
    if as_json:
        from quorate.cli._listing import print_json

        print_json(rows)
        return
    columns = [("kind", "left"), ("rule", "left"), ("what it asks", "left")]
    cells = [[(r["kind"], r["rule"], r["what"]) for r in rows if r["kind"] == kind] for kind in KINDS]
    console.out().print(console.table(columns, cells))
