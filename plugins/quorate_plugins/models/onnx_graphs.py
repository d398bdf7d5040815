"""The built-in models as ONNX: each a function of a fitted model and its number of features.

One input, ``features``, float32 (batch, n_features), and one output, ``prediction``, float32 (batch, n_outputs): the
probability of class 1, the number, or a column for each quantile or step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.models.onnx_trees import Tree, joined
from quorate_plugins.models.states import linear_state

OPSET, ML_OPSET, IR = 17, 3, 8  # what runtimes of the last years read
INPUT, OUTPUT = "features", "prediction"


def linear(model: Any, n_features: int) -> bytes:
    """Return a linear model with its scaler."""
    state = linear_state(model)
    graph = _Graph(n_features)
    graph.standardise(state["scaler.mean"], state["scaler.scale"])
    graph.layer(np.atleast_2d(state["coef"]), np.reshape(state["intercept"], -1))
    if "classes" in state:
        graph.add("Sigmoid")
    elif "label.mean" in state:
        graph.rescale(state["label.scale"], state["label.mean"])
    return graph.to_bytes()


def forest(model: Any, n_features: int) -> bytes:
    """Return a random forest: the mean of its trees."""
    found = []
    for one in model.estimators_:
        values = one.tree_.value
        if hasattr(model, "classes_"):
            shares = values / values.sum(axis=2, keepdims=True)
            values = shares[:, :, [int(name) for name in model.classes_].index(1), None]
        found.append(_of_sklearn(one.tree_, values[:, :, 0] / len(model.estimators_)))
    return _of_trees(found, n_features, [0.0] * model.n_outputs_)


def boosting(model: Any, n_features: int) -> bytes:
    """Return scikit-learn's boosting with exact splits."""
    trees = [_of_sklearn(one.tree_, one.tree_.value[:, 0, 0] * model.learning_rate) for one in model.estimators_[:, 0]]
    if not hasattr(model, "classes_"):
        return _of_trees(trees, n_features, np.ravel(model.init_.constant_))
    return _of_trees(trees, n_features, [_logit(model.init_.class_prior_[1])], probability=True)


def histogram(model: Any, n_features: int) -> bytes:
    """Return scikit-learn's histogram boosting."""
    every = getattr(model, "models_", [model])
    trees = [
        Tree(
            one.nodes["feature_idx"],
            one.nodes["num_threshold"],
            one.nodes["left"].astype(np.int64),
            one.nodes["right"].astype(np.int64),
            one.nodes["value"],
            one.nodes["is_leaf"] == 1,
            one.nodes["missing_go_to_left"] == 1,
        )
        for part in every
        for [one] in part._predictors
    ]
    outputs = [k for k, part in enumerate(every) for _ in part._predictors]
    begins = [float(np.ravel(part._baseline_prediction)[0]) for part in every]
    return _of_trees(trees, n_features, begins, outputs, probability=hasattr(model, "classes_"))


def xgboost(model: Any, n_features: int) -> bytes:
    """Return a booster of XGBoost, whose splits send on what is less."""
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    trees, boosted = [], learner["gradient_booster"]["model"]
    for one in boosted["trees"]:
        if any(one["split_type"]):
            raise ValueError("splits by category cannot be exported")
        conditions, left = np.array(one["split_conditions"]), np.array(one["left_children"])
        trees.append(
            Tree(
                np.array(one["split_indices"]),
                conditions,
                left,
                np.array(one["right_children"]),
                conditions,
                left < 0,
                np.array(one["default_left"]) == 1,
            )
        )
    begins = np.ravel(json.loads(learner["learner_model_param"]["base_score"]))
    begins = np.broadcast_to(begins, max(len(begins), *(one + 1 for one in boosted["tree_info"])))
    probability = learner["objective"]["name"] == "binary:logistic"
    begins = _logit(begins) if probability else begins
    return _of_trees(trees, n_features, begins, boosted["tree_info"], probability, "BRANCH_LT")


def lightgbm(model: Any, n_features: int) -> bytes:
    """Return a booster of LightGBM."""
    every = [one.booster_.dump_model() for one in getattr(model, "models_", [model])]
    trees = [_of_lightgbm(tree["tree_structure"]) for one in every for tree in one["tree_info"]]
    outputs = [k for k, one in enumerate(every) for _ in one["tree_info"]]
    probability = every[0].get("objective", "").startswith("binary")
    return _of_trees(trees, n_features, [0.0] * len(every), outputs, probability)


