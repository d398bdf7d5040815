"""Pre-trained forecasters: models that were trained on other series, and forecast prices as they are."""

from __future__ import annotations

from collections.abc import Iterator

import quorate

LABELS = ("return", "direction")
OUTPUTS = f"{__name__}.prices:outputs"


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the pre-trained forecasters."""
    yield quorate.ModelSpec(
        "fracast",
        f"{__name__}.fracast:Fracast",
        task="any",
        input="bars",
        lookback=256,
        settings={"lookback": "context"},
        outputs=OUTPUTS,
        labels=LABELS,
        requires=("fracast",),
        pretrained=f"{__name__}.fracast:weights",
        description="Fracast-0, 85,001 pre-trained weights that come with its package, as they are",
        state_dict=f"{__name__}.prices:state",
        load_state_dict=f"{__name__}.prices:load_state",
    )
