"""What training makes small, of each row of each lane.

Labels are in standard deviations of the training labels. All functions take what the network gives, (lanes, rows,
n_numbers * outputs), and labels, (lanes, rows, n_numbers), and give the loss of each row, (lanes, rows).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from quorate_plugins.deep.lanes import weighted_mean
from quorate_plugins.deep.settings import Training

LEAST_DEVIATION = 1e-3  # of a label's, that a network may claim


class Loss:
    """The loss of a stack of lanes that agree on its kind.

    Parameters
    ----------
    settings : sequence of Training
        One per lane, in the order of the stack.
    """

    def __init__(self, settings: Sequence[Training]) -> None:
        self.kind = settings[0].loss
        self._levels = torch.tensor(settings[0].quantiles)
        self._delta = settings[0].huber_delta
        self._direction = torch.tensor([s.direction_penalty for s in settings])
        self._turnover = torch.tensor([s.turnover_penalty for s in settings])

    def keep(self, lanes: Sequence[int]) -> None:
        """Go on with these lanes only."""
        self._direction, self._turnover = self._direction[list(lanes)], self._turnover[list(lanes)]

    def __call__(self, raw: Tensor, y: Tensor, weights: Tensor, first: int = 0) -> Tensor:
        """Return the mean loss of each lane, (lanes,).

        Parameters
        ----------
        raw : Tensor, (lanes, rows, n)
            What the network gives; of the rows of each member in turn where it has several, whose losses are averaged.
        weights : Tensor, (lanes, rows)
            Of the rows; 0 for those that fill a step up.
        first : int
            Which lane of the stack is the first of these.
        """
        raw = raw.float()
        lanes = slice(first, first + len(raw))
        members = raw.shape[1] // y.shape[1]
        if self.kind == "neg_sharpe":
            if members > 1:  # a position is that of all members
                raw = raw.view(len(raw), members, *y.shape[1:2], -1).movedim(1, -1).contiguous().mean(-1)
            return neg_sharpe(raw[..., 0], y[..., 0], weights, self._turnover[lanes].to(raw.device)[:, None])
        if members > 1:
            y, weights = y.repeat(1, members, 1), weights.repeat(1, members)
        return weighted_mean(self._rows(raw, y, self._direction[lanes].to(raw.device)[:, None, None]), weights)

    def _rows(self, raw: Tensor, y: Tensor, direction: Tensor) -> Tensor:
        if self.kind == "bce":
            each = functional.binary_cross_entropy_with_logits(raw, y, reduction="none")
        elif self.kind == "mse":
            each = (raw - y).square()
        elif self.kind == "mae":
            each = (raw - y).abs()
        elif self.kind == "huber":
            each = functional.huber_loss(raw, y, reduction="none", delta=self._delta)
        elif self.kind == "gaussian":
            each = gaussian(*mean_and_deviation(raw), y)
        elif self.kind == "pinball":
            each = pinball(quantiles(raw, len(self._levels)), y, self._levels.to(raw.device))
        elif self.kind == "direction_mse":
            each = direction_mse(raw, y, direction)
        else:
            each = direction_weighted_mse(raw, y, direction)
        return each.mean(-1) if each.shape[-1] > 1 else each[..., 0]


def wrong_direction(forecast: Tensor, y: Tensor) -> Tensor:
    """Return how far a forecast lies on the other side of 0 than the label: 0 where it does not."""
    return functional.relu(-forecast * torch.sign(y))


def direction_mse(forecast: Tensor, y: Tensor, penalty: Tensor) -> Tensor:
    """Return the squared error and, on a wrong direction, `penalty` times how far the forecast went that way."""
    return (forecast - y).square() + penalty * wrong_direction(forecast, y)


def direction_weighted_mse(forecast: Tensor, y: Tensor, penalty: Tensor) -> Tensor:
    """Return the squared error, weighted by 1 where the direction is right, and by `penalty` where it is not."""
    return (forecast - y).square() * torch.where(forecast * y < 0, penalty, torch.ones_like(penalty))


def mean_and_deviation(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and standard deviations, (..., n_numbers) each, of what a network gives."""
    mean, spread = _paired(raw, 2).unbind(-1)
    return mean, functional.softplus(spread) + LEAST_DEVIATION


def _paired(raw: Tensor, outputs: int) -> Tensor:
    return raw.reshape(*raw.shape[:-1], -1, outputs)


def gaussian(mean: Tensor, deviation: Tensor, y: Tensor) -> Tensor:
    """Return the negative log-likelihood of a normal distribution."""
    return 0.5 * ((y - mean) / deviation).square() + torch.log(deviation) + 0.5 * math.log(2 * math.pi)


def quantiles(raw: Tensor, levels: int) -> Tensor:
    """Return quantiles, (..., n_numbers, levels), that do not cross: each is the one below and something positive."""
    parts = _paired(raw, levels)
    found = [parts[..., 0]]
    for place in range(1, levels):
        found.append(found[-1] + functional.softplus(parts[..., place]))
    return torch.stack(found, -1)


def pinball(forecast: Tensor, y: Tensor, levels: Tensor) -> Tensor:
    """Return the mean pinball loss of quantiles (..., levels); at the level 0.5 it is half the absolute error."""
    error = y[..., None] - forecast
    return torch.maximum(levels * error, (levels - 1) * error).mean(-1)


def neg_sharpe(raw: Tensor, y: Tensor, weights: Tensor, turnover: Tensor) -> Tensor:
    """Return minus the Sharpe ratio per bar, (lanes,), of positions ``tanh(raw)`` in rows that follow one another.

    Parameters
    ----------
    raw, y, weights : Tensor, (lanes, rows)
        What the network gives, what a position of 1 earns, and 0 for rows that do not count.
    turnover : Tensor, (lanes, 1)
        What a change of position by 1 costs.
    """
    position = torch.tanh(raw)
    changed = functional.pad((position[:, 1:] - position[:, :-1]).abs(), (1, 0))
    earned = position * y - turnover * changed
    mean = weighted_mean(earned, weights)
    spread = weighted_mean((earned - mean[:, None]).square(), weights)
    return -mean / torch.sqrt(spread + 1e-6)
