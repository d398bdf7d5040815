"""Transforms as ONNX, in front of a model that reads what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError, PluginError, plural
from quorate.execution import portable
from quorate.execution.transforms import Chain, Transforms, transform_of, turn
from quorate.plugins.calling import call
from quorate.plugins.specs import ModelSpec, TransformSpec


def with_transforms(content: bytes, spec: ModelSpec, learnt: Transforms, n_features: int) -> bytes:
    """Return a model's ONNX that is given the features before their transforms.

    Parameters
    ----------
    content : bytes
        What the model's plugin gave.
    n_features : int
        How many there are before.

    Raises
    ------
    FitError
        If what a plugin gave is not as it must be.
    """
    if not learnt:
        return content
    chains = []
    places: dict[Any, int] = {j: j for j in range(n_features)}  # of each column, in order, among all there are
    every = n_features
    for i, (chain, states) in enumerate(zip(learnt.chains, learnt.states, strict=True)):
        row, steps, renames = np.zeros((1, len(chain.columns)), dtype=np.float32), [], False
        for step, state in zip(chain.steps, states, strict=True):
            transform = transform_of(step)
            turned = turn(transform, row, state)
            steps.append(onnx_of_transform(transform, state, row.shape[1], turned.shape[1]))
            row, renames = turned, renames or bool(transform.renames)
        chains.append((chain, steps))
        own: list[Any] = list(chain.columns)
        if renames:
            for j in own:
                del places[j]
            own = [(i, k) for k in range(row.shape[1])]
        places.update(zip(own, range(every, every + row.shape[1]), strict=True))
        every += row.shape[1]
    content = portable.finished(content, spec, len(places), {})
    return _behind(content, spec, n_features, chains, list(places.values()))


def onnx_of_transform(spec: TransformSpec, state: Mapping[str, NDArray[Any]], n_columns: int, n_turned: int) -> bytes:
    """Ask a plugin for a transform as ONNX, a serialised ModelProto, checked.

    Raises
    ------
    FitError
        If it has no such hook, or its answer is not what it must be.
    """

    def read(answer: Any) -> bytes:
        if not isinstance(answer, bytes):
            raise PluginError(f"onnx must give a serialised ModelProto, bytes; it gave {type(answer).__name__}")
        try:
            portable.checked(answer, (n_columns,), n_turned)
        except FitError as e:
            raise PluginError(str(e)) from e
        return answer

    try:
        exporter = spec.exporter()
        if exporter is None:
            raise PluginError(f"{spec} cannot be exported: its plugin has no onnx hook")
        return call(spec, f"{plural(n_columns, 'column')}, as ONNX", (state, n_columns), {}, read, exporter)
    except PluginError as e:
        raise FitError(str(e)) from e


def _behind(
    content: bytes, spec: ModelSpec, n_features: int, chains: Sequence[tuple[Chain, list[bytes]]], order: Sequence[int]
) -> bytes:
    """Return a finished model behind chains and their steps; it reads columns of all features and what chains give."""
    import onnx
    from onnx import helper, numpy_helper

    whole, window = onnx.compose.add_prefix(onnx.load_model_from_string(content), "model_"), portable.window_of(spec)
    graph, nodes, rows = whole.graph, [], portable.input_name(spec)
    given = helper.make_tensor_value_info(rows, onnx.TensorProto.FLOAT, ["batch", *window, n_features])

    def add(operator: str, names: Sequence[str], whole_numbers: Sequence[int], gives: str, **more: Any) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(whole_numbers, dtype=np.int64), f"{gives}_by"))
        nodes.append(helper.make_node(operator, [*names, f"{gives}_by"], [gives], **more))
        return gives

    if window:
        rows = add("Reshape", [rows], (-1, n_features), "rows")
    ends = [rows]
    for i, (chain, steps) in enumerate(chains):
        last = add("Gather", [rows], chain.columns, f"chain{i}", axis=1)
        for j, step in enumerate(steps):
            last = _appended(whole, nodes, _of_opset(step, portable.opset_of(content)), f"chain{i}_{j}_", last)
        ends.append(last)
    nodes.append(helper.make_node("Concat", ends, ["wide"], axis=1))
    last = add("Gather", ["wide"], order, "turned", axis=1)
    if window:
        last = add("Reshape", [last], (-1, *window, len(order)), "turned_windows")
    nodes.append(helper.make_node("Identity", [last], [graph.input[0].name]))
    nodes += graph.node
    for field, values in (("node", nodes), ("input", [given])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    joined: bytes = whole.SerializeToString()
    return joined


def _appended(whole: Any, nodes: list[Any], step: Any, prefix: str, last: str) -> str:
    """Append the operators of a transform to `nodes`, and what else it consists of to a model; return its output."""
    from onnx import compose, helper

    part = compose.add_prefix(step, prefix)
    nodes += [helper.make_node("Identity", [last], [part.graph.input[0].name]), *part.graph.node]
    whole.graph.initializer.extend(part.graph.initializer)
    whole.functions.extend(part.functions)
    whole.ir_version = max(whole.ir_version, part.ir_version)
    known = {one.domain for one in whole.opset_import}
    whole.opset_import.extend(one for one in part.opset_import if one.domain not in known)
    return str(part.graph.output[0].name)


def _of_opset(content: bytes, opset: int) -> Any:
    """Return a transform by operators of the version that its model has."""
    import onnx

    own = portable.opset_of(content)
    if own == opset:
        return onnx.load_model_from_string(content)
    try:
        return onnx.version_converter.convert_version(onnx.load_model_from_string(content), opset)
    except Exception as e:  # its errors have no common ancestor
        raise FitError(
            f"a transform's operators of version {own} cannot be turned into those of its model, {opset}: "
            f"{' '.join(str(e).split()):.300}"
        ) from None
