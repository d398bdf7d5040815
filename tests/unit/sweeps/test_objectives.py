"""What trials are compared by, and which of a front is chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quorate
from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Tuning
from quorate.sweeps.objectives import ONE_LOSS, Objectives, choose, front, objectives_of
from quorate.sweeps.trial import FoldLoss, Trial

REGISTRY = Registry.load(environment=False)


def trial(number, *values):
    return Trial(number, {}, {0: FoldLoss(values=tuple(map(float, values)))}, "complete", 1)


def metric(name, higher):
    return quorate.MetricSpec(name, lambda performance: 0.0, higher_is_better=higher)


TWO = Objectives((metric("rmse", False), metric("accuracy", True)))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_no_member_of_a_front_is_dominated_and_all_others_are(points):
    trials = [trial(k, *point) for k, point in enumerate(points)]
    found = front(trials)

    def dominates(one, other):
        return all(a <= b for a, b in zip(one, other, strict=True)) and one != other

    members = {t.values for t in found}
    assert len(members) == len(found)
    for t in trials:
        beaten = any(dominates(other.values, t.values) for other in trials)
        assert (t.values in members) == (not beaten)


def test_what_is_undefined_stands_on_no_front():
    assert [t.number for t in front([trial(0, math.inf, 1), trial(1, 2, 2)])] == [1]
    assert front([trial(0, math.inf, 1)]) == []
    assert TWO.best([trial(1, math.inf, 1), trial(0, math.inf, 2)]).number == 0


FRONT = np.array([[0.0, 10.0], [1.0, 2.0], [4.0, 1.0], [10.0, 0.0]])


@pytest.mark.parametrize(
    ("rule", "weights", "expected"),
    [
        ("knee", (), 1),  # 0.1 + 0.2 of the ranges, against 1, 0.5 and 1
        ("lexicographic", (), 0),
        ("weighted", (1.0, 0.0), 0),
        ("weighted", (0.0, 1.0), 3),
        ("weighted", (1.0, 6.0), 2),
    ],
)
def test_rules_choose_one_of_a_front(rule, weights, expected):
    assert choose(FRONT, rule, weights) == expected


def test_a_knee_does_not_depend_on_units():
    assert choose(FRONT * [1e-6, 1e3] + [5, -2], "knee") == 1


def test_values_turn_there_and_back():
    assert TWO.turned([0.5, 0.7]) == [0.5, -0.7]
    assert TWO.turned(TWO.turned([0.5, 0.7])) == [0.5, 0.7]
    assert ONE_LOSS.names == ("loss",)
    assert ONE_LOSS.turned([0.3]) == [0.3]


def test_deviations_over_folds_make_it_worse():
    values = np.array([1.0, 2.0, 3.0])
    assert Objectives(TWO.metrics, 0.0).over_folds(values) == 2.0
    assert Objectives(TWO.metrics, 0.5).over_folds(values) == 2.5
    assert Objectives(TWO.metrics, 0.5).over_folds(-values) == -1.5
    assert Objectives(TWO.metrics, 0.5).over_folds(np.array([1.0, math.nan])) == math.inf


def test_a_recipe_names_them():
    aims = objectives_of(Tuning.model_validate({"objective": ["rmse", "direction-accuracy"]}), REGISTRY)
    assert aims.names == ("rmse", "direction-accuracy")
    assert aims.higher == (False, True)
    assert aims.several
    assert objectives_of(Tuning(), REGISTRY) is ONE_LOSS


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"objective": "sharp"}, "did you mean 'sharpe'"),
        ({"objective": "exposure"}, "exposure is better neither high nor low"),
        ({"objective": "pinball"}, "pinball is of quantiles, and trials are judged by what is combined"),
        ({"objective": ["sharpe", "sharpe"]}, "each once"),
        ({"objective": ["loss", "sharpe"]}, "loss stands alone"),
        ({"deviation": 1.0}, "tuning.deviation is not for loss"),
        ({"objective": "sharpe", "weights": [1.0]}, "tuning.weights is not for one objective"),
        ({"objective": ["sharpe", "brier"], "weights": [1.0, 2.0]}, 'is for tuning.choose = "weighted"'),
        ({"objective": ["sharpe", "brier"], "choose": "weighted"}, "one weight for each of sharpe, brier"),
        ({"objective": ["sharpe", "brier"], "choose": "weighted", "weights": [0.0, 0.0]}, "above zero in sum"),
    ],
)
def test_rules_that_do_not_fit_are_refused(given, told):
    with pytest.raises(RecipeError, match=told):
        objectives_of(Tuning.model_validate(given), REGISTRY)
