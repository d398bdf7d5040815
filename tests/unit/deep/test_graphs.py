"""Networks as ONNX give what they give."""

from __future__ import annotations

import numpy as np
import pytest
from architectures import OF_ROWS, SMALL, WITHOUT_DROPOUT, lane, some

from quorate_plugins.deep.model import Deep
from quorate_plugins.deep.portable import deep_onnx
from quorate_plugins.deep.settings import Training


@pytest.mark.parametrize("name", some(name for name in SMALL if name not in ("balanced", "quality", "legacy")))
def test_a_network_as_onnx_gives_the_same_forecasts(name):
    runtime = pytest.importorskip("onnxruntime")
    X, y = lane(name, 64, 3).train
    shape = {} if name in WITHOUT_DROPOUT else {"dropout": 0.1}
    options = {"task": "regression", "random_state": 0, "n_jobs": 1, "device": "cpu", "lookback": 0}
    model = Deep(SMALL[name], shape, Training(epochs=1, patience=0), options).fit(X, y[:, 0], (X[:9], y[:9, 0]))
    session = runtime.InferenceSession(deep_onnx(model, X.shape[-1]))
    for rows in (5, 1):  # as many as are asked for
        [found] = session.run(None, {"x": X[:rows]})
        np.testing.assert_allclose(found[:, 0], model.predict(X[:rows]), rtol=1e-4, atol=1e-5)
    assert (name in OF_ROWS) == (X.ndim == 2)
