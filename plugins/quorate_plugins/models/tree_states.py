"""What scikit-learn's forests and exact boosting have learnt, as arrays of nodes, and the models made of them again.

Its compiled trees trust what they are given, so every child and feature is looked at before: a tree goes only on from a
node to later ones, and reads only features that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

State = dict[str, Any]
LEAF = -1


def forest_state(model: Any) -> State:
    """Return the nodes of a random forest's trees."""
    classes = {"classes": model.classes_} if hasattr(model, "classes_") else {}
    return {**_nodes(model.estimators_), "features": int(model.n_features_in_), **classes}


def load_forest(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted forest."""
    model.n_features_in_, model.n_outputs_ = state["features"], 1
    if "classes" in state:
        model.classes_, model.n_classes_ = state["classes"], len(state["classes"])
    model.estimators_ = _trees(state, type(model.estimator), state.get("classes"))
    return model


def boosting_state(model: Any) -> State:
    """Return the nodes of an exact boosting's trees, and where it begins."""
    classes = {"classes": model.classes_} if hasattr(model, "classes_") else {}
    begins = model.init_.class_prior_ if classes else model.init_.constant_
    return {**_nodes(model.estimators_[:, 0]), "features": int(model.n_features_in_), "begins": begins, **classes}


def load_boosting(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted boosting."""
    import numpy as np
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.tree import DecisionTreeRegressor

    one = np.zeros((2, 1))
    if "classes" in state:
        model.classes_, model.n_classes_ = state["classes"], len(state["classes"])
        model.init_ = DummyClassifier(strategy="prior").fit(one, state["classes"])
        model.init_.class_prior_ = state["begins"]
    else:
        model.init_ = DummyRegressor().fit(one, np.zeros(2))
        model.init_.constant_ = state["begins"]
    model.n_features_in_, model.n_trees_per_iteration_ = state["features"], 1
    model._loss = model._get_loss(sample_weight=None)
    trees = _trees(state, DecisionTreeRegressor, None)
    model.estimators_ = np.empty((len(trees), 1), dtype=object)
    model.estimators_[:, 0] = trees
    model.n_estimators_ = len(trees)
    return model


def _nodes(estimators: Any) -> State:
    """Return the nodes of all trees, one tree after the other."""
    import numpy as np

    states = [one.tree_.__getstate__() for one in estimators]
    nodes = np.concatenate([one["nodes"] for one in states])
    found: State = {f"tree.{name}": np.ascontiguousarray(nodes[name]) for name in nodes.dtype.names or ()}
    found["tree.values"] = np.concatenate([one["values"] for one in states])
    found["tree.nodes"] = np.array([one["node_count"] for one in states], dtype=np.int64)
    found["tree.depth"] = np.array([one["max_depth"] for one in states], dtype=np.int64)
    return found


def _trees(state: Mapping[str, Any], kind: Any, classes: NDArray[np.int64] | None) -> list[Any]:
    import numpy as np
    from sklearn.tree._tree import NODE_DTYPE, Tree

    width, values = state["features"], state["tree.values"]
    nodes = np.zeros(len(values), dtype=NODE_DTYPE)
    for name in NODE_DTYPE.names:
        nodes[name] = state[f"tree.{name}"]
    many = 1 if classes is None else len(classes)
    if (
        values.shape != (len(nodes), 1, many)
        or state["tree.nodes"].sum() != len(nodes)
        or state["tree.nodes"].min() < 1
    ):
        raise ValueError(f"the values of {len(nodes)} nodes must have shape ({len(nodes)}, 1, {many})")
    found, start = [], 0
    for count, depth in zip(state["tree.nodes"].tolist(), state["tree.depth"].tolist(), strict=True):
        part = slice(start, start + count)
        _check(nodes[part], width)
        tree = Tree(width, np.array([many], dtype=np.intp), 1)
        told = {"max_depth": depth, "node_count": count, "nodes": nodes[part], "values": values[part]}
        tree.__setstate__(told)
        one = kind()
        one.tree_, one.n_outputs_, one.n_features_in_, one.max_features_ = tree, 1, width, width
        if classes is not None:
            one.classes_, one.n_classes_ = np.arange(many, dtype=np.float64), many
        found.append(one)
        start += count
    return found


def _check(nodes: NDArray[Any], width: int) -> None:
    """Raise `ValueError`, if a node leads back or out of the tree, or reads a feature that there is not."""
    import numpy as np

    own, n = np.arange(len(nodes)), len(nodes)
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    inner = left != LEAF
    later = (left > own) & (right > own) & (left < n) & (right < n) & (feature >= 0) & (feature < width)
    if not (later | ~inner).all():
        raise ValueError(f"node {int((~later & inner).argmax())} of a tree leads to no later node, or reads no feature")
