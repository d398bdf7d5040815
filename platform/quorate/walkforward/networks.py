"""Whether networks forecast better than the linear controls and the boosted trees of their run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.evidence.marginal import change_of
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import task_of
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

SIZE = 0.05  # of the tests, two-sided
RIVALS = ("linear", "boosting")  # families that a network is held against

Losses = Mapping[str, Floats]


def of_family(walk: WalkForward, *families: str) -> dict[str, int]:
    """Return the members of some families, and where each stands among all."""
    return {name: column for column, (name, spec) in enumerate(walk.members.items()) if spec.family in families}


def against_controls(
    walk: WalkForward, predictions: Floats, rows: NDArray[np.int64], seed: int
) -> list[dict[str, Any]]:
    """Return how each network compares with each linear and each boosted model; nothing for a run without either.

    The loss is the squared error, of classes that of the probability: Brier's score. All are judged on the rows that
    all of them forecast, symbols of one bar averaged. Two are compared by the test of Diebold and Mariano. With one
    rival all networks are compared at once, by Hansen's test of superior predictive ability, and each by its
    step-down form (Romano and Wolf): so a network is called better only where the luck of trying several is allowed
    for, too.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions.
    rows : ndarray of int64
        Those that are judged.
    seed : int
        Of the resampling.
    """
    networks, rivals = (of_family(walk, *families) for families in (("network",), RIVALS))
    if not networks or not rivals:
        return []
    y, columns = walk.dataset.y[rows], {**networks, **rivals}
    forecasts = {name: predictions[rows, column] for name, column in columns.items()}
    forecasts = {name: values for name, values in forecasts.items() if np.isfinite(values).any()}
    known = np.isfinite(y) & np.logical_and.reduce([np.isfinite(values) for values in forecasts.values()])
    bar, errors = walk.dataset.bar[rows][known], {name: (y - f)[known] for name, f in forecasts.items()}
    if not known.any():
        return []
    losses = {name: statistics.mean_by_bar(error**2, bar) for name, error in errors.items()}
    own, h, found = [name for name in networks if name in losses], walk.horizon, []
    for rival in (name for name in rivals if own and name in losses):
        others = np.column_stack([losses[name] for name in own])
        every = statistics.spa(losses[rival], others, seed, dependence="any")
        among = {"networks": len(own), "spa_p": every.p_value, "block": every.block}
        for name, p_among in zip(own, every.p_models, strict=True):
            test = statistics.diebold_mariano(errors[name], errors[rival], h, bar=bar, dependence="any")
            found.append(
                {
                    "network": name,
                    "rival": rival,
                    "family": walk.members[rival].family,
                    "loss": "Brier score" if walk.binary else "squared error",
                    **_compared(losses[name], losses[rival], test),
                    "p_among": p_among,
                    **among,
                    "verdict": _verdict(test, p_among),
                }
            )
    return sorted(found, key=lambda row: own.index(row["network"]))


def _compared(one: Floats, other: Floats, test: statistics.TwoForecasts) -> dict[str, Any]:
    """Return the mean losses of two, how far they are apart, and the test of it, by whose variance is the interval."""
    found = change_of(one, other, test, SIZE)
    effective = float(np.var(one - other)) / found.error**2 if found.error > 0 else math.nan
    return {
        "bars": test.n,
        "effective": min(effective, float(test.n)),
        "freedom": test.freedom,
        "network_loss": float(one.mean()),
        "rival_loss": float(other.mean()),
        "change": found.change,
        "change_low": found.low,
        "change_high": found.high,
        "dm": test.statistic,
        "p_value": test.p_value,
    }


def _verdict(test: statistics.TwoForecasts, p_among: float) -> str:
    if math.isnan(test.p_better):
        return "not tested"
    if test.p_better < SIZE / 2:
        return "better" if p_among < SIZE else "no better"
    return "worse" if test.p_worse < SIZE / 2 else "no better"


def uncontrolled(walk: WalkForward) -> list[str]:
    """Return a warning, if there are networks and no linear model beside them."""
    networks = of_family(walk, "network")
    if not networks or of_family(walk, "linear"):
        return []
    one = next(iter(networks))
    names = f"the network {one!r}" if len(networks) == 1 else f"{len(networks)} networks"
    control = _control(walk, walk.members[one])
    told = f": add [models.{control}]" if control else ""
    return [f"no linear model stands beside {names}: nothing says whether more was learnt than a line knows{told}"]


def _control(walk: WalkForward, network: ModelSpec) -> str | None:
    """Return a linear model for this label, one that reads what the network does before others."""
    at_hand = [walk.registry.get(ModelSpec, name) for name in walk.registry.at_hand("model")]
    task = task_of(walk.binary)
    linear = [one for one in at_hand if one.family == "linear" and one.task in ("any", task)]
    return min(linear, key=lambda one: one.input != network.input).name if linear else None
