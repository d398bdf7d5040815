"""Losses against their formulas, schedules against theirs, and Adam against PyTorch's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from quorate_plugins.deep.lanes import Linear, Net
from quorate_plugins.deep.losses import Loss, direction_mse, direction_weighted_mse, neg_sharpe, pinball, quantiles
from quorate_plugins.deep.schedules import FLOOR, Rate
from quorate_plugins.deep.settings import LOSSES, Training
from quorate_plugins.deep.stack import Stack

ROWS = 32


def of(kind: str, raw: torch.Tensor, y: torch.Tensor, **settings: float) -> float:
    loss = Loss([Training(loss=kind, **settings)])  # type: ignore[arg-type]
    return float(loss(raw[None], y[None], torch.ones(1, len(y)))[0])


@pytest.fixture(name="pair")
def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(ROWS, 1, generator=generator), torch.randn(ROWS, 1, generator=generator)


def test_each_loss_is_its_formula(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    raw, y = pair
    error, other = (raw - y).numpy().astype(float), y.numpy().astype(float)
    assert of("mse", raw, y) == pytest.approx(np.mean(error**2), rel=1e-6)
    assert of("mae", raw, y) == pytest.approx(np.mean(np.abs(error)), rel=1e-6)
    huber = np.where(np.abs(error) < 0.5, 0.5 * error**2, 0.5 * (np.abs(error) - 0.25))
    assert of("huber", raw, y, huber_delta=0.5) == pytest.approx(huber.mean(), rel=1e-6)
    p = 1 / (1 + np.exp(-raw.numpy().astype(float)))
    cross = -np.where(other > 0, np.log(p), np.log(1 - p)).mean()
    assert of("bce", raw, (y > 0).float()) == pytest.approx(cross, rel=1e-5)


def test_the_pinball_loss_of_the_median_is_half_the_absolute_error(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    raw, y = pair
    level = torch.tensor([0.5])
    assert float(pinball(raw[..., None], y, level).mean()) == pytest.approx(float((raw - y).abs().mean()) / 2)


def test_the_gaussian_likelihood_is_best_at_the_true_mean_and_deviation() -> None:
    y = torch.randn(4096, 1, generator=torch.Generator().manual_seed(1)) * 2 + 3

    def at(mean: float, deviation: float) -> float:
        spread = math.log(math.expm1(deviation - 1e-3))  # what softplus makes the deviation of
        return of("gaussian", torch.tensor([[mean, spread]]).expand(len(y), 2), y)

    best = at(float(y.mean()), float(y.std(correction=0)))
    assert best == pytest.approx(float(torch.log(y.std(correction=0))) + 0.5 + 0.5 * math.log(2 * math.pi), rel=1e-4)
    assert all(best < at(*other) for other in ((2.5, 2.0), (3.5, 2.0), (3.0, 1.5), (3.0, 2.6)))


def test_the_additive_direction_loss_without_a_penalty_is_the_squared_error(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    raw, y = pair
    assert of("direction_mse", raw, y, direction_penalty=0.0) == of("mse", raw, y)
    assert of("direction_weighted_mse", raw, y, direction_penalty=1.0) == of("mse", raw, y)
    for kind in ("direction_mse", "direction_weighted_mse"):
        right = y.abs() * torch.sign(y) * 0.5
        assert of(kind, -right, y, direction_penalty=2.0) > of(kind, right, y, direction_penalty=2.0)


def test_direction_losses_weigh_a_wrong_direction_by_hand() -> None:
    forecast, y, penalty = torch.tensor([1.0, 1.0]), torch.tensor([2.0, -2.0]), torch.tensor(3.0)
    assert direction_mse(forecast, y, penalty).tolist() == [1.0, 9.0 + 3.0]
    assert direction_weighted_mse(forecast, y, penalty).tolist() == [1.0, 27.0]


def test_the_sharpe_loss_takes_off_what_changes_of_position_cost() -> None:
    y = torch.tensor([[0.1, -0.2, 0.3, 0.1]])
    raw = torch.tensor([[5.0, -5.0, 5.0, 5.0]])
    position = torch.tanh(raw).numpy().astype(float)[0]
    for cost in (0.0, 0.1):
        earned = position * y.numpy()[0] - cost * np.abs(np.diff(position, prepend=position[0]))
        wanted = -earned.mean() / math.sqrt(earned.var() + 1e-6)
        found = float(neg_sharpe(raw, y, torch.ones(1, 4), torch.tensor([[cost]]))[0])
        assert found == pytest.approx(wanted, rel=1e-5)


def test_quantiles_never_cross() -> None:
    found = quantiles(torch.randn(100, 5, generator=torch.Generator().manual_seed(2)) * 50, 5)
    assert bool((found[..., 1:] >= found[..., :-1]).all())


@pytest.mark.parametrize("kind", LOSSES)
def test_rows_of_weight_nothing_do_not_count(kind: str) -> None:
    settings = Training(loss=kind, quantiles=(0.1, 0.5, 0.9))
    generator = torch.Generator().manual_seed(3)
    raw, y = torch.randn(1, ROWS, settings.outputs(), generator=generator), torch.rand(1, ROWS, 1, generator=generator)
    weights = torch.ones(1, ROWS)
    weights[:, 20:] = 0
    first = Loss([settings])(raw, y, weights)
    raw[:, 21:], y[:, 21:] = 9.0, 7.0
    assert torch.equal(first, Loss([settings])(raw, y, weights))


def test_rates_are_those_of_the_closed_forms() -> None:
    steps, rate = 100, 0.01
    cosine = Rate(Training(learning_rate=rate, schedule="cosine", warmup=0.1), steps)
    assert [cosine.at(step) for step in (0, 4, 9)] == pytest.approx([rate / 10, rate / 2, rate])
    assert cosine.at(55) == pytest.approx(rate * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * 45 / 90))))
    assert cosine.at(100) == pytest.approx(rate * FLOOR)
    cycle = Rate(Training(learning_rate=rate, schedule="one-cycle"), steps)
    assert cycle.at(30) == pytest.approx(rate)
    assert cycle.at(0) == pytest.approx(rate * 0.04)
    assert cycle.at(100) == pytest.approx(rate * 1e-4)
    plateau = Rate(Training(learning_rate=rate, schedule="plateau", patience=9), steps)
    for _ in range(3):
        assert plateau.at(50) == rate
        plateau.after(improved=False)
    assert plateau.at(50) == rate / 2


class _One(Net):
    def __init__(self) -> None:
        super().__init__()
        self.linear = Linear(1, 3, 2)


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_steps_are_those_of_pytorch(optimiser: str) -> None:
    net, twin = _One(), nn.Linear(3, 2)
    net.reset([torch.Generator().manual_seed(4)])
    with torch.no_grad():
        twin.weight.copy_(net.linear.weight[0].T)
        twin.bias.copy_(net.linear.bias[0])
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[optimiser]
    other = kind(twin.parameters(), lr=0.01, weight_decay=0.1)
    stack = Stack(net, torch.tensor([[0.1]]), coupled=optimiser == "adam")
    x = torch.randn(1, ROWS, 3, generator=torch.Generator().manual_seed(6))
    for _ in range(20):
        stack.backward(net.linear(x).square().mean())
        stack.step(slice(0, 1), torch.tensor([[0.01]]), torch.tensor([[math.inf]]))
        other.zero_grad()
        twin(x[0]).square().mean().backward()
        other.step()
    assert torch.allclose(net.linear.weight[0].T, twin.weight, atol=1e-6)
    assert torch.allclose(net.linear.bias[0], twin.bias, atol=1e-6)


def test_a_gradient_is_cut_to_its_length() -> None:
    net = _One()
    stack = Stack(net, torch.zeros(1, 1), coupled=False)
    stack.gradients[:, :9] = 4.0
    length = stack.step(slice(0, 1), torch.tensor([[0.1]]), torch.tensor([[1.0]]))
    assert float(length[0]) == pytest.approx(12.0)
    assert float(stack.means[0].norm()) == pytest.approx(0.1, rel=1e-5)  # (1 - beta) of a gradient of length 1


def test_settings_refuse_what_they_cannot_be() -> None:
    for wrong in (
        {"loss": "mape"},
        {"epochs": 0},
        {"quantiles": (0.5, 0.1)},
        {"quantiles": (0.0, 0.5)},
        {"learning_rate": 0.0},
        {"ema": 1.0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Training(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not go with a label that is a class"):
        Training(loss="mse").for_task("classification")
    assert Training().for_task("classification").stop_on == "auc"
    assert Training().for_task("regression").stop_on == "val_loss"
