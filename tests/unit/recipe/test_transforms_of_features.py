"""Which features go through what: the most specific key counts, and what matches nothing is told."""

from __future__ import annotations

import pytest

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.recipe.digest import recipe_digest
from quorate.recipe.load import extend, validate
from quorate.recipe.resolve import resolve, to_plain
from quorate.recipe.transforms import chosen, groups_of, word_of
from support import homes

USE = ["return_1", "return_5", "rsi_5", "sma_ratio_20", "volatility_5"]


@pytest.fixture(scope="module")
def registry():
    return Registry.load(environment=False)


def resolved(registry, transforms, use=tuple(USE)):
    table = {**homes.recipe("tiny"), "features": {"use": list(use), "transforms": transforms}}
    return resolve(validate(extend(table, registry), "given", registry), registry)[0]


def test_the_most_specific_key_counts_wherever_it_stands(registry):
    given = {
        "*": "z-score",
        "group:momentum": "robust",
        "return_*": ["clip", "z-score"],
        "return_5": {"name": "clip", "high": 2.0},
    }
    for order in (given, dict(reversed(given.items()))):
        recipe = resolved(registry, order)
        assert chosen(recipe.features.transforms, groups_of(USE, registry)) == {
            "*": ["sma_ratio_20", "volatility_5"],
            "group:momentum": ["rsi_5"],
            "return_*": ["return_1"],
            "return_5": ["return_5"],
        }
    assert to_plain(recipe)["features"]["transforms"] == {
        "*": [{"name": "z-score"}],
        "group:momentum": [{"name": "robust", "low": 0.05, "high": 0.95}],
        "return_*": [{"name": "clip", "low": -5.0, "high": 5.0}, {"name": "z-score"}],
        "return_5": [{"name": "clip", "low": -5.0, "high": 2.0}],
    }
    assert resolve(recipe, registry)[0] == recipe
    assert recipe_digest(recipe, registry) != recipe_digest(resolved(registry, {}), registry)


def test_false_leaves_features_as_they_are(registry):
    recipe = resolved(registry, {"*": "z-score", "rsi_5": False, "group:momentum": False, "no_such": False})
    assert chosen(recipe.features.transforms, groups_of(USE, registry)) == {"*": ["sma_ratio_20", "volatility_5"]}


def test_new_columns_are_called_after_their_key():
    keys = ("*", "group:volume", "return_*", "rsi_5")
    assert [word_of(key) for key in keys] == ["", "volume", "return", "rsi_5"]


@pytest.mark.parametrize(
    "transforms, said",
    [
        ({"*": "zscore"}, r"\"\*\": unknown transform 'zscore': .*did you mean 'z-score'"),
        ({"retrun_*": "z-score"}, r"'retrun_\*' matches no feature of the recipe: there is none of that name"),
        ({"retrun_1": "z-score"}, "did you mean 'return_1'"),
        ({"rsi_14": "z-score"}, r"the recipe does not use rsi_14 \(features.use\)"),
        ({"group:momentom": "z-score"}, "of the group 'momentom': it must be one of .*did you mean 'momentum'"),
        ({"return_*": "z-score", "*_5": "clip"}, r"'\*_5' and 'return_\*' both match the feature 'return_5'"),
        ({"*": {"name": "clip", "lo": 1.0}}, "transform 'clip' has no option 'lo'.*did you mean 'low'"),
        ({"*": {"name": "clip", "low": "one"}}, r'features.transforms."\*".low must be a valid number; it was \'one\''),
        ({"*": []}, r"features.transforms.\* must be the name of a transform, a table .*; it was \[\]"),
        ({"*": [3]}, r"must be the name of a transform"),
        ({"*": {"high": 1.0}}, r"must be the name of a transform"),
    ],
)
def test_what_cannot_be_is_told(registry, transforms, said):
    with pytest.raises(RecipeError, match=said):
        resolved(registry, transforms)
