"""Training presets: a network by name, and how it is trained; read from ``training_presets.toml`` beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from quorate.errors import RecipeError, near_misses, one_of
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec

SEED = 42
DEFAULT = "balanced"
COMPARED = ("fast", "balanced", "quality", "legacy")
ALIASES = {"adaptive": "legacy"}
FILE = Path(__file__).with_name("training_presets.toml")


class Preset(NamedTuple):
    """A training preset.

    Parameters
    ----------
    name, about : str
        What it is called, and for.
    model : str
        The plugin of its network.
    params : dict
        Parameters that are others than the plugin's own, or that it must not change with.
    task : str
        ``regression`` or ``classification``; empty, if it is for both.
    seeds : int
        With how many seeds a walk-forward of its recipe fits it; a training fits one.
    checkpoints : int
        How many of the best are kept, see `quorate.pipeline.watched`.
    """

    name: str
    about: str
    model: str
    params: dict[str, Any]
    task: str = ""
    seeds: int = 1
    checkpoints: int = 0


@cache
def presets() -> dict[str, Preset]:
    """Return all training presets by name."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Preset(name, **table) for name, table in tables.items()}


def preset(name: str, where: str = "--preset") -> Preset:
    """Return a training preset.

    Raises
    ------
    RecipeError
        If there is none of that name.
    """
    known = presets()
    found = known.get(ALIASES.get(name, name))
    if found is None:
        names = [*known, *ALIASES]
        raise RecipeError(f"{where} must be one of {one_of(names)}; it was {name!r}{near_misses(name, names)}")
    return found


def resolved(name: str, registry: Registry) -> dict[str, Any]:
    """Return every setting of a preset: its own over those of the plugin of its network.

    Returns
    -------
    dict
        ``preset``, ``about``, ``model``, ``task``, ``seed``, ``seeds``; ``own``, the parameters that the preset sets;
        ``params``, all of them.

    Raises
    ------
    RecipeError
        If there is no such preset, or no plugin at hand has its network.
    """
    found = preset(name, "the training preset")
    spec = registry.get(ModelSpec, found.model)
    params = resolve_options(spec, found.params, f"the training preset {found.name!r}")
    return {
        "preset": found.name,
        "about": found.about,
        "model": found.model,
        "task": found.task or "any",
        "seed": SEED,
        "seeds": found.seeds,
        "own": dict(found.params),
        "params": {key: list(value) if isinstance(value, tuple) else value for key, value in params.items()},
    }


def takes(known: list[str], name: str) -> dict[str, Any]:
    """Return what of a preset a model takes: all, if it has all these options, else how long it is trained.

    A learning rate of a network means another thing to a booster, which has an option of that name, too.
    """
    params = preset(name).params
    if set(params) <= set(known):
        return dict(params)
    return {key: params[key] for key in ("epochs", "batch_size") if key in params and key in known}
