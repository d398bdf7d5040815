"""A recipe that fits bars: what their number, length, days and prices say about how they can be judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quorate.bars.panel import Bars
from quorate.bars.quality import likely_calendar, repeated_opens
from quorate.errors import DataError, plural
from quorate.execution.progress import Progress
from quorate.plugins.options import resolve_options
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, GateSpec
from quorate.recipe.commented import literal, overrides, to_commented
from quorate.recipe.load import merge, nested_override
from quorate.recipe.schema import Recipe, Threshold
from quorate.runs.doubts import bars_facts, read_data
from quorate.runs.session import open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.walkforward.findings import REPEATED
from quorate.walkforward.outlook import LEAST, WANTED

HELD = 0.2  # of the bars, for the holdout
FIRST = 1000  # bars that the first fold trains on, where there are as many
LONG, MOST = 250, 12  # bars of a fold that need not be longer, and folds that need not be more
SHORT = 20  # bars of the shortest fold
MOVE = 2  # times what a round trip costs that the market usually moves over the horizon
HORIZONS = (1, 2, 3, 5, 10, 20)
MODELS = ("logistic", "gradient-boosting", "lightgbm")  # a line and two kinds of trees, fitted in seconds
COSTS = {"24x7": (0.001, 0.0005)}  # by calendar; of the others those of stocks
STOCKS = (0.0005, 0.0002)
FITTED = ("data", "holdout", "features", "folds", "threshold", "costs", "backtest")  # sections that bars decide
SORTED = "set data.sort = true"  # the remedy that is taken without asking
WORDS = {"1d": "daily bar", "1w": "weekly bar", "1mo": "monthly bar"}

Read = tuple[dict[str, Any], Bars, list[str]]


class Choice(NamedTuple):
    """A key of the recipe, by its dotted name, its value, and why it has that."""

    key: str
    value: Any
    why: str


@dataclass(frozen=True)
class Suggestion:
    """A recipe that fits bars.

    Parameters
    ----------
    name : str
        Of the recipe, after the file or folder.
    data : dict
        How the bars are read, as of `quorate.plan`.
    found : str
        The same in a sentence.
    choices : list of dict
        Each ``key`` of the recipe with its ``value`` and ``why``.
    doubts : list of str
        What is to be asked about the bars.
    lacks : list of str
        What is missing for a verdict, if something is.
    text : str
        The recipe as TOML, each line with its reason.
    """

    name: str
    data: dict[str, Any]
    found: str
    choices: list[dict[str, Any]]
    doubts: list[str]
    lacks: list[str]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "choices": [{**one, "value": literal(one["value"])} for one in self.choices]}

    @property
    def overrides(self) -> list[str]:
        """What `data` alone decides of another recipe, as ``--set`` takes it."""
        table: dict[str, Any] = {}
        for one in self.choices:
            if one["key"].partition(".")[0] in FITTED:
                table = merge(table, _nested(one["key"], one["value"]), "init")
        return overrides(table)


@in_usual_surroundings
def suggest(path: str | Path, settings: Iterable[str] = ()) -> Suggestion:
    """Look at a file or a folder of bars, and return a recipe that fits them.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet files.
    settings : iterable of str
        ``key=value``: options of the source, and keys of the recipe, which then are as they are given here.

    Raises
    ------
    DataError
        If it cannot be read as bars, or if there are too few.
    RecipeError
        If what was given makes no valid recipe.
    """
    data, others = split_settings(settings)
    (options, bars, doubts), why = _read(path, data)
    registry = Registry.load()
    chosen, lacks = _choose(bars, registry)
    name = re.sub(r"[^a-z0-9_]+", "-", _stem(Path(path)).lower()).strip("-_")[:60] or "bars"
    found = _found(bars)
    source = {f"data.{key}": value for key, value in options.items()}
    choices = [
        Choice("name", name, "what runs are called"),
        Choice("data.source", source.pop("data.source"), found),
        Choice("data.path", at := source.pop("data.path"), "" if at.startswith("/") else "from where quorate is run"),
        Choice("data.calendar", bars.calendar.name, why),
        *(
            Choice(key, value, "the file has bars in another order" if key == "data.sort" else "as it was given")
            for key, value in source.items()
            if key != "data.calendar"
        ),
        *chosen,
    ]
    table: dict[str, Any] = {}
    for one in choices:
        table = merge(table, _nested(one.key, one.value), "init")
    given: dict[str, Any] = {}
    for item in others:
        given = merge(given, nested_override(item), f"--set {item}")
    table = merge(table, given, "--set")
    table.setdefault("models", {})
    open_session(table, progress=Progress())  # what is not valid is told before anything is written
    table = {section: table[section] for section in Recipe.model_fields if section in table}
    whys = {one.key: one.why for one in choices}
    whys |= {f"{section}.{key}": "as it was given" for section, keys in given.items() for key in _keys(keys)}
    head = (f"Written by quorate init: {found}.", "Change what you know better; quorate recipe show prints the rest.")
    settled = [Choice(key, _at(table, key), whys[key]) for key in whys if _at(table, key) is not None]
    return Suggestion(
        name,
        bars_facts(bars),
        found,
        [one._asdict() for one in settled],
        doubts,
        lacks,
        to_commented(table, whys, head),
    )


def split_settings(settings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the settings that are options of the source, with or without ``data.``, and those of other sections."""
    data: list[str] = []
    others: list[str] = []
    for item in settings:
        section = item.partition("=")[0].partition(".")[0].strip()
        known = section in Recipe.model_fields and section != "data"
        (others if known else data).append(item)
    return data, others


