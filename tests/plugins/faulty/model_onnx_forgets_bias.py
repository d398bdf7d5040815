"""Caught by: model exports

Its ONNX lacks what the line starts from.
"""

import numpy as np

import quorate


class Line:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((X, np.ones(len(X)))).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((X, np.ones(len(X)))).astype(np.float64) @ self.weights_

    def state_dict(self):
        return {"weights": self.weights_.tolist()}

    def load_state_dict(self, state):
        self.weights_ = np.array(state["weights"])
        return self


def onnx(model, n_features):
    from onnx import TensorProto, helper, numpy_helper

    weights = model.weights_.astype(np.float32)
    bias = numpy_helper.from_array(np.zeros(1, dtype=np.float32), "bias")
    constants = [
        numpy_helper.from_array(weights[:-1, None], "weights"),
        bias,
    ]
    nodes = [helper.make_node("MatMul", ["x", "weights"], ["sum"]), helper.make_node("Add", ["sum", "bias"], ["y"])]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", n_features])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    graph = helper.make_graph(nodes, "line", [given], [gives], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "zoo-onnx-bias",
        Line,
        task="regression",
        state_dict=Line.state_dict,
        load_state_dict=Line.load_state_dict,
        onnx=onnx,
    )
