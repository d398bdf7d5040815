"""A rule for metrics: whether the number is of forecasts, and so says nothing across recipes that label otherwise."""

from __future__ import annotations

from dataclasses import replace

from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, after
from quorate.testing.tools import altered
from quorate.testing.tools.compare import number
from quorate.testing.tools.measured import close, spec_of, value_of


@after("computes", "deterministic")
def check_metric_forecasts(plugin: Plugin) -> str | None:
    """``forecasts`` says whether it depends on what was forecast, or on what it was compared with."""
    declared = spec_of(plugin).forecasts
    moved = False
    for name, p in altered.ordinary().items():
        value = value_of(plugin, p, name)
        for part in ("predictions", "labels"):
            turned = 1 - getattr(p, part) if p.binary else -getattr(p, part)
            other = value_of(plugin, replace(p, **{part: turned}), f"{name}, with other {part}")
            if close(other, value, 1e-9):
                continue
            moved = True
            if not declared:
                raise Violation(
                    f"forecasts=False, but with other {part} it goes from {number(value, other)} to "
                    f"{number(other, value)}: declare forecasts=True, so that nobody compares it across recipes that "
                    "label otherwise",
                    part=part,
                    performance=name,
                    expected=value,
                    found=other,
                )
    return "forecasts=True, but other forecasts or labels did not change it" if declared and not moved else None
