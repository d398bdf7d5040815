"""A new bar at work: processor milliseconds from it to what is wanted, and beside it with all bars each time.

Three boosters on the features of the default, as `quorate.serving.forecaster` has them. Both ways are timed in turn on
the same bars, so that their ratio is told of whatever else a machine does; of each the least of some turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figures, bench
from measure import fresh_home

TURN = 5  # bars
RECIPE: dict[str, Any] = {
    "name": "boosters",
    "data": {"source": "simulated", "signal": 0.4},
    "holdout": {"bars": 100},
    "folds": {"test": 400},
    "models": {"lightgbm": {}, "xgboost": {}, "catboost": {}},
    "execution": {"executor": "serial", "keep_models": "last"},
}
AIM = 5  # milliseconds


def bench_serving(figures: Figures, repeats: int, quick: bool) -> None:
    """Time new bars after 2,000 and 4,000 of one symbol, and after 4,000 of five."""
    figures.title("a new bar, three boosters")
    found = {}
    for bars, symbols in ((4000, 1), (4000, 5), (2000, 1)):
        found[bars, symbols] = new, whole = _one(bars, symbols, 4 if quick else 20)
        what = f"after {bars:,} bars of {symbols} symbol{'s' * (symbols > 1)}"
        figures.add(f"CPU of a new bar {what}", [new], "ms", most=AIM)
        figures.add(f"the same with all bars computed, {what}", [whole], "ms")
        figures.add(f"ratio of both, {what}", [new / whole])
    figures.add("growth of a new bar from 2,000 to 4,000 bars", [found[4000, 1][0] / found[2000, 1][0]], most=1.25)


def _one(n_bars: int, symbols: int, turns: int) -> tuple[float, float]:
    """Return the processor milliseconds of a new bar, and with all bars computed."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import quorate
    from quorate.execution.progress import Progress
    from quorate.runs.loaded import load_report
    from quorate.runs.models import models_of
    from quorate.runs.stored import reopen
    from quorate.serving.forecaster import Forecaster
    from support.served import OnAllBars, unlike

    with fresh_home() as home:
        data = {**RECIPE["data"], "n_bars": n_bars + 100, "n_symbols": symbols}
        folds = {**RECIPE["folds"], "initial": n_bars - 400}
        quorate.run({**RECIPE, "data": data, "folds": folds}, home=home)
        report = load_report(home=home)
        models = models_of(report, *reopen(report, Progress()))
        forecaster, on_all = Forecaster(models), OnAllBars(models)
    known = forecaster.known
    news = [_moved(known, k) for k in range(TURN)]
    wholes = [_joined(known, new) for new in news]
    for new, whole in zip(news, wholes, strict=True):
        if told := unlike(forecaster.following(new), on_all.at(whole)):
            raise SystemExit(f"other bits: {told}")
    on_all.at(known.take(0, len(known) - 1), kept=True)
    few, all_of_them = (
        (lambda: [forecaster.following(one) for one in news]),
        (lambda: [on_all.at(one) for one in wholes]),
    )
    times = [(_each(few), _each(all_of_them)) for _ in range(turns)]
    new, whole = (min(some) for some in zip(*times, strict=True))
    return new, whole


def _each(work: Callable[[], object]) -> float:
    """Return the processor milliseconds of each bar of a turn."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / TURN * 1000


def _moved(known: Any, k: int) -> Any:
    """Return a bar after the known ones."""
    last, day = known.take(len(known) - 1, len(known)), np.timedelta64(1, "D")
    prices = {name: getattr(last, name) * (1 + 0.001 * k) for name in ("open", "high", "low", "close")}
    return replace(last, times=last.times + day, sessions=last.sessions + day, **prices)


def _joined(known: Any, new: Any) -> Any:
    fields = ("open", "high", "low", "close", "volume")
    wide = {name: np.asfortranarray(np.vstack([getattr(known, name), getattr(new, name)])) for name in fields}
    together = {name: np.concatenate([getattr(known, name), getattr(new, name)]) for name in ("times", "sessions")}
    return replace(known, **wide, **together)


PARTS = {"serving": bench_serving}

if __name__ == "__main__":
    bench(PARTS, __doc__)
