"""Layers over lanes against PyTorch's own, and their gradients against differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from quorate_plugins.deep.exponential import SLSTM
from quorate_plugins.deep.lanes import BatchNorm, Conv1d, Dropout, LayerNorm, Linear, Net, affine
from quorate_plugins.deep.losses import Loss
from quorate_plugins.deep.nets.attention import Attention, Encoder, Transformer
from quorate_plugins.deep.nets.linear import DLinear
from quorate_plugins.deep.nets.tabm import TabM
from quorate_plugins.deep.nets.tcn import TCN
from quorate_plugins.deep.recurrent import GRU, LSTM
from quorate_plugins.deep.settings import Training

LANES, BARS, ROWS, WIDTH = 2, 6, 32, 8
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # float32, sums of some hundreds of products


class Holder(Net):
    """A net of one layer, to draw and seed it."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


def drawn(layer, lanes=LANES):
    Holder(layer).reset([torch.Generator().manual_seed(lane) for lane in range(lanes)])
    return layer


def numbers(*shape, seed=3, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def copied(theirs, **values):
    with torch.no_grad():
        for name, value in values.items():
            dict(theirs.named_parameters())[name].copy_(value)
    return theirs


def same_with_gradients(ours, theirs, x, weights):
    """Both functions agree on (lanes, bars, rows, width), as do their gradients by inputs and `weights`."""
    mine, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y = ours(mine)
    factors = numbers(*y.shape, seed=9)
    grads = torch.autograd.grad((y * factors).sum(), [mine, *weights])
    z = torch.stack([theirs(lane, other[lane]) for lane in range(len(x))])
    torch.testing.assert_close(y, z, **CLOSE)
    torch.testing.assert_close(grads[0], torch.autograd.grad((z * factors).sum(), other)[0], **CLOSE)
    return grads[1:], factors


@pytest.mark.parametrize("biases", [1, 2])
@pytest.mark.parametrize("kind, torchs", [(GRU, nn.GRU), (LSTM, nn.LSTM)])
@pytest.mark.parametrize("n_in", [1, 3])
def test_recurrent_layers_are_those_of_torch(kind, torchs, biases, n_in):
    layer = drawn(kind(LANES, n_in, WIDTH, biases=biases))
    x = numbers(LANES, BARS, ROWS, n_in)

    def other(lane):
        rec = layer.bias_in.new_zeros(layer.bias_in[0].numel()) if biases == 1 else layer.bias_rec[lane].flatten()
        return copied(
            torchs(n_in, WIDTH),
            weight_ih_l0=layer.weight_in[lane].transpose(1, 2).reshape(-1, n_in),
            weight_hh_l0=layer.weight_rec[lane].transpose(1, 2).reshape(-1, WIDTH),
            bias_ih_l0=layer.bias_in[lane].flatten(),
            bias_hh_l0=rec,
        )

    others = [other(lane) for lane in range(LANES)]
    [of_weight, of_bias], factors = same_with_gradients(
        layer, lambda lane, one: others[lane](one)[0], x, [layer.weight_rec, layer.bias_in]
    )
    for lane, module in enumerate(others):
        module.zero_grad()
        (module(x[lane])[0] * factors[lane]).sum().backward()
        torch.testing.assert_close(
            of_weight[lane].transpose(1, 2).reshape(-1, WIDTH), module.weight_hh_l0.grad, rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(of_bias[lane].flatten(), module.bias_ih_l0.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel, causal", [(3, False), (5, False), (3, True), (2, True)])
def test_a_convolution_is_that_of_torch(kernel, causal):
    layer = drawn(Conv1d(LANES, 3, WIDTH, kernel, causal=causal))
    before = kernel - 1 if causal else (kernel - 1) // 2

    def other(lane, one):
        wide = nn.functional.pad(one.permute(1, 2, 0), (before, kernel - 1 - before))
        weight = layer.weight[lane].permute(2, 1, 0)
        return nn.functional.conv1d(wide, weight, layer.bias[lane]).permute(2, 0, 1)

    x = numbers(LANES, BARS, ROWS, 3)
    grads, factors = same_with_gradients(layer, other, x, [layer.weight, layer.bias])
    z = torch.stack([other(lane, x[lane]) for lane in range(LANES)])
    expected = torch.autograd.grad((z * factors).sum(), [layer.weight, layer.bias])
    for mine, theirs in zip(grads, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_batch_norm_is_that_of_torch_on_the_rows_that_count():
    layer, full = BatchNorm(LANES, WIDTH), 20
    drawn(layer)
    with torch.no_grad():
        layer.weight.copy_(numbers(LANES, WIDTH, seed=5))
        layer.bias.copy_(numbers(LANES, WIDTH, seed=6))
    layer.weights = (torch.arange(ROWS) < full).float().expand(LANES, -1)
    others = [copied(nn.BatchNorm1d(WIDTH), weight=layer.weight[n], bias=layer.bias[n]) for n in range(LANES)]
    x = 3 + 2 * numbers(LANES, BARS, ROWS, WIDTH)
    x[..., full:, :] = 100

    def theirs(lane, one):
        return others[lane](one[:, :full].permute(1, 2, 0)).permute(2, 0, 1)

    same_with_gradients(lambda one: layer(one)[..., :full, :], theirs, x, [layer.weight, layer.bias])
    n = BARS * full
    for lane, other in enumerate(others):
        torch.testing.assert_close(layer.mean[lane], other.running_mean, **CLOSE)
        # PyTorch keeps the variance of a sample, (n - 1) in its denominator.
        expected = 0.9 + (other.running_var - 0.9) * (n - 1) / n
        torch.testing.assert_close(layer.variance[lane], expected, **CLOSE)
        other.running_mean.copy_(layer.mean[lane])
        other.running_var.copy_(layer.variance[lane])
        other.eval()
    layer.eval()
    same_with_gradients(lambda one: layer(one)[..., :full, :], theirs, x, [layer.weight, layer.bias])


def test_layer_norm_is_that_of_torch():
    layer = drawn(LayerNorm(LANES, WIDTH))
    with torch.no_grad():
        layer.weight.copy_(numbers(LANES, WIDTH, seed=5))
    others = [copied(nn.LayerNorm(WIDTH), weight=layer.weight[n], bias=layer.bias[n]) for n in range(LANES)]
    same_with_gradients(layer, lambda n, one: others[n](one), numbers(LANES, BARS, ROWS, WIDTH), [layer.weight])


def attention_of(layer, lane, prefix=""):
    return {
        f"{prefix}in_proj_weight": layer.joint.weight[lane].T,
        f"{prefix}in_proj_bias": layer.joint.bias[lane],
        f"{prefix}out_proj.weight": layer.out.weight[lane].T,
        f"{prefix}out_proj.bias": layer.out.bias[lane],
    }


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_that_of_torch(heads):
    layer = drawn(Attention(LANES, WIDTH, heads))
    others = [
        copied(nn.MultiheadAttention(WIDTH, heads, batch_first=True), **attention_of(layer, n)) for n in range(LANES)
    ]
    x = numbers(LANES, ROWS, BARS, WIDTH)
    same_with_gradients(layer, lambda n, one: others[n](one, one, one)[0], x, [layer.joint.weight])


@pytest.mark.parametrize("last", [False, True])
def test_an_encoder_layer_is_that_of_torch(last):
    layer = drawn(Encoder(LANES, WIDTH, 2, 12, 0.0, last))

    def other(lane):
        module = nn.TransformerEncoderLayer(WIDTH, 2, 12, 0.0, "gelu", batch_first=True, norm_first=True)
        ours = {"linear1": layer.up, "linear2": layer.down}
        values = {f"{name}.weight": one.weight[lane].T for name, one in ours.items()}
        values |= {f"{name}.bias": one.bias[lane] for name, one in ours.items()}
        return copied(module, **values, **attention_of(layer.attention, lane, "self_attn."))

    others = [other(lane) for lane in range(LANES)]
    x = numbers(LANES, ROWS, BARS, WIDTH)
    first = BARS - 1 if last else 0
    same_with_gradients(layer, lambda n, one: others[n](one)[:, first:], x, [layer.up.weight])


@pytest.mark.parametrize("bars", [1, 2, 7, 16, 21])
def test_a_tcn_that_skips_bars_gives_what_dilated_convolutions_give(bars):
    net = TCN(1, 2, bars, 1, hidden=4, layers=3, kernel=3, dropout=0.0)
    net.reset([torch.Generator().manual_seed(2)])
    x = numbers(1, bars, 5, 2)

    def convolved(layer, y, dilation):
        wide = nn.functional.pad(y, (2 * dilation, 0))
        return nn.functional.conv1d(wide, layer.weight[0].permute(2, 1, 0), layer.bias[0], dilation=dilation).relu()

    y = x[0].permute(1, 2, 0)
    for place, block in enumerate(net.blocks):
        found = convolved(block.second, convolved(block.first, y, 2**place), 2**place)
        kept = y if block.match is None else block.match(y.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
        y = (found + kept).relu()
    torch.testing.assert_close(net(x)[0], net.head(y[None, :, :, -1])[0], **CLOSE)


def test_a_tcn_reads_its_whole_window():
    for bars, kernel in itertools.product((1, 5, 33, 60), (2, 3)):
        net = TCN(1, 1, bars, 1, kernel=kernel, dropout=0.0)
        net.reset([torch.Generator().manual_seed(1)])
        x = numbers(1, bars, 4, 1).requires_grad_()
        [grad] = torch.autograd.grad(net(x).sum(), x)
        assert (grad.abs().amax((0, 2, 3)) > 0).all()


def test_a_moving_average_of_weights_is_one_of_the_window():
    net = DLinear(LANES, 3, 10, 2, average=5)
    net.reset([torch.Generator().manual_seed(one) for one in range(LANES)])
    x = numbers(LANES, 10, 4, 3)
    wide = torch.cat((x[:, :1], x[:, :1], x, x[:, -1:], x[:, -1:]), 1)
    trend = sum(wide[:, at : at + 10] for at in range(5)) / 5
    flat, smooth = (one.transpose(1, 2).reshape(LANES, 4, -1) for one in (x, trend))
    expected = torch.bmm(smooth, net.trend) + torch.bmm(flat - smooth, net.rest) + net.bias[:, None]
    torch.testing.assert_close(net(x), expected, **CLOSE)


def slstm(x, layer, heads):
    """The cell of one lane as the paper writes it, without a level."""
    bars, rows, _ = x.shape
    hidden = layer.bias.shape[-1] // 4
    state, cell, total = (x.new_zeros(rows, hidden) for _ in range(3))
    found = []
    for t in range(bars):
        parts = (x[t] @ layer.weight_in.weight[0] + layer.bias[0]).view(rows, 4, heads, -1)
        carried = torch.einsum("rhd,hgde->rghe", state.view(rows, heads, -1), layer.weight_rec[0])
        z, i, f, o = (parts + carried).flatten(2).unbind(1)
        cell = torch.sigmoid(f) * cell + i.exp() * z.tanh()
        total = torch.sigmoid(f) * total + i.exp()
        state = torch.sigmoid(o) * cell / total
        found.append(state)
    return torch.stack(found)


@pytest.mark.parametrize("heads", [1, 3])
def test_an_slstm_is_that_of_the_paper(heads):
    layer = drawn(SLSTM(1, 2, 6, heads), lanes=1).double()
    x = numbers(1, BARS, 4, 2, dtype=torch.float64).requires_grad_()
    weights = [x, *layer.parameters()]
    y, z = layer(x)[0], slstm(x[0], layer, heads)
    torch.testing.assert_close(y, z)
    factors = numbers(*y.shape, seed=9, dtype=torch.float64)
    grads = torch.autograd.grad((y * factors).sum(), weights)
    for mine, theirs in zip(grads, torch.autograd.grad((z * factors).sum(), weights), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_an_slstm_does_not_overflow():
    layer = drawn(SLSTM(1, 2, 6, 1), lanes=1)
    x = (1000 * numbers(1, BARS, 4, 2)).requires_grad_()
    y = layer(x)
    [grad] = torch.autograd.grad(y.sum(), x)
    assert y.isfinite().all()
    assert grad.isfinite().all()
    assert (y.abs() <= 1).all()


@pytest.mark.parametrize(
    "layer",
    [
        GRU(2, 3, 4),
        LSTM(2, 3, 4),
        SLSTM(2, 3, 4, 2),
        BatchNorm(2, 3),
        LayerNorm(2, 3),
        Conv1d(2, 3, 2),
        Linear(2, 3, 2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_gradients_are_those_of_differences(layer):
    drawn(layer).double()
    x = numbers(2, 3, 4, 3, dtype=torch.float64).requires_grad_()
    values = [x, *layer.parameters()]

    def total():
        y = layer(x)
        return (y * numbers(*y.shape, seed=9, dtype=torch.float64)).sum()

    for value, grad in zip(values, torch.autograd.grad(total(), values), strict=True):
        way = 1e-6 * numbers(*value.shape, seed=7, dtype=torch.float64)
        with torch.no_grad():
            value.add_(way)
            ahead = total()
            value.sub_(2 * way)
            back = total()
            value.add_(way)
        torch.testing.assert_close((grad * way).sum(), (ahead - back) / 2, rtol=1e-6, atol=1e-13)


def test_gradients_of_factors_and_summands():
    x, weight, bias = (numbers(*shape, dtype=torch.float64).requires_grad_() for shape in ((2, 4, 3), (2, 3), (2, 3)))
    for given in ((x, weight, bias), (x, weight, None), (x, None, bias)):
        assert torch.autograd.gradcheck(affine, given)


def test_dropout_drops_its_share_and_keeps_the_mean():
    layer = Dropout(0.3).train()
    layer.generators = [torch.Generator().manual_seed(one) for one in range(LANES)]
    y = layer(torch.ones(LANES, 100, 100))
    assert abs(float((y == 0).float().mean()) - 0.3) < 0.01
    assert abs(float(y.mean()) - 1) < 0.02
    assert not torch.equal(y[0], y[1])


def test_lanes_that_drop_different_shares_draw_as_each_alone():
    shares, x = (0.5, 0.0, 0.2), numbers(3, 100, 100)

    def dropped(lanes):
        net = Holder(Dropout(0.9)).train()
        draws = [torch.Generator().manual_seed(lane) for lane in lanes]
        net.seed(draws, None, [shares[lane] for lane in lanes])
        return net(x[list(lanes)])

    together = dropped((0, 1, 2))
    for lane in range(3):
        assert torch.equal(together[lane], dropped((lane,))[0])
    assert torch.equal(together[1], x[1])
    assert [round(float((one == 0).float().mean()), 1) for one in together] == [0.5, 0.0, 0.2]


def members_of(net, x):
    """What each member of lane 0 gives, computed as a perceptron by itself."""
    for member in range(net.head.shape[1]):
        y = x[0]
        for layer in net.layers:
            y = y * layer.before[0, member] @ layer.weight[0]
            y = (y * layer.after[0, member] + layer.bias[0, member]).relu()
        yield y @ net.head[0, member] + net.head_bias[0, member]


def test_members_of_tabm_share_matrices_and_answer_for_themselves():
    net = TabM(1, 3, 0, 1, members=5, hidden=8, dropout=0.0)
    net.reset([torch.Generator().manual_seed(4)])
    x, y = numbers(1, ROWS, 3), numbers(1, ROWS, 1, seed=8)
    each = torch.stack(list(members_of(net, x)))
    torch.testing.assert_close(net.eval()(x)[0], each.mean(0), **CLOSE)
    assert (each[0] != each[1]).any()
    weights = (torch.arange(ROWS) < 20).float()[None]
    loss = Loss([Training(loss="mse")])(net.train()(x), y, weights)
    expected = (each[:, :20] - y[0, :20]).square().mean()
    torch.testing.assert_close(loss[0], expected, **CLOSE)
    position = Loss([Training(loss="neg_sharpe")])
    torch.testing.assert_close(position(net(x), y, weights), position(net.eval()(x), y, weights), **CLOSE)


def test_blocks_that_are_computed_again_take_less_memory():
    """Counted as what autograd keeps between forward and backward."""
    net = Transformer(1, 3, 12, 1, hidden=16, heads=2, layers=4)
    net.reset([torch.Generator().manual_seed(1)])
    net.train().seed([torch.Generator().manual_seed(1)], None)
    x, kept = numbers(1, 12, ROWS, 3), []
    for net.checkpointed in (False, True):
        sizes = {}

        def note(tensor, sizes=sizes):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            y = net(x)
        kept.append(sum(sizes.values()))
        del y
    assert kept[1] < 0.3 * kept[0], np.array(kept)
