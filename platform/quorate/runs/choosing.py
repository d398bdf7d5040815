"""What the number, length, days and prices of bars say about how they can be judged: keys of a recipe, with reasons."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from quorate.bars.panel import Bars
from quorate.bars.quality import repeated_opens
from quorate.errors import DataError, plural
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, GateSpec
from quorate.recipe.schema import Threshold
from quorate.walkforward.findings import REPEATED
from quorate.walkforward.outlook import LEAST, WANTED

HELD = 0.2  # of the bars, for the holdout
FIRST = 1000  # bars that the first fold trains on, where there are as many
LONG, MOST = 250, 12  # bars of a fold that need not be longer, and folds that need not be more
SHORT = 20  # bars of the shortest fold
MOVE = 2  # times what a round trip costs that the market usually moves over the horizon
HORIZONS = (1, 2, 3, 5, 10, 20)
MODELS = {  # fitted in seconds
    "logistic": "linear, slow to fool itself",
    "gradient-boosting": "trees that mend each other's errors",
    "lightgbm": "the same in another way: members that err differently are worth more together",
}
COSTS = {"24x7": (0.001, 0.0005)}  # by calendar; of the others those of stocks
STOCKS = (0.0005, 0.0002)
WORDS = {"1d": "daily bar", "1w": "weekly bar", "1mo": "monthly bar"}


class Choice(NamedTuple):
    """A key of the recipe, by its dotted name, its value, and why it has that."""

    key: str
    value: Any
    why: str


def choose(bars: Bars, registry: Registry) -> tuple[list[Choice], list[str]]:
    """Return what the bars decide of a recipe beside its [data], and what they lack."""
    n, bar = len(bars), WORDS.get(bars.frequency, f"{bars.frequency} bar")
    sample = int(resolve_options(registry.get(GateSpec, "sample-size"), {}, "gates")["bars"])
    held = max(round(n * HELD), sample) if n * 0.3 >= sample else round(n * HELD)
    day = bars.sessions[n - held]
    start = int(np.searchsorted(bars.sessions, day))  # of the day that the holdout begins with
    by_day = start >= n // 2
    known, held = (start, n - start) if by_day else (n - held, held)
    left_out, warm = _too_long(bars, registry, known // 5)
    if known < warm + LEAST + WANTED * SHORT:
        least = -(-(warm + LEAST + WANTED * SHORT) * 5 // 4)
        raise DataError(
            f"{plural(n, bar)} ({bars.span}) are too few to judge anything: it takes {least:,}, of which features look "
            f"back {warm}, a model learns from {LEAST}, {WANTED} folds have {SHORT} each, and a fifth is held out: "
            f"give {least - n:,} more, or shorter bars"
        )
    first = min(max(known // 2, warm + LEAST), max(FIRST, known // 4))
    rest = known - first
    test = max(-(-rest // MOST), min(LONG, -(-rest // WANTED)))
    folds = -(-rest // test)
    fees, slippage = COSTS.get(bars.calendar.name, STOCKS)
    horizon, moved = _horizon(bars.take(0, known), 2 * (fees + slippage))  # what the holdout does decides nothing
    usual = (
        f"it usually moves by {moved:.2%} in {plural(horizon, 'bar')}, a round trip costs {2 * (fees + slippage):.2%}"
    )
    opens = repeated_opens(bars)
    chosen = [
        _holdout(day, n, held, by_day),
        Choice("labels.name", "direction", "whether the price rises, from the next bar's fill on"),
        Choice("labels.horizon", horizon, f"bars ahead: {usual}"),
        *left_out,
        Choice("folds.initial", first, f"bars that the first fold learns from; features look back {warm}"),
        Choice("folds.test", test, f"{n:,} {bar}s: {folds} folds of {test} bars after {first:,}, before the holdout"),
        *(Choice(f"models.{name}", {}, why) for name, why in MODELS.items() if name in registry.at_hand("model")),
    ]
    least = Threshold().min_bars
    if (folds - 1) * test < least:
        fewer = max(test, 2)
        chosen.append(
            Choice(
                "threshold.min_bars",
                fewer,
                f"predicted bars to choose thresholds from: {least} never come",
            )
        )
    trusted = f"of the traded value, {'exchanges of crypto' if fees > STOCKS[0] else 'stocks and ETFs'}"
    chosen += [
        Choice("costs.fees", fees, f"{trusted}: put your broker's here"),
        Choice("costs.slippage", slippage, "how much worse than at the bar's price orders are filled"),
    ]
    if opens > REPEATED:
        chosen.append(
            Choice("backtest.fill", "close", f"{opens:.0%} of opens repeat the close before: no prices to trade at")
        )
    else:
        chosen.append(Choice("backtest.fill", "open", "orders are filled at the next bar's open"))
    return chosen, [*_few(rest, held, sample), *_still(moved, horizon, 2 * (fees + slippage))]


def _holdout(day: Any, n: int, held: int, by_day: bool) -> Choice:
    """Return the holdout: from a date on, or so many bars, where days are too few to cut between them."""
    why = f"the last {held / n:.0%}, {plural(held, 'bar')}, closed until quorate promote"
    if not by_day:
        return Choice("holdout.bars", held, why)
    first = day.astype("datetime64[D]").astype(object)
    return Choice("holdout.start", first, f"{why}; a date stays where it is")


def _few(known: int, held: int, sample: int) -> list[str]:
    """Return what is said where fewer bars are judged than a gate wants."""
    places = (("before the holdout", known), ("in the holdout", held))
    told = " and ".join(f"{count:,} {where}" for where, count in places if count < sample)
    return [f"{sample} judged bars, which the gate sample-size wants: there are {told}"] if told else []


def _still(moved: float, horizon: int, round_trip: float) -> list[str]:
    """Return what is said of a market that moves by too little."""
    if moved >= MOVE * round_trip:
        return []
    return [
        f"moves that are worth their costs: the price usually moves by {moved:.2%} in {plural(horizon, 'bar')}, and a "
        f"round trip costs {round_trip:.2%}; take longer bars, or put your own costs"
    ]


def _too_long(bars: Bars, registry: Registry, most: int) -> tuple[list[Choice], int]:
    """Return which features are left out, as they look back too far for so few bars, and how far the others do."""
    specs = [registry.get(FeatureSpec, name) for name in registry.at_hand("feature")]
    lookbacks = {one.name: one.lookback for one in specs if bars.has_volume or "volume" not in one.inputs}
    allowed = max(most, min(22, max(lookbacks.values())))
    long = sorted(name for name, lookback in lookbacks.items() if lookback > allowed)
    warm = max(lookback for lookback in lookbacks.values() if lookback <= allowed)
    excluded: list[str] = [] if bars.has_volume else ["group:volume"]
    whys = [] if bars.has_volume else ["there is no volume"]
    if long:
        whys.append(f"features that look back more than {allowed} bars are too long for so few")
    return ([Choice("features.exclude", [*excluded, *long], "; ".join(whys))] if whys else []), warm


def _horizon(bars: Bars, round_trip: float) -> tuple[int, float]:
    """Return over how many bars the market usually moves by more than trading it costs, and by how much."""
    for horizon in HORIZONS:
        with np.errstate(invalid="ignore"):
            moves = np.abs(bars.close[horizon:] / bars.close[:-horizon] - 1)
        moves = moves[np.isfinite(moves)]
        usual = float(np.median(moves)) if len(moves) else 0.0
        if usual >= MOVE * round_trip:
            break
    return horizon, usual


def in_words(bars: Bars) -> str:
    """Return what bars are like in a sentence."""
    names = bars.symbols[0] if len(bars.symbols) == 1 else f"{len(bars.symbols)} symbols"
    bar = WORDS.get(bars.frequency, f"{bars.frequency} bar")
    return f"{plural(len(bars), bar)} of {names}, {bars.span}, {'with' if bars.has_volume else 'without'} volume"
