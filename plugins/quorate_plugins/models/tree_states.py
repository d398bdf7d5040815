"""What scikit-learn's forests and boosting have learnt, as arrays of nodes, and the models made of them again.

Its compiled trees trust what they are given, so every child and feature is looked at before: a tree goes only on from a
node to later ones, and reads only features that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quorate_plugins.models.states import State, by_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAF = -1


def forest_state(model: Any) -> State:
    """Return the nodes of a random forest's trees."""
    classes = {"classes": model.classes_} if hasattr(model, "classes_") else {}
    return {**_nodes(model.estimators_), "features": int(model.n_features_in_), **classes}


def load_forest(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted forest."""
    several = state["tree.values"].shape[1] if "classes" not in state and state["tree.values"].ndim == 3 else 1
    model.n_features_in_, model.n_outputs_ = state["features"], several
    if "classes" in state:
        model.classes_, model.n_classes_ = state["classes"], len(state["classes"])
    model.estimators_ = _trees(state, type(model.estimator), state.get("classes"), several)
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


def histogram_state(model: Any) -> State:
    """Return the nodes of a histogram boosting's trees, and where it begins; of quantiles those of each."""
    import numpy as np

    if hasattr(model, "models_"):
        return {f"{k}.{n}": v for k, one in enumerate(model.models_) for n, v in histogram_state(one).items()}

    trees = [tree.nodes for [tree] in model._predictors]
    nodes = np.concatenate(trees)
    if nodes["is_categorical"].any():
        raise ValueError("a histogram boosting with splits by category cannot be kept")
    found: State = {f"tree.{name}": np.ascontiguousarray(nodes[name]) for name in nodes.dtype.names or ()}
    found |= {"tree.nodes": np.array([len(one) for one in trees], dtype=np.int64), "begins": model._baseline_prediction}
    classes = {"classes": model.classes_} if hasattr(model, "classes_") else {}
    return {**found, "features": int(model.n_features_in_), **classes}


def load_histogram(model: Any, state: Mapping[str, Any]) -> Any:
    """Return the fitted histogram boosting."""
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    if hasattr(model, "levels"):
        parts = zip(model.levels, by_quantile(state, len(model.levels)), strict=True)
        return model.loaded([load_histogram(model.make(level), part) for level, part in parts])
    width, counts = state["features"], state["tree.nodes"]
    nodes = np.zeros(len(state["tree.value"]), dtype=PREDICTOR_RECORD_DTYPE)
    for name in PREDICTOR_RECORD_DTYPE.names:
        nodes[name] = state[f"tree.{name}"]
    if counts.sum() != len(nodes) or counts.min() < 1 or nodes["is_categorical"].any():
        raise ValueError(f"{len(nodes)} nodes must be those of all trees, none of which splits by category")
    none, trees = np.zeros((0, 8), dtype=np.uint32), np.split(nodes, np.cumsum(counts)[:-1])
    for one in trees:
        children = one["left"].astype(np.int64), one["right"].astype(np.int64)
        _check(*children, one["feature_idx"], one["is_leaf"] == 0, width)
    model._predictors = [[TreePredictor(one, none, none)] for one in trees]
    model._baseline_prediction, model.n_trees_per_iteration_ = state["begins"], 1
    model._preprocessor, model.is_categorical_ = None, None
    model._bin_mapper = _BinMapper()
    model._bin_mapper.is_categorical_ = np.zeros(width, dtype=np.uint8)
    model._bin_mapper.bin_thresholds_ = [none] * width
    model.n_features_in_ = model._n_features = width
    model._loss = model._get_loss(sample_weight=None)
    if "classes" in state:
        model.classes_ = state["classes"]
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


def _trees(state: Mapping[str, Any], kind: Any, classes: NDArray[np.int64] | None, outputs: int = 1) -> list[Any]:
    import numpy as np
    from sklearn.tree._tree import NODE_DTYPE, Tree

    width, values = state["features"], state["tree.values"]
    nodes = np.zeros(len(values), dtype=NODE_DTYPE)
    for name in NODE_DTYPE.names:
        nodes[name] = state[f"tree.{name}"]
    many = 1 if classes is None else len(classes)
    if (
        values.shape != (len(nodes), outputs, many)
        or outputs < 1
        or state["tree.nodes"].sum() != len(nodes)
        or state["tree.nodes"].min() < 1
    ):
        raise ValueError(f"the values of {len(nodes)} nodes must have shape ({len(nodes)}, {outputs}, {many})")
    found, start = [], 0
    for count, depth in zip(state["tree.nodes"].tolist(), state["tree.depth"].tolist(), strict=True):
        part = slice(start, start + count)
        own = nodes[part]
        _check(own["left_child"], own["right_child"], own["feature"], own["left_child"] != LEAF, width)
        tree = Tree(width, np.array([many] * outputs, dtype=np.intp), outputs)
        told = {"max_depth": depth, "node_count": count, "nodes": own, "values": values[part]}
        tree.__setstate__(told)
        one = kind()
        one.tree_, one.n_outputs_, one.n_features_in_, one.max_features_ = tree, outputs, width, width
        if classes is not None:
            one.classes_, one.n_classes_ = np.arange(many, dtype=np.float64), many
        found.append(one)
        start += count
    return found


def _check(
    left: NDArray[Any], right: NDArray[Any], feature: NDArray[Any], inner: NDArray[np.bool_], width: int
) -> None:
    """Raise `ValueError`, if a node leads back or out of the tree, or reads a feature that there is not."""
    import numpy as np

    own, n = np.arange(len(left)), len(left)
    later = (left > own) & (right > own) & (left < n) & (right < n) & (feature >= 0) & (feature < width)
    if not (later | ~inner).all():
        raise ValueError(f"node {int((~later & inner).argmax())} of a tree leads to no later node, or reads no feature")
