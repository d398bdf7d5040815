"""Networks as ONNX give what they give."""

from __future__ import annotations

import numpy as np
import pytest
from architectures import OF_ROWS, SMALL, WITHOUT_DROPOUT, lane, some

from quorate.execution import portable
from quorate.execution.portable_steps import grus_in_steps
from quorate_plugins.deep.model import Deep
from quorate_plugins.deep.portable import deep_onnx
from quorate_plugins.deep.settings import Training


def fitted(name):
    X, y, _ = lane(name, 64, 3).train
    shape = {} if name in WITHOUT_DROPOUT else {"dropout": 0.1}
    options = {"task": "regression", "random_state": 0, "n_jobs": 1, "device": "cpu", "lookback": 0}
    return X, Deep(SMALL[name], shape, Training(epochs=1, patience=0), options).fit(X, y[:, 0], (X[:9], y[:9, 0]))


@pytest.mark.parametrize("name", some(name for name in SMALL if name not in ("balanced", "quality", "legacy")))
def test_a_network_as_onnx_gives_the_same_forecasts(name):
    runtime = pytest.importorskip("onnxruntime")
    X, model = fitted(name)
    session = runtime.InferenceSession(deep_onnx(model, X.shape[-1]))
    for rows in (5, 1):  # as many as are asked for
        [found] = session.run(None, {"x": X[:rows]})
        np.testing.assert_allclose(found[:, 0], model.predict(X[:rows]), rtol=1e-4, atol=1e-5)
    assert (name in OF_ROWS) == (X.ndim == 2)


@pytest.mark.parametrize("name", some(name for name in SMALL if name in ("gru", "fast", "balanced", "xlstm")))
def test_the_steps_of_a_recurrent_layer_are_quantised_too(name):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    X, model = fitted(name)
    own, content = model.predict(X)[:, None], deep_onnx(model, X.shape[-1])
    whole = onnx.load_model_from_string(content)
    grus_in_steps(whole)
    scans = [node for node in whole.graph.node if node.op_type == "Scan"]
    assert scans
    assert not [node for node in whole.graph.node if node.op_type == "GRU"]
    np.testing.assert_allclose(portable.answers(whole.SerializeToString(), X), own, rtol=1e-4, atol=1e-5)
    small = portable.quantised(content)
    kinds = [
        {one.name.rpartition("_")[2]: one.data_type for one in attribute.g.initializer}
        for node in onnx.load_model_from_string(small).graph.node
        for attribute in node.attribute
        if attribute.name == "body"
    ]
    assert len(kinds) == len(scans)
    assert all(kind["quantized"] == onnx.TensorProto.INT8 and "weights" not in kind for kind in kinds)
    assert 0 < np.abs(portable.answers(small, X) - own).max() < 0.1 * np.ptp(own)
