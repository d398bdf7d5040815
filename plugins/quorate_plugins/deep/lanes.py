"""Lanes: models of one architecture that train in lock step, each as if it were alone.

Every tensor of a layer has the lanes on its first axis: weights are (lanes, in, out), what flows between layers is
(lanes, rows, width), or (lanes, bars, rows, width) for sequences. A lane never reads another. On a CPU the value of a
lane is the same, bit for bit, however many others there are: products are batched products, whose kernels work matrix
by matrix, and sums over rows are products with ones, as a reduction would choose its order by the whole shape.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

Generators = Sequence[torch.Generator]
EPSILON = 1e-5  # added to a variance before it is divided by
ALIGNED = 32  # numbers that the CPU's loops take at a time: what is left over is computed by other code
# MKL reads it at its first product. Without it the same product is rounded otherwise, on some processors, where a
# matrix begins at another place within a line of memory, as those of lanes do.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")


class LaneParameter(nn.Parameter):
    """A parameter of all lanes, and how one lane's part is drawn at first."""

    draw: Callable[[Tensor, torch.Generator], object]


def parameter(draw: Callable[[Tensor, torch.Generator], object], *shape: int) -> LaneParameter:
    """Return a parameter (lanes, ...); ``draw(tensor, generator)`` fills one lane's part in place."""
    found = LaneParameter(torch.zeros(shape))
    found.draw = draw
    return found


def uniform(bound: float, *shape: int) -> LaneParameter:
    """Return a parameter that is drawn between ``-bound`` and ``bound``."""
    return parameter(lambda tensor, generator: tensor.uniform_(-bound, bound, generator=generator), *shape)


def normal(deviation: float, *shape: int) -> LaneParameter:
    """Return a parameter that is drawn from a normal distribution around 0."""
    return parameter(lambda tensor, generator: tensor.normal_(0, deviation, generator=generator), *shape)


def constant(value: float, *shape: int) -> LaneParameter:
    """Return a parameter that begins as one value."""
    return parameter(lambda tensor, _: tensor.fill_(value), *shape)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight + bias`` of each lane, (lanes, rows, n_out) of (lanes, rows, n_in).

    A matrix with a single row or column is widened: other kernels would take it, which do not work lane by lane.
    """
    n_in, n_out = weight.shape[1:]
    if n_in == 1:
        x, weight = nn.functional.pad(x, (0, 1)), nn.functional.pad(weight, (0, 0, 0, 1))
    if n_out == 1:
        weight = nn.functional.pad(weight, (0, 1))
        bias = None if bias is None else nn.functional.pad(bias, (0, 1))
    y = torch.bmm(x, weight) if bias is None else torch.baddbmm(bias[:, None], x, weight)
    return y[..., :n_out] if n_out == 1 else y


def lane_sum(x: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return sums over the rows of each lane, (lanes, 1, width), of (lanes, rows, width), weighted (lanes, rows)."""
    if x.shape[-1] == 1:
        return (x[..., 0] if weights is None else x[..., 0] * weights).sum(-1)[:, None, None]
    factors = x.new_ones(1, x.shape[1]).expand(len(x), -1) if weights is None else weights
    return torch.bmm(factors[:, None].expand(-1, 2, -1), x)[:, :1]


