"""Splitters and the embargo, from the recipe to the folds of a walk."""

from __future__ import annotations

import numpy as np
import pytest

import quorate
from quorate.plugins.registry import Registry
from quorate.recipe.digest import recipe_digest
from quorate.recipe.load import validate
from quorate.recipe.resolve import resolve, to_toml
from quorate.walkforward.layout import WalkForward, prepare

REGISTRY = Registry.load(environment=False)
BARS = REGISTRY.get("source", "simulated").resolve()(n_bars=700)
HOLDOUT = 550
SMALL = {
    "data": {"source": "simulated", "n_bars": 700},
    "features": {"use": ["return_1", "return_5"]},
    "models": {"logistic": {}},
}


def resolved(**folds: object) -> quorate.Recipe:
    return resolve(validate({**SMALL, "folds": folds}, "given"), REGISTRY)[0]


def walk(**folds: object) -> WalkForward:
    parts = [(0, HOLDOUT), (HOLDOUT, 700)]
    return prepare(resolved(**folds), REGISTRY, BARS, parts)


def test_an_embargo_leaves_out_the_labels_that_end_just_before_each_fold() -> None:
    plain, none, kept = (walk(initial=300, test=100, **more) for more in ({}, {"embargo": 0}, {"embargo": 10}))
    end = plain.dataset.end
    for one, other, less in zip(plain.folds, none.folds, kept.folds, strict=True):
        assert one.train.tolist() == other.train.tolist()
        assert one.test.tolist() == other.test.tolist() == less.test.tolist()
        assert less.train.tolist() == [row for row in one.train.tolist() if end[row] < one.first - 10]
        assert len(less.train) == len(one.train) - 10


def test_no_embargo_makes_no_other_recipe_and_another_one_is_kept() -> None:
    digests = [recipe_digest(resolved(**more), REGISTRY) for more in ({}, {"embargo": 0}, {"embargo": 7})]
    assert digests[0] == digests[1] != digests[2]
    assert "embargo = 7" in to_toml(resolved(embargo=7), REGISTRY)


@pytest.mark.parametrize("embargo", [-1, 2.5, True])
def test_an_embargo_is_a_number_of_bars(embargo: object) -> None:
    with pytest.raises(quorate.RecipeError, match=r"folds\.embargo"):
        resolved(embargo=embargo)


def test_a_walk_forward_refuses_a_combinatorial_splitter() -> None:
    for options in ({}, {"groups": 6, "tests": 2}):
        with pytest.raises(quorate.RecipeError, match=r"folds\.splitter: .* trains on later data, too"):
            resolved(splitter="combinatorial", **options)


@pytest.mark.parametrize(
    "folds",
    [
        {"splitter": "chronological"},
        {"splitter": "chronological", "refit": False, "embargo": 3},
        {"splitter": "auto"},
        {"splitter": "calendar", "train": "1Y", "test": "1Q"},
        {"splitter": "calendar", "train": "all", "initial": "250B", "test": "2M", "embargo": 5},
        {"splitter": "anchored", "anchor": str(BARS.sessions[40]), "initial": 250, "test": 100},
    ],
    ids=lambda folds: " ".join(map(str, folds.values())),
)
def test_every_splitter_lays_out_a_study_and_its_holdout(folds: dict[str, object]) -> None:
    one = walk(**folds)
    tested = np.concatenate([fold.test for fold in one.folds])
    assert tested.tolist() == np.flatnonzero(one.dataset.bar >= one.folds[0].first).tolist()
    assert HOLDOUT in [fold.first for fold in one.folds]
    told = [w for w in one.warnings if "splitter 'auto' chose 5 folds of 22 bars; the first trains on 440 of 550" in w]
    assert len(told) == (folds["splitter"] == "auto")
    if folds.get("refit") is False:  # the holdout, too, is predicted by what the first part trained
        assert len({fold.train.tobytes() for fold in one.folds}) == 1
    if "anchor" in folds:
        assert {int(one.dataset.bar[fold.train].min()) for fold in one.folds} == {40}
