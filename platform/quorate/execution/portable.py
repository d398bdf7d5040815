"""Models as ONNX: what one must be, what is noted in it, what it predicts, and the same in whole numbers of 8 bits."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError, QuorateError
from quorate.execution.outputs import BLOCK
from quorate.execution.portable_steps import grus_in_steps
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

TOLERANCE = 1e-4  # of a probability; of smaller numbers, times the largest
OUTPUT = "prediction"
TREES = ("TreeEnsemble", "TreeEnsembleRegressor", "TreeEnsembleClassifier")


class Difference(NamedTuple):
    """How what one model predicts differs from what another does.

    Parameters
    ----------
    largest, mean : float
        Of the absolute differences, over all outputs.
    allowed : float
        Up to which the largest counts as equal.
    turned : float
        Share of rows where the predicted direction is another.
    """

    largest: float
    mean: float
    allowed: float
    turned: float


def check_installed() -> None:
    """Raise `QuorateError`, if a library that ONNX takes is missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as e:
        raise QuorateError(f"models as ONNX need onnx and onnxruntime ({e}): pip install 'quorate[onnx]'") from None


def input_name(spec: ModelSpec) -> str:
    """Return how the input of an exported model is called: ``features``, or ``windows`` of them."""
    return "features" if spec.input == "rows" else "windows"


def finished(content: bytes, spec: ModelSpec, n_features: int, facts: Mapping[str, str]) -> bytes:
    """Return what a plugin gave with the platform's names for input, output and batch, and with facts about it.

    Raises
    ------
    FitError
        If it is no valid ONNX, or its input or output is not as `ModelSpec` says.
    """
    import onnx

    model, given = checked(content, (*window_of(spec), n_features), len(spec.named) or 1)
    _rename(model.graph, given, model.graph.output[0], input_name(spec))
    model.producer_name = "quorate"
    onnx.helper.set_model_props(model, dict(facts))
    whole: bytes = model.SerializeToString()
    return whole


def window_of(spec: ModelSpec) -> tuple[int, ...]:
    """Return the lengths of a model's input between batch and features: none of rows."""
    return () if spec.input == "rows" else (spec.lookback,)


def checked(content: bytes, takes: tuple[int, ...], gives: int) -> tuple[Any, Any]:
    """Return a model and its input.

    Parameters
    ----------
    takes : tuple of int
        The lengths of its input beside the batch.
    gives : int
        That of its output.

    Raises
    ------
    FitError
        If it is no valid ONNX, or its input or output is another.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model, full_check=True)
    except Exception as e:  # onnx raises what protobuf and its checker do
        raise FitError(f"the onnx hook gave no valid model: {' '.join(str(e).split()):.300}") from None
    constants = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise FitError(
            f"an exported model has one input and one output; the onnx hook gave {len(inputs)} and "
            f"{len(model.graph.output)}"
        )
    _check(inputs[0], takes, "input")
    _check(model.graph.output[0], (gives,), "output")
    return model, inputs[0]


def beside(contents: Sequence[bytes]) -> bytes:
    """Return models of the same input as one, their outputs side by side.

    Raises
    ------
    FitError
        If one is no model.
    """
    import onnx
    from onnx import helper

    try:
        models = [onnx.load_model_from_string(one) for one in contents]
    except Exception as e:  # onnx raises what protobuf does
        raise FitError(f"the onnx hook gave no valid model: {' '.join(str(e).split()):.300}") from None
    first = models[0]
    given = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None)
    given.type.CopyFrom(first.graph.input[0].type)
    gives = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", len(models)])
    width = sum(one.graph.output[0].type.tensor_type.shape.dim[-1].dim_value for one in models)
    gives.type.tensor_type.shape.dim[1].dim_value = width
    nodes, constants, ends = [], [], []
    for number, one in enumerate(models):
        graph = onnx.compose.add_prefix(one, f"m{number}_").graph
        nodes += [helper.make_node("Identity", ["x"], [graph.input[0].name]), *graph.node]
        constants += graph.initializer
        ends.append(graph.output[0].name)
    nodes.append(helper.make_node("Concat", ends, ["y"], axis=1))
    whole = helper.make_graph(nodes, "models", [given], [gives], constants)
    content: bytes = helper.make_model(
        whole, opset_imports=list(first.opset_import), ir_version=first.ir_version
    ).SerializeToString()
    return content


def opset_of(content: bytes) -> int:
    """Return the version of the standard operators that a model is made of."""
    import onnx

    found = onnx.load_model_from_string(content).opset_import
    return max(int(one.version) for one in found if one.domain in ("", "ai.onnx"))


def answers(content: bytes, X: NDArray[np.float32]) -> Floats:
    """Return what an exported model gives for rows or windows, by onnxruntime on the CPU, float64 (n, n_outputs).

    Raises
    ------
    FitError
        If it cannot be run, or takes no batch of any length.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        blocks = [X[:1], *(X[start : start + BLOCK] for start in range(1, len(X), BLOCK))]
        found = [np.asarray(session.run(None, {name: np.ascontiguousarray(one)})[0]) for one in blocks if len(one)]
    except Exception as e:  # its errors have no common ancestor
        raise FitError(f"onnxruntime cannot run the exported model: {' '.join(str(e).split()):.300}") from None
    for block, answer in zip(blocks, found, strict=False):
        if answer.shape[:1] != (len(block),) or answer.ndim != 2:
            raise FitError(
                f"the exported model gave shape {answer.shape} for {len(block)} rows: must be (rows, outputs)"
            )
    return np.concatenate(found).astype(np.float64)


