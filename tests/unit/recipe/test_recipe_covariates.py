"""What a recipe says of covariates: what reads them, which features they offer, and what is wrong with them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.recipe.covariates import offer_features
from quorate.recipe.digest import recipe_digest
from quorate.recipe.load import validate
from quorate.recipe.resolve import resolve, to_plain, to_toml
from quorate.recipe.schema import Recipe

NEWS = {"path": "news.csv", "values": ["Score", "Count"]}
READS = """
import quorate

@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("mood", "quorate.dataset.covariates:as_known", inputs=("news.score",))
"""


def resolved(table: dict[str, Any], *plugins: Any) -> tuple[Recipe, Registry]:
    registry = Registry.load(plugins, environment=False)
    recipe = validate({"models": {"logistic": {}}, **table}, "given", registry)
    offer_features(recipe, registry)
    registry.check()
    return resolve(recipe, registry)[0], registry


def used(table: dict[str, Any], *plugins: Any) -> list[str]:
    return resolved(table, *plugins)[0].features.use


def test_values_join_the_features_and_what_is_beside_them_is_named() -> None:
    every = used({})
    assert set(used({"covariates": {"news": NEWS}})) - set(every) == {"news_score", "news_count"}
    assert used({"covariates": {"cpi": {"path": "cpi.pq"}}, "features": {"use": ["return_1"]}}) == ["cpi", "return_1"]
    features = {"use": ["cpi_age", "cpi_known"], "exclude": ["cpi"]}
    assert used({"covariates": {"cpi": {"path": "cpi.pq"}}, "features": features}) == ["cpi_age", "cpi_known"]
    by_group = {"use": ["return_1", "group:covariates"], "exclude": ["*_known"]}
    assert used({"covariates": {"cpi": {"path": "c.pq"}}, "features": by_group}) == ["cpi", "cpi_age", "return_1"]


def test_dates_alone_are_read_by_how_far_off_the_next_is() -> None:
    dates = {"earnings": {"path": "earnings.csv", "values": []}}
    assert used({"covariates": dates, "features": {"use": ["return_1"]}}) == ["earnings_next", "return_1"]
    named = {"use": ["return_1", "earnings_known"], "exclude": ["earnings_next"]}
    assert used({"covariates": dates, "features": named}) == ["earnings_known", "return_1"]


def test_a_recipe_without_covariates_is_what_it_was() -> None:
    recipe, registry = resolved({})
    assert "covariates" not in to_plain(recipe)
    assert "covariates" not in tomllib.loads(to_toml(recipe, registry))
    assert not [name for name in recipe.features.use if registry.find("feature", name).provider.name == "recipe"]


def test_what_changes_how_a_covariate_is_joined_makes_another_recipe() -> None:
    digests = {
        recipe_digest(*resolved({"covariates": {"cpi": {"path": "cpi.pq", **more}}}))
        for more in (
            {},
            {"lag": "2h"},
            {"missing": 0},
            {"max_age": "9d"},
            {"max_age": "9d", "stale": "error"},
            {"resample": "1w"},
            {"resample": "1w", "aggregate": "mean"},
        )
    }
    assert len(digests) == 7


def test_the_source_is_that_of_the_files_end_and_takes_its_options() -> None:
    recipe, _ = resolved({"covariates": {"cpi": {"path": "cpi.pq", "timezone": "UTC"}}})
    assert recipe.covariates is not None
    assert (recipe.covariates["cpi"].source, recipe.covariates["cpi"].options) == (
        "parquet",
        {"path": "cpi.pq", "timezone": "UTC"},
    )


@pytest.mark.parametrize(
    ("covariates", "told"),
    [
        ({"close": {"path": "x.csv"}}, "other than a field of bars; it was 'close'"),
        (
            {"news": {"path": "x.csv", "lag": "soon"}},
            "covariates.news.lag must be a number with one of w, d, h, min, s",
        ),
        ({"news": {}}, "covariates.news must say what reads it: a file with covariates.news.path"),
        ({"news": {"source": "cvs", "path": "x"}}, "covariates.news.source: unknown source 'cvs'.*did you mean 'csv'"),
        (
            {"news": {"path": "x.csv", "timezon": "UTC"}},
            "covariates.news: .* no option 'timezon'.*did you mean 'timezone'",
        ),
        ({"news": {"path": "x.csv", "max_ages": "9d"}}, "no option 'max_ages'.*did you mean 'max_age'"),
        ({"news": {"path": "x.csv", "aggregate": "mean"}}, 'add covariates.news.resample, e.g. "1d"'),
        ({"news": {"path": "x.csv", "bars": True, "values": []}}, "bars are of no dates to come"),
        ({"news": {"path": "x.csv", "resample": "daily"}}, "covariates.news.resample must be .*did you mean '1d'"),
        ({"news": {"path": "x.csv", "resample": "1d", "aggregate": "avg"}}, "covariates.news.aggregate"),
        (
            {"news": {**NEWS, "resample": "1d", "aggregate": {"scroe": "mean"}}},
            "covariates.news.aggregate: 'scroe' is not among covariates.news.values.*did you mean 'Score'",
        ),
        ({"return_1": {"path": "x.csv"}}, "feature 'return_1' is provided by both"),
    ],
)
def test_what_is_wrong_is_said(covariates: dict[str, Any], told: str) -> None:
    with pytest.raises(Exception, match=told):
        resolved({"covariates": covariates})


def test_a_feature_that_reads_a_covariate_needs_it(tmp_path: Path) -> None:
    plugin = tmp_path / "mood.py"
    plugin.write_text(READS)
    assert "mood" in used({"covariates": {"news": NEWS}}, plugin)
    with pytest.raises(RecipeError, match=r"'mood' reads 'news'.*add \[covariates.news\], or leave the feature out"):
        resolved({}, plugin)


def test_secrets_of_covariates_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD_OF_NEWS", "hunter2-hunter2")
    url = "postgresql://me:${PASSWORD_OF_NEWS}@host/db"
    given = {"source": "sql", "url": url, "table": "news", "lag": "1d"}
    recipe, registry = resolved({"covariates": {"news": given, "more": {**given, "url": "sqlite://me:xyzzy-9@host"}}})
    for text in (to_toml(recipe, registry), str(to_plain(recipe))):
        assert url in text
        assert "hunter2" not in text
        assert "xyzzy-9" not in text
