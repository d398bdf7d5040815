"""Networks as ONNX: the network for one lane with what scales features and labels, by PyTorch's exporter."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quorate_plugins.deep.exponential import BEFORE, SLSTM
from quorate_plugins.deep.lanes import Linear
from quorate_plugins.deep.model import Deep
from quorate_plugins.deep.recurrent import GRU, LSTM, Context
from quorate_plugins.deep.scaling import CUT
from quorate_plugins.deep.scores import forecasts

OPSET = 17
STEP = """
step (float[parts, rows, states] state, float[parts, rows, states] content, float[parts, rows, states] total,
      float[parts, rows, states] level, float[parts, rows, gates] given)
    => (float[parts, rows, states] later, float[parts, rows, states] more, float[parts, rows, states] sum,
        float[parts, rows, states] higher, float[parts, rows, states] told)
{
    product = MatMul (state, weights)
    raw = Add (given, product)
    cell, enter, forget, leave = Split <axis = 2> (raw)
    away = Neg (forget)
    soft = Softplus (away)
    kept = Sub (level, soft)
    higher = Max (kept, enter)
    lost = Sub (kept, higher)
    old = Exp (lost)
    gained = Sub (enter, higher)
    new = Exp (gained)
    inner = Tanh (cell)
    coming = Mul (new, inner)
    staying = Mul (old, content)
    more = Add (staying, coming)
    less = Mul (old, total)
    sum = Add (less, new)
    open = Sigmoid (leave)
    shown = Mul (open, more)
    later = Div (shown, sum)
    told = Identity (later)
}
"""


def deep_onnx(model: Deep, n_features: int) -> bytes:
    """Return a network as ONNX: of windows (batch, lookback, n_features), or rows, its outputs (batch, n_outputs)."""
    bars = model.read_[1]
    example = torch.zeros(3, bars, n_features) if bars else torch.zeros(3, n_features)
    whole = _Whole(model).eval()
    layers = [layer for layer in whole.modules() if isinstance(layer, GRU | LSTM | SLSTM | Linear)]
    folder = tempfile.TemporaryDirectory()
    written = Path(folder.name, "model.onnx")
    try:
        for layer in layers:
            name, computed = _plainly(layer)
            layer.__dict__[name] = computed
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                whole,
                (example,),
                written,
                opset_version=OPSET,
                input_names=["x"],
                output_names=["y"],
                dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
                dynamo=False,
            )
        return (
            _with_steps(written.read_bytes())
            if any(isinstance(layer, SLSTM) for layer in layers)
            else written.read_bytes()
        )
    finally:
        folder.cleanup()
        for layer in layers:
            for name in ("_states", "forward"):
                layer.__dict__.pop(name, None)


class _Whole(nn.Module):
    """From features as they are to forecasts in the units of the label."""

    def __init__(self, model: Deep) -> None:
        super().__init__()
        self.network, self._training = model.network_, model.training
        self.centre: Tensor
        self.width: Tensor
        self.label_centre: Tensor
        self.label_width: Tensor
        for name, value in (("centre", model.scaling_.centre), ("width", model.scaling_.width)):
            self.register_buffer(name, torch.tensor(value))
        for name, numbers in (("label_centre", model.centre_), ("label_width", model.width_)):
            self.register_buffer(name, torch.tensor(numbers, dtype=torch.float32)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, n_outputs)."""
        scaled = ((x - self.centre) / self.width).clamp(-CUT, CUT)
        scaled = scaled.transpose(0, 1) if scaled.dim() == 3 else scaled
        found = forecasts(self._training, self.network(scaled[None])[0]) * self.label_width
        if self._training.loss == "gaussian":
            found = torch.cat((found[..., :1] + self.label_centre, found[..., 1:]), -1)
        else:
            found = found + self.label_centre
        return found.flatten(1)


def _plainly(layer: GRU | LSTM | SLSTM | Linear) -> tuple[str, Callable[..., Tensor]]:
    """Return which method of a layer is another in ONNX, and that: few operations, where ours spell out an order."""
    if isinstance(layer, Linear):
        return "forward", partial(_affine, layer)
    return "_states", _in_steps if isinstance(layer, SLSTM) else _fused(layer)


