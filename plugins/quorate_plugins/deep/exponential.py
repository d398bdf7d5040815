"""The sLSTM cell over lanes, with a hand-written gradient, see `quorate_plugins.deep.recurrent`."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from quorate_plugins.deep.lanes import LaneParameter, Layer, Linear, affine, normal, parameter
from quorate_plugins.deep.recurrent import Context, Workspace

BEFORE = -1e30  # the level before the first bar: whatever was there counts for nothing


class SLSTM(Layer):
    """An LSTM whose input gate is an exponential, and whose states are normalised (Beck et al., 2024).

    Both gates are taken relative to the largest that there was, so that no exponential overflows: cell and normaliser
    are scaled alike, and what they give together is the same.

    Parameters
    ----------
    lanes, n_in, hidden : int
        Models in the stack, inputs and hidden states of each.
    heads : int
        Groups of states that see only themselves from bar to bar; divides `hidden` into groups of 2 or more.
    """

    def __init__(self, lanes: int, n_in: int, hidden: int, heads: int = 1) -> None:
        super().__init__()
        if heads < 1 or hidden % heads or hidden // heads < 2:
            fits = ", ".join(str(n) for n in (1, 2, 4, 8) if not hidden % n and hidden // n > 1)
            raise ValueError(f"heads must divide hidden, which is {hidden}, as {fits} do; it was {heads}")
        self._heads, width = heads, hidden // heads
        self.weight_in = Linear(lanes, n_in, 4 * hidden, bias=False)  # cell, input, forget, output
        self.weight_rec = normal(1 / math.sqrt(hidden), lanes, heads, 4, width, width)
        self.bias = _biases(lanes, hidden)
        self._workspace = Workspace()

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden states, (lanes, bars, rows, hidden), of inputs (lanes, bars, rows, n_in)."""
        lanes, bars, rows, n_in = x.shape
        flat = affine(self.weight_in(x.reshape(lanes, bars * rows, n_in)), bias=self.bias)
        gates = flat.view(lanes, bars, rows, 4, self._heads, -1).permute(3, 0, 4, 1, 2, 5)
        states = self._states(gates, self.weight_rec.flatten(0, 1))
        heads = states.view(lanes, self._heads, bars, rows, -1)
        return heads.permute(0, 2, 3, 1, 4).reshape(lanes, bars, rows, -1)

    def _states(self, gates: Tensor, weight: Tensor) -> Tensor:
        states: Tensor = _SLSTM.apply(gates, weight, self._workspace)  # type: ignore[no-untyped-call]
        return states


def _biases(lanes: int, hidden: int) -> LaneParameter:
    """Return biases that begin as 0, those of the forget gate from 3 to 6: at first states keep much."""

    def draw(tensor: Tensor, _: torch.Generator) -> None:
        tensor.zero_()
        tensor[2 * hidden : 3 * hidden] = torch.linspace(3, 6, hidden, device=tensor.device)

    return parameter(draw, lanes, 4 * hidden)


class _SLSTM(torch.autograd.Function):
    """``gates (4, lanes, heads, bars, rows, width), weight (lanes * heads, 4, width, width)`` -> states of heads."""

    @staticmethod
    def forward(ctx: Context, gates: Tensor, weight: Tensor, space: Workspace) -> Tensor:
        """Step through the bars; gates and cells are left in the buffers for the gradient."""
        _, models, heads, bars, rows, width = gates.shape
        lanes = models * heads
        kept = space("gates", gates, 5, lanes, bars, rows, width)
        kept[:4].view(gates.shape).copy_(gates)
        states, cells, sums = space("states", gates, 3, lanes, bars + 1, rows, width).unbind(0)
        for one in (states, cells, sums):
            one[:, 0].zero_()
        level, higher = space("level", gates, 2, lanes, rows, width).unbind(0)
        level.fill_(BEFORE)
        weights = weight.unbind(1)
        every = zip(*(gate.unbind(1) for gate in kept.unbind(0)), strict=True)
        steps, contents, totals = states.unbind(1), cells.unbind(1), sums.unbind(1)
        for t, (cell, enter, forget, leave, off) in enumerate(every):
            before = steps[t]
            cell.baddbmm_(before, weights[0]).tanh_()
            enter.baddbmm_(before, weights[1])
            forget.baddbmm_(before, weights[2])
            leave.baddbmm_(before, weights[3]).sigmoid_()
            torch.sigmoid(forget.neg_(), out=off)  # how far the forget gate is from 1
            level.sub_(functional.softplus(forget))
            torch.maximum(level, enter, out=higher)
            torch.sub(level, higher, out=forget).exp_()
            enter.sub_(higher).exp_()
            level, higher = higher, level
            torch.mul(forget, contents[t], out=contents[t + 1]).addcmul_(enter, cell)
            torch.mul(forget, totals[t], out=totals[t + 1]).add_(enter)
            torch.div(contents[t + 1], totals[t + 1], out=steps[t + 1]).mul_(leave)
        ctx.space, ctx.kept, ctx.states, ctx.cells, ctx.sums = space, kept, states, cells, sums
        ctx.shape = gates.shape
        ctx.save_for_backward(weight)
        return states[:, 1:]

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Step back through the bars; what each gate was becomes the gradient before it.

        The level needs none: a state does not depend on it.
        """
        [weight] = ctx.saved_tensors
        kept, states = ctx.kept, ctx.states
        _, lanes, bars, rows, width = kept.shape
        carried, of_cell, of_sum, one, two, three = ctx.space("back", weight, 6, lanes, rows, width).unbind(0)
        for buffer in (carried, of_cell, of_sum):
            buffer.zero_()
        weights = weight.transpose(2, 3).unbind(1)
        steps, contents, totals = states.unbind(1), ctx.cells.unbind(1), ctx.sums.unbind(1)
        every, grads = [gate.unbind(1) for gate in kept.unbind(0)], grad.unbind(1)
        for t in range(bars - 1, -1, -1):
            cell, enter, forget, leave, off = (gate[t] for gate in every)
            carried.add_(grads[t])
            torch.div(carried, totals[t + 1], out=one)
            of_cell.addcmul_(one, leave)
            of_sum.addcmul_(one, steps[t + 1], value=-1)
            torch.mul(carried, steps[t + 1], out=one)
            leave.neg_().add_(1).mul_(one)  # before the sigmoid: the state holds the gate as a factor
            torch.mul(of_cell, contents[t], out=one).addcmul_(of_sum, totals[t]).mul_(forget)
            torch.mul(of_cell, cell, out=two).add_(of_sum)
            torch.mul(of_cell, enter, out=three)
            enter.mul_(two)
            of_cell.mul_(forget)
            of_sum.mul_(forget)
            torch.mul(one, off, out=forget)
            torch.mul(cell, cell, out=cell)
            torch.addcmul(three, three, cell, value=-1, out=cell)  # before tanh
            torch.bmm(cell, weights[0], out=carried)
            carried.baddbmm_(enter, weights[1]).baddbmm_(forget, weights[2]).baddbmm_(leave, weights[3])
        before = states[:, :-1].reshape(lanes, bars * rows, width).transpose(1, 2)
        of_weight = [torch.bmm(before, gate.reshape(lanes, bars * rows, width)) for gate in kept[:4].unbind(0)]
        return kept[:4].view(ctx.shape), torch.stack(of_weight, 1), None
