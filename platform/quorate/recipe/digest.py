"""Where a number came from: digests, versions, seeds."""

from __future__ import annotations

from typing import Any

from quorate.plugins.code import code_digest
from quorate.plugins.registry import Registry
from quorate.recipe.canonical import digest
from quorate.recipe.resolve import to_plain
from quorate.recipe.schema import Recipe, Risk

# Keys that recipes did not have at first, and what was done then: saying so now makes no other recipe.
ADDED = {
    ("on_failure",): "stop",
    ("data", "quality"): "warn",
    ("features", "categories"): [],
    ("features", "transforms"): {},
    ("folds", "splitter"): "expanding",
    ("folds", "embargo"): 0,
    ("costs", "model"): "fixed",
    ("ensemble", "calibration"): "none",
    ("strategy", "grid"): {},
    ("strategy", "risk"): Risk().model_dump(),
    ("gates", "preset"): "standard",
}


# Options of weights that recipes did not have written out at first.
OF_WEIGHTS = {"over": "symbol", "last": 0.5}

# What changes no result of a run.
APART = ("name", "description", "tuning", "execution", "plugins", "artefacts", "alerts")


def recipe_digest(recipe: Recipe, registry: Registry) -> str:
    """Return the digest of all in a resolved recipe that can change a result."""
    table = {k: v for k, v in to_plain(recipe).items() if k not in APART}
    for (*above, last), default in ADDED.items():
        inside = table
        for key in above:
            inside[key] = inside = dict(inside[key])
        if inside.get(last) == default:
            del inside[last]
    if weights := table["labels"].get("weights"):
        of_old = ("uniqueness", "return", "time-decay", "class-balance")
        table["labels"] = {
            **table["labels"],
            "weights": [
                {key: v for key, v in one.items() if one["name"] not in of_old or OF_WEIGHTS.get(key) != v}
                for one in weights
            ],
        }
    return digest(
        {"recipe": table, "sources": sorted(s["sha256"] for s in used_plugins(recipe, registry) if s["sha256"])}
    )


def sources_of(recipe: Recipe) -> list[str]:
    """Return the source of a recipe, and those that it reads others by, as ``data.markets`` names them."""
    markets = recipe.data.options.get("markets")
    inner = [one.get("source") for one in markets if isinstance(one, dict)] if isinstance(markets, list) else []
    return list(dict.fromkeys([recipe.data.source, *(name for name in inner if isinstance(name, str))]))


def used_plugins(recipe: Recipe, registry: Registry, sweep: bool = False, alerts: bool = False) -> list[dict[str, Any]]:
    """Return kind, name, provider, version and source hash of every plugin that a resolved recipe uses.

    A sweep of it uses the sampler, too. Alerts change no result, and are told where they are asked for; those that
    are not installed here are left out.
    """
    names: list[tuple[str, str]] = [("source", name) for name in sources_of(recipe)]
    names += [("label", recipe.labels.name)]
    names += [("weight", one.name) for one in recipe.labels.weights or ()]
    names += [("source", one.source) for one in (recipe.covariates or {}).values() if one.source]
    names += [("source", one.source) for one in (recipe.benchmark, recipe.factors) if one and one.source]
    names += [("feature", n) for n in recipe.features.use]
    names += [("transform", one.name) for chain in recipe.features.transforms.values() if chain for one in chain]
    names += [("model", (m.plugin if m else None) or n) for n, m in recipe.models.items()]
    names += [("splitter", recipe.folds.splitter), ("cost", recipe.costs.model)]
    names += [("ensembler", n) for n in (recipe.ensemble.method, *recipe.ensemble.compare)]
    names += [("strategy", n) for n in (recipe.strategy.name, *recipe.strategy.compare)]
    names += [("metric", n) for n in registry.names("metric")]
    names += [("gate", n) for n in recipe.gates.judging]
    names += [("sampler", recipe.tuning.sampler)] * sweep
    if alerts and recipe.alerts:
        named = [one.plugin or name for name, one in recipe.alerts.told.items()]
        names += [("alert", name) for name in named if name in registry.names("alert")]
    rows = []
    for kind, name in dict.fromkeys(names):
        plugin = registry.find(kind, name)
        provider = plugin.provider
        # What this package computes has a version of its own.
        foreign = plugin.spec if provider.distribution != "quorate" and provider.inline is None else None
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
                **({"code": code_digest(foreign.resolve(), provider.module, provider.local)} if foreign else {}),
            }
        )
    return rows
