"""Architectures: their size, that lanes are as if alone, that they learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from architectures import BARS, SMALL, drawn, inputs, lane, small, some

from quorate_plugins.deep.engine import train
from quorate_plugins.deep.lanes import check
from quorate_plugins.deep.nets.attention import PatchTST, Transformer
from quorate_plugins.deep.nets.convolutional import ConvRecurrent
from quorate_plugins.deep.nets.plain import MeanPool
from quorate_plugins.deep.nets.recurrent import Recurrent
from quorate_plugins.deep.nets.xlstm import XLSTM

LENGTHS = (70, 41, 100, 33, 64)
SLOW = {"quality": 8, "legacy": 7, "balanced": 8, "fast": 10, "xlstm": 12}  # epochs: these are not small


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "net, n_features, options, count",
    [
        (Recurrent, 1, {"cell": "lstm"}, 17_217),
        (Recurrent, 1, {"cell": "gru"}, 12_929),
        (Recurrent, 1, {"cell": "lstm", "hidden": 128, "layers": 2}, 199_297),
        (Recurrent, 1, {"cell": "gru", "hidden": 128, "layers": 2}, 149_505),
        (MeanPool, 1, {}, 193),
        (ConvRecurrent, 5, {"size": "fast"}, 29_889),
        (ConvRecurrent, 9, {"size": "fast"}, 30_273),
        (ConvRecurrent, 5, {"size": "balanced"}, 74_177),
        (ConvRecurrent, 9, {"size": "balanced"}, 74_753),
        (ConvRecurrent, 5, {"size": "quality"}, 567_505),
        (ConvRecurrent, 9, {"size": "quality"}, 568_273),
        (ConvRecurrent, 5, {"size": "legacy"}, 150_129),
        (ConvRecurrent, 9, {"size": "legacy"}, 150_897),
    ],
)
def test_the_number_of_weights_is_that_of_the_layers(net, n_features, options, count):
    assert sum(one.numel() for one in net(1, n_features, 60, 1, **options).parameters()) == count


@pytest.mark.parametrize("name", SMALL)
def test_lanes_that_train_together_are_as_if_each_were_alone(name):
    lanes = [lane(name, n, seed) for seed, n in enumerate(LENGTHS)]
    together = train(small(name), lanes)
    for one, result in zip(lanes, together, strict=True):
        [alone] = train(small(name), [one])
        assert not result.error
        assert len(result.history) == 3
        for key in ("train_loss", "val_loss", "gradient"):
            assert result.history.epochs[key] == alone.history.epochs[key], key
        assert result.weights.keys() == alone.weights.keys()
        for weight, value in result.weights.items():
            np.testing.assert_array_equal(value, alone.weights[weight], err_msg=weight)


@pytest.mark.parametrize("name", SMALL)
def test_a_lane_never_reads_another(name):
    net, x = drawn(name, lanes=3).eval(), inputs(name, 3)
    before = net(x).detach().clone()
    x[1] += 1
    after = net(x).detach()
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.equal(before[1], after[1])


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("n_features, n_outputs, bars", [(1, 1, BARS), (2, 3, BARS), (1, 1, 4)])
def test_any_number_of_features_and_outputs(name, n_features, n_outputs, bars):
    net = drawn(name, n_features=n_features, n_outputs=n_outputs, bars=bars).eval()
    x = inputs(name, 1, n_features=n_features, bars=bars)
    y = net(x)
    assert y.shape == (1, 32, n_outputs)
    assert y.isfinite().all()
    # Rows do not read each other.
    x[..., 5, :] += 1
    moved = (net(x) != y).any(-1)[0]
    assert moved.nonzero().flatten().tolist() == [5]


@pytest.mark.parametrize("name", some(SMALL))
def test_a_planted_signal_is_learnt(name):
    one = lane(
        name,
        400,
        7,
        noise=0.1,
        epochs=SLOW.get(name, 20),
        learning_rate=5e-3 if name == "quality" else 1e-2,
        batch_size=64,
    )
    [result] = train(small(name, dropout=0.0), [one])
    scale = float(one.valid.y.var())
    assert min(result.history.epochs["val_loss"]) < 0.6 * scale, result.history.epochs["val_loss"]


@pytest.mark.parametrize("name", SMALL)
def test_blocks_that_are_computed_again_give_the_same_numbers(name):
    found = []
    for checkpointed in (False, True):
        net = drawn(name, lanes=2).train()
        net.checkpointed = checkpointed
        draws = [torch.Generator().manual_seed(5 + one) for one in range(2)]
        net.seed(draws, None)
        x = inputs(name, 2).requires_grad_()
        y = net(x)
        grads = torch.autograd.grad(y.square().sum(), [x, *net.parameters()])
        found.append([y, *grads, *net.buffers(), *(draw.get_state() for draw in draws)])
    for kept, again in zip(*found, strict=True):
        assert torch.equal(kept, again)


def test_the_mean_over_bars_forgets_their_order():
    net = drawn("mean-pool").eval()
    x = inputs("mean-pool", 1)
    assert torch.allclose(net(x), net(x.flip(1)), atol=1e-6)


@pytest.mark.parametrize("net", [Transformer, PatchTST, XLSTM])
@pytest.mark.parametrize("heads", [0, 3, 5])
def test_heads_that_do_not_divide_the_width_are_refused_before_training(net, heads):
    with pytest.raises(ValueError, match=rf"heads must divide hidden, which is 64, as 1, 2, 4, 8 do; it was {heads}"):
        check(net, BARS, {"hidden": 64, "heads": heads})
    check(net, BARS, {"hidden": 64, "heads": 8})


def test_a_window_that_cannot_be_halved_is_refused_before_training():
    with pytest.raises(ValueError, match="lookback must be 4 or more with size 'quality'; it was 3"):
        check(ConvRecurrent, 3, {"size": "quality"})
    with pytest.raises(ValueError, match="size must be one of fast, balanced, quality, legacy; it was 'big'"):
        check(ConvRecurrent, 60, {"size": "big"})
