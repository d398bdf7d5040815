"""A version's forecaster, asked about bars of which nothing is kept."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.execution.progress import Progress
from quorate.runs.loaded import load_report
from quorate.runs.models import models_of
from quorate.runs.registering import Version
from quorate.runs.stored import reopen
from quorate.serving.forecaster import Forecast, Forecaster


class Following(Forecaster):
    """A forecaster that answers for bars in place of the last that it knows, or after them."""

    known: Bars

    @classmethod
    def of_version(cls, version: Version, progress: Progress | None = None) -> Following:
        """Return that of a registered version."""
        report = load_report(version.standing.run, home=version.path)
        models = models_of(report, *reopen(report, progress or Progress(), changes="not as in the run"))
        made = cls(models)
        made.known = models.walk.bars
        return made

    def following(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of these bars; nothing of them is kept."""
        before = int(np.searchsorted(self.known.times, bars.times[0]))
        if before:
            parts = (self.known.take(0, before), bars)
            joined: dict[str, Any] = {}
            for name in ("times", "sessions", *FIELDS):
                joined[name] = np.asfortranarray(np.concatenate([getattr(one, name) for one in parts]))
            bars = replace(parts[0], **joined)
        return copy.copy(self).at(bars)
