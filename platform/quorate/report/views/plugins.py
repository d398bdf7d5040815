"""The registry: what every plugin is, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
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
    columns: list[console.Column] = [
        ("kind", "left", 0, itemgetter("kind")),
        ("name", "left", 0, itemgetter("name")),
        ("version", "left", 0, lambda row: row["version"] or "file"),
        ("state", "left", 0, lambda row: f"{row['state']}: {row['reason']}" if row["reason"] else row["state"]),
        ("origin", "left", 0, itemgetter("origin")),
        ("what it is", "left", WIDE, itemgetter("description")),
    ]
    target.print(console.listing(columns, [rows], target.width))
