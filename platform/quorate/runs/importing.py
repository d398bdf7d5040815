"""Parts of a source read into the store, in this process or in several."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from quorate.errors import QuorateError, StoreError
from quorate.plugins.calling import call
from quorate.plugins.specs import SourceSpec
from quorate.recipe.environment import retold, substitute
from quorate.runs.session import Session, load_bars, open_session
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Import, Origin

Part = tuple[dict[str, Any], list[dict[str, Any]], str]  # options in place of the whole's, facts of files, digest


@dataclass(frozen=True)
class Job:
    """Parts of one source that are read at once."""

    folder: Path
    table: dict[str, Any]
    origin: Origin
    parts: tuple[Part, ...]
    home: str | None
    plugins: tuple[str, ...]
    known_at: dt.datetime | None


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
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))
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
            for part in job.parts:
                one = do(replace(job, parts=(part,)))
                made.imports += one.imports
                made.failed += one.failed
                made.warnings += one.warnings
    return made


def _import(job: Job, made: Made) -> None:
    from quorate.store.bars.appending import append

    joined: dict[str, Any] = {}
    for part, _, _ in job.parts:
        for key, value in part.items():
            joined[key] = [*joined.get(key, []), *value]
    table = {"data": {**job.table["data"], **joined}}
    session = open_session(
        {"name": "import", "models": {"logistic": {}}, "plugins": [*job.plugins], **table}, home=job.home
    )
    bars = load_bars(session)
    made.warnings += session.warnings
    files = [fact for _, facts, _ in job.parts for fact in facts]
    read = [digest for _, _, digest in job.parts if digest]
    frequency = _usual(_collection(job.folder), job.origin) if len(bars) < FEW else None
    made.imports.append(
        append(
            _collection(job.folder),
            bars,
            Origin(job.origin.source, job.origin.options, joined),
            read=read,
            files=files,
            known_at=job.known_at,
            frequency=frequency,
            actions=_actions(session),
        )
    )


FEW = 30  # bars, below which their frequency may be that of what came before from the same source


def _usual(collection: Collection, origin: Origin) -> str | None:
    """Return the frequency of what came from a source before, if it was one."""
    if not collection.exists:
        return None
    found = {one.frequency for one in collection.imports() if one.origin == origin.digest}
    return found.pop() if len(found) == 1 else None


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
    part, files, _ = job.parts[0]
    if files:
        return ", ".join(str(fact["path"]) for fact in files)
    return ", ".join(str(one) for value in part.values() for one in value) or job.origin.source


@cache
def _collection(folder: Path) -> Collection:
    """Return a collection of which no document is read twice in this process."""
    return Collection(folder)
