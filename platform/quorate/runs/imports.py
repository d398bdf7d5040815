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
from quorate.recipe.environment import mask, names_in, substitute
from quorate.runs.doubts import data_table
from quorate.runs.importing import Job, Made, Part, each
from quorate.runs.known_parts import KnownParts
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Import, Origin, digest_of, file_facts
from quorate.store.bars.upkeep import pack, tidy

BATCH = 50  # parts that are read at once, at most: what one file of the store holds
FEWEST = 20  # as many as are read while a process begins
ENDED = dt.timedelta(days=365)  # without a bar, while others have some
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
        Up to 20 that were rewritten or are gone: symbol, session, time, field, was, is.
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
    return _bring(collection, [(table, None)], home, plugins, known_at, workers, progress or Progress(), new=True)


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

    A source that can be asked for a part is asked for what comes after the last bar that each of its symbols has, and
    two weeks before it, in which a vendor may have rewritten something; a symbol whose last bar lies more than a year
    before that of others has ended. Files that changed are read again, with those that were read with them. Symbols
    that were removed do not come again.

    Parameters
    ----------
    whole : bool
        Ask for the whole history: all that a vendor rewrote is found.

    Raises
    ------
    DataError
        If the collection is empty.
    """
    origins: dict[str, list[Import]] = {}
    for one in collection.imports():
        if one.source:
            origins.setdefault(one.origin, []).append(one)
    if not origins:
        raise DataError(f"the collection {collection.name!r} is empty: quorate data add fills it")
    asked = []
    for imports in origins.values():
        table = {"data": {"source": imports[0].source, **imports[0].options}}
        asked.append((table, None if whole else _since(imports, imports[0].options.get("since"))))
    return _bring(collection, asked, home, plugins, None, workers, progress or Progress())


def _since(imports: Sequence[Import], own: str | None) -> dt.date:
    """Return from when on a source is asked again."""
    last: dict[str, str] = {}
    for one in imports:
        for symbol, brought in one.symbols.items():
            last[symbol] = max(last.get(symbol, ""), brought.last)
    days = [dt.date.fromisoformat(day) for day in last.values()]
    since = min(day for day in days if day > max(days) - ENDED) - AGAIN
    return max(since, dt.date.fromisoformat(own)) if own else since


def _bring(
    collection: Collection,
    asked: Sequence[tuple[dict[str, Any], dt.date | None]],
    home: str | Path | None,
    plugins: Sequence[str],
    known_at: dt.datetime | None,
    workers: int,
    progress: Progress,
    new: bool = False,
) -> Imported:
    """Read what is asked for, a recipe's table and since when, and keep it; `new`: also what was removed."""
    began, told = time.perf_counter(), Imported(collection.name)
    collection.check_writable()
    jobs: list[Job] = []
    born = collection.born(begin=collection.exists)
    for given, since in asked:
        table = {"data": _anywhere(given["data"])}
        session = _session(table, home, plugins, progress)
        data = session.recipe.data
        span = {name: day.isoformat() for name in ("since", "until") if (day := getattr(data, name)) is not None}
        checks = data.model_dump(include={"checks"}, exclude_none=True)
        origin = Origin(data.source, {**data.options, **span, **checks})
        if since is not None and told_when_reading(session.registry.get(SourceSpec, data.source), since=since):
            table["data"]["since"] = since.isoformat()
        known = KnownParts(collection, origin)
        parts = _parts(session, known.facts)
        unread = known.unread(parts, new)
        told.known += len(parts) - sum(len(group) for group in unread)
        whose = Job(
            folder=collection.folder,
            table=table,
            origin=origin,
            parts=(),
            earlier=known.earlier(parts),
            without=frozenset() if new else known.removed,
            home=str(home) if home else None,
            plugins=tuple(plugins),
            known_at=known_at,
            born=born,
        )
        jobs += [replace(whose, parts=tuple(group)) for group in _batches(unread, workers)]
    if jobs and born is None:
        born = collection.born(begin=True)
        jobs = [replace(job, born=born) for job in jobs]
    for made in each(jobs, workers, _counted(progress, sum(len(job.parts) for job in jobs))):
        told.add(made)
    if jobs and collection.exists:
        pack(collection)
        tidy(collection)
    told.seconds = time.perf_counter() - began
    if told.failed and not told.parts and not told.known:
        lines = [reason for _, reason in told.failed]
        raise DataError(lines[0] if len(lines) == 1 else "nothing could be read:\n  " + "\n  ".join(lines[:20]))
    return told


def _session(table: dict[str, Any], home: str | Path | None, plugins: Sequence[str], progress: Progress) -> Session:
    whole = {"name": "import", "models": {"logistic": {}}, "plugins": [*plugins], **table}
    if table["data"]["source"] == "store":
        raise RecipeError("bars of the store are there already: a collection is filled from another source")
    return open_session(whole, home=home, progress=progress)


def _parts(session: Session, facts: Mapping[str, Mapping[str, Any]]) -> list[Part]:
    """Return the parts of what a source reads."""
    spec = session.registry.get(SourceSpec, session.recipe.data.source)
    found: list[dict[str, Any]] = [{}]
    if spec.parts is not None:
        options = substitute(session.recipe.data.options, "data")
        found = call(spec.offering(spec.parts), "the recipe's [data]", (), options)
    parts = []
    for one in found:
        files = [file_facts(path, facts) for name in one.get("path", ()) if (path := Path(name)).is_file()]
        content = digest_of([fact["sha256"] for fact in files]) if files else ""
        parts.append(Part(dict(one), files, digest_of(one), content))
    return parts


def _batches(groups: Sequence[list[Part]], workers: int) -> list[list[Part]]:
    """Return what is read at once: what was read together, and so many of the others as keep all processes busy."""
    single = [group[0] for group in groups if len(group) == 1]
    size = min(BATCH, max(FEWEST, math.ceil(len(single) / (workers or os.cpu_count() or 1))))
    return [group for group in groups if len(group) > 1] + [single[k : k + size] for k in range(0, len(single), size)]


def _anywhere(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table ``[data]`` whose local paths hold from any folder.

    Raises
    ------
    RecipeError
        If a secret is written into it: a store is kept, and may be shared.
    """
    found = dict(data)
    if mask(found) != found:
        name = next(name for name, value in found.items() if mask({name: value}) != {name: value})
        raise RecipeError(f"a secret stands in data.{name}, and a store keeps it: write ${{NAME}}, a variable of yours")
    path = found.get("path")
    if path is not None and not names_in(path):
        several = [path] if isinstance(path, str) else list(path)
        whole = [str(Path(one).expanduser().absolute()) if "://" not in one else one for one in several]
        found["path"] = whole[0] if isinstance(path, str) else whole
    url = str(found.get("url", ""))
    scheme, slashes, file = url.partition(":///")
    if slashes and "sqlite" in scheme and file and not names_in(url) and not file.startswith(("/", ":")):
        found["url"] = f"{scheme}:///{Path(file).absolute()}"
    return found


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
