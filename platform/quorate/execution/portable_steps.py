"""Recurrent layers of exported models, taken apart into steps: products of matrices, which can be quantised."""

from __future__ import annotations

from typing import Any

import numpy as np

OPSET = 13  # from which on operators are as they are written here
USUAL = {"linear_before_reset": 1, "layout": 0}  # as PyTorch and Keras have it
STEP = """
step (float[rows, {states}] before, float[rows, {gates}] given)
    => (float[rows, {states}] after, float[rows, {states}] told)
{{
    product = MatMul (before, weights)
    of_gates, of_new = Split <axis = 1> (product, sizes)
    to_gates, to_new = Split <axis = 1> (given, sizes)
    raw = Add (to_gates, of_gates)
    squashed = Sigmoid (raw)
    update, reset = Split <axis = 1> (squashed, halves)
    own = Add (of_new, bias)
    kept = Mul (reset, own)
    inner = Add (to_new, kept)
    new = Tanh (inner)
    apart = Sub (before, new)
    moved = Mul (update, apart)
    after = Add (new, moved)
    told = Identity (after)
}}
"""


def grus_in_steps(model: Any) -> None:
    """Write each GRU of a model as a product over all bars, and a step from bar to bar whose weights are there once.

    onnxruntime quantises products of matrices and LSTMs. A GRU stays as it is if it has other activations, resets
    before its product, takes lengths, or has weights that are computed; so do all of a model before opset 13.
    """
    graph = model.graph
    if not any(one.version >= OPSET for one in model.opset_import if one.domain in ("", "ai.onnx")):
        return
    known = {one.name: one for one in graph.initializer}
    known |= {one.output[0]: one.attribute[0].t for one in graph.node if one.op_type == "Constant"}
    nodes = []
    for node in graph.node:
        weights = [known.get(name) for name in node.input[1:4]]
        nodes += _in_steps(graph, node, weights) if _is_usual(node) and all(weights) else [node]
    del graph.node[:]
    graph.node.extend(nodes)
    asked = {name for node in nodes for name in node.input}
    for one in [one for one in graph.initializer if one.name not in asked]:
        graph.initializer.remove(one)


def _is_usual(node: Any) -> bool:
    if node.op_type != "GRU" or len(node.input) < 6 or node.input[4] or not node.input[5]:
        return False
    told = {one.name: one.i for one in node.attribute}
    return told.keys() <= {"direction", "hidden_size", *USUAL} and {name: told.get(name, 0) for name in USUAL} == USUAL


def _in_steps(graph: Any, node: Any, weights: list[Any]) -> list[Any]:
    """Return the nodes of a GRU in steps; its gates are update, reset, new."""
    from onnx import helper, numpy_helper

    into, back, biases = map(numpy_helper.to_array, weights)
    states = back.shape[2]
    told = next((one.s.decode() for one in node.attribute if one.name == "direction"), "forward")
    name = next(filter(None, node.output))
    made: list[Any] = []
    every: list[str] = []
    last: list[str] = []

    def constant(values: Any) -> str:
        label = f"{name}_{len(graph.initializer)}"
        graph.initializer.append(numpy_helper.from_array(values, label))
        return label

    def add(kind: str, *inputs: str, outputs: int = 1, **options: Any) -> list[str]:
        labels = [f"{name}_{kind}_{len(made)}_{number}" for number in range(outputs)]
        made.append(helper.make_node(kind, inputs, labels, name=labels[0], **options))
        return labels

    for place, (of_input, of_state, bias) in enumerate(zip(into, back, biases, strict=True)):
        shared = np.concatenate((bias[: 2 * states] + bias[3 * states : 5 * states], bias[2 * states : 3 * states]))
        [product] = add("MatMul", node.input[0], constant(of_input.T))
        [given] = add("Add", product, constant(shared))
        [begin] = add("Gather", node.input[5], constant(np.array(place)), axis=0)
        way = [int(told == "reverse" or place == 1)]
        end, steps = add(
            "Scan",
            begin,
            given,
            outputs=2,
            num_scan_inputs=1,
            scan_input_directions=way,
            scan_output_directions=way,
            body=_step(f"{name}_{place}_", of_state.T, bias[5 * states :]),
        )
        every += add("Unsqueeze", steps, constant(np.array([1])))
        last += add("Unsqueeze", end, constant(np.array([0])))
    for output, parts, axis in zip(node.output, (every, last), (1, 0), strict=False):
        if output:
            made.append(helper.make_node("Concat", parts, [output], axis=axis))
    return made


def _step(prefix: str, weights: Any, bias: Any) -> Any:
    """Return a GRU's step from bar to bar as a graph."""
    from onnx import compose, numpy_helper, parser

    states, gates = weights.shape
    body = parser.parse_graph(STEP.format(states=states, gates=gates))
    values = {
        "weights": weights,
        "bias": bias,
        "sizes": np.array([2 * states, states]),
        "halves": np.array([states] * 2),
    }
    for name, array in values.items():
        body.initializer.append(numpy_helper.from_array(array, name))
    return compose.add_prefix_graph(body, prefix)
