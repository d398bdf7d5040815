"""What differs between two runs: what their gates said, and their recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.report import Report
from quorate.report.sections.gates import word


def gates(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what each gate said of both; one that judged only one of them says nothing of the other."""
    first, second = ({gate["gate"]: gate for gate in gates} for gates in (a, b))
    rows = []
    for name in dict.fromkeys((*first, *second)):
        one, other = first.get(name), second.get(name)
        either: Mapping[str, Any] = one or other or {}
        rows.append(
            {
                "gate": name,
                "tier": either["tier"],
                "a": one and word(one),
                "b": other and word(other),
                "a_value": one and one["value"],
                "b_value": other and other["value"],
                "unit": either["unit"],
                "flips": one is not None and other is not None and word(one) != word(other),
            }
        )
    return rows


def recipe(report: Report) -> dict[str, Any]:
    """Return a run's recipe by dotted names, and the text of the plugin files that it used by their hashes."""
    found = _dotted(report.provenance["recipe"])
    for plugin in report.provenance["plugins"]:
        if plugin.get("sha256") or plugin.get("code"):
            text = plugin.get("code") or plugin["sha256"]
            found[f"code of {plugin['kind']} {plugin['name']}"] = str(text)[:12]
    return found


def _dotted(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            found |= _dotted(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def changed(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys that differ; None is the value of one that is not there."""
    keys = dict.fromkeys((*a, *b))
    return [{"key": key, "a": a.get(key), "b": b.get(key)} for key in keys if a.get(key) != b.get(key)]