def difference(own: Floats, other: Floats, level: float, column: int = 0) -> Difference:
    """Return how the outputs of two models differ, each (n, n_outputs).

    Parameters
    ----------
    level : float
        Above which a prediction is one of a rise.
    column : int
        The output that tells the direction.
    """
    apart = np.abs(own - other)
    allowed = TOLERANCE * min(1.0, float(np.abs(own).max(initial=0.0)) or 1.0)
    turned = float(np.mean((own[:, column] > level) != (other[:, column] > level)))
    return Difference(float(apart.max()), float(apart.mean()), allowed, turned)


def quantised(content: bytes) -> bytes:
    """Return a network with its weights as whole numbers of 8 bits; what flows between them is scaled as it comes.

    Raises
    ------
    QuorateError
        If there is nothing to quantise.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    model = onnx.load_model_from_string(content)
    graph = model.graph
    _constants_apart(graph)
    if any(node.op_type in TREES for node in graph.node):
        raise QuorateError(
            "--int8 is for networks, and this model is trees: they compare numbers and add up leaves, so there is no "
            "multiplication to quantise; leave out --int8"
        )
    # One column of weights is a weighted sum, not a layer.
    weights = [one for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT]  # transforms are of double
    if not any(sum(size > 1 for size in one.dims) > 1 for one in weights):
        raise QuorateError(
            "--int8 is for networks, and this model is a weighted sum: its few weights gain nothing by being "
            "quantised; leave out --int8"
        )
    grus_in_steps(model)
    model = onnx.shape_inference.infer_shapes(model)
    add_pre_process_metadata(model)  # else it writes a warning that this was not done
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it tells of each tensor that it leaves as it is
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "int8.onnx")
            quantize_dynamic(model, path, weight_type=QuantType.QInt8, extra_options={"EnableSubgraph": True})
            whole = path.read_bytes()
    finally:
        logging.disable(before)
    found = onnx.load_model_from_string(whole).graph
    if not any(one.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8) for one in found.initializer):
        raise QuorateError("--int8: onnxruntime found no layer of this network that it can quantise; leave out --int8")
    return whole


def _constants_apart(graph: Any) -> None:
    """Put weights that are steps of their own, as some exporters write them, where those of others stand."""
    for node in [one for one in graph.node if one.op_type == "Constant" and one.attribute[0].name == "value"]:
        tensor = node.attribute[0].t
        if sum(size > 1 for size in tensor.dims) > 1:
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
            graph.node.remove(node)


def _check(value: Any, wanted: tuple[int, ...], what: str) -> None:
    """Raise `FitError`, if an input or output is not float32 with a batch of any length and these other lengths."""
    import onnx

    tensor = value.type.tensor_type
    dims = list(tensor.shape.dim)
    found = tuple(one.dim_value if one.HasField("dim_value") else one.dim_param or "?" for one in dims)
    text = f"float32 (batch, {', '.join(map(str, wanted))})"
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise FitError(f"the {what} of an exported model must be {text}; the onnx hook gave {kind}")
    same = all(isinstance(size, str) or size == length for size, length in zip(found[1:], wanted, strict=False))
    if len(found) != len(wanted) + 1 or not same:
        raise FitError(f"the {what} of an exported model must be {text}; the onnx hook gave shape {found}")
    if not isinstance(found[0], str):
        raise FitError(
            f"the {what} of an exported model must take a batch of any length, {text}; the onnx hook gave {found[0]}: "
            "name the first axis instead"
        )


def _rename(graph: Any, given: Any, gives: Any, name: str) -> None:
    """Give input, output and batch the names by which they are always found."""
    from onnx import helper

    if given.name != name:
        graph.node.insert(0, helper.make_node("Identity", [name], [given.name]))
        given.name = name
    if gives.name != OUTPUT:
        graph.node.append(helper.make_node("Identity", [gives.name], [OUTPUT]))
        gives.name = OUTPUT
    for value in (given, gives):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
