"""Rules for a model: that it is told the places of rows that it asks for, and knows what to do with later times."""

from __future__ import annotations

import numpy as np

from quorate.execution.inputs import Placed, named_by
from quorate.plugins.provider import Plugin
from quorate.plugins.specs.places import PLACES
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.tools.model_data import placed
from quorate.testing.tools.models import ask, base, spec_of

LATER = {"half a year": 183, "ten years": 3653}  # days after the times that rows to predict are told


@after("fits", "output-names")
def check_model_places(plugin: Plugin) -> None:
    """What of ``bar``, ``symbol`` and ``time`` its spec says, ``fit`` names, and the other way round."""
    found, spec = base(plugin), spec_of(plugin)
    named = named_by(found.model.fit, dict.fromkeys(PLACES))
    for name in named:
        if name not in spec.told:
            raise Violation(
                f"fit names {name!r}, and is not told it: say places=({', '.join(map(repr, named))},) in the spec"
            )
    if not spec.told:
        raise NotApplicable("it is told no places")
    for name in spec.told:
        if name not in named:
            raise Violation(f"the spec says places={spec.told}, and fit does not name {name!r}: it is called fit(X, y)")


@after("places")
def check_model_unseen_times(plugin: Plugin) -> None:
    """Rows of times that no training row had, of other months and years, are predicted, and with finite numbers."""
    found, spec = base(plugin), spec_of(plugin)
    if "time" not in spec.told:
        raise NotApplicable("it is not told the time")
    asked = placed(spec, found.data.X_test)
    assert isinstance(asked, Placed)
    for told, days in LATER.items():
        places = {**asked.places, "time": asked.places["time"] + np.timedelta64(days, "D")}
        later = Placed(asked.X, places)
        outputs = ask(plugin, found.model, later, f"asked to predict rows {told} after those that it was fitted on")
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                row = int(np.flatnonzero(~np.isfinite(values))[0])
                raise Violation(
                    f"{name} of a row {told} after those that it was fitted on must be finite: what is learnt by "
                    "month, hour or year needs a value for those that the training rows do not have, e.g. 0 of a level",
                    time=str(places["time"][row]),
                    found=float(values[row]),
                )
