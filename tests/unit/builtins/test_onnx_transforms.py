"""Transforms as ONNX in front of a model: what onnxruntime makes of features is what the model reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quorate.errors import FitError, QuorateError
from quorate.execution import portable
from quorate.execution.portable_transforms import onnx_of_transform, with_transforms
from quorate.execution.transforms import Chain, Step, Transforms, learn, turn
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec, TransformSpec

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

REGISTRY = Registry.load(environment=False)
NAMES = REGISTRY.names("transform")
MOST = np.finfo(np.float32).max


def rows():
    """Return rows of other sizes and centres, one column with few different values, one that never varies."""
    X = np.random.default_rng(4).normal(0, 1, (500, 5)) * (0.01, 2, 300, 1, 0) + (1, 0, -50, 0, 7)
    X[:, 3] = np.round(X[:, 3], 1)
    return X.astype(np.float32)


def later(X):
    """Return rows as none of those that a transform has learnt from."""
    wild = np.outer((MOST, -MOST, 0, 1e-30), np.ones(X.shape[1]))
    return np.concatenate((X, 50 * X, 1e-9 * X, wild)).astype(np.float32)


def learnt_of(X, *chains):
    """Return chains, each a name, columns, and transforms with their options, learnt from rows."""
    made, states = [], []
    for name, columns, *steps in chains:
        part, own = X[:, columns], []
        for step, options in steps:
            spec = REGISTRY.get(TransformSpec, step)
            own.append(learn(spec, part, np.ones(len(X), dtype=np.int64), options))
            part = turn(spec, part, own[-1])
        made.append(Chain(name, columns, tuple(Step(reference(REGISTRY, "transform", s), o) for s, o in steps)))
        states.append(tuple(own))
    return Transforms(tuple(made), tuple(states))


def model(width, window=(), opset=17):
    """Return a model that gives back the columns that it reads, of windows those of all bars."""
    count = width * int(np.prod(window))
    shape = ", ".join(map(str, ("batch", *window, width)))
    content = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["": {opset}]>
        model (float[{shape}] x) => (float[batch, {count}] y) {{ y = Flatten(x) }}"""
    ).SerializeToString()
    outputs = ("mean", *(f"q0.{k + 101}" for k in range(count - 1)))
    kind = {"input": "windows", "lookback": window[0]} if window else {}
    spec = replace(ModelSpec("back", lambda: None, task="regression", **kind), outputs=outputs)
    return content, spec


def answers(learnt, X, opset=17):
    """Return what the exported model reads, and what the fitted one does."""
    expected = learnt.turned(X)
    content, spec = model(expected.shape[-1], X.shape[1:-1], opset)
    whole = portable.finished(with_transforms(content, spec, learnt, X.shape[-1]), spec, X.shape[-1], {})
    assert portable.opset_of(whole) == opset
    return portable.answers(whole, X), expected.reshape(len(X), -1)


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_transform_gives_the_same_columns(name):
    X = np.abs(rows()) if name == "log1p" else rows()
    found, expected = answers(learnt_of(X, ("", tuple(range(5)), (name, {}))), later(X))
    assert not np.array_equal(expected, later(X))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)


CHAINS = (
    ("a", (3, 0), ("z-score", {}), ("pca", {"components": 1}), ("clip", {"low": -1.0, "high": 2.0})),
    ("b", (4, 2), ("sign-log", {}), ("robust", {"low": 0.1})),
)


@pytest.mark.parametrize("opset", [17, 15, 20])
def test_chains_turn_their_own_columns_of_rows_and_new_ones_come_last(opset):
    found, expected = answers(learnt_of(rows(), *CHAINS), rows(), opset)
    assert found.shape == (500, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_windows_are_turned_bar_by_bar():
    windows = np.lib.stride_tricks.sliding_window_view(rows(), 6, axis=0).transpose(0, 2, 1)
    found, expected = answers(learnt_of(rows(), *CHAINS), np.ascontiguousarray(windows))
    assert found.shape == (495, 24)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_directions_of_components_are_no_layer_to_quantise():
    content, spec = model(2)
    learnt = learnt_of(rows(), ("", tuple(range(5)), ("pca", {"components": 2})))
    with pytest.raises(QuorateError, match="this model is a weighted sum"):
        portable.quantised(with_transforms(content, spec, learnt, 5))


@pytest.mark.parametrize(
    "hook, told",
    [
        (lambda learnt, n_columns: None, "onnx must give a serialised ModelProto, bytes; it gave NoneType"),
        (lambda learnt, n_columns: b"?", "transform 'one' failed on 3 columns, as ONNX: the onnx hook gave no valid"),
        (lambda learnt, n_columns: model(2)[0], r"must be float32 \(batch, 3\); the onnx hook gave shape"),
        (lambda learnt, n_columns: learnt["scale"], "transform 'one' failed on 3 columns, as ONNX.*scale"),
        (None, "transform 'one' cannot be exported: its plugin has no onnx hook"),
    ],
)
def test_what_a_hook_gives_wrong_is_told_with_the_name_of_its_transform(hook, told):
    spec = TransformSpec("one", lambda X, counts: {}, apply=lambda X, learnt: X, onnx=hook)
    with pytest.raises(FitError, match=told):
        onnx_of_transform(spec, {}, 3, 3)
