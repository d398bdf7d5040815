"""Recurrent layers over lanes: hand-written gradients, nothing allocated after the first step.

PyTorch's own GRU and LSTM on a CPU spend most of a step in the book-keeping of some dozens of small operations per bar,
forward and backward. Here a bar is a few operations in place on buffers that are kept, the gradient is written out, and
those of the weights are one product over all bars.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from quorate_plugins.deep.lanes import Layer, lane_sum, uniform

# What PyTorch hands a function's `forward` and `backward` has no type there.
Context = Any


class Workspace:
    """Buffers by name, allocated when they must grow: fresh memory at each step costs more than its contents."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """Return the buffer of that name; what it holds is what was left in it."""
        buffer, size = self._buffers.get(name), math.prod(shape)
        if buffer is None or len(buffer) < size or buffer.device != like.device or buffer.dtype != like.dtype:
            buffer = self._buffers[name] = like.new_empty(size)
        return buffer[:size].view(shape)

    @property
    def bytes(self) -> int:
        """How many the buffers have."""
        return sum(buffer.nbytes for buffer in self._buffers.values())


class _Recurrent(Layer):
    """Weights of a recurrent layer: (lanes, gates, in, hidden), (lanes, gates, hidden, hidden), biases."""

    gates = 0

    def __init__(self, lanes: int, n_in: int, hidden: int, biases: int = 2, reverse: bool = False) -> None:
        super().__init__()
        if hidden < 2:
            raise ValueError(f"hidden must be 2 or more; it was {hidden}")
        self.hidden, self.reverse = hidden, reverse
        bound = 1 / math.sqrt(hidden)
        self.weight_in = uniform(bound, lanes, self.gates, n_in, hidden)
        self.weight_rec = uniform(bound, lanes, self.gates, hidden, hidden)
        self.bias_in = uniform(bound, lanes, self.gates, hidden)
        self.bias_rec = uniform(bound, lanes, self.gates, hidden) if biases == 2 else None
        self._workspace = Workspace()

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden states, (lanes, bars, rows, hidden), of inputs (lanes, bars, rows, n_in)."""
        x = x.flip(1) if self.reverse else x
        weight: Tensor = self.weight_in
        if x.shape[-1] == 1:  # see `product`
            x, weight = nn.functional.pad(x, (0, 1)), nn.functional.pad(weight, (0, 0, 0, 1))
        states = self._states(x, weight)
        return states.flip(1) if self.reverse else states

    def _states(self, x: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError


class GRU(_Recurrent):
    """A gated recurrent unit (Cho et al., 2014), with the reset gate after the product, as cuDNN and Keras have it.

    Parameters
    ----------
    lanes, n_in, hidden : int
        Models in the stack, inputs and hidden states of each.
    biases : {1, 2}
        Two, as PyTorch and Keras have them.
    reverse : bool
        Read the last bar first.
    """

    gates = 3  # reset, update, new

    def _states(self, x: Tensor, weight: Tensor) -> Tensor:
        b = self.bias_in
        rec = torch.zeros_like(b) if self.bias_rec is None else self.bias_rec
        bias = torch.cat((b[:, :2] + rec[:, :2], b[:, 2:], rec[:, 2:]), 1)
        states: Tensor = _GRU.apply(x, weight, self.weight_rec, bias, self._workspace)  # type: ignore[no-untyped-call]
        return states


class LSTM(_Recurrent):
    """A long short-term memory (Hochreiter and Schmidhuber, 1997), with a forget gate.

    Parameters
    ----------
    lanes, n_in, hidden : int
        Models in the stack, inputs and hidden states of each.
    biases : {1, 2}
        One, as Keras has it, or two, as PyTorch has them.
    reverse : bool
        Read the last bar first.
    """

    gates = 4  # input, forget, cell, output

    def _states(self, x: Tensor, weight: Tensor) -> Tensor:
        bias = self.bias_in if self.bias_rec is None else self.bias_in + self.bias_rec
        states: Tensor = _LSTM.apply(x, weight, self.weight_rec, bias, self._workspace)  # type: ignore[no-untyped-call]
        return states


def _project(x: Tensor, weight: Tensor, bias: Tensor, out: Tensor) -> None:
    """Write what the inputs add to each gate, for all bars at once."""
    lanes, bars, rows, n_in = x.shape
    flat = x.reshape(lanes, bars * rows, n_in)
    for gate in range(weight.shape[1]):
        torch.baddbmm(bias[:, gate, None], flat, weight[:, gate], out=out[gate].view(lanes, bars * rows, -1))


def _gradients(
    x: Tensor, weight: Tensor, states: Tensor, into: list[Tensor], back: list[Tensor], wants_x: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Return the gradients of the inputs and of both weights, from those before each gate, over all bars at once.

    Parameters
    ----------
    into, back : list of Tensor
        Per gate, (lanes, bars * rows, hidden): of what came from the input, and from the state before.
    """
    lanes, bars, rows, n_in = x.shape
    before = states[:, :-1].reshape(lanes, bars * rows, -1).transpose(1, 2)
    inputs = x.reshape(lanes, bars * rows, n_in)
    weight_rec = torch.stack([torch.bmm(before, gate) for gate in back], 1)
    weight_in = torch.stack([torch.bmm(inputs.transpose(1, 2), gate) for gate in into], 1)
    of_x = None
    if wants_x:
        of_x = torch.bmm(into[0], weight[:, 0].transpose(1, 2))
        for gate in range(1, len(into)):
            of_x.baddbmm_(into[gate], weight[:, gate].transpose(1, 2))
        of_x = of_x.view(x.shape)
    return of_x, weight_in, weight_rec


class _GRU(torch.autograd.Function):
    """``x, weight_in, weight_rec, bias (lanes, 4, hidden), workspace`` -> states (lanes, bars, rows, hidden)."""

    @staticmethod
    def forward(
        ctx: Context, x: Tensor, weight_in: Tensor, weight_rec: Tensor, bias: Tensor, space: Workspace
    ) -> Tensor:
        """Step through the bars; the gates are left in the buffers for the gradient."""
        lanes, bars, rows, _ = x.shape
        hidden = weight_rec.shape[-1]
        states = space("states", x, lanes, bars + 1, rows, hidden)
        states[:, 0].zero_()
        gates = space("gates", x, 4, lanes, bars, rows, hidden)
        _project(x, weight_in, bias, gates)
        reset_w, update_w, new_w = weight_rec.unbind(1)
        own_bias = bias[:, 3, None].expand(lanes, rows, hidden)
        steps = states.unbind(1)
        for t, (reset, update, new, own) in enumerate(zip(*(gate.unbind(1) for gate in gates.unbind(0)), strict=True)):
            before = steps[t]
            reset.baddbmm_(before, reset_w).sigmoid_()
            update.baddbmm_(before, update_w).sigmoid_()
            torch.baddbmm(own_bias, before, new_w, out=own)
            new.addcmul_(reset, own).tanh_()
            torch.lerp(new, before, update, out=steps[t + 1])
        ctx.space, ctx.gates, ctx.states = space, gates, states
        ctx.save_for_backward(x, weight_in, weight_rec)
        return states[:, 1:]

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Step back through the bars; what each gate was becomes the gradient before it."""
        x, weight_in, weight_rec = ctx.saved_tensors
        gates, states = ctx.gates, ctx.states
        _, lanes, bars, rows, hidden = gates.shape
        one, two, three, carried = ctx.space("back", x, 4, lanes, rows, hidden).unbind(0)
        carried.zero_()
        reset_w, update_w, new_w = weight_rec.transpose(2, 3).unbind(1)
        steps, grads = states.unbind(1), grad.unbind(1)
        every = [gate.unbind(1) for gate in gates.unbind(0)]
        for t in range(bars - 1, -1, -1):
            reset, update, new, own = (gate[t] for gate in every)
            carried.add_(grads[t])
            torch.addcmul(carried, carried, update, value=-1, out=one)  # of the new state: carried * (1 - update)
            torch.sub(steps[t], new, out=two).mul_(one)
            torch.mul(new, new, out=three)
            torch.addcmul(one, one, three, value=-1, out=new)  # before tanh
            carried.mul_(update)
            update.mul_(two)  # before the sigmoid: carried * (before - new) * update * (1 - update)
            torch.mul(new, reset, out=one)
            own.mul_(one)
            torch.addcmul(own, own, reset, value=-1, out=reset)  # before the sigmoid
            own.copy_(one)
            carried.baddbmm_(reset, reset_w).baddbmm_(update, update_w).baddbmm_(own, new_w)
        flat = [gate.view(lanes, bars * rows, hidden) for gate in gates.unbind(0)]
        reset, update, new, own = flat
        of_x, of_in, of_rec = _gradients(
            x, weight_in, states, [reset, update, new], [reset, update, own], ctx.needs_input_grad[0]
        )
        return of_x, of_in, of_rec, torch.cat([lane_sum(gate) for gate in flat], 1), None


class _LSTM(torch.autograd.Function):
    """``x, weight_in, weight_rec, bias (lanes, 4, hidden), workspace`` -> states (lanes, bars, rows, hidden)."""

    @staticmethod
    def forward(
        ctx: Context, x: Tensor, weight_in: Tensor, weight_rec: Tensor, bias: Tensor, space: Workspace
    ) -> Tensor:
        """Step through the bars; gates and cells are left in the buffers for the gradient."""
        lanes, bars, rows, _ = x.shape
        hidden = weight_rec.shape[-1]
        states, cells = space("states", x, 2, lanes, bars + 1, rows, hidden).unbind(0)
        states[:, 0].zero_()
        cells[:, 0].zero_()
        gates = space("gates", x, 4, lanes, bars, rows, hidden)
        squashed = space("squashed", x, lanes, bars, rows, hidden)
        _project(x, weight_in, bias, gates)
        weights = weight_rec.unbind(1)
        steps, contents = states.unbind(1), cells.unbind(1)
        for t, (enter, forget, cell, leave) in enumerate(zip(*(g.unbind(1) for g in gates.unbind(0)), strict=True)):
            before = steps[t]
            enter.baddbmm_(before, weights[0]).sigmoid_()
            forget.baddbmm_(before, weights[1]).sigmoid_()
            cell.baddbmm_(before, weights[2]).tanh_()
            leave.baddbmm_(before, weights[3]).sigmoid_()
            torch.mul(forget, contents[t], out=contents[t + 1]).addcmul_(enter, cell)
            torch.tanh(contents[t + 1], out=squashed[:, t])
            torch.mul(leave, squashed[:, t], out=steps[t + 1])
        ctx.space, ctx.gates, ctx.states, ctx.cells, ctx.squashed = space, gates, states, cells, squashed
        ctx.save_for_backward(x, weight_in, weight_rec)
        return states[:, 1:]

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Step back through the bars; what each gate was becomes the gradient before it."""
        x, weight_in, weight_rec = ctx.saved_tensors
        gates, states = ctx.gates, ctx.states
        _, lanes, bars, rows, hidden = gates.shape
        one, two, carried, of_cell = ctx.space("back", x, 4, lanes, rows, hidden).unbind(0)
        carried.zero_()
        of_cell.zero_()
        weights = weight_rec.transpose(2, 3).unbind(1)
        contents, squashed, grads = ctx.cells.unbind(1), ctx.squashed.unbind(1), grad.unbind(1)
        every = [gate.unbind(1) for gate in gates.unbind(0)]
        for t in range(bars - 1, -1, -1):
            enter, forget, cell, leave = (gate[t] for gate in every)
            carried.add_(grads[t])
            torch.mul(carried, leave, out=one)
            torch.mul(squashed[t], squashed[t], out=two)
            of_cell.add_(one).addcmul_(one, two, value=-1)  # through tanh of the cell
            carried.mul_(squashed[t])
            _before_sigmoid(leave, carried)
            torch.mul(of_cell, cell, out=one)
            torch.mul(of_cell, enter, out=two)
            torch.mul(cell, cell, out=cell)
            torch.addcmul(two, two, cell, value=-1, out=cell)  # before tanh
            _before_sigmoid(enter, one)
            torch.mul(of_cell, contents[t], out=one)
            of_cell.mul_(forget)
            _before_sigmoid(forget, one)
            torch.bmm(enter, weights[0], out=carried)
            carried.baddbmm_(forget, weights[1]).baddbmm_(cell, weights[2]).baddbmm_(leave, weights[3])
        flat = [gate.view(lanes, bars * rows, hidden) for gate in gates.unbind(0)]
        of_x, of_in, of_rec = _gradients(x, weight_in, states, flat, flat, ctx.needs_input_grad[0])
        return of_x, of_in, of_rec, torch.cat([lane_sum(gate) for gate in flat], 1), None


def _before_sigmoid(gate: Tensor, grad: Tensor) -> None:
    """Put the gradient before a sigmoid in the place of its value; `grad`, of the value, is used up."""
    grad.mul_(gate)
    torch.addcmul(grad, grad, gate, value=-1, out=gate)
