"""Rules for a model: what it says of its features."""

from __future__ import annotations

from functools import partial

import numpy as np

from quorate.errors import PluginError
from quorate.execution.outputs import contributions
from quorate.plugins.provider import Plugin
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.tools import models as m
from quorate.testing.tools.model_data import copied
from quorate.testing.tools.models import base, spec_of

FEW = 7


@after("fits")
def check_model_contributions(plugin: Plugin) -> None:
    """Contributions are finite, a column per feature and one more, and their sums rank rows as predictions do."""
    spec, found = spec_of(plugin), base(plugin)
    try:
        explainer = spec.explainer()
    except PluginError as e:
        raise Violation(f"contributions: {e}") from e
    if explainer is None:
        raise NotApplicable("its spec names no contributions")
    told, X = partial(explainer, found.model), copied(found.data, writeable=False).X_test
    with m.as_in_a_run(spec):
        values = m.guarded(plugin, f"asked for contributions to {len(X)} rows", lambda: contributions(told, X))
        few = m.guarded(plugin, f"asked for contributions to {FEW} rows", lambda: contributions(told, X[:FEW]))
    gap = np.abs(values[:FEW] - few).max(axis=1)
    if gap.max() > 1e-6 * max(1.0, float(np.abs(values).max())):
        row = int(gap.argmax())
        raise Violation(
            f"the contributions to row {row} are others with {len(X)} rows than with {FEW}, by up to {gap[row]:.3g}: "
            "they must not depend on the other rows",
            row=row,
        )
    _ranks_alike(values.sum(axis=1), found.outputs[spec.prediction])


def _ranks_alike(sums: Floats, predictions: Floats) -> None:
    order = np.lexsort((predictions, sums))
    s, p = sums[order], predictions[order]
    rise, slack = np.diff(p), m.tolerance(p)
    wrong = np.flatnonzero((rise < -slack) | ((rise > slack) & (np.diff(s) <= 0)))
    if len(wrong):
        k = int(wrong[np.abs(rise[wrong]).argmax()])
        one, other = int(order[k]), int(order[k + 1])
        raise Violation(
            f"the contributions to row {one} sum to {s[k]:.6g} and those to row {other} to {s[k + 1]:.6g}, but "
            f"these are predicted {p[k]:.6g} and {p[k + 1]:.6g}: a row must sum to the raw score, last column "
            "included, and the prediction rise with it",
            row=other,
            found=float(s[k + 1]),
        )
