"""The built-in models as ONNX: what onnxruntime makes of them is what they predict, on either side of a threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import quorate
from quorate.errors import FitError, QuorateError
from quorate.execution import portable
from quorate.execution.portable_steps import grus_in_steps
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate_plugins.models import onnx_trees
from quorate_plugins.models.onnx_trees import Tree

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

REGISTRY = Registry.load(environment=False)
SMALL = {
    "random-forest": {"n_estimators": 8},
    "gradient-boosting": {"max_iter": 8},
    "gradient-boosting-exact": {"n_estimators": 8},
    "xgboost": {"n_estimators": 8},
    "lightgbm": {"n_estimators": 8},
    "catboost": {"iterations": 8},
    "mlp": {"epochs": 2},
}
SPECS = {
    name: REGISTRY.get(ModelSpec, name)
    for name in REGISTRY.names("model")
    if name == "mlp" or REGISTRY.find("model", name).provider.module == "quorate_plugins.models"
}
CASES = [
    (name, task)
    for name, spec in SPECS.items()
    if spec.onnx is not None
    for task in (("classification", "regression") if spec.task == "any" else (spec.task,))
]
WIDTH = 4


def rows(n=600, seed=0):
    """Return rows of which many have the same values: thresholds lie between few numbers, and on some of them."""
    X = np.random.default_rng(seed).standard_normal((n, WIDTH)).astype(np.float32)
    X[:, 1:] = np.round(X[:, 1:], 1)
    return X


def fitted(name, task, X):
    noise = np.random.default_rng(1).standard_normal(len(X))
    label = X[:, 0] + X[:, 1] * np.nan_to_num(X[:, 2]) + 0.3 * noise
    spec = SPECS[name].for_label(task)
    model = spec.resolve()(**{**dict(spec.params), **SMALL.get(name, {})})
    model.fit(X, (label > 0).astype(np.int64) if task == "classification" else 0.01 * label)
    return spec, model


def own(spec, model, X):
    return model.predict_proba(X)[:, 1] if spec.task == "classification" else np.ravel(model.predict(X))


def exported(spec, model):
    return portable.finished(spec.exporter()(model, WIDTH), spec, WIDTH, {"model": "m"})


@pytest.mark.parametrize("name, task", CASES)
def test_a_built_in_model_predicts_the_same_as_onnx(name, task):
    X = rows()
    spec, model = fitted(name, task, X)
    given = portable.answers(exported(spec, model), np.concatenate((X, rows(200, seed=3))))
    predicted = own(spec, model, np.concatenate((X, rows(200, seed=3))))
    assert np.ptp(predicted) > 0
    assert np.abs(given[:, 0] - predicted).max() < 1e-5 * np.abs(predicted).max()


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "gradient-boosting", "catboost"])
def test_quantiles_are_columns(name):
    X, asked = rows(), rows(200, seed=3)
    params = {**dict(SPECS[name].params), **SMALL[name], "quantiles": [0.1, 0.5, 0.9]}
    spec = SPECS[name].for_label("regression", params)
    model = spec.resolve()(**{**params, "task": "regression"}).fit(X, 0.01 * X[:, 0].astype(np.float64))
    given, predicted = portable.answers(exported(spec, model), asked), model.predict(asked)
    assert given.shape == predicted.shape == (200, 3)
    assert np.ptp(predicted[0]) > 0
    assert np.abs(given - predicted).max() < 1e-5 * np.abs(predicted).max()


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.steps])
def test_steps_are_columns(name):
    X, asked = rows(), rows(200, seed=3)
    spec = SPECS[name].for_label("regression")
    model = spec.resolve()(**{**dict(spec.params), **SMALL.get(name, {})})
    model.fit(X, 0.01 * np.column_stack((X[:, 0], X[:, 1] - X[:, 2], X[:, 1])).astype(np.float64))
    spec = spec.at_steps((1, 3, 5), 3)
    given, predicted = portable.answers(exported(spec, model), asked), model.predict(asked)
    assert given.shape == predicted.shape == (200, 3)
    assert np.abs(given - predicted).max() < 1e-5 * np.abs(predicted).max()


def test_models_of_one_step_each_are_one_with_their_outputs_side_by_side():
    X, asked = rows(), rows(200, seed=3)
    params = {**SMALL["lightgbm"], "quantiles": [0.25, 0.5], "task": "regression"}
    spec = SPECS["lightgbm"].for_label("regression", params)
    models = [spec.resolve()(**params).fit(X, 0.01 * X[:, k].astype(np.float64)) for k in (0, 1)]
    whole = portable.beside([spec.exporter()(model, WIDTH) for model in models])
    given = portable.answers(portable.finished(whole, spec.at_steps((1, 5), 1), WIDTH, {}), asked)
    predicted = np.column_stack([model.predict(asked) for model in models])
    assert given.shape == predicted.shape == (200, 4)
    assert np.abs(given - predicted).max() < 1e-5 * np.abs(predicted).max()


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "gradient-boosting", "random-forest"])
@pytest.mark.parametrize("known", [True, False], ids=["trained-on-holes", "holes-are-new"])
def test_a_missing_value_goes_where_the_model_sends_it(name, known):
    X, asked = rows(), rows(200, seed=3)
    X[::5, 2] = np.nan if known else 0.0
    asked[::3, 2] = np.nan
    asked[::4, 0] = np.nan if name in ("xgboost", "lightgbm") else 0.0
    spec, model = fitted(name, "classification", X)
    given = portable.answers(exported(spec, model), asked)
    assert np.abs(given[:, 0] - own(spec, model, asked)).max() < 1e-6


def test_a_threshold_between_two_neighbours_in_single_precision_divides_them():
    low = np.float32(0.1)
    high = np.nextafter(low, np.float32(1))
    threshold = (np.float64(low) + np.float64(high)) * 0.5 + 1e-12  # rounds to the larger
    assert np.float32(threshold) == high
    stump = Tree(
        *map(np.array, ([0, 0, 0], [threshold, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 2], [False, True, True])),
        np.zeros(3, dtype=bool),
    )
    node = onnx.helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **onnx_trees.joined([stump], [0.0], "BRANCH_LEQ")
    )
    content = serialised([node], ["n", 1], ["n", 1])
    assert portable.answers(content, np.array([[low], [high]], dtype=np.float32)).tolist() == [[1.0], [2.0]]


def serialised(nodes, given, gives, kind=None, outputs=1, constants=()):
    float32 = onnx.TensorProto.FLOAT
    ends = [onnx.helper.make_tensor_value_info("y" * (n + 1), kind or float32, gives) for n in range(outputs)]
    begins = onnx.helper.make_tensor_value_info("x", kind or float32, given)
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    graph = onnx.helper.make_graph(nodes, "g", [begins], ends, list(constants))
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def halved(given, gives, **more):
    return serialised([onnx.helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=1)], given, gives, **more)


ROWS = quorate.ModelSpec("m", "a:b", task="regression")


@pytest.mark.parametrize(
    "content, told",
    [
        (b"no model", "no valid model"),
        (lambda: halved([1, WIDTH], [1, 1]), "input of an exported model must take a batch of any length"),
        (lambda: halved(["n", 3], ["n", 1]), r"must be float32 \(batch, 4\); the onnx hook gave shape \('n', 3\)"),
        (lambda: halved(["n", WIDTH], ["n", 1], kind=11), r"must be float32 \(batch, 4\); the onnx hook gave DOUBLE"),
    ],
)
def test_what_is_no_model_of_these_rows_is_refused(content, told):
    with pytest.raises(FitError, match=told):
        portable.finished(content if isinstance(content, bytes) else content(), ROWS, WIDTH, {})


def test_several_outputs_are_refused_where_one_is_promised():
    nodes = [onnx.helper.make_node("ReduceMean", ["x"], [name], axes=[1], keepdims=1) for name in ("y", "yy")]
    with pytest.raises(FitError, match="one input and one output; the onnx hook gave 1 and 2"):
        portable.finished(serialised(nodes, ["n", WIDTH], ["n", 1], outputs=2), ROWS, WIDTH, {})


def test_input_output_and_batch_have_the_same_names_whatever_the_plugin_calls_them():
    content = portable.finished(halved(["n", WIDTH], ["n", 1]), ROWS, WIDTH, {"run": "r"})
    graph = onnx.load_model_from_string(content).graph
    found = [(one.name, one.type.tensor_type.shape.dim[0].dim_param) for one in (*graph.input, *graph.output)]
    assert found == [("features", "batch"), ("prediction", "batch")]
    X = rows(5)
    assert portable.answers(content, X)[:, 0] == pytest.approx(X.mean(axis=1), rel=1e-5)
    assert portable.answers(content, X[:1]).shape == (1, 1)


def test_windows_are_an_input_of_three_axes():
    spec = replace(ROWS, input="windows", lookback=5)
    nodes = [onnx.helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2], keepdims=1)]
    nodes += [onnx.helper.make_node("Reshape", ["m", "shape"], ["y"])]
    shape = onnx.numpy_helper.from_array(np.array([-1, 1]), "shape")
    content = serialised(nodes, ["n", 5, WIDTH], ["n", 1], constants=[shape])
    X = np.random.default_rng(2).standard_normal((7, 5, WIDTH)).astype(np.float32)
    found = portable.answers(portable.finished(content, spec, WIDTH, {}), X)
    assert found[:, 0] == pytest.approx(X.mean(axis=(1, 2)), abs=1e-6)
    with pytest.raises(FitError, match=r"must be float32 \(batch, 6, 4\)"):
        portable.finished(content, replace(spec, lookback=6), WIDTH, {})


def test_a_network_is_quantised_and_nothing_else_is():
    spec, model = fitted("mlp", "classification", rows())
    content = exported(spec, model)
    small = portable.quantised(content)
    kinds = {one.data_type for one in onnx.load_model_from_string(small).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    X = rows(200, seed=3)
    apart = portable.difference(own(spec, model, X)[:, None], portable.answers(small, X), 0.5)
    assert apart.allowed < apart.largest < 0.05
    for name, told in (("xgboost", "this model is trees"), ("logistic", "this model is a weighted sum")):
        with pytest.raises(QuorateError, match=told):
            portable.quantised(exported(*fitted(name, "classification", rows())))


def test_weights_that_are_steps_of_their_own_are_quantised_too():
    weights = np.random.default_rng(0).standard_normal((1, WIDTH, 8)).astype(np.float32)
    nodes = [onnx.helper.make_node("Constant", [], ["w"], value=onnx.numpy_helper.from_array(weights, "w"))]
    nodes += [onnx.helper.make_node("MatMul", ["x", "w"], ["m"])]
    nodes += [onnx.helper.make_node("ReduceMean", ["m"], ["y"], axes=[0, 2], keepdims=0)]
    content = serialised(nodes, ["n", WIDTH], ["n"])
    kinds = {one.data_type for one in onnx.load_model_from_string(portable.quantised(content)).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds


def recurrent(direction="forward", opset=17, **told):
    """Return a model of one GRU: of windows of 5 bars, the largest of all its states, and its last ones."""
    ways, hidden = 2 if direction == "bidirectional" else 1, 6
    draw = np.random.default_rng(4).standard_normal
    values = {
        "w": draw((ways, 3 * hidden, WIDTH)).astype(np.float32),
        "r": draw((ways, 3 * hidden, hidden)).astype(np.float32),
        "b": draw((ways, 6 * hidden)).astype(np.float32),
        "place": np.array([0]),
        "ways": np.array([ways]),
        "hidden": np.array([hidden]),
    }
    made = onnx.helper.make_node
    begin = onnx.numpy_helper.from_array(np.array([0.3], dtype=np.float32))
    nodes = [
        made("Transpose", ["x"], ["bars"], perm=[1, 0, 2]),
        made("Shape", ["x"], ["shape"]),
        made("Gather", ["shape", "place"], ["rows"]),
        made("Concat", ["ways", "rows", "hidden"], ["size"], axis=0),
        made("ConstantOfShape", ["size"], ["begin"], value=begin),
        made(
            "GRU", ["bars", "w", "r", "b", "", "begin"], ["every", "last"], direction=direction, hidden_size=6, **told
        ),
        made("ReduceMax", ["every"], ["largest"], axes=[0, 1], keepdims=0),
        made("ReduceMax", ["last"], ["latest"], axes=[0], keepdims=0),
        made("Concat", ["largest", "latest"], ["y"], axis=1),
    ]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in values.items()]
    model = onnx.load_model_from_string(serialised(nodes, ["n", 5, WIDTH], ["n", 2 * hidden], constants=constants))
    model.opset_import[0].version = opset
    return model


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_a_gru_in_steps_gives_what_it_gives(direction):
    model = recurrent(direction, linear_before_reset=1)
    X = np.random.default_rng(5).standard_normal((7, 5, WIDTH)).astype(np.float32)
    wanted = portable.answers(model.SerializeToString(), X)
    grus_in_steps(model)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node].count("Scan") == 1 + (direction == "bidirectional")
    assert not {"w", "r", "b"} & {one.name for one in model.graph.initializer}
    for rows in (X, X[:1]):  # as many as are asked for
        np.testing.assert_allclose(portable.answers(model.SerializeToString(), rows), wanted[: len(rows)], atol=1e-6)


@pytest.mark.parametrize(
    "told",
    [
        {"linear_before_reset": 0},
        {"linear_before_reset": 1, "clip": 3.0},
        {"linear_before_reset": 1, "activations": ["Sigmoid", "Relu"]},
        {"linear_before_reset": 1, "opset": 12},
    ],
)
def test_another_gru_is_left_as_it_is(told):
    model = recurrent(**told)
    before = model.SerializeToString(deterministic=True)
    grus_in_steps(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_difference_is_measured_against_the_largest_prediction():
    one = np.array([[0.002], [-0.001], [0.001]])
    found = portable.difference(one, one + np.array([[0.0], [0.0015], [0.0]]), 0.0)
    assert found.largest == pytest.approx(0.0015)
    assert found.mean == pytest.approx(0.0005)
    assert found.allowed == pytest.approx(2e-7)
    assert found.turned == pytest.approx(1 / 3)