def catboost(model: Any, n_features: int) -> bytes:
    """Return a model of CatBoost, whose trees ask the same question at each depth."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        document = json.loads(path.read_text(encoding="utf-8"))
    if document["features_info"].get("categorical_features"):
        raise ValueError("splits by category cannot be exported")
    scale, begins = document["scale_and_bias"]
    trees = [_of_catboost(one, scale, len(begins)) for one in document["oblivious_trees"]]
    return _of_trees(trees, n_features, begins, probability=hasattr(model, "predict_proba"))


def _of_sklearn(tree: Any, values: NDArray[np.float64]) -> Tree:
    leaf = tree.children_left < 0
    missing = tree.missing_go_to_left == 1
    return Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, values, leaf, missing)


def _of_lightgbm(root: dict[str, Any]) -> Tree:
    rows: list[tuple[Any, ...]] = []

    def add(node: dict[str, Any]) -> int:
        place = len(rows)
        rows.append(())
        if "leaf_value" in node:
            rows[place] = (0, 0.0, 0, 0, node["leaf_value"], True, False)
            return place
        if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
            raise ValueError("splits by category, or where zero is missing, cannot be exported")
        # Without missing values in training, one counts as zero.
        missing = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        children = add(node["left_child"]), add(node["right_child"])
        rows[place] = (node["split_feature"], node["threshold"], *children, 0.0, False, missing)
        return place

    add(root)
    return Tree(*map(np.array, zip(*rows, strict=True)))


def _of_catboost(tree: dict[str, Any], scale: float, outputs: int) -> Tree:
    """Return an oblivious tree as any other: bit i of a leaf's number says whether split i was exceeded."""
    splits, leaves = tree["splits"] or [], np.reshape(tree["leaf_values"], (-1, outputs)) * scale
    depth = len(splits)
    inner, n = 2**depth - 1, 2 ** (depth + 1) - 1
    own = np.arange(n)
    level = np.log2(own + 1).astype(np.int64)
    asked = [splits[depth - 1 - one] for one in level[:inner]]  # the root decides the highest bit
    feature, threshold = np.zeros(n, dtype=np.int64), np.zeros(n)
    feature[:inner] = [one["float_feature_index"] for one in asked]
    threshold[:inner] = [one["border"] for one in asked]
    values = np.zeros((n, outputs))
    values[inner:] = leaves  # to the right lies the set bit, so leaves stand in the order of their numbers
    return Tree(feature, threshold, 2 * own + 1, 2 * own + 2, values, own >= inner, np.ones(n, dtype=bool))


def _of_trees(
    trees: Sequence[Tree],
    n_features: int,
    begins: Any,
    outputs: Sequence[int] = (),
    probability: bool = False,
    mode: str = "BRANCH_LEQ",
) -> bytes:
    graph = _Graph(n_features)
    graph.add("TreeEnsembleRegressor", domain="ai.onnx.ml", **joined(trees, begins, mode, outputs))
    graph.outputs = len(begins)
    if probability:
        graph.add("Sigmoid")
    return graph.to_bytes()


def _logit(p: Any) -> Any:
    return np.log(p / (1 - p))


class _Graph:
    """Operators in a row, each on what the one before it gave."""

    def __init__(self, n_features: int) -> None:
        self._width, self._last, self.outputs = n_features, INPUT, 1
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *constants: Any, domain: str = "", **attributes: Any) -> None:
        from onnx import helper, numpy_helper

        place, names = len(self._nodes), [self._last]
        for value in constants:
            names.append(f"constant_{len(self._constants)}")
            self._constants.append(numpy_helper.from_array(np.asarray(value, dtype=np.float32), names[-1]))
        self._last = f"step_{place}"
        self._nodes.append(helper.make_node(operator, names, [self._last], domain=domain, **attributes))

    def standardise(self, mean: Any, scale: Any) -> None:
        self.add("Sub", mean)
        self.add("Div", scale)

    def layer(self, weight: NDArray[Any], bias: NDArray[Any]) -> None:
        self.add("Gemm", weight, bias, transB=1)
        self.outputs = len(bias)

    def rescale(self, scale: Any, mean: Any) -> None:
        self.add("Mul", scale)
        self.add("Add", mean)

    def to_bytes(self) -> bytes:
        from onnx import TensorProto, helper

        self._nodes[-1].output[0] = OUTPUT
        given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", self._width])
        gives = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", self.outputs])
        graph = helper.make_graph(self._nodes, "model", [given], [gives], self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=IR).SerializeToString()
        return content
