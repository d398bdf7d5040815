"""Bars looked at before they are traded: how they are read, and what is to be asked about them."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.bars.doubts import jumps_like_splits
from quorate.bars.panel import Bars
from quorate.bars.rules import RULES, Finding
from quorate.bars.sessions import sessions_told
from quorate.bars.universe import ended
from quorate.errors import DataError
from quorate.execution.progress import Progress
from quorate.recipe.bar_files import named_by_date, not_read, source_of
from quorate.recipe.load import merge, nested_override
from quorate.recipe.schema import Recipe
from quorate.runs.covariates import covariate_facts
from quorate.runs.loading import as_used, load_bars, read_source
from quorate.runs.quality import PART, Checking, Quality, apart_rows
from quorate.runs.references import reference_facts
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home
from quorate.store.bars.collection import Collection
from quorate.store.bars.noted import noted, noted_changes

if TYPE_CHECKING:
    import pandas as pd


LATE = 30  # days after the last bar, from which on a delisting is asked about
MANY, SHARE = 20, 0.1  # of bars, beyond which it is not they that are wrong, but how they are read


@in_usual_surroundings
def check_data(
    path: str | Path, settings: Iterable[str] = (), *, quarantine: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Return how a file or a folder of bars is read, and what is to be asked about it, as plain data.

    Parameters
    ----------
    path : str or Path
        CSV, Parquet or Arrow files, or workbooks.
    settings : iterable of str
        Options of the source, ``key=value``.
    quarantine : bool
        Whether the bars that are set apart are told one by one.

    Raises
    ------
    DataError
        If it cannot be read as bars.
    """
    table = data_table({"source": source_of(Path(path)), "path": str(path)}, settings)
    found = _looked(_session(table, progress), quarantine)
    told = not_read(Path(path), table["data"]["source"])
    if named := named_by_date(Path(path), found["symbols"]):
        told.append(f"the symbol is called {named[0]}, as its file is: symbol = {json.dumps(named[1])} calls it so")
    return {**found, "doubts": [*found["doubts"], *told]}


