"""Rates of interest in a recipe: what they may be, how one takes the place of another, and who reads covariates."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.recipe.covariates import check_rates, rates_in, read_as_rates, without_rates
from quorate.recipe.digest import recipe_digest
from quorate.recipe.load import load_recipe, merge, nested_override
from quorate.recipe.resolve import resolve, to_toml
from quorate.recipe.schema import RateOf
from quorate.runs.session import open_session

REGISTRY = Registry.load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data.cash=4.0", r"data.cash must be a fraction per year, between -1 and 1: 0.04 is 4 %; it was 4"),
        ("costs.borrow=-1", r"costs.borrow must be a fraction per year.*it was -1"),
        ("costs.funding=true", r"costs.funding: must be a valid number; it was True"),
        ("costs.funding=[1]", r"costs.funding: must be a table"),
        (
            'data.cash={covariat="x"}',
            r"data.cash.covariat: unknown key; \[data.cash\] takes covariate, per, percent; did",
        ),
        ('data.cash={covariate="x",per="8"}', r"data.cash.per must be a number with one of w, d, h"),
        ('data.cash={covariate="x",per="0d"}', r"data.cash.per must be longer than nothing; it was '0d'"),
    ],
)
def test_what_is_no_rate_is_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("planted", REGISTRY, [text])


def test_a_rate_below_zero_is_one_and_makes_another_recipe_and_none_is_what_it_was() -> None:
    plain, other = (resolve(load_recipe("planted", REGISTRY, some), REGISTRY)[0] for some in ([], ["data.cash=-0.005"]))
    assert rates_in(plain) == {}
    assert without_rates(plain) is plain
    assert rates_in(other) == {"data.cash": -0.005}
    assert without_rates(other) == plain
    digests = [recipe_digest(one, REGISTRY) for one in (plain, other, without_rates(other))]
    assert digests[0] == digests[2] != digests[1]
    written = tomllib.loads(to_toml(plain, REGISTRY))
    assert not {"cash", "borrow", "funding"} & {*written["data"], *written["costs"]}


def test_a_rate_takes_the_place_of_another_whole() -> None:
    old = {"data": {"source": "x", "cash": {"covariate": "a", "per": "8h"}}, "costs": {"borrow": 0.01}}
    for text, due in (
        ("data.cash=0.04", 0.04),
        ('data.cash="b"', "b"),
        ('data.cash={covariate="b"}', {"covariate": "b"}),
        ("data.cash.percent=true", {"covariate": "a", "per": "8h", "percent": True}),
    ):
        assert merge(old, nested_override(text), "")["data"]["cash"] == due
    changed = merge(old, {"costs": {"borrow": {"covariate": "c"}}}, "")
    assert changed["costs"]["borrow"] == {"covariate": "c"}


def test_a_covariate_that_is_a_rate_is_no_feature_unless_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("time,one,two\n2000-01-03,0.1,0.2\n")
    covariates = {"f": {"path": str(path), "lag": "1d", "values": ["one", "two"]}}
    given = {"extends": "planted", "covariates": covariates}

    def used(**more: object) -> set[str]:
        return {name for name in open_session({**given, **more}).recipe.features.use if name.startswith("f_")}

    assert used() == {"f_one", "f_two"}
    assert used(data={"cash": "f.one"}) == {"f_two"}
    assert used(data={"cash": {"covariate": "f.one"}}, costs={"funding": "f.two"}) == set()
    assert used(data={"cash": "f.one"}, features={"use": ["return_1", "f_one"]}) == {"f_one", "f_two"}
    assert used(data={"cash": "f.one"}, features={"use": ["*"]}) == {"f_two"}
    recipe = open_session(
        {**given, "data": {"cash": "f.one"}, "costs": {"borrow": RateOf(covariate="f.two").model_dump()}}
    )
    assert read_as_rates(recipe.recipe) == {"f.one", "f.two"}


def test_a_rate_names_a_covariate_that_there_is() -> None:
    recipe = load_recipe("planted", REGISTRY, ['costs.borrow="loan"'])
    with pytest.raises(
        RecipeError, match=r"costs.borrow must be a number.*of which there is none; it was 'loan': add \["
    ):
        check_rates(recipe)
