"""What a recipe says of a benchmark and factors, and that one without them is what it was."""

from __future__ import annotations

import tomllib
from typing import Any

from quorate.plugins.registry import Registry
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.explained import explain
from quorate.recipe.load import validate
from quorate.recipe.resolve import resolve, to_plain, to_toml
from quorate.recipe.schema import Recipe

BOTH = {"benchmark": {"path": "spx.csv"}, "factors": {"path": ["ff.csv", "mom.csv"], "percent": True}}


def resolved(table: dict[str, Any]) -> tuple[Recipe, Registry]:
    registry = Registry.load((), environment=False)
    return resolve(validate({"models": {"logistic": {}}, **table}, "given", registry), registry)[0], registry


def test_a_recipe_without_them_is_what_it_was() -> None:
    recipe, registry = resolved({})
    for table in (to_plain(recipe), tomllib.loads(to_toml(recipe, registry))):
        assert not {"benchmark", "factors"} & {*table}
    assert recipe_digest(recipe, registry) != recipe_digest(*resolved(BOTH))


def test_all_options_of_what_reads_them_are_written_out_and_read_again() -> None:
    recipe, registry = resolved(BOTH)
    table = tomllib.loads(to_toml(recipe, registry))
    assert table["benchmark"] == {
        "source": "csv", "returns": False, "percent": False, "skip_rows": 0, "path": "spx.csv",
    }  # fmt: skip
    assert table["factors"]["path"] == ["ff.csv", "mom.csv"]
    assert to_plain(resolve(validate(table, "again", registry), registry)[0]) == to_plain(recipe)
    assert tomllib.loads(explain(recipe, registry, 80)) == table
    told = explain(recipe, registry, 80)
    assert "# They are in percent, as those of Kenneth French are." in told
    assert "# Lines above the header to leave out." in told
    assert "A date alone is the end of that day." in " ".join(told.split("\n# "))  # an option of records, not of bars
    assert [p["name"] for p in used_plugins(recipe, registry) if p["kind"] == "source"] == ["bundled", "csv"]


def test_a_secret_is_masked_and_a_variable_stays() -> None:
    recipe, _ = resolved({"factors": {"source": "sql", "url": "postgresql://me:hunter2@db/x", "table": "f"}})
    assert "hunter2" not in str(to_plain(recipe))
