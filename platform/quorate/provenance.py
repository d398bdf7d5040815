"""Where a number came from: digests, versions, seeds."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from quorate import __version__
from quorate.recipe.resolve import to_plain
from quorate.recipe.schema import Recipe
from quorate.registry import Registry

LIBRARIES = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
    "catboost",
    "torch",
    "vectorbt",
    "vectorbt-rust",
    "duckdb",
    "ray",
    "arch",
    "statsmodels",
)


# Keys that recipes did not have at first, and what was done then: saying so now makes no other recipe.
ADDED = {("on_failure",): "stop", ("folds", "splitter"): "expanding", ("costs", "model"): "fixed"}


def canonical(value: Any) -> bytes:
    """Return plain data as bytes that are equal exactly when the data is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(canonical(value)).hexdigest()


def recipe_digest(recipe: Recipe, registry: Registry) -> str:
    """Return the digest of all in a resolved recipe that can change a result."""
    table = {k: v for k, v in to_plain(recipe).items() if k not in ("name", "description", "execution", "plugins")}
    for (*above, last), default in ADDED.items():
        inside = table
        for key in above:
            inside[key] = inside = dict(inside[key])
        if inside.get(last) == default:
            del inside[last]
    return digest(
        {"recipe": table, "sources": sorted(s["sha256"] for s in used_plugins(recipe, registry) if s["sha256"])}
    )


def used_plugins(recipe: Recipe, registry: Registry) -> list[dict[str, Any]]:
    """Return kind, name, provider, version and source hash of every plugin that a resolved recipe uses."""
    names: list[tuple[str, str]] = [("source", recipe.data.source), ("label", recipe.labels.name)]
    names += [("feature", n) for n in recipe.features.use]
    names += [("model", (m.plugin if m else None) or n) for n, m in recipe.models.items()]
    names += [("splitter", recipe.folds.splitter), ("cost", recipe.costs.model)]
    names += [("ensembler", n) for n in (recipe.ensemble.method, *recipe.ensemble.compare)]
    names += [("strategy", n) for n in (recipe.strategy.name, *recipe.strategy.compare)]
    names += [("metric", n) for n in registry.names("metric")]
    names += [("gate", n) for n in recipe.gates]
    rows = []
    for kind, name in dict.fromkeys(names):
        provider = registry.find(kind, name).provider
        rows.append(
            {
                "kind": kind,
                "name": name,
                "provider": provider.distribution or provider.name,
                "version": provider.version,
                "module": provider.module if provider.local is None and provider.inline is None else None,
                "file": str(provider.local.path) if provider.local else None,
                "sha256": provider.local.sha256 if provider.local else None,
                "inline": provider.inline is not None,
            }
        )
    return rows


def libraries(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of the installed libraries that numbers depend on."""
    found = {"quorate": __version__, "python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """Return the kind of processor and system: equal ones give equal bits."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return {"system": platform.system(), "machine": platform.machine(), "cpu": model}


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return ``name old -> new`` for every version that differs."""
    return [
        f"{k} {before.get(k, 'absent')} -> {now.get(k, 'absent')}"
        for k in sorted({*before, *now})
        if before.get(k) != now.get(k)
    ]