def _affine(layer: Linear, x: Tensor) -> Tensor:
    found = torch.matmul(x[0], layer.weight[0])[None]
    return found if layer.bias is None else found + layer.bias[0]


def _in_steps(gates: Tensor, weight: Tensor) -> Tensor:
    """Return the states of an `SLSTM` by a step from bar to bar, which `_with_steps` writes."""
    _, lanes, heads, bars, _, width = gates.shape
    parts, width = int(lanes) * int(heads), int(width)
    every = gates.permute(3, 1, 2, 4, 0, 5).reshape(int(bars), parts, -1, 4 * width)
    side_by_side = weight.transpose(1, 2).reshape(parts, width, 4 * width)  # one product for the four gates
    states: Tensor = _Steps.apply(every, side_by_side, torch.zeros_like(every[0, ..., :width]))  # type: ignore[no-untyped-call]
    return states.transpose(0, 1)


class _Steps(torch.autograd.Function):
    """A place in the graph for the steps of an `SLSTM`."""

    @staticmethod
    def forward(ctx: Context, every: Tensor, weight: Tensor, none: Tensor) -> Tensor:
        """Return something of the shape of the states."""
        return every[..., : weight.shape[1]].clone()

    @staticmethod
    def symbolic(g: Any, every: Any, weight: Any, none: Any) -> Any:
        """Write a node that `_with_steps` finds."""
        return g.op("quorate::Steps", every, weight, none)


def _with_steps(content: bytes) -> bytes:
    """Return a model with the steps of its `SLSTM` layers as a loop over the bars, each with its weights."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_model_from_string(content)
    graph = model.graph
    known = {one.name: one for one in graph.initializer}
    nodes, moved = [], set()
    for number, node in enumerate(graph.node):
        if node.op_type != "Steps":
            nodes.append(node)
            continue
        every, weight, none = node.input
        name, body = f"steps_{number}", onnx.parser.parse_graph(STEP)
        body.initializer.append(numpy_helper.from_array(numpy_helper.to_array(known[weight]), "weights"))
        moved.add(weight)
        graph.initializer.append(numpy_helper.from_array(np.array(BEFORE, dtype=np.float32), f"{name}_before"))
        nodes.append(helper.make_node("Add", [none, f"{name}_before"], [f"{name}_level"]))
        begin = [none, none, none, f"{name}_level"]
        ends = [f"{name}_end_{place}" for place in range(len(begin))]
        body = onnx.compose.add_prefix_graph(body, f"{name}_")
        nodes.append(
            helper.make_node("Scan", [*begin, every], [*ends, node.output[0]], name=name, num_scan_inputs=1, body=body)
        )
    del graph.node[:]
    graph.node.extend(nodes)
    for weight in moved:
        graph.initializer.remove(known[weight])
    for one in [one for one in model.opset_import if one.domain == "quorate"]:
        model.opset_import.remove(one)
    whole: bytes = model.SerializeToString()
    return whole


def _fused(layer: GRU | LSTM) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what computes a layer's states by PyTorch's own layer, which has an operator in ONNX."""
    n_in, hidden = layer.weight_in.shape[2:]
    weight = layer.weight_in[0]
    if n_in == 1:  # as the layer itself does
        weight = nn.functional.pad(weight, (0, 0, 0, 1))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        own = (nn.GRU if isinstance(layer, GRU) else nn.LSTM)(weight.shape[1], hidden)
        named = dict(own.named_parameters())  # the gates are in the order of ours
        named["weight_ih_l0"].copy_(weight.transpose(1, 2).flatten(0, 1))
        named["weight_hh_l0"].copy_(layer.weight_rec[0].transpose(1, 2).flatten(0, 1))
        named["bias_ih_l0"].copy_(layer.bias_in[0].flatten())
        named["bias_hh_l0"].copy_(named["bias_hh_l0"] * 0 if layer.bias_rec is None else layer.bias_rec[0].flatten())
    own.requires_grad_(False)

    def states(x: Tensor, _: Tensor) -> Tensor:
        found: Tensor = own(x[0])[0][None]
        return found

    return states
