"""A recipe that fits bars: what their number, length, days and prices say about how they can be judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.bars.quality import likely_calendar
from quorate.errors import DataError, RecipeError
from quorate.execution.progress import Progress
from quorate.plugins.documented import as_toml
from quorate.plugins.registry import Registry
from quorate.recipe.commented import overrides, to_commented
from quorate.recipe.load import merge, nested_override
from quorate.recipe.schema import Recipe
from quorate.runs.choosing import Choice, choose, in_words
from quorate.runs.doubts import bars_facts, read_data
from quorate.runs.session import open_session
from quorate.runs.surroundings import in_usual_surroundings

FITTED = ("data", "holdout", "features", "folds", "threshold", "costs", "backtest")  # sections that bars decide
SORTED = "set data.sort = true"  # the remedy that is taken without asking
BESIDE = "relative to the folder that quorate is run in"

Read = tuple[dict[str, Any], Bars, list[str]]


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
        return {**asdict(self), "choices": [{**one, "value": as_toml(one["value"])} for one in self.choices]}

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
    if Path(path).suffix == ".toml":
        raise RecipeError(f"{path} is a recipe already: quorate run {path} --dry-run says what it does")
    data, others = split_settings(settings)
    (options, bars, doubts), why = _read(path, data)
    registry = Registry.load()
    chosen, lacks = choose(bars, registry)
    name = re.sub(r"[^a-z0-9_]+", "-", _stem(Path(path)).lower()).strip("-_")[:60] or "bars"
    told = in_words(bars)
    source = {f"data.{key}": value for key, value in options.items()}
    choices = [
        Choice("name", name, "what runs are called"),
        Choice("data.source", source.pop("data.source"), told),
        Choice(
            "data.path",
            at := source.pop("data.path"),
            "" if at.startswith("/") or "://" in at else BESIDE,
        ),
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
    head = (f"Written by quorate init: {told}.", "Change what you know better; quorate recipe show prints the rest.")
    settled = [Choice(key, _at(table, key), whys[key]) for key in whys if _at(table, key) is not None]
    return Suggestion(
        name,
        bars_facts(bars),
        told,
        [one._asdict() for one in settled],
        doubts,
        lacks,
        to_commented(table, whys, head),
    )


def split_settings(settings: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the settings that are options of the source, with or without ``data.``, and all others."""
    data: list[str] = []
    others: list[str] = []
    for item in settings:
        section, dot, _ = (part.strip() for part in item.partition("=")[0].partition("."))
        of_source = section == "data" or (section not in Recipe.model_fields and (section == "columns" or not dot))
        (data if of_source else others).append(item)
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