def affine(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    """Return ``x * weight + bias`` of each lane, (lanes, rows, width), of factors and summands (lanes, width)."""
    y: Tensor = _Affine.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


class _Affine(torch.autograd.Function):
    """See `affine`: its gradients are sums over the rows, which autograd would take by a reduction."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(None if weight is None else x, weight)
        if weight is None:
            assert bias is not None
            return x + bias[:, None]
        return x * weight[:, None] if bias is None else torch.addcmul(bias[:, None], x, weight[:, None])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        of_x = None if not wants_x else grad if weight is None else grad * weight[:, None]
        of_weight = lane_sum(grad * x)[:, 0] if wants_weight else None
        return of_x, of_weight, lane_sum(grad)[:, 0] if wants_bias else None


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of (lanes, rows) by weights of that shape, (lanes,); 0 where all weights are."""
    return (values * weights).sum(-1) / weights.sum(-1).clamp_min(1e-12)


class Layer(nn.Module):
    """A part of a network, which makes a tensor of tensors."""

    if TYPE_CHECKING:

        def __call__(self, *inputs: Tensor) -> Tensor:
            """Compute."""


class Net(Layer):
    """A network over lanes.

    An architecture derives from it, makes its layers with ``lanes`` in ``__init__`` and computes in ``forward``, from
    (lanes, rows, n_features), or of sequences (lanes, bars, rows, n_features), outputs (lanes, rows, n_outputs).
    """

    checkpointed = False  # whether blocks are computed a second time for their gradient

    def block(self, layer: nn.Module, *inputs: Tensor) -> Tensor:
        """Return what a layer gives; where `checkpointed`, what its gradient needs is computed again, not kept."""
        if not (self.checkpointed and self.training and torch.is_grad_enabled()):
            found: Tensor = layer(*inputs)
            return found
        drops = [module for module in layer.modules() if isinstance(module, Dropout)]
        states = [[generator.get_state() for generator in drop.generators] for drop in drops[:1]]

        def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
            return nullcontext(), _again(layer, drops, states)

        found = checkpoint(layer, *inputs, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
        return found  # noqa: RET504

    def reset(self, generators: Generators) -> None:
        """Draw the parameters of each lane anew, from its own generator."""
        with torch.no_grad():
            for lane, generator in enumerate(generators):
                for one in self.parameters():
                    if not isinstance(one, LaneParameter):
                        raise TypeError("a parameter of a net must be made by quorate_plugins.deep.lanes.parameter")
                    one.draw(one[lane], generator)

    def seed(self, generators: Generators, weights: Tensor | None, shares: Sequence[float] = ()) -> None:
        """Say from what each lane draws while it trains, and the weights of the rows, (lanes, rows).

        Parameters
        ----------
        shares : sequence of float
            What each lane drops, where lanes differ in it.
        """
        for module in self.modules():
            if isinstance(module, Dropout):
                module.generators, module.shares = generators, shares
            elif isinstance(module, BatchNorm):
                module.weights = weights

    def spread(self, total: Callable[[Tensor], Tensor]) -> None:
        """Say how sums over the rows of a step are added up over the processes that share them."""
        for module in self.modules():
            if isinstance(module, BatchNorm):
                module.total = total


@contextmanager
def _again(layer: nn.Module, drops: Sequence[Dropout], states: Sequence[Sequence[Tensor]]) -> Iterator[None]:
    """Have a layer compute what it computed before: it drops the same values, and no running mean moves."""
    generators = drops[0].generators if drops else ()
    now = [generator.get_state() for generator in generators]
    norms = [module for module in layer.modules() if isinstance(module, BatchNorm)]
    for generator, state in zip(generators, states[0] if states else (), strict=True):
        generator.set_state(state)
    for norm in norms:
        norm.moves = False
    try:
        yield
    finally:
        for generator, state in zip(generators, now, strict=True):
            generator.set_state(state)
        for norm in norms:
            norm.moves = True


def check(net: Callable[..., Net], bars: int, options: Mapping[str, Any]) -> None:
    """Raise ValueError, before anything is computed, where a net cannot be made of its options."""
    with torch.device("meta"):
        net(1, 2, bars, 1, **options)


class Linear(Layer):
    """An affine map of the last axis, drawn as PyTorch draws its own."""

    def __init__(self, lanes: int, n_in: int, n_out: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = uniform(bound, lanes, n_in, n_out)
        self.bias = uniform(bound, lanes, n_out) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, ..., n_out) of (lanes, ..., n_in)."""
        flat = x.reshape(len(x), -1, x.shape[-1])
        return product(flat, self.weight, self.bias).reshape(*x.shape[:-1], -1)


class Conv1d(Layer):
    """A convolution over the bars: as many come out as went in, zeros stand before the first and after the last.

    Parameters
    ----------
    kernel : int, bars
        Width.
    causal : bool
        Read the bar itself and earlier ones only; otherwise as many later ones, where the window has them.
    """

    def __init__(self, lanes: int, n_in: int, n_out: int, kernel: int = 3, causal: bool = False) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in * kernel)
        self.weight = uniform(bound, lanes, kernel, n_in, n_out)
        self.bias = uniform(bound, lanes, n_out)
        self._kernel, self._before = kernel, kernel - 1 if causal else (kernel - 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return (lanes, bars, rows, n_out) of (lanes, bars, rows, n_in)."""
        lanes, bars, rows, _ = x.shape
        wide = nn.functional.pad(x, (0, 0, 0, 0, self._before, self._kernel - 1 - self._before))
        # One product of all that a bar reads: one for each place in the kernel takes longer, by its narrow matrices.
        read = torch.cat([wide[:, place : place + bars] for place in range(self._kernel)], -1)
        y = product(read.view(lanes, bars * rows, -1), self.weight.flatten(1, 2), self.bias)
        return y.view(lanes, bars, rows, -1)


class LayerNorm(Layer):
    """Each row's last axis to mean 0 and variance 1, then scaled."""

    def __init__(self, lanes: int, width: int) -> None:
        super().__init__()
        self.weight, self.bias = constant(1, lanes, width), constant(0, lanes, width)
        self._width = width

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        flat = nn.functional.layer_norm(x, (self._width,)).reshape(len(x), -1, x.shape[-1])
        return affine(flat, self.weight, self.bias).view(x.shape)


class BatchNorm(Layer):
    """Each channel to mean 0 and variance 1 over the rows, and bars, of a step; predictions use their running means.

    Rows of weight 0, which fill a short step up, do not count.
    """

    def __init__(self, lanes: int, width: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.weight, self.bias = constant(1, lanes, width), constant(0, lanes, width)
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(lanes, width))
        self.register_buffer("variance", torch.ones(lanes, width))
        self.weights: Tensor | None = None  # of the rows, (lanes, rows)
        self.moves = True
        self.total: Callable[[Tensor], Tensor] = _itself
        self._momentum = momentum

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (lanes, ..., rows, width)."""
        flat = x.reshape(len(x), -1, x.shape[-1])
        if self.training:
            shares = self._shares(flat, x.shape[-2])
            flat, mean, variance = _Centred.apply(flat, shares, self.total)  # type: ignore[no-untyped-call]
            if self.moves:
                with torch.no_grad():
                    self.mean.lerp_(mean[:, 0], self._momentum)
                    self.variance.lerp_(variance[:, 0], self._momentum)
        else:
            flat = (flat - self.mean[:, None]) * torch.rsqrt(self.variance[:, None] + EPSILON)
        return affine(flat, self.weight, self.bias).view(x.shape)

    def _shares(self, flat: Tensor, rows: int) -> Tensor:
        """Return the share of each row and bar in the mean, (lanes, bars * rows)."""
        lanes, n, _ = flat.shape
        weights = flat.new_ones(lanes, rows) if self.weights is None else self.weights
        counted = (weights > 0).to(flat.dtype).repeat(1, n // rows)
        return counted / self.total(counted.sum(-1, keepdim=True)).clamp_min(1.0)


def _itself(x: Tensor) -> Tensor:
    return x


class _Centred(torch.autograd.Function):
    """``x, shares`` -> ``x`` to mean 0 and variance 1 over its rows by their shares, and both before, (lanes, 1, n).

    ``total`` adds sums up over the processes that share the rows.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, shares: Tensor, total: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean = total(lane_sum(x, shares))
        y = x - mean
        variance = total(lane_sum(y * y, shares))
        factor = torch.rsqrt(variance + EPSILON)
        y *= factor
        ctx.save_for_backward(y, shares, factor)
        ctx.mark_non_differentiable(mean, variance)
        ctx.total = total
        return y, mean, variance

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, None, None]:
        y, shares, factor = ctx.saved_tensors
        moved = torch.addcmul(ctx.total(lane_sum(grad)), y, ctx.total(lane_sum(grad * y))).mul_(shares[..., None])
        return torch.sub(grad, moved, out=moved).mul_(factor), None, None


class Dropout(Layer):
    """Sets a share of the values to 0 while training, and scales the others up; each lane draws its own."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.shares: Sequence[float] = ()  # of each lane, in place of that of all
        self.generators: Generators = ()

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        shares = self.shares[: len(x)] or [self.share] * len(x)
        if not (self.training and any(shares)):
            return x
        kept = torch.ones_like(x)
        for lane, (share, generator) in enumerate(zip(shares, self.generators, strict=False)):
            if share:
                kept[lane].bernoulli_(1 - share, generator=generator).div_(1 - share)
        return x * kept


def halved(x: Tensor) -> Tensor:
    """Return the larger of each two bars, (lanes, bars // 2, rows, width): pooling by 2."""
    bars = x.shape[1] // 2 * 2
    return torch.maximum(x[:, 0:bars:2], x[:, 1:bars:2])
