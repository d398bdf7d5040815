"""Rules for a model: what it does with categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.categories import Categories
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import ModelSpec
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.models import ask, spec_of

if TYPE_CHECKING:
    import pandas as pd

_N, _FEW = 400, 7
_NAMES, _LEVELS = ("kind", "place"), (("left", "right"), ("here", "there", "where"))


@after("fits")
def check_model_categories(plugin: Plugin) -> None:
    """A model that takes categories reads them: of a label that follows a category alone, it learns something."""
    spec = spec_of(plugin)
    if not spec.categories:
        raise NotApplicable("it takes no categories")
    X, y, unseen = _frames(spec)
    with m.as_in_a_run(spec):
        model = m.guarded(
            plugin, "made with categories", lambda: m.make(spec, default_options(plugin), categories=_NAMES)
        )
        m.guarded(
            plugin,
            f"fitted on a DataFrame of {len(X)} rows with the categories {' and '.join(_NAMES)}",
            lambda: model.fit(X, y),
        )
    before = ask(plugin, model, X, "asked to predict a DataFrame with categories")[spec.prediction]
    _refuse_infinite(ask(plugin, model, unseen, "asked about categories that are missing")[spec.prediction])
    few = ask(plugin, model, X.iloc[:_FEW], f"asked to predict {_FEW} rows with categories")[spec.prediction]
    gap = np.abs(before[:_FEW] - few)
    if gap.max() > m.tolerance(before):
        row = int(gap.argmax())
        raise Violation(
            f"row {row} is predicted {number(before[row], few[row])} with {len(X)} rows of a DataFrame, and "
            f"{number(few[row], before[row])} with {_FEW}: a row's prediction must not depend on the others",
            row=row,
        )
    turned = X["kind"].astype(str).map({"left": "right", "right": "left"}).astype(X["kind"].dtype)
    changed = ask(plugin, model, X.assign(kind=turned), "asked to predict other categories")[spec.prediction]
    if np.abs(changed - before).max() <= m.tolerance(before):
        raise Violation(
            "it takes categories (ModelSpec.categories), but predicts the same whatever they are, also where the "
            "label follows one of them alone: read the columns of dtype category, or leave categories out of the spec"
        )


def _frames(spec: ModelSpec) -> tuple[pd.DataFrame, NDArray[Any], pd.DataFrame]:
    """Return rows whose label follows a category, the labels, and rows whose categories are not known."""
    rng = np.random.default_rng(5)
    codes = np.column_stack([rng.integers(0, len(levels), _N) for levels in _LEVELS]).astype(np.int32)
    rows = np.arange(_N)
    X = rng.standard_normal((_N, 3)).astype(np.float32)
    names = ("one", "two", "three")
    frame = Categories(_NAMES, _LEVELS, codes).beside(X, names, _LEVELS, rows)
    unknown = Categories(_NAMES, _LEVELS, np.full_like(codes, -1)).beside(X, names, _LEVELS, rows)
    if spec.task == "classification":
        return frame, (rng.random(_N) < np.where(codes[:, 0] == 1, 0.9, 0.1)).astype(np.int64), unknown
    return frame, 0.01 * (codes[:, 0] - 0.5) + 0.002 * rng.standard_normal(_N), unknown


def _refuse_infinite(values: NDArray[Any]) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise Violation(
            f"row {row}, whose categories are the empty text, is predicted {values[row]}: that is what stands for a "
            "category that is missing, or did not occur in training; its prediction must be finite",
            row=row,
        )
