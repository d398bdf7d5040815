"""The presets of gates, and how the gates of a recipe differ from them."""

from __future__ import annotations

from typing import Any

from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Gates, Params

# What is judged, by preset; a recipe adds, changes and takes away.
HEADLINE: dict[str, Params] = {"sharpe": {}, "max-drawdown": {}, "win-rate": {}}
EVIDENCE = ("sample-size", "psr", "alpha", "spa", "stepm", "mcs", "selection", "pbo", "forecast")
ROBUSTNESS = ("cost-stress", "delay", "concentration", "halves")
STANDARD: dict[str, Params] = {name: {} for name in ("integrity", "null-market", *HEADLINE, *EVIDENCE, *ROBUSTNESS)}
PRESETS: dict[str, dict[str, Params]] = {
    "headline": HEADLINE,
    "standard": STANDARD,
    "strict": {**STANDARD, "delay": {"slow": 1}, "cpcv": {}, "regimes": {}},
}


def departures(gates: Gates, registry: Registry) -> dict[str, Any]:
    """Return how the gates of a resolved recipe differ from the preset ``standard``.

    Returns
    -------
    dict
        ``preset``; ``without``, the gates of ``standard`` that do not judge; ``changed``, per gate of a preset the
        options that are others than the recipe's preset gives it.
    """
    changed = {}
    for name in PRESETS["strict"]:  # it has the gates of all presets
        if name in gates.judging:
            usual = resolve_options(registry.get("gate", name), PRESETS[gates.preset].get(name, {}), f"gates.{name}")
            other = {key: value for key, value in gates.judging[name].items() if value != usual.get(key)}
            if other:
                changed[name] = other
    without = [name for name in PRESETS["standard"] if name not in gates.judging]
    return {"preset": gates.preset, "without": without, "changed": changed}
