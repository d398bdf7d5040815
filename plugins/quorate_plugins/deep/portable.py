"""Networks as ONNX: the network for one lane with what scales features and labels, by PyTorch's exporter."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from quorate_plugins.deep.exponential import BEFORE, SLSTM
from quorate_plugins.deep.lanes import Linear
from quorate_plugins.deep.model import Deep
from quorate_plugins.deep.recurrent import GRU, LSTM
from quorate_plugins.deep.scaling import CUT
from quorate_plugins.deep.scores import forecasts

OPSET = 17


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
        return written.read_bytes()
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
    return "_states", _unrolled if isinstance(layer, SLSTM) else _fused(layer)


def _affine(layer: Linear, x: Tensor) -> Tensor:
    found = torch.matmul(x[0], layer.weight[0])[None]
    return found if layer.bias is None else found + layer.bias[0]


def _unrolled(gates: Tensor, weight: Tensor) -> Tensor:
    """Return the states of an `SLSTM` by operations that ONNX has, bar by bar."""
    _, lanes, heads, bars, _, width = gates.shape
    parts = int(lanes) * int(heads)
    every = gates.permute(3, 1, 2, 4, 0, 5).reshape(int(bars), parts, -1, 4 * int(width))
    side_by_side = weight.transpose(1, 2).reshape(parts, int(width), 4 * int(width))  # one product for the four gates
    state = content = total = torch.zeros_like(every[0, ..., : int(width)])
    level = state + BEFORE
    found = []
    for t in range(int(bars)):
        cell, enter, forget, leave = (every[t] + torch.bmm(state, side_by_side)).split(int(width), -1)
        kept = level + nn.functional.logsigmoid(forget)
        level = torch.maximum(kept, enter)
        old, new = torch.exp(kept - level), torch.exp(enter - level)
        content, total = old * content + new * torch.tanh(cell), old * total + new
        state = torch.sigmoid(leave) * content / total
        found.append(state)
    return torch.stack(found, 1)


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
