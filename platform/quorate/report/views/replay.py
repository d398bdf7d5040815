"""What came of replaying a run bar by bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural, visible


def render(found: Mapping[str, Any]) -> None:
    """Print what was compared and what differs; `found` is a `Replay` as plain data."""
    folds = found["folds"]
    which = f"fold {folds[0]}" if len(folds) == 1 else f"folds {folds[0]} to {folds[-1]}"
    print(visible(f"{found['run']}, {which}: {plural(found['bars'], 'bar')} given one by one"))
    counted = [plural(found[name], name.removesuffix("s")) for name in ("forecasts", "weights", "orders")]
    told = "nothing differs" if found["identical"] else f"{found['mismatches']:,} differ"
    print(f"{counted[0]}, {counted[1]} and {counted[2]} compared with the backtest: {told}")
    for line in found["differences"]:
        print(f"  {visible(line)}")
    if (more := found["mismatches"] - len(found["differences"])) > 0:
        print(f"  and {more:,} more")
    if again := found["fitted_again"]:
        print(f"{plural(len(again), 'model')} not kept, and fitted again: a run keeps them with execution.keep_models")
