"""What quorate finds by the entry point: hooks only, so that listing plugins loads nothing heavy.

The model and the feature are named as text, ``"module:attribute"``; they are imported when a run
needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import quorate


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the model."""
    yield quorate.ModelSpec(
        "analogues",
        "quorate_analogues.model:Analogues",
        input="windows",
        lookback=5,
        params={"neighbours": 100},
        validation=0.2,
        space={"neighbours": quorate.Int(25, 400, log=True), "fading": quorate.Float(0.5, 1.0)},
        requires=("numpy",),
        description="share of rises after the stretches of the past most like the last days",
    )


@quorate.hookimpl
def quorate_features() -> Iterator[quorate.FeatureSpec]:
    """Yield the feature, for moves of two and of three standard deviations."""
    for size in (2, 3):
        params = {"size": float(size), "usual": 20, "longest": 60}
        yield quorate.FeatureSpec(
            f"since_shock_{size}",
            "quorate_analogues.features:since_shock",
            inputs=("close",),
            lookback=20 + 60 + 1,  # the oldest move that counts, the returns it is measured by, and the close before
            params=params,
            group="shape",
            description=f"bars since the last move of more than {size} standard deviations, as a share of 60",
        )


@quorate.hookimpl
def quorate_recipes() -> Iterator[quorate.RecipeSpec]:
    """Yield the recipe: ``quorate run analogues``."""
    yield quorate.RecipeSpec("analogues", recipe, description="analogues beside a logistic regression, simulated bars")


def recipe() -> Path:
    """Return the recipe's path."""
    return Path(__file__).with_name("analogues.toml")
