"""States of the built-in models: what is no tree is not given to compiled code."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate_plugins.models.forests import gradient_boosting, random_forest
from quorate_plugins.models.tree_states import forest_state, histogram_state, load_forest, load_histogram

REGISTRY = Registry.load(environment=False)
NOT_KEPT = {"majority", "past-mean", "persistence"}


@pytest.fixture
def forest():
    X = np.random.default_rng(1).standard_normal((80, 3)).astype(np.float32)
    return random_forest(n_estimators=2, max_depth=3, task="regression").fit(X, X[:, 0].astype(np.float64))


@pytest.mark.parametrize(
    "name, node, value",
    [
        ("tree.left_child", 0, 0),  # to itself
        ("tree.right_child", 0, 10_000),
        ("tree.left_child", 0, -7),
        ("tree.feature", 0, 3),
        ("tree.feature", 0, -5),
    ],
)
def test_a_tree_that_leads_nowhere_is_refused(forest, name, node, value):
    state = forest_state(forest)
    load_forest(random_forest(task="regression"), state)
    state[name][node] = value
    with pytest.raises(ValueError, match="node 0 of a tree"):
        load_forest(random_forest(task="regression"), state)


@pytest.mark.parametrize("name, cut", [("tree.values", np.s_[:-1]), ("tree.nodes", np.s_[:1])])
def test_trees_with_a_part_missing_are_refused(forest, name, cut):
    state = forest_state(forest)
    state[name] = state[name][cut]
    with pytest.raises(ValueError, match=r"nodes must have shape|broadcast"):
        load_forest(random_forest(task="regression"), state)


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("tree.left", 0, "node 0 of a tree"),  # to itself
        ("tree.right", 10_000, "node 0 of a tree"),
        ("tree.feature_idx", 3, "node 0 of a tree"),
        ("tree.is_categorical", 1, "none of which splits by category"),
        ("tree.nodes", 1, "must be those of all trees"),
    ],
)
def test_a_tree_of_histogram_boosting_that_leads_nowhere_is_refused(name, value, told):
    X = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
    state = histogram_state(gradient_boosting(max_iter=2, task="regression").fit(X, X[:, 0].astype(np.float64)))
    load_histogram(gradient_boosting(task="regression"), state)
    state[name][0] = value
    with pytest.raises(ValueError, match=told):
        load_histogram(gradient_boosting(task="regression"), state)


def test_which_built_in_models_can_be_kept():
    specs = {name: REGISTRY.get(ModelSpec, name) for name in REGISTRY.names("model")}
    assert {name for name, spec in specs.items() if spec.keeper() is None} == NOT_KEPT
