"""Bars brought from a source into the store: part by part, in parallel, and on from where an import was stopped."""

from __future__ import annotations

import datetime as dt
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from quorate.errors import DataError, RecipeError
from quorate.execution.progress import Progress
from quorate.plugins.calling import call
from quorate.plugins.options import told_when_reading
from quorate.plugins.specs import SourceSpec
from quorate.recipe.environment import names_in, substitute
from quorate.runs.doubts import data_table
from quorate.runs.importing import Job, Made, Part, each
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Import, Origin, digest_of, file_facts

BATCH = 50  # parts that are read at once, at most: what one file of the store holds
FEWEST = 20  # as many as are read in the time that a process needs to begin
AGAIN = dt.timedelta(days=14)  # before the last bar, from which on an update asks again


@dataclass
class Imported:
    """What an import or an update has done.

    Parameters
    ----------
    collection : str
        Where.
    parts, known : int
        Parts that were read, and that were there already: files, or symbols, or the whole.
    symbols : int
        Symbols that were read.
    new, rewritten, gone : int
        Bars that are new, that were otherwise before, and that the source no longer has.
    examples : list of dict
        Up to 20 that were rewritten or are gone: symbol, time, field, was, is.
    failed : list of (str, str)
        What could not be read, and why; nothing of it is kept.
    warnings : list of str
        What is to be asked about the bars.
    seconds : float
        How long it took.
    """

    collection: str
    parts: int = 0
    known: int = 0
    symbols: int = 0
    new: int = 0
    rewritten: int = 0
    gone: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return asdict(self)

    def add(self, made: Made) -> None:
        """Count what came of some parts."""
        self.failed += made.failed
        self.warnings += [line for line in made.warnings if line not in self.warnings]
        for one in made.imports:
            count = one.count()
            self.parts += max(len(one.read), 1)
            self.symbols += len(one.symbols)
            self.new += count.new
            self.rewritten += count.rewritten
            self.gone += count.gone
            self.examples = [*self.examples, *one.rewritten][:20]


@in_usual_surroundings
def import_bars(
    collection: Collection,
    source: str,
    settings: Iterable[str] = (),
    *,
    options: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
    plugins: Sequence[str] = (),
    known_at: dt.datetime | None = None,
    workers: int = 0,
    progress: Progress | None = None,
) -> Imported:
    """Bring a source's bars into a collection of the store.

    What was read before, and is as it was then, is not read again. Each part, such as a file, is kept as soon as it is
    read; one that cannot be read is named, and the others are kept.

    Parameters
    ----------
    collection : Collection
        Of a `BarStore`.
    source : str
        The plugin.
    settings : iterable of str
        Options of it, ``key=value``.
    options : mapping, optional
        The same as values.
    home : path, optional
        For sources that read from one.
    plugins : sequence of str
        Single-file plugins.
    known_at : datetime, optional
        From when on the bars count as known where they differ from what is there: of a vendor's file of old, the day
        when it came. Now, if not given.
    workers : int
        Processes that read at a time; 0: one per CPU, where there is enough to read.

    Returns
    -------
    Imported

    Raises
    ------
    RecipeError
        For an option that the source does not know.
    DataError
        If nothing at all could be read.
    """
    table = data_table({"source": source, **(options or {})}, settings)
    return _bring(collection, [(table, None)], home, plugins, known_at, workers, progress or Progress())


@in_usual_surroundings
def update_bars(
    collection: Collection,
    *,
    home: str | Path | None = None,
    plugins: Sequence[str] = (),
    whole: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
) -> Imported:
    """Bring what is new of all that a collection was filled from.

    A source that can be asked for a part is asked for what comes after the last bar, and two weeks before it, in which
    a vendor may have rewritten something; files that changed are read again.

    Parameters
    ----------
    whole : bool
        Ask for the whole history: all that a vendor rewrote is found.

    Raises
    ------
    DataError
        If the collection is empty.
    """
    origins: dict[str, Import] = {one.origin: one for one in collection.imports() if one.source}
    if not origins:
        raise DataError(f"the collection {collection.name!r} is empty: quorate data add fills it")
    asked = []
    for origin, one in origins.items():
        last = max(
            dt.date.fromisoformat(b.last)
            for i in collection.imports()
            if i.origin == origin
            for b in i.symbols.values()
        )
        asked.append(({"data": {"source": one.source, **one.options}}, None if whole else last - AGAIN))
    return _bring(collection, asked, home, plugins, None, workers, progress or Progress())


