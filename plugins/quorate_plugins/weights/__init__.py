"""Built-in weights: how much each training row counts, by its label and those beside it."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_weights() -> Iterator[quorate.WeightSpec]:
    """Yield the built-in weights."""
    yield quorate.WeightSpec(
        "uniqueness", f"{__name__}.intervals:uniqueness", description="the less a row's label overlaps others, the more"
    )
    yield quorate.WeightSpec(
        "return",
        f"{__name__}.intervals:shared_return",
        moves=True,
        description="the more the market moved within the label, shared among the labels that overlap, the more",
    )
    yield quorate.WeightSpec(
        "time-decay", f"{__name__}.intervals:time_decay", description="the older, the less, counted in uniqueness"
    )
    yield quorate.WeightSpec(
        "class-balance",
        f"{__name__}.classes:class_balance",
        task="classification",
        description="both classes weigh the same together",
    )
