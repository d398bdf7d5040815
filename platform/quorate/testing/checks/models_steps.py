"""A rule for a model: that it learns labels of several steps at once, if it says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.tools.model_data import copied, data_for, relabelled
from quorate.testing.tools.models import ask, spec_of, trained

STEPS = (1, 2, 3)


def several(y: NDArray[Any]) -> NDArray[Any]:
    """Return labels of three steps, (n, 3): as they are, turned round, and higher."""
    return np.column_stack([y, -y, y + 4 * float(np.std(y))])


@after("fits", "output-names")
def check_model_steps(plugin: Plugin) -> None:
    """With ``steps=True`` it learns labels (n, n_steps), and gives each step its own forecasts."""
    spec = spec_of(plugin)
    if not spec.steps:
        raise NotApplicable("its spec does not say steps=True: it is fitted once per step")
    if spec.task == "classification":
        raise NotApplicable("labels of several steps are numbers")
    asked = replace(plugin, spec=spec.at_steps(STEPS, STEPS[0]))
    data = relabelled(data_for(spec), several)
    model = trained(asked, copied(data), f"fitted on labels of {len(STEPS)} steps, (n, {len(STEPS)})")
    outputs = ask(asked, model, data.X.copy(), f"asked to predict {len(STEPS)} steps")
    names = [spec.prediction, *(f"{spec.prediction}@{step}" for step in STEPS[1:])]
    for j, name in enumerate(names):
        errors = [float(np.mean((outputs[name] - data.y[:, k]) ** 2)) for k in range(len(STEPS))]
        best = int(np.argmin(errors))
        if errors[best] < errors[j] * (1 - 1e-6):
            raise Violation(
                f"its forecast of step {STEPS[j]} is nearer to the label of step {STEPS[best]} (mean squared error "
                f"{errors[best]:.3g}) than to its own ({errors[j]:.3g}): give the columns in the order of those of y",
                step=STEPS[j],
                expected=STEPS[j],
                found=STEPS[best],
            )