def _bring(
    collection: Collection,
    asked: Sequence[tuple[dict[str, Any], dt.date | None]],
    home: str | Path | None,
    plugins: Sequence[str],
    known_at: dt.datetime | None,
    workers: int,
    progress: Progress,
) -> Imported:
    """Read what is asked for, a recipe's table and since when, and keep it."""
    began, told = time.perf_counter(), Imported(collection.name)
    jobs: list[Job] = []
    for table, since in asked:
        session = _session(table, home, plugins, progress)
        parts = _parts(session)
        origin = Origin(session.recipe.data.source, _plain(session.recipe.data.options))
        new = _unread(collection, origin, parts)
        told.known += len(parts) - len(new)
        if since is not None and told_when_reading(session.registry.get(SourceSpec, origin.source), since=since):
            table = {"data": {**table["data"], "since": since.isoformat()}}
        job = Job(collection.folder, table, origin, (), str(home) if home else None, tuple(plugins), known_at)
        size = min(BATCH, max(FEWEST, math.ceil(len(new) / (workers or os.cpu_count() or 1))))
        jobs += [replace(job, parts=tuple(new[k : k + size])) for k in range(0, len(new), size)]
    for made in each(jobs, workers, _counted(progress, sum(len(job.parts) for job in jobs))):
        told.add(made)
    if jobs and collection.exists:
        collection.tidy()
    told.seconds = time.perf_counter() - began
    if told.failed and not told.parts and not told.known:
        lines = [reason for _, reason in told.failed]
        raise DataError(lines[0] if len(lines) == 1 else "nothing could be read:\n  " + "\n  ".join(lines[:20]))
    return told


def _session(table: dict[str, Any], home: str | Path | None, plugins: Sequence[str], progress: Progress) -> Session:
    whole = {"name": "import", "models": {"logistic": {}}, "plugins": [*plugins], **table}
    session = open_session(whole, home=home, progress=progress)
    if session.recipe.data.source == "store":
        raise RecipeError("bars of the store are there already: a collection is filled from another source")
    return session


def _parts(session: Session) -> list[tuple[dict[str, Any], list[Path]]]:
    """Return the parts of what a source reads, each as options in place of the whole's, and its files."""
    spec = session.registry.get(SourceSpec, session.recipe.data.source)
    if spec.parts is None:
        return [({}, [])]
    options = substitute(session.recipe.data.options, "data")
    found: list[dict[str, Any]] = call(spec.offering(spec.parts), "the recipe's [data]", (), options)
    return [(dict(part), [path for one in part.get("path", ()) if (path := Path(one)).is_file()]) for part in found]


def _unread(collection: Collection, origin: Origin, parts: Sequence[tuple[dict[str, Any], list[Path]]]) -> list[Part]:
    """Return the parts that were not read yet, or not as they are now, each with its files' facts and its digest."""
    facts: dict[str, Mapping[str, Any]] = {}
    read: dict[str, set[str]] = {}  # digests, and the symbols that came with them
    for one in collection.imports() if collection.exists else ():
        if not one.source and one.count().gone:  # removed by hand: what it took away may come again
            read = {digest: symbols for digest, symbols in read.items() if not symbols & one.symbols.keys()}
        facts |= {fact["path"]: fact for fact in one.files}
        read |= {key: {*one.symbols} for key in one.read}
    new = []
    for part, files in parts:
        own = [file_facts(path, facts) for path in files]
        digest = digest_of(origin.digest, part, [one["sha256"] for one in own]) if own else ""
        if not digest or digest not in read:
            new.append((part, own, digest))
    return new


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are kept: with local paths that hold from any folder."""
    kept = dict(options)
    path = kept.get("path")
    if path is not None and not names_in(path):
        several = [path] if isinstance(path, str) else list(path)
        whole = [str(Path(one).expanduser().absolute()) if "://" not in one else one for one in several]
        kept["path"] = whole[0] if isinstance(path, str) else whole
    return kept


def _counted(progress: Progress, total: int) -> Callable[[int], None]:
    """Return what tells how many parts are done, a line for every tenth."""
    done, tenth = 0, 0

    def tell(some: int) -> None:
        nonlocal done, tenth
        done += some
        if done * 10 // max(total, 1) > tenth:
            tenth = done * 10 // total
            progress.stage(f"imported {done:,} of {total:,}")

    return tell
