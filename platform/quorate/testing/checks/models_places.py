"""A rule for a model: that it is told the places of rows that it asks for."""

from __future__ import annotations

from quorate.execution.inputs import named_by
from quorate.plugins.provider import Plugin
from quorate.plugins.specs.places import PLACES
from quorate.testing._base import NotApplicable, Violation, after
from quorate.testing.tools.models import base, spec_of


@after("fits", "output-names")
def check_model_places(plugin: Plugin) -> None:
    """What of ``bar`` and ``symbol`` its spec says, ``fit`` names, and the other way round."""
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
