"""Parts of a source read into the store, in this process or in several."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from quorate.errors import DataError, QuorateError, StoreError, plural
from quorate.plugins.calling import call
from quorate.plugins.specs import SourceSpec
from quorate.recipe.environment import retold, substitute
from quorate.runs.loading import load_bars
from quorate.runs.session import Session, open_session
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Import, Origin

FEW = 30  # bars, below which their frequency is that at which the collection has their symbols


class Part(NamedTuple):
    """A part of what a source reads: options in place of the whole's, the facts of its files, and its digests."""

    options: dict[str, Any]
    files: list[dict[str, Any]]
    key: str  # digest of the part
    content: str  # digest of what its files hold; empty, where it has none


@dataclass(frozen=True)
class Job:
    """Parts of one source that are read at once.

    Parameters
    ----------
    folder : Path
        Of the collection.
    table : dict
        A recipe's ``[data]``, in a table.
    origin : Origin
        What that is called in the store.
    parts : tuple of Part
        What is read of it.
    earlier : dict
        By the id of each import from the same origin the keys of the parts that it read, as far as there still are.
    without : frozenset of str
        Symbols that were removed, and are not to come again.
    home : str or None
        For sources that read from one.
    plugins : tuple of str
        Single-file plugins.
    known_at : datetime or None
        From when on the bars count as known.
    born : str or None
        Which collection of its name it was when this began.
    """

    folder: Path
    table: dict[str, Any]
    origin: Origin
    parts: tuple[Part, ...]
    earlier: dict[str, frozenset[str]]
    without: frozenset[str]
    home: str | None
    plugins: tuple[str, ...]
    known_at: dt.datetime | None
    born: str | None = None

    @property
    def again(self) -> frozenset[str]:
        """The imports of which all is read again."""
        keys = {part.key for part in self.parts}
        return frozenset(name for name, parts in self.earlier.items() if parts <= keys)


@dataclass
class Made:
    """What came of a job: imports, and what could not be read with the reason."""

    imports: list[Import] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def each(jobs: Sequence[Job], workers: int, done: Callable[[int], None]) -> Iterator[Made]:
    """Yield what comes of jobs, as they end.

    Raises
    ------
    StoreError
        If a process was killed; what was kept before stays.
    """
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        for job in jobs:
            yield do(job)
            done(len(job.parts))
        return
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), end_with_parent)
    try:
        waiting: dict[Future[Made], Job] = {pool.submit(do, job): job for job in jobs}
        for future in as_completed(waiting):
            yield future.result()
            done(len(waiting[future].parts))
    except BrokenProcessPool as e:
        raise StoreError(
            "a process that read bars was killed, perhaps for want of memory; what it had not kept is read when the "
            "command is given again; --workers 1 reads in one process"
        ) from e
    finally:
        pool.shutdown(cancel_futures=True)


def do(job: Job) -> Made:
    """Read a job's parts at once; if that cannot be, one by one, so that one that is wrong keeps no other out."""
    made = Made()
    try:
        _import(job, made)
    except QuorateError as e:
        if isinstance(e, StoreError):
            raise
        if len(job.parts) == 1:
            made.failed.append((_name(job), str(e)))
        else:
            made.warnings.clear()
            told: dict[str, list[str]] = {}
            for part in job.parts:
                alone = replace(job, parts=(part,))
                one = do(alone)
                made.imports += one.imports
                made.failed += one.failed
                for line in one.warnings:
                    told.setdefault(line, []).append(Path(_name(alone)).name)
            made.warnings += [_of_files(names, line) for line, names in told.items()]
    return made


def _of_files(names: Sequence[str], line: str) -> str:
    """Return a line with the files that it is told of."""
    if Path(names[0]).stem in line:
        return line
    more = f" and {plural(len(names) - 1, 'more file')}" if len(names) > 1 else ""
    return f"{names[0]}{more}: {line}"


def _import(job: Job, made: Made) -> None:
    from quorate.store.bars.appending import append

    joined: dict[str, Any] = {}
    for part in job.parts:
        for key, value in part.options.items():
            joined[key] = [*joined.get(key, []), *value]
    table = {"data": {**job.table["data"], **joined}}
    whole = {"name": "import", "models": {"logistic": {}}, "plugins": [*job.plugins], **table}
    session = open_session(whole, home=job.home)
    bars = load_bars(session)
    files = [fact for part in job.parts for fact in part.files]
    for fact in files:
        if (fact["bytes"], fact["changed_ns"]) != _status(Path(fact["path"])):
            raise DataError(f"{fact['path']} was changed while it was read: give the command again")
    made.warnings += session.warnings
    if job.without & {*bars.symbols}:
        left = [symbol for symbol in bars.symbols if symbol not in job.without]
        if not left:
            return
        bars = bars.select(left)
    collection = _collection(job.folder)
    if "since" in table["data"] and collection.exists and {*bars.symbols} - collection.symbols():
        asked = job.origin.options.get("since")
        if asked != table["data"]["since"]:  # a symbol that is new is asked for as a whole
            data = {name: value for name, value in table["data"].items() if name != "since"}
            job = replace(job, table={"data": {**data, **({"since": asked} if asked else {})}})
            _import(job, made)
            return
    made.imports.append(
        append(
            collection,
            bars,
            Origin(job.origin.source, job.origin.options, joined),
            read={part.key: part.content for part in job.parts},
            files=files,
            known_at=job.known_at,
            frequency=_usual(collection, {*bars.symbols}) if len(bars) < FEW else None,
            actions=_actions(session),
            again=job.again,
            apart=session.quality.apart if session.quality is not None else None,
            born=job.born,
        )
    )


def _status(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def end_with_parent() -> None:
    """Have this process end when the one that started it was killed."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _usual(collection: Collection, symbols: set[str]) -> str | None:
    """Return the frequency at which a collection has symbols, or else all that it has; None, if it is not one."""
    if not collection.exists:
        return None
    there = collection.frequencies()
    found = [frequency for frequency in there if collection.symbols(frequency) & symbols] or there
    return found[0] if len(found) == 1 else None


def _actions(session: Session) -> Any:
    """Return the splits and dividends that the source tells; None, if it tells none."""
    from quorate.bars.actions import check_actions

    spec = session.registry.get(SourceSpec, session.recipe.data.source)
    if spec.actions is None:
        return None
    given = session.recipe.data.options
    try:
        return call(spec.offering(spec.actions), "the recipe's [data]", (), substitute(given, "data"), check_actions)
    except QuorateError as e:
        raise retold(e, f"{spec}", given) from None


def _name(job: Job) -> str:
    """Return what a part is called."""
    [part] = job.parts
    if part.files:
        return ", ".join(str(fact["path"]) for fact in part.files)
    return ", ".join(str(one) for value in part.options.values() for one in value) or job.origin.source


@cache
def _collection(folder: Path) -> Collection:
    """Return a collection of which no document is read twice in this process."""
    return Collection(folder)
