"""Built-in labels: what becomes of a trade decided at *t*, from the fill at *t* + 1 on."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_labels() -> Iterator[quorate.LabelSpec]:
    """Yield the built-in labels."""
    yield quorate.LabelSpec(
        "direction",
        f"{__name__}.returns:direction",
        horizons=True,
        description="1 if the trade earns more than `above`, else 0",
    )
    yield quorate.LabelSpec(
        "return",
        f"{__name__}.returns:trade_return",
        task="regression",
        horizons=True,
        description="what the trade earns",
    )
    yield quorate.LabelSpec(
        "triple-barrier",
        f"{__name__}.volatility:triple_barrier",
        horizons=True,
        description="1 if the price reaches an upper barrier before a lower one, else 0; as wide as prices move",
    )
    yield quorate.LabelSpec(
        "meta",
        f"{__name__}.meta:meta",
        side=f"{__name__}.meta:side",
        horizons=True,
        description="1 if following the side of a primary rule pays, else 0",
    )
    yield quorate.LabelSpec(
        "scaled-return",
        f"{__name__}.volatility:scaled_return",
        task="regression",
        horizons=True,
        description="what the trade earns, in units of what prices have moved before",
    )
    yield quorate.LabelSpec(
        "rank",
        f"{__name__}.cross_section:rank",
        task="regression",
        cross_sectional=True,
        description="where the trade stands among those of all symbols, from -0.5 to 0.5",
    )
    yield quorate.LabelSpec(
        "neutral-return",
        f"{__name__}.cross_section:neutral_return",
        task="regression",
        cross_sectional=True,
        description="what the trade earns beyond the mean of all symbols",
    )