@in_usual_surroundings
def check_recipe(
    recipe: str | Path,
    settings: Iterable[str] = (),
    *,
    home: str | Path | None = None,
    quarantine: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return how the bars and covariates of a recipe are read, and what is to be asked about them, as plain data.

    Parameters
    ----------
    recipe : str or Path
        Its name, or its file.
    settings : iterable of str
        Changes in it, ``key=value``; a key of ``[data]`` may be named without it.
    home : path, optional
        For sources that read from one.
    quarantine : bool
        Whether the bars that are set apart are told one by one.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    overrides = [one if one.partition(".")[0] in Recipe.model_fields else f"data.{one}" for one in settings]
    return _looked(open_session(recipe, home=home, overrides=overrides, progress=progress), quarantine)


@in_usual_surroundings
def check_collection(
    collection: Collection,
    settings: Iterable[str] = (),
    *,
    where: Sequence[str] = (),
    quarantine: bool = False,
    progress: Progress | None = None,
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
    quarantine : bool
        Whether the bars that are set apart are told one by one.

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
    proposed: list[dict[str, Any]] = []

    def propose(bars: Bars) -> None:
        for jump in jumps_like_splits(bars):
            words = ["quorate", "data", "action", collection.name, jump.symbol, "split", jump.session]
            command = shlex.join([*words, f"{jump.ratio:g}", *where])
            proposed.append({**jump._asdict(), "command": command})

    found = _looked(_session(data_table(given, settings), progress), quarantine, propose)
    kept = collection.quarantine()
    found["quality"]["set_apart"] += len(kept)
    if quarantine:
        found["quarantine"] = [*apart_rows(kept), *found["quarantine"]]
    known, told = noted(collection), _unfit(collection)
    return {**found, "doubts": [*found["doubts"], *told], "noted": known, "proposed": proposed}


def _unfit(collection: Collection) -> list[str]:
    """Return which ticker changes and delistings fit no bars."""
    ends = {one.symbol: max(one.last, one.first) for one in collection.holdings()}
    changes, told = collection.changes(), []
    for one in noted_changes(collection):
        names = changes.names([one["symbol"]])
        last = max((ends[name] for name in names & ends.keys()), default="")
        apart = (dt.date.fromisoformat(one["session"]) - dt.date.fromisoformat(last)).days if last else 0
        if not last:
            told.append(f"a {one['kind']} of {one['symbol']} is noted for {one['session']}, and it has no bars")
        elif one["kind"] == "delisting" and apart > LATE:
            undo = f"quorate data action {collection.name} {one['symbol']} delisting {one['session']} --undo"
            told.append(
                f"{one['symbol']} is noted as delisted on {one['session']}, and its bars end on {last}: is the date "
                f"right? {undo} takes it back"
            )
    return told


def check_run(name: str, *, home: str | Path | None = None, quarantine: bool = False) -> dict[str, Any]:
    """Return what a run found in its bars, and set apart, as plain data.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    quarantine : bool
        Whether the bars that were set apart are told one by one.

    Raises
    ------
    DataError
        If its recipe has no checks.
    """
    stored = Home(home).find_either(name)
    told = (stored.begun()["data"] or {}).get("quality")
    if told is None:
        raise DataError(
            f"{stored.kind} {stored.id} kept no findings, as its recipe has no [data.checks]: quorate data check "
            f"RECIPE looks at the bars as they are now"
        )
    frames = {
        name: stored.frame(PART, name, told["files"][f"{PART}/{name}.parquet"]) for name in ("findings", "quarantine")
    }
    found = [Finding(*row) for row in frames["findings"][[*Finding._fields]].itertuples(index=False)]
    then = dict(zip(frames["findings"]["rule"], frames["findings"]["then"], strict=True))
    quality = Quality({**dict.fromkeys(RULES, "off"), **then}, told["limits"], found, frames["quarantine"])
    return {
        "run": stored.id,
        "doubts": [one.told for one in found],
        "quality": quality.to_dict(),
        **({"quarantine": apart_rows(quality.apart)} if quarantine else {}),
    }


def _looked(
    session: Session, quarantine: bool = False, also: Callable[[Bars], None] = lambda bars: None
) -> dict[str, Any]:
    """Return how a session's bars are read, and what all rules find that its recipe does not switch off."""
    session.progress, heard = Progress(), len(session.warnings)  # doubts are the answer, no warnings beside it
    checking, refused = Checking.of(session, every=True), ""
    try:
        bars, apart = read_source(session, checking.when_read)
    except DataError as e:
        refused = str(e)
        bars, apart = _without(session, e)
    looked = checking.look(bars, apart)
    assert looked.quality is not None
    also(bars)
    used = as_used(session, looked.bars)
    return {
        **facts_of(used, session.recipe),
        "sessions": sessions_told(looked.bars),
        "doubts": list(dict.fromkeys([*session.warnings[heard:], *looked.warnings, *looked.refused])),
        **({"refused": refused} if refused else {}),
        "quality": looked.quality.to_dict(),
        **({"quarantine": apart_rows(looked.quality.apart)} if quarantine else {}),
    }


def _without(session: Session, error: DataError) -> tuple[Bars, list[pd.DataFrame]]:
    """Return bars without the rows for which they were refused, and these; raise that error, if it is not they."""
    if not error.rows:
        raise error
    try:
        bars, apart = read_source(session, [name for name, rule in RULES.items() if rule.reading])
    except DataError:
        raise error from None
    wrong = sum(len(frame) for frame in apart)
    if not wrong or (wrong > MANY and wrong > SHARE * (wrong + bars.present.sum())):
        raise error
    return bars, apart


def read_data(
    path: str | Path, settings: Iterable[str] = (), *, progress: Progress | None = None
) -> tuple[dict[str, Any], Bars, list[str]]:
    """Return the options that a file or a folder of bars is read with, its bars, and what is to be asked about them.

    Raises
    ------
    DataError
        If it cannot be read as bars.
    """
    table = data_table({"source": source_of(Path(path)), "path": str(path)}, settings)
    session = _session(table, progress)
    heard = len(session.warnings)
    session.progress = Progress()
    session.recipe = session.recipe.model_copy(
        update={"data": session.recipe.data.model_copy(update={"quality": "warn"})}
    )
    bars = load_bars(session)
    return table["data"], bars, [*session.warnings[heard:], *not_read(Path(path), table["data"]["source"])]


def _session(table: dict[str, Any], progress: Progress | None) -> Session:
    return open_session({"name": "check", "models": {"logistic": {}}, **table}, progress=progress)


def data_table(given: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Return a recipe's table ``[data]``, within a table, with settings ``key=value`` made in it."""
    table: dict[str, Any] = {"data": dict(given)}
    for item in (one.removeprefix("data.") for one in settings):
        if item.startswith("source="):  # it reads the same
            table["data"]["source"] = item.removeprefix("source=")
        else:
            table = merge(table, nested_override(f"data.{item}"), f"--set {item}")
    return table


def facts_of(bars: Bars, recipe: Recipe) -> dict[str, Any]:
    """Return how bars are read, and covariates, if there are some, as plain data."""
    found = {"covariates": covariate_facts(bars, recipe), "references": reference_facts(bars, recipe)}
    return {**bars_facts(bars), **{name: told for name, told in found.items() if told}}


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
