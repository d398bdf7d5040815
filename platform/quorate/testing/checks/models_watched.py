"""A rule for a model: that a training which was stopped goes on where it was, if its spec says that it is watched."""

from __future__ import annotations

import tempfile
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quorate.execution.watch import Watch
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.model_data import copied, data_for
from quorate.testing.tools.models import ask, demand_same, spec_of

STOP = 3  # after that epoch, or before the last one there may be
WHAT = {"kit": "resumes"}
CALLS = "call self.watch.begin() before the first epoch, where self.watch is set, and self.watch.epoch(...) after each"


class _Stopped(BaseException):  # no `except Exception` of a plugin takes it for an error
    """The training is stopped, as by a kill."""


@dataclass
class _Heard(Watch):
    """Notes what it is told, and stops the training after one of its epochs where it is to."""

    stops: bool = False
    told: list[int] = field(default_factory=list)
    asked: bool = False
    trouble: str = ""

    def begin(self) -> dict[str, Any] | None:
        """Note that the model asked where to begin."""
        self.asked = True
        return super().begin()

    def epoch(self, line: str, epoch: int, epochs: int, **more: Any) -> None:
        """Note an epoch, and why it could not be kept."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            super().epoch(line, epoch, epochs, **more)
        self.trouble = "; ".join(str(one.message) for one in caught)
        self.told.append(epoch)
        if self.stops and epoch >= min(STOP, max(1, epochs - 1)):
            raise _Stopped


@after("fits", "same-seed-same-result")
def check_model_resumes(plugin: Plugin) -> str | None:
    """With ``watched=True`` it tells every epoch, and a training that was stopped ends as if it had not been."""
    spec = spec_of(plugin)
    if not spec.watched:
        raise NotApplicable("its spec does not say watched=True: a fit that is stopped begins anew")
    # The audit's parameters make it quick where there are any.
    options, data = {**default_options(plugin), **spec.audit_params}, data_for(spec)

    def fitted(watch: Watch | None, what: str) -> Any:
        with m.as_in_a_run(spec):
            model = m.guarded(plugin, f"made with {options}", lambda: m.make(spec, options))
            if watch is not None:
                model.watch = watch
            m.guarded(plugin, what, lambda: m.fit(model, copied(data)))
        return model

    def outputs(model: Any, what: str) -> Any:
        return ask(plugin, model, copied(data).X_test, what)

    whole = outputs(fitted(None, f"fitted on {data}"), "asked to predict")
    with tempfile.TemporaryDirectory() as folder:
        first, model = _Heard(WHAT, Path(folder, "kept"), stops=True), None
        with suppress(_Stopped):
            model = fitted(first, "fitted with a watch")
        _check_told(first)
        if model is not None:
            demand_same(whole, outputs(model, "asked to predict"), "without a watch", "with one", "", True)
            return f"its training ended by itself after epoch {first.told[-1]}, before it was stopped"
        second = _Heard(WHAT, Path(folder, "kept"))
        model = fitted(second, f"fitted again after it was stopped after epoch {first.told[-1]}")
    expected = first.told[-1] + 1
    if second.told and second.told[0] != expected:
        raise Violation(
            f"stopped after epoch {first.told[-1]} and fitted again, it went on with epoch {second.told[0]}, not "
            f"{expected}: go on from what self.watch.begin() returns, where that is not None",
            expected=expected,
            found=second.told[0],
        )
    remedy = (
        "`state` must give all that the next epoch depends on: weights, what the optimiser keeps, the best so far, and "
        "where random numbers are"
    )
    again = outputs(model, "asked to predict")
    demand_same(whole, again, "by a training in one go", f"by one stopped after epoch {first.told[-1]}", remedy, True)
    return None


def _check_told(heard: _Heard) -> None:
    """Raise, if a watch was not asked where to begin, or not told every epoch."""
    if not heard.told:
        raise Violation(f"fitted with a watch, it told no epoch: {CALLS}")
    if not heard.asked:
        raise Violation(f"fitted with a watch, it did not ask where to begin: {CALLS}")
    if heard.told != list(range(1, len(heard.told) + 1)):
        raise Violation(f"fitted with a watch, it told the epochs {heard.told}, which must count from 1: {CALLS}")
    if heard.trouble:
        raise Violation(f"{heard.trouble}: what `state` returns must be NumPy arrays, and values as JSON holds them")
