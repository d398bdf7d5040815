"""Networks: one engine that trains them, alone or many in lock step, and the architectures.

`settings` says how a network is trained, `engine` trains, `lanes` and `recurrent` are layers, `nets` architectures,
`model` what a run fits, `models` the networks by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import quorate
from quorate_plugins.deep.settings import OWN

SETTINGS = {"lookback": "lookback", "validation": "valid_ratio", "validation_blocks": "valid_blocks"}
AUDIT = {"epochs": 2}


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the networks."""
    yield _windows("gru", "gated recurrent units over the last bars")
    yield _windows("lstm", "long short-term memory over the last bars")


def _windows(name: str, description: str, space: Mapping[str, Any] | None = None) -> quorate.ModelSpec:
    """Return a network that reads windows."""
    return quorate.ModelSpec(
        name,
        f"{__name__}.models:{name.replace('-', '_')}",
        requires=("torch",),
        description=description,
        task="any",
        input="windows",
        lookback=60,
        lazy=True,
        validation=0.1,
        settings=SETTINGS,
        together=f"{__name__}.model:fit_together",
        apart=tuple(name for name in OWN if name != "random_state"),
        audit_params=AUDIT,
        space=space or {},
    )
