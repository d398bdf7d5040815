"""Built-in strategies and ready-to-run recipes; plugins like any third party's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import quorate

RECIPES = Path(__file__).parent / "recipes"


@quorate.hookimpl
def quorate_strategies() -> Iterator[quorate.StrategySpec]:
    """Yield the built-in strategies."""
    here = "quorate_strategies.threshold"
    yield quorate.StrategySpec("long-flat", f"{here}:long_flat", description="long above the threshold, else out")
    yield quorate.StrategySpec(
        "long-short", f"{here}:long_short", description="long above the threshold, short below its negative, else out"
    )
    here = "quorate_strategies.sizing"
    yield quorate.StrategySpec(
        "proportional", f"{here}:proportional", description="the stronger the score beyond the threshold, the larger"
    )
    yield quorate.StrategySpec(
        "kelly",
        f"{here}:kelly",
        inputs=("close",),
        description="a fraction of the weight that makes the capital grow fastest, by Kelly",
    )
    yield quorate.StrategySpec(
        "meta", f"{here}:meta", description="the side of a meta-label's primary rule, where following it should pay"
    )
    yield _portfolio("top-k", "long the symbols with the highest scores")
    text = "long the highest scores, short the lowest, as much of both; of each group, if there are groups"
    yield _portfolio("dollar-neutral", text)


def _portfolio(name: str, description: str) -> quorate.StrategySpec:
    function = f"quorate_strategies.portfolios:{name.replace('-', '_')}"
    return quorate.StrategySpec(
        name, function, inputs=("close",), cross_sectional=True, portfolio=True, description=description
    )


@quorate.hookimpl
def quorate_recipes() -> Iterator[quorate.RecipeSpec]:
    """Yield the recipes beside this file."""
    for path in sorted(RECIPES.glob("*.toml")):
        yield quorate.RecipeSpec(path.stem, partial(Path, path), description=_first_comment(path))


def _first_comment(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next(lines).lstrip("# ").strip()
