"""The training of a stack of lanes, step by step in lock step, each with its own data, rate, clock and end.

A lane alone is a stack of one: there is no other code. On a CPU a lane's result does not depend on how many others
train beside it, see `quorate_plugins.deep.lanes`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quorate_plugins.deep.course import Course, Lane, Trained
from quorate_plugins.deep.feed import Feed, Order
from quorate_plugins.deep.lanes import Net
from quorate_plugins.deep.losses import Loss
from quorate_plugins.deep.schedules import Rate
from quorate_plugins.deep.scores import score_of
from quorate_plugins.deep.stack import Stack

if TYPE_CHECKING:
    from quorate_plugins.deep.ranks import Ranks

BLOCK = 256  # rows that are forecast at a time
MakeNet = Callable[[int], Net]  # of a number of lanes, the weights not drawn yet


def train(make_net: MakeNet, lanes: Sequence[Lane], device: str = "cpu", ranks: Ranks | None = None) -> list[Trained]:
    """Train a stack of lanes; return what came of each, in their order.

    A lane whose loss is not finite ends alone, with the best weights that it had, or with an error. With `ranks`, each
    of several processes trains the same lanes on its part of the rows of each step.
    """
    steps = [len(Order(lane.train, lane.settings, torch.Generator())) for lane in lanes]
    order = sorted(range(len(lanes)), key=lambda place: -steps[place])
    training = _Training(make_net, [lanes[place] for place in order], torch.device(device), ranks)
    training.run()
    found = [Trained() for _ in lanes]
    for place, result in zip(order, training.results, strict=True):
        found[place] = result
    return found


def predict(net: Net, feed: Feed, n_rows: Sequence[int]) -> list[Tensor]:
    """Return what a net gives for the first rows of each lane of a feed, (n, n_outputs) each, float32."""
    net.eval()
    net.seed((), None)
    found: list[Tensor] = []
    with torch.no_grad():
        for rows in feed.blocks(n_rows):
            raw = net(feed.step(rows)[0])
            found = found or [torch.empty(n, raw.shape[-1], device=raw.device) for n in n_rows]
            for lane, chosen in enumerate(rows):
                found[lane][chosen] = raw[lane, : len(chosen)].float()
    return found


class _Training:
    """A stack under way; its lanes are those that still train, those with the most steps first."""

    def __init__(
        self, make_net: MakeNet, lanes: Sequence[Lane], device: torch.device, ranks: Ranks | None = None
    ) -> None:
        self._device, self._ranks = device, ranks
        self._live = [_begun(lane, device) for lane in lanes]
        self.results = [course.result for course in self._live]
        self._net = make_net(len(lanes))
        self._net.to(device)
        self._net.checkpointed = lanes[0].settings.checkpoint_gradients
        self._net.reset([course.draws for course in self._live])
        settings = [lane.settings for lane in lanes]
        self._common = settings[0]
        decay = torch.tensor([s.weight_decay for s in settings], device=device)[:, None]
        self._stack = Stack(self._net, decay, self._common.optimiser == "adam")
        for place, lane in enumerate(lanes):
            if lane.start is not None:
                self._stack.begin(place, lane.start)
        if ranks is not None:
            self._share_out(ranks)
        self._loss = Loss(settings)
        self._clip = torch.tensor([s.clip or math.inf for s in settings], device=device)[:, None]
        self._averaged = self._stack.weights.clone() if any(s.ema for s in settings) else None
        scalings = [lane.scaling for lane in lanes]
        rows = self._common.rows(lanes[0].train.bars)
        rows = rows if ranks is None else ranks.most(rows)
        self._feed = Feed([lane.train for lane in lanes], scalings, rows, device)
        held = any(len(lane.valid.y) for lane in lanes)
        self._held = Feed([lane.valid for lane in lanes], scalings, BLOCK, device) if held else None
        self._forward: Callable[[Tensor], Tensor] = self._compiled() if self._common.compile else self._net
        if any(lane.start is not None for lane in lanes):
            self._weigh_starts()
        self._resume()

    def _share_out(self, ranks: Ranks) -> None:
        """Begin with the same weights in all processes, each with draws of its own from then on."""
        ranks.take(self._stack.weights)
        self._net.spread(ranks.sum)
        for course in self._live:
            if ranks.rank:
                course.draws.manual_seed(ranks.seed(course.lane.seed))

    def run(self) -> None:
        """Train until every lane has ended."""
        while self._live:
            self._epoch()

    def _resume(self) -> None:
        """Go on where a training was that was stopped."""
        for place, course in enumerate(self._live):
            state = course.lane.watch.begin() if course.lane.watch is not None else None
            if state is not None:
                course.restore(state, self._stack, self._averaged, place)
        if any(course.ended for course in self._live):
            self._leave([place for place, course in enumerate(self._live) if not course.ended])

    def _epoch(self) -> None:
        began = time.perf_counter()
        losses, lengths, rates = self._steps()
        held = self._validated() if self._ranks is None else self._ranks.told(self._validated)
        share = (time.perf_counter() - began) / len(self._live)
        for place, course in enumerate(self._live):
            score, loss = held[place]
            course.result.history.add(
                losses[place],
                train_loss=float(losses[place].mean(dtype=np.float64)),
                val_loss=loss,
                val_score=score,
                learning_rate=rates[place],
                gradient=lengths[place],
                seconds=share,
            )
            self._judge(place, course)
            self._tell(place, course)
        left = [place for place, course in enumerate(self._live) if not course.ended]
        if len(left) < len(self._live):
            self._leave(left)

    def _tell(self, place: int, course: Course) -> None:
        """Have whoever watches a lane hear of its epoch."""
        watch, history = course.lane.watch, course.result.history
        if watch is None:
            return
        values = {name: column[-1] for name, column in history.epochs.items()}
        watch.epoch(
            watch.line(len(history), values, len(history.batches[-1])),
            len(history),
            course.lane.settings.epochs,
            value=course.value,
            state=lambda: course.state(self._stack, self._averaged, place),
            last=course.ended,
        )

    def _steps(self) -> tuple[list[NDArray[np.float32]], list[float], list[float]]:
        """Make the steps of an epoch; return the losses of each lane, its mean gradient, and its last rate."""
        self._net.train()
        plans = [course.order.epoch() for course in self._live]
        # One by one they would lie between what is freed, which could then not be used again.
        losses = torch.zeros(len(plans), len(plans[0]), device=self._device)
        lengths = torch.zeros(len(plans), 1, device=self._device)
        rates = [0.0 for _ in plans]
        accumulate = self._common.accumulate
        for step in range(len(plans[0])):
            count = sum(len(plan) > step for plan in plans)
            self._stack.use(count)
            rows = [plan[step] for plan in plans[:count]]
            own = rows if self._ranks is None else [self._ranks.own(one) for one in rows]
            x, y, weights = self._feed.step(own)
            running = self._live[:count]
            self._net.seed([one.draws for one in running], weights, [one.lane.dropout for one in running])
            with self._autocast():
                raw = self._forward(x)
            loss = self._loss(raw, y, weights)
            if self._ranks is not None:
                loss = loss * self._ranks.shares(own, rows, loss)
            self._stack.backward(loss.sum() / accumulate)
            losses[:count, step] = loss.detach()
            # The lanes that make a step now: all, or those, the last of them, that have no more rows in this epoch.
            first = 0 if (step + 1) % accumulate == 0 else sum(len(plan) > step + 1 for plan in plans)
            if first < count:
                lengths[first:count] += self._step(slice(first, count), rates, step)
        if self._ranks is not None:
            losses = self._ranks.sum(losses)
        grouped = [row[: len(plan)].copy() for row, plan in zip(losses.cpu().numpy(), plans, strict=True)]
        means = [float(total) / -(-len(plan) // accumulate) for total, plan in zip(lengths[:, 0], plans, strict=True)]
        return grouped, means, rates

    def _step(self, lanes: slice, rates: list[float], step: int) -> Tensor:
        for place in range(lanes.start, lanes.stop):
            course = self._live[place]
            rates[place] = course.rate.at(course.steps + step)
        now = torch.tensor(rates[lanes], device=self._device)[:, None]
        if self._ranks is not None:
            self._stack.gradients[lanes] = self._ranks.sum(self._stack.gradients[lanes])
        length = self._stack.step(lanes, now, self._clip[lanes])
        if self._averaged is not None:
            decays = [_decay(course, step) for course in self._live[lanes]]
            kept = torch.tensor(decays, device=self._device)[:, None]
            mine = self._averaged[lanes]
            mine.mul_(kept).add_(self._stack.weights[lanes] * (1 - kept))
        return length

    def _validated(self) -> list[tuple[float, float]]:
        """Return the score and the loss of each lane on the rows held back; NaN without any."""
        if self._held is None:
            return [(math.nan, math.nan) for _ in self._live]
        self._stack.use(len(self._live), self._averaged)
        lanes = [course.lane for course in self._live]
        raw = predict(self._net, self._held, [len(lane.valid.y) for lane in lanes])
        found = []
        for place, (lane, given) in enumerate(zip(lanes, raw, strict=True)):
            if not len(lane.valid.y):
                found.append((math.nan, math.nan))
                continue
            y = torch.tensor(lane.valid.y, device=self._device)
            weights = torch.ones(1, len(y), device=self._device)
            if lane.valid.weights is not None:
                weights = torch.tensor(lane.valid.weights[None], device=self._device)
            loss = float(self._loss(given[None], y[None], weights, place)[0])
            found.append((score_of(lane.settings, given, lane.valid.y, loss), loss))
        return found

    def _judge(self, place: int, course: Course) -> None:
        """Note the best weights of a lane, and whether it ends."""
        settings, result = course.lane.settings, course.result
        history = result.history
        epoch = len(history)
        if not math.isfinite(history.epochs["train_loss"][-1]):
            history.stopped, course.value = "the loss was not finite", math.inf
            if course.best is not None:
                result.notes.append(f"the loss was not finite in epoch {epoch}: the weights of the best epoch are kept")
            else:
                result.error = (
                    f"the loss was not finite in epoch {epoch}: a smaller learning_rate (it was "
                    f"{settings.learning_rate:g}) or a shorter clip may help"
                )
        else:
            epochs = history.epochs
            value = course.value = _value(course, epochs["val_score"][-1], epochs["val_loss"][-1])
            improved = math.isfinite(value) and (course.best is None or value < course.best[0] - settings.min_delta)
            if improved:
                course.best = value, self._weights_of(place)
                history.best_epoch = epoch
            course.waited = 0 if improved else course.waited + 1
            course.rate.after(improved)
            if len(course.lane.valid.y) and settings.patience and course.waited >= settings.patience:
                history.stopped = f"no progress in {settings.patience} epochs"
            elif epoch >= settings.epochs:
                history.stopped = "all epochs"
        if course.ended:
            if course.best is not None:
                result.weights = self._named(course.best[1])
            elif not result.error:
                result.error = "the loss on the rows held back was not finite in any epoch"

    def _weigh_starts(self) -> None:
        """Note the weights that lanes go on from as the best so far, by the rows held back if there are any."""
        for place, (course, held) in enumerate(zip(self._live, self._validated(), strict=True)):
            if course.lane.start is not None:
                value = _value(course, *held)
                course.best = (value if math.isfinite(value) else math.inf), self._weights_of(place)

    def _weights_of(self, place: int) -> tuple[Tensor, Tensor]:
        weights, buffers = self._stack.lane(place)
        return (weights if self._averaged is None else self._averaged[place].clone()), buffers

    def _leave(self, left: Sequence[int]) -> None:
        """Go on with these lanes; the others have ended."""
        self._live = [self._live[place] for place in left]
        if not left:
            return
        self._stack.keep(left)
        self._loss.keep(left)
        self._feed.keep(left)
        self._clip = self._clip[left]
        if self._held is not None:
            self._held.keep(left)
        if self._averaged is not None:
            self._averaged = self._averaged[left].clone()

    def _named(self, state: tuple[Tensor, Tensor]) -> dict[str, NDArray[np.float32]]:
        return {name: value[0].cpu().numpy().copy() for name, value in self._stack.named(state).items()}

    def _autocast(self) -> AbstractContextManager[Any]:
        if self._common.precision == "fp32":
            return nullcontext()
        dtype = torch.bfloat16 if self._common.precision == "bf16" else torch.float16
        return torch.autocast(self._device.type, dtype=dtype)

    def _compiled(self) -> Callable[[Tensor], Tensor]:
        compiled: Callable[[Tensor], Tensor] = torch.compile(self._net, dynamic=False)
        return compiled


def _begun(lane: Lane, device: torch.device) -> Course:
    """Return the course of a lane at its beginning."""
    order = Order(lane.train, lane.settings, torch.Generator().manual_seed(lane.seed))
    draws = torch.Generator(device=device).manual_seed(lane.seed)
    return Course(lane, draws, order, Rate(lane.settings, len(order) * lane.settings.epochs))


def _decay(course: Course, step: int) -> float:
    """Return the decay of a lane's average: less at first, so that it forgets the weights it began with."""
    done = course.steps + step
    return min(course.lane.settings.ema, (1 + done) / (10 + done))


def _value(course: Course, score: float, loss: float) -> float:
    """Return what progress makes smaller: what the lane stops on, or its loss where that is not defined.

    Without rows held back each epoch is better than the one before.
    """
    result, stop_on = course.result, course.lane.settings.stop_on
    if not len(course.lane.valid.y):
        return -float(len(result.history))
    if stop_on != "val_loss" and math.isfinite(score):
        return -score
    if stop_on != "val_loss":
        note = f"{stop_on} is not defined on the rows held back: progress is measured by val_loss"
        result.notes += [note] * (note not in result.notes)
    return loss
