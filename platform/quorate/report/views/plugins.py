"""The registry: what every plugin is, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from quorate.plugins.documented import without_parameters
from quorate.plugins.provider import Plugin
from quorate.report import console

WIDE = 110
MEANT = 100  # columns, from which on meanings stand in the table; on narrower terminals they follow it


def listed(plugins: Iterable[Plugin]) -> list[dict[str, Any]]:
    """Return plugins as plain data."""
    return [
        {
            "name": p.name,
            "kind": p.kind,
            "version": p.provider.version or "",
            "origin": p.provider.origin,
            "state": p.state,
            "reason": p.reason,
            "description": p.spec.description if p.spec else "",
        }
        for p in plugins
    ]


def render(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print plugins, one a line."""
    target = console.out()
    columns: list[console.Column] = [
        ("kind", "left", 0, itemgetter("kind")),
        ("name", "left", 0, itemgetter("name")),
        ("version", "left", 0, lambda row: row["version"] or "file"),
        ("state", "left", 0, lambda row: f"{row['state']}: {row['reason']}" if row["reason"] else row["state"]),
        ("origin", "left", 0, itemgetter("origin")),
        ("what it is", "left", WIDE, itemgetter("description")),
    ]
    target.print(console.listing(columns, [rows], target.width))


def render_one(plugin: Mapping[str, Any]) -> None:
    """Print all that a plugin tells of itself."""
    target = console.out()
    target.print(
        f"[bold]{plugin['kind']} {console.escape(plugin['name'])}[/bold]  {console.escape(plugin['description'])}"
    )
    version = f" {plugin['version']}" if plugin["version"] else ""
    state = f"{plugin['state']}: {plugin['reason']}" if plugin["reason"] else plugin["state"]
    rows = [("origin", f"{plugin['origin']}{version}"), ("state", state)]
    rows += [("given, gives", _unmarked(plugin["contract"]))] if plugin["contract"] else []
    rows += [("requires", ", ".join(plugin["requires"]))] if plugin["requires"] else []
    rows += [(name.replace("_", " "), _text(value)) for name, value in plugin["spec"].items()]
    rows += [(f"gap: {rule}", why) for rule, why in plugin["known_gaps"].items()]
    target.print(console.facts(rows))
    if plugin["params"]:
        target.print(_params(plugin, target.width))
    if target.width < MEANT and (told := [(one["name"], _meaning(one)) for one in plugin["params"]]):
        target.print(console.facts([(name, text) for name, text in told if text]))
        target.print()
    if plugin["documentation"]:
        target.print(without_parameters(plugin["documentation"]), markup=False)
        target.print()
    if plugin["use"]:
        target.print(plugin["use"], style="bright_black", markup=False)


def _params(plugin: Mapping[str, Any], width: int) -> Any:
    space = plugin["space"]
    columns: list[console.Column] = [
        ("parameter", "left", 0, lambda one: one["name"]),
        ("default", "left", 0, lambda one: "must be given" if one["required"] else _text(one["default"])),
        ("takes", "left", 80, lambda one: one["takes"] or one["type"]),
        *([("a sweep tries", "left", 0, lambda one: _range(space.get(one["name"])))] if space else []),
        ("meaning", "left", MEANT, lambda one: _unmarked(one["meaning"])),
    ]
    return console.listing(columns, [plugin["params"]], width)


def _range(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    met = [f"if {name} is {' or '.join(map(str, values))}" for name, values in one.get("when", {}).items()]
    if "values" in one:
        return ", ".join(["one of " + ", ".join(map(str, one["values"])), *met])
    how = [word for word, is_so in (("by its logarithm", one["log"]), ("whole", one["whole"])) if is_so]
    return ", ".join([f"{one['low']:g} to {one['high']:g}", *how, *met])


def _meaning(one: Mapping[str, Any]) -> str:
    return " ".join(part for part in (_unmarked(one["meaning"]), f"[{one['takes']}]" if one["takes"] else "") if part)


def _unmarked(text: str) -> str:
    return text.replace("``", "").replace("`", "")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return "none" if value is None else str(value)
