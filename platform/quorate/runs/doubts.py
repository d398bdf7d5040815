"""Bars looked at before they are traded: how they are read, and what is to be asked about them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.bars.doubts import jumps_like_splits
from quorate.bars.panel import Bars
from quorate.bars.sessions import sessions_told
from quorate.bars.universe import ended
from quorate.execution.progress import Progress
from quorate.recipe.bar_files import not_read, source_of
from quorate.recipe.load import merge, nested_override
from quorate.recipe.schema import Recipe
from quorate.runs.covariates import covariate_facts
from quorate.runs.session import Session, load_bars, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.bars.collection import Collection


@in_usual_surroundings
def check_data(path: str | Path, settings: Iterable[str] = (), *, progress: Progress | None = None) -> dict[str, Any]:
    """Return how a file or a folder of bars is read, and what is to be asked about it, as plain data.

    Parameters
    ----------
    path : str or Path
        CSV, Parquet or Arrow files, or workbooks.
    settings : iterable of str
        Options of the source, ``key=value``.

    Raises
    ------
    DataError
        If it cannot be read as bars.
    """
    _, bars, found = read_data(path, settings, progress=progress)
    return {**bars_facts(bars), "sessions": sessions_told(bars), "doubts": found}


@in_usual_surroundings
def check_collection(
    collection: Collection, settings: Iterable[str] = (), *, where: Sequence[str] = (), progress: Progress | None = None
) -> dict[str, Any]:
    """Return what a collection of the store holds, and what is to be asked about it, as plain data.

    Parameters
    ----------
    collection : Collection
        Of a `BarStore`.
    settings : iterable of str
        Options of the source ``store``, ``key=value``.
    where : sequence of str
        Options that name the store, for the commands that are proposed.

    Raises
    ------
    DataError
        If it is empty.
    """
    damaged = collection.verify()
    if damaged:
        return {"collection": collection.name, "damaged": damaged, "doubts": damaged}
    given = {"source": "store", "collection": collection.name, "path": str(collection.folder.parent)}
    symbols = {one.symbol for one in collection.holdings()}
    if (collection.actions(symbols)["kind"] == "split").any():  # what is known is asked no more
        given["adjust"] = "splits"
    _, bars, found = _read(data_table(given, settings), progress)
    proposed = []
    for jump in jumps_like_splits(bars):
        words = ["quorate", "data", "action", collection.name, jump.symbol, "split", jump.session, f"{jump.ratio:g}"]
        proposed.append({**jump._asdict(), "command": shlex.join([*words, *where])})
    return {**bars_facts(bars), "sessions": sessions_told(bars), "doubts": found, "proposed": proposed}


def read_data(
    path: str | Path, settings: Iterable[str] = (), *, progress: Progress | None = None
) -> tuple[dict[str, Any], Bars, list[str]]:
    """Return the options that a file or a folder of bars is read with, its bars, and what is to be asked about them.

    Raises
    ------
    DataError
        If it cannot be read as bars.
    """
    table, bars, found = _read(data_table({"source": source_of(Path(path)), "path": str(path)}, settings), progress)
    return table, bars, [*found, *not_read(Path(path), table["source"])]


def _read(table: dict[str, Any], progress: Progress | None) -> tuple[dict[str, Any], Bars, list[str]]:
    session = open_session({"name": "check", "models": {"logistic": {}}, **table}, progress=progress)
    return table["data"], *_asked(session)


def _asked(session: Session) -> tuple[Bars, list[str]]:
    """Return the bars of a session, and what is to be asked about them."""
    heard = len(session.warnings)
    session.recipe = session.recipe.model_copy(
        update={"data": session.recipe.data.model_copy(update={"quality": "warn"})}
    )
    session.progress = Progress()  # doubts are the answer, no warnings beside it
    bars = load_bars(session)
    return bars, session.warnings[heard:]


def data_table(given: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Return a recipe's table ``[data]``, within a table, with settings ``key=value`` made in it."""
    table: dict[str, Any] = {"data": dict(given)}
    for item in (one.removeprefix("data.") for one in settings):
        if item.startswith("source="):  # it reads the same
            table["data"]["source"] = item.removeprefix("source=")
        else:
            table = merge(table, nested_override(f"data.{item}"), f"--set {item}")
    return table


@in_usual_surroundings
def check_recipe(
    recipe: str | Path,
    settings: Iterable[str] = (),
    *,
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return how the bars and covariates of a recipe are read, and what is to be asked about them, as plain data.

    Parameters
    ----------
    recipe : str or Path
        Its name or its path.
    settings : iterable of str
        Changes in it, ``key=value``.
    home : path, optional
        Where collections are, and what was fetched.

    Raises
    ------
    DataError
        If something cannot be read.
    """
    session = open_session(recipe, home=home, overrides=settings, progress=progress)
    bars, found = _asked(session)
    return {**facts_of(bars, session.recipe), "doubts": found}


def facts_of(bars: Bars, recipe: Recipe) -> dict[str, Any]:
    """Return how bars are read, and covariates, if there are some, as plain data."""
    covariates = covariate_facts(bars, recipe)
    return {**bars_facts(bars), **({"covariates": covariates} if covariates else {})}


def bars_facts(bars: Bars) -> dict[str, Any]:
    """Return how bars are read, as plain data."""
    return {
        "symbols": list(bars.symbols),
        "bars": len(bars),
        "frequency": bars.frequency,
        "first": str(bars.sessions[0]),
        "last": str(bars.sessions[-1]),
        "calendar": bars.calendar.name,
        "bars_per_year": bars.bars_per_year,
        "volume": bars.has_volume,
        "fingerprint": bars.fingerprint,
        **({"ended": over} if (over := ended(bars)) else {}),
    }
