"""Caught by: transform exports

Its ONNX lacks the scale.
"""

import numpy as np

import quorate


def learn(X, counts):
    mean = np.average(X, axis=0, weights=counts)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=counts))
    return {"mean": mean, "scale": np.where(np.ptp(X, axis=0) > 0, deviation, 1.0)}


def apply(X, learnt):
    return np.clip((X - learnt["mean"]) / learnt["scale"], -1e30, 1e30)


def onnx(learnt, n_columns):
    from onnx import numpy_helper, parser

    model = parser.parse_model(
        f"""<ir_version: 8, opset_import: ["": 17]>
        transform (float[batch, {n_columns}] x) => (float[batch, {n_columns}] y) {{ y = Sub(x, mean) }}"""
    )
    model.graph.initializer.append(numpy_helper.from_array(learnt["mean"].astype(np.float32), "mean"))
    return model.SerializeToString()


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("unscaled-onnx", learn, apply=apply, onnx=onnx)
