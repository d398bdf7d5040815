"""Learning rates by step, in closed form: a training that is resumed goes on with the same ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quorate_plugins.deep.settings import Training

FLOOR = 0.01  # share of the rate that a cosine ends at
START, PEAK, END = 0.04, 0.3, 1e-4  # of one cycle: first and last share of the rate, and when it is the highest
HALF, LEAST = 0.5, 1e-6  # of a plateau: what the rate is multiplied by, and where that ends


@dataclass
class Rate:
    """The learning rate of one lane.

    Parameters
    ----------
    settings : Training
        Kind, rate, and share of warm-up.
    steps : int
        That all epochs would have.
    """

    settings: Training
    steps: int
    factor: float = 1.0  # of a plateau, so far
    waited: int = 0

    def at(self, step: int) -> float:
        """Return the rate of a step, the first being 0."""
        rate, kind = self.settings.learning_rate, self.settings.schedule
        if kind == "plateau":
            return max(rate * self.factor, min(LEAST, rate))
        if kind == "cosine":
            rising = round(self.settings.warmup * self.steps)
            if step < rising:
                return rate * (step + 1) / rising
            return rate * (FLOOR + (1 - FLOOR) * _down((step - rising) / max(self.steps - rising, 1)))
        if kind == "one-cycle":
            top = max(round(PEAK * self.steps), 1)
            if step < top:
                return rate * (1 - (1 - START) * _down(step / top))
            return rate * (END + (1 - END) * _down((step - top) / max(self.steps - top, 1)))
        return rate

    def after(self, improved: bool) -> None:
        """Hear whether an epoch made progress."""
        self.waited = 0 if improved else self.waited + 1
        if self.waited >= max(self.settings.patience // 3, 3):
            self.factor, self.waited = self.factor * HALF, 0


def _down(share: float) -> float:
    """Return a half cosine from 1 to 0."""
    return (1 + math.cos(math.pi * min(share, 1.0))) / 2
