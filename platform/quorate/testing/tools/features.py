"""Computing features the way a run does, on markets that suit their lookback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset import columns
from quorate.dataset.packing import Packing
from quorate.errors import PluginError
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, explain
from quorate.testing.markets import market
from quorate.testing.tools.compare import own, rough
from quorate.testing.tools.covariates import with_covariates


def spec_of(plugin: Plugin) -> FeatureSpec:
    """Return the plugin's spec."""
    assert isinstance(plugin.spec, FeatureSpec)
    return plugin.spec


def n_bars(spec: FeatureSpec) -> int:
    """Return how many bars a rule looks at: a good deal more than the lookback."""
    return max(240, int(spec.lookback) * 2 + 60) if spec.lookback < 500 else int(spec.lookback) + 400


def kept(spec: FeatureSpec, bars: Bars) -> NDArray[np.bool_]:
    """Return where the platform reads the values: from the `lookback`-th bar of each symbol on."""
    present = bars.present
    return present & (np.cumsum(present, axis=0) >= spec.lookback)


def compute(plugin: Plugin, bars: Bars) -> Floats:
    """Compute the feature the way a run does.

    Raises
    ------
    Violation
        If it fails, or gives another shape.
    """
    try:
        given = with_covariates(spec_of(plugin), own(bars))
        return columns.computed(spec_of(plugin), given, Packing(given), {})
    except PluginError as e:
        cause = e.__cause__
        if cause is None:
            raise Violation(f"{e}: give one value per bar and symbol, in the shape of the inputs") from e
        hint = ". Its inputs are shared and read-only: work on a copy" if "read-only" in str(cause) else ""
        raise Violation(
            f"it raised {explain(cause, plugin)}, on {len(bars)} bars of {len(bars.symbols)} symbols{hint}"
        ) from e


def evaluate(plugin: Plugin, arrays: Any) -> Any:
    """Call the feature's function on arrays that stand for its inputs."""
    spec = spec_of(plugin)
    with np.errstate(all="ignore"):
        try:
            return spec.resolve()(*arrays, **spec.params)
        except Exception as e:
            raise Violation(f"it raised {explain(e, plugin)}, on {len(arrays[0])} bars") from e


def markets(plugin: Plugin) -> Iterator[Bars]:
    """Yield an ordinary and a rough market; say so if not even the first can be computed."""
    size = n_bars(spec_of(plugin))
    first = market(size, 2)
    try:
        compute(plugin, first)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e
    yield first
    yield rough(size, 2)