def _read(path: str | Path, settings: Sequence[str]) -> tuple[Read, str]:
    """Return what is read by the calendar that the bars seem to keep, and why it is that one."""
    if any(item.removeprefix("data.").partition("=")[0].strip() == "calendar" for item in settings):
        return _in_order(path, settings), "as it was given"
    always = [*settings, "calendar=24x7"]
    try:
        read = _in_order(path, settings)
    except DataError:
        # Stamps that no US exchange could have may be those of a market that never closes.
        with suppress(DataError):
            read = _in_order(path, always)
            name, why = likely_calendar(read[1])
            if name == "24x7":
                return read, why
        raise
    name, why = likely_calendar(read[1])
    own = read[1].calendar.name
    if name == own:
        return read, why
    try:
        return _in_order(path, [*settings, f"calendar={name}"]), why
    except DataError:
        return read, f"{why}; stamps fit the close of {own!r} alone"


def _in_order(path: str | Path, settings: Sequence[str]) -> Read:
    """Return what is read, sorted where that is what it takes."""
    try:
        return read_data(path, settings)
    except DataError as e:
        if SORTED not in str(e):
            raise
    return read_data(path, [*settings, "sort=true"])


def _choose(bars: Bars, registry: Registry) -> tuple[list[Choice], list[str]]:
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
    horizon, moved = _horizon(bars, 2 * (fees + slippage))
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
        *(Choice(f"models.{name}", {}, "") for name in MODELS if name in registry.at_hand("model")),
    ]
    least = Threshold().min_bars
    if (folds - 1) * test < least:
        fewer = max(test, 2)
        chosen.append(
            Choice("threshold.min_bars", fewer, f"bars that a threshold is chosen from: {least} never are there")
        )
    trusted = f"of the traded value, {'exchanges of crypto' if fees > STOCKS[0] else 'stocks and ETFs'}"
    chosen += [
        Choice("costs.fees", fees, f"{trusted}: put your broker's here"),
        Choice("costs.slippage", slippage, "what the fill is worse than the bar's price"),
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


def _found(bars: Bars) -> str:
    names = bars.symbols[0] if len(bars.symbols) == 1 else f"{len(bars.symbols)} symbols"
    bar = WORDS.get(bars.frequency, f"{bars.frequency} bar")
    return f"{plural(len(bars), bar)} of {names}, {bars.span}, {'with' if bars.has_volume else 'without'} volume"


def _stem(path: Path) -> str:
    return path.resolve().name if path.is_dir() else path.name.split(".")[0]


def _nested(key: str, value: Any) -> dict[str, Any]:
    section, _, name = key.partition(".")
    return {section: {name: value}} if name else {section: value}


def _keys(value: Any) -> list[str]:
    return [*value] if isinstance(value, dict) else []


def _at(table: dict[str, Any], key: str) -> Any:
    section, _, name = key.partition(".")
    return table.get(section, {}).get(name) if name else table.get(section)
