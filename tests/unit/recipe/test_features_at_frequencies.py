"""Features at several frequencies: names, patterns and groups after which a frequency stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import quorate
from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec
from quorate.recipe.covariates import offer_features
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.features import reads_finer
from quorate.recipe.load import extend, validate
from quorate.recipe.resolve import resolve, to_plain
from quorate.recipe.transforms import chosen, groups_of
from support import homes


@pytest.fixture(scope="module")
def registry():
    return Registry.load(environment=False)


def resolved(registry, data=None, **features):
    tiny = homes.recipe("tiny")
    table = {**tiny, "data": {**tiny["data"], **(data or {})}, "features": features}
    return resolve(validate(extend(table, registry), "given", registry), registry)[0]


def test_a_feature_may_be_used_at_several_frequencies(registry):
    recipe = resolved(registry, use=["return_5", "return_5@1W", "rsi_*@4h"])
    assert recipe.features.use == ["return_5", "return_5@1w", "rsi_14@240min", "rsi_5@240min"]
    assert resolve(recipe, registry)[0] == recipe
    spec = registry.get(FeatureSpec, "return_5@1w")
    assert (spec.name, spec.frequency, registry.get(FeatureSpec, "return_5").frequency) == ("return_5@1w", "1w", "")
    assert registry.get(FeatureSpec, "return_5@1w") is spec
    assert spec.provider is registry.get(FeatureSpec, "return_5").provider
    used = [row["name"] for row in used_plugins(recipe, registry) if row["kind"] == "feature"]
    assert used == recipe.features.use


def test_what_has_no_frequency_is_on_the_bars_of_the_recipe(registry):
    every = resolved(registry, use=["*", "*@1w"])
    plain = resolved(registry, use=["*"])
    assert {name.partition("@")[0] for name in every.features.use} == set(plain.features.use)
    assert len(every.features.use) == 2 * len(plain.features.use)
    fewer = resolved(registry, use=["*", "*@1w"], exclude=["group:volume", "return_*@1w"])
    gone = set(every.features.use) - set(fewer.features.use)
    assert "return_5@1w" in gone
    assert "return_5" not in gone
    volume = {name for name in every.features.use if registry.get(FeatureSpec, name).group == "volume"}
    assert {name for name in gone if not name.startswith("return_")} == {name for name in volume if "@" not in name}


def test_every_feature_at_a_frequency_is_every_one_that_reads_bars_alone(tmp_path):
    registry = Registry.load(environment=False)
    tiny = homes.recipe("tiny")
    table = {**tiny, "covariates": {"mood": {"path": "mood.csv"}}, "features": {"use": ["*@1w"]}}
    recipe = validate(extend(table, registry), "given", registry)
    offer_features(recipe, registry)
    found = resolve(recipe, registry)[0].features.use
    assert "mood" in found
    assert "return_5@1w" in found
    assert not any(name.startswith("mood@") for name in found)
    with pytest.raises(RecipeError, match=r"'mood@1w' reads a covariate.* use 'mood'"):
        resolve(validate({**table, "features": {"use": ["mood@1w"]}}, "given", registry), registry)


def test_transforms_are_of_a_frequency_and_the_rest_is_everything_else(registry):
    use = ["return_1", "return_5", "return_5@1w", "rsi_5@60min", "volatility_5@1w"]
    given = {"return_*": "clip", "return_*@1w": "robust", "group:momentum@1h": "z-score", "*": "z-score"}
    recipe = resolved(registry, use=use, transforms=given)
    assert chosen(recipe.features.transforms, groups_of(use, registry)) == {
        "*": ["volatility_5@1w"],
        "group:momentum@60min": ["rsi_5@60min"],
        "return_*": ["return_1", "return_5"],
        "return_*@1w": ["return_5@1w"],
    }


def test_what_was_given_joins_unless_it_is_asked_for_at_a_frequency():
    registry = Registry.load(
        [FeatureSpec("mine", lambda close: close, lookback=1), FeatureSpec("own", lambda close: close)], False
    )
    recipe = resolved(registry, use=["return_5", "mine@1w"])
    assert recipe.features.use == ["mine@1w", "own", "return_5"]


@pytest.mark.parametrize(
    "data, use, finer",
    [
        ({"resample": "1d"}, ["return_5", "return_5@1w"], False),
        ({"resample": "1d"}, ["return_5", "return_5@source"], True),
        ({"resample": "1d"}, ["return_5@60min"], True),
        ({"resample": "4h"}, ["return_5@1d", "return_5@240min"], False),
        ({}, ["return_5@60min"], False),
    ],
)
def test_which_features_read_shorter_bars(registry, data, use, finer):
    assert reads_finer(resolved(registry, data, use=use)) is finer


def test_a_recipe_without_any_of_it_says_nothing_of_it(registry):
    recipe = resolved(registry, use=["return_5"])
    assert {"resample", "hours"} & to_plain(recipe)["data"].keys() == set()
    others = [resolved(registry, data, use=["return_5"]) for data in ({"resample": "1w"}, {"hours": "all"})]
    assert len({recipe_digest(one, registry) for one in (recipe, *others)}) == 3


@pytest.mark.parametrize(
    "data, features, said",
    [
        ({}, {"use": ["return_5@weekly"]}, r"features.use: 'return_5@weekly': a frequency must be .*did you mean '1w'"),
        ({}, {"use": ["return_5@source"]}, r"features.use: 'return_5@source' .* set data\.resample"),
        ({}, {"use": ["retrun_5@1w"]}, "features.use: unknown feature 'retrun_5'.*did you mean 'return_5'"),
        ({}, {"use": ["return_5@"]}, "a frequency must be"),
        ({}, {"use": ["group:trnd@1w"]}, "unknown group 'trnd'"),
        ({}, {"use": ["return_5"], "exclude": ["return_5@2d"]}, "features.exclude: 'return_5@2d': a frequency must be"),
        ({}, {"use": ["return_5"], "exclude": ["no@1w"]}, "features.exclude: 'no@1w' matches no feature"),
        (
            {},
            {"use": ["return_5", "rsi_5@1w"], "transforms": {"return_*@1w": "clip"}},
            r"'return_\*@1w' matches no feature of the recipe: the recipe does not use return_\w+@1w",
        ),
        (
            {},
            {"use": ["return_5", "rsi_5@1w"], "transforms": {"group:momentum@1d": "clip"}},
            "of the group 'momentum@1d': it must be one of",
        ),
        ({"resample": "hourly"}, {"use": ["return_5"]}, r"data\.resample must be minutes .*did you mean '60min'"),
        ({"hours": "regulr"}, {"use": ["return_5"]}, r"data\.hours: must be 'regular' or 'all'"),
    ],
)
def test_what_cannot_be_is_told(registry, data, features, said):
    with pytest.raises(RecipeError, match=said):
        resolved(registry, data, **features)


def test_no_plugin_takes_such_a_name():
    with pytest.raises(quorate.PluginError, match="name must be lower case letters, digits"):
        FeatureSpec("return_5@1w", lambda close: close)


def test_the_recipe_of_the_page_is_one(registry):
    page = (Path(__file__).parents[3] / "docs" / "frequencies.md").read_text(encoding="utf-8")
    *_, text = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    table = tomllib.loads(text)
    recipe = resolve(validate(extend(table, registry), "given", registry), registry)[0]
    used = {name.partition("@")[2] for name in recipe.features.use}
    assert used == {"", "1w", "1mo"}
    assert {"return_60@1w", "return_126@1w"} & {*recipe.features.use} == set()
    assert set(chosen(recipe.features.transforms, groups_of(recipe.features.use, registry))) == {"*", "return_*@1w"}
