"""The tables of a run as files for other programs, with what is needed to understand them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from quorate.errors import IntegrityError, RecipeError, StoreError, near_misses, one_of
from quorate.report.report import PARTS
from quorate.report.sql_columns import FILES, OF_REPORTS, OF_SWEEPS, SPARSE, TRAINED, tables_page
from quorate.report.sql_data import CHECKED
from quorate.runs.sql_data import checked_files
from quorate.runs.sql_views import Gathered, sealed
from quorate.runs.swept import BEST
from quorate.store import Home, Run
from quorate.store.files import io_reason, regular, replacing, write_text
from quorate.store.plain import check_plain
from quorate.store.sql import Answer, Database, name_of, written

FORMATS = ("parquet", "csv")


class Export(NamedTuple):
    """What was written: of which run, to where, the names of the files, and which of them were there before."""

    run: str
    folder: str
    files: list[str]
    replaced: list[str]


def export(name: str, to: Path, form: str = "parquet", *, home: str | Path | None = None) -> Export:
    """Write the tables of a run or a sweep into a folder, each file atomically.

    Parameters
    ----------
    name : str
        The run's or sweep's id, a part of it, or ``latest``, which is a run.
    to : Path
        The folder; made, if need be.
    form : {"parquet", "csv"}
        Numbers are those that were stored, in CSV with all digits.

    Raises
    ------
    RecipeError
        If there is no such format.
    IntegrityError
        If the run is not as it was written.
    StoreError
        If there is none, or it cannot be written, or the folder lies in the home.
    """
    if form not in FORMATS:
        raise RecipeError(f"--format must be one of {one_of(FORMATS)}; it was {form!r}{near_misses(form, FORMATS)}")
    place = Home(home)
    place.check_outside(to)
    run = _found(place, name)
    names = _names(run)
    gathered = Gathered(names, [run], [run], strict=True)
    if run.state != "finished":
        raise StoreError(f"{run.kind} {run.id} is {run.state}: it has no report{run.remedy}")
    copied = [run.path / one for one in ("report.json", "recipe.toml", BEST) if (run.path / one).exists()]
    tables = {one: to / f"{one}.{form}" for one in names}
    targets = [*tables.values(), *(to / path.name for path in copied), to / "README.md"]
    if to.exists() and not to.is_dir():
        raise RecipeError(f"--to must be a folder; {to} is none")
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise StoreError(io_reason(e, to)) from e
    replaced = [path.name for path in targets if regular(path, "give another folder").exists()]
    with Database() as database, written(list(tables.values())) as places:
        for one, view in gathered.views().items():
            for path, reason in database.define(one, view):
                raise IntegrityError(f"{run.kind} {run.id} is not whole: {name_of(path)}: {reason}")
        database.close(places)
        for one, path in tables.items():
            Answer(database, f'from "{one}"').write(path, form)
    for path in copied:
        check_plain(path)
        with replacing(to / path.name) as temporary:
            temporary.write_bytes(path.read_bytes())
    write_text(to / "README.md", _page(run, names, form))
    return Export(run.id, str(to), [path.name for path in targets], replaced)


def _found(home: Home, name: str) -> Run:
    """Return the run of that name, else the sweep."""
    sweeps = [sweep for sweep in home.runs("sweep") if name in sweep.id]
    if name != "latest" and sweeps and not any(name in run.id for run in home.runs()):
        return home.find(name, kind="sweep")
    return home.find(name)


def _names(run: Run) -> list[str]:
    """Return the tables that a run has."""
    if run.kind == "sweep":
        return list(OF_SWEEPS)
    report = sealed(run)
    files = report.document["files"]
    there = [part for part in PARTS if report.results[part]]
    few = {name for name in SPARSE if not any(report.results[part].get(name) for part in there)}
    if not report.provenance["data"].get("covariates"):
        few.add("covariates")
    listed = [name for name in OF_REPORTS if name not in few]
    stored = [name for name in FILES if all(f"{part}/{name}.parquet" in files for part in there)]
    checked = CHECKED if checked_files(report) else ()
    return [*listed, *(name for name in stored if name not in TRAINED or report.telemetry.get("training")), *checked]


def _page(run: Run, names: Sequence[str], form: str) -> str:
    what = "sweep" if run.kind == "sweep" else "run"
    about = (
        f"# {run.kind.capitalize()} {run.id}\n\nThe tables of this {what}, as it stored them; one file each, "
        f"`NAME.{form}`. Times are UTC. Where a value is not known it is {'empty' if form == 'csv' else 'NULL'}. "
        "A word in capitals stands for several columns. `report.json` is the whole report, `recipe.toml` what was run."
    )
    return f"{about}\n\n{tables_page(tuple(names))}"
