"""The registry: what every plugin is, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from quorate.plugins.provider import Plugin
from quorate.report import console

WIDE = 110


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
    wide = target.width >= WIDE
    columns = [("kind", "left"), ("name", "left"), ("version", "left"), ("state", "left"), ("origin", "left")]
    cells = [
        [
            r["kind"],
            r["name"],
            r["version"] or "file",
            f"{r['state']}: {r['reason']}" if r["reason"] else r["state"],
            r["origin"],
            *([r["description"]] if wide else []),
        ]
        for r in rows
    ]
    target.print(console.table([*columns, *([("what it is", "left")] if wide else [])], [cells]))
