"""Rules for a model: that a row's prediction does not depend on the rows predicted with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.execution.outputs import BLOCK, Outputs
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation, after, causal
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import N_TEST, altered, copied, data_for, holes
from quorate.testing.tools.models import ask, base, spec_of, trained


@after("objects-independent", "same-seed-same-result")
def check_model_one_row(plugin: Plugin) -> None:
    """It predicts a single row."""
    found = base(plugin)
    try:
        alone = ask(plugin, found.model, found.data.X_test[:1].copy(), "asked to predict one row")
    except Violation as e:
        raise Violation(
            f"{e.message}. It predicted {N_TEST} rows at once: give one value per row, whatever their number; "
            "squeeze() takes the axis of a single row away, [:, 0] does not"
        ) from e
    del alone


@causal
@after("objects-independent", "same-seed-same-result")
def check_model_subset_invariant(plugin: Plugin) -> None:
    """The prediction of a row does not depend on the rows predicted with it."""
    found, spec = base(plugin), spec_of(plugin)
    _alike(plugin, found.model, found.outputs, found.data.X_test)
    if spec.accepts_nan:
        data = altered(data_for(spec), holes)
        model = trained(plugin, copied(data), "fitted on X of which a tenth is NaN (accepts_nan=True)")
        outputs = ask(plugin, model, data.X_test.copy(), "asked to predict rows of which a tenth is NaN")
        _alike(plugin, model, outputs, data.X_test, " (a tenth of X is NaN)")


def _alike(plugin: Plugin, model: Any, outputs: Outputs, X: NDArray[Any], holed: str = "") -> None:
    n = len(X)
    order = np.random.default_rng(2).permutation(n)
    for what, rows in (
        ("with all others", np.arange(n)),
        ("with half of them", np.arange(n // 2)),
        ("with every third one", np.arange(0, n, 3)),
        ("with one other", np.arange(2)),
        ("in another order", order),
    ):
        values = ask(plugin, model, X[rows].copy(), f"asked to predict {len(rows)} rows{holed}")
        _agree(outputs, values, rows, what + holed)
    padded = np.zeros((BLOCK, *X.shape[1:]), dtype=X.dtype)
    padded[:n] = X
    try:
        values = ask(plugin, model, padded, f"asked to predict {BLOCK} rows, of which {BLOCK - n} are all zero")
    except Violation as e:
        raise Violation(
            f"{e.message}. A run predicts in blocks of {BLOCK} rows, and fills the last one up with zeros: guard "
            "divisions and logarithms against 0"
        ) from e
    _agree(outputs, {k: v[:n] for k, v in values.items()}, np.arange(n), f"with rows of zeros up to {BLOCK}{holed}")
    for row in range(0, n, 20):
        try:
            values = ask(plugin, model, X[row : row + 1].copy(), "asked to predict one row")
        except Violation:
            return  # that is what the rule one-row says
        _agree(outputs, values, np.array([row]), "alone" + holed)


def _agree(all_rows: Outputs, values: Outputs, rows: NDArray[np.int64], what: str) -> None:
    for name, whole in all_rows.items():
        gap = np.abs(whole[rows] - values[name])
        if np.nanmax(gap, initial=0.0) <= m.tolerance(whole[np.isfinite(whole)] if np.isfinite(whole).any() else whole):
            continue
        at = int(np.nanargmax(gap))
        row = int(rows[at])
        raise Violation(
            f"the prediction {name!r} of row {row} is {number(whole[row], values[name][at])} among {len(whole)} rows, "
            "and "
            f"{number(values[name][at], whole[row])} when it is predicted {what}: it reads the other rows, which lie "
            "in the future. "
            "Learn means, scales and ranks in `fit`, and use them in `predict` (torch: model.eval())",
            row=row,
            expected=float(whole[row]),
            found=float(values[name][at]),
        )
