"""Many small imports as one file and one document: what each has brought, and when it was known, stays as it is.

::

    imports/ID.pack.parquet  the bars of several imports that followed each other, and of which of them each row is
    imports/ID.pack.json     their documents, word for word; written last

A reader that finds a pack takes its imports from there, and needs their own files no more: these are removed once
nobody can still be reading them.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from quorate.errors import IntegrityError
from quorate.store.bars.imports import Import, new_id
from quorate.store.bars.parts import check_hashes, columns_of, read_parts, sha256_of
from quorate.store.documents import read_sealed, seal_of
from quorate.store.files import write_json
from quorate.store.parquet import write_parquet

if TYPE_CHECKING:
    import pandas as pd

ENDING, VERSION = ".pack.json", 2  # no version before packs reads one
WITH_CHANGES = 3  # one that holds imports with ticker changes or delistings
OF = "|import"  # column: of which of the pack's imports a row is
LOOSE = 64  # imports with files of their own, from which on they are packed
FEWEST = 8  # that are worth a pack
SMALL = 200_000  # bars of an import, up to which it is


@dataclass(frozen=True)
class Pack:
    """Imports of one frequency that followed each other.

    Parameters
    ----------
    file : str
        With their bars; empty, where they brought none.
    sha256 : str
        Its hash.
    imports : tuple of Import
        In the order in which they became known.
    columns : tuple of tuple of str
        Which columns the bars of each had.
    written : float
        When, in seconds since 1970.
    """

    file: str
    sha256: str
    imports: tuple[Import, ...]
    columns: tuple[tuple[str, ...], ...]
    written: float

    @classmethod
    def load(cls, path: Path) -> Pack:
        """Return the pack that a document tells of.

        Raises
        ------
        IntegrityError
            If it is not as it was written.
        StoreError
            If a newer version has written it.
        """
        found = read_sealed(path, WITH_CHANGES)
        try:
            imports = tuple(Import.of(one, path) for one in found["imports"])
            columns = tuple(tuple(one) for one in found["columns"])
            return cls(found["file"], found["sha256"], imports, columns, path.stat().st_mtime)
        except (KeyError, TypeError, OSError) as e:
            raise IntegrityError(f"{path} is not what quorate writes: {e}") from None

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Which import is where in it, by id."""
        return {one.id: k for k, one in enumerate(self.imports)}


def runs_of(imports: Sequence[Import], packed: Mapping[str, Pack]) -> Iterator[list[Import]]:
    """Yield imports of one frequency that follow each other, are small and have files of their own."""
    run: list[Import] = []
    for one in imports:
        count = one.count()
        if one.id not in packed and count.new + count.rewritten + count.gone <= SMALL:
            run.append(one)
            continue
        yield run
        run = []
    yield run


def write_pack(folder: Path, imports: Sequence[Import]) -> None:
    """Write imports that follow each other as a pack; their own files stay.

    Raises
    ------
    IntegrityError
        If a file of theirs was changed.
    StoreError
        If it cannot be written.
    """
    made = new_id(dt.datetime.now(dt.UTC))
    with_bars = {str(folder / one.bars): k for k, one in enumerate(imports) if one.bars}
    columns: list[Sequence[str]] = [()] * len(imports)
    file, hashes = "", {"": ""}
    if with_bars:
        symbols = sorted({name for one in imports for name in one.symbols})
        frame = read_parts([Path(path) for path in with_bars], symbols, columns=("*", "filename"))
        frame[OF] = frame.pop("filename").map(with_bars).astype("int32")
        frame["symbol"] = frame["symbol"].astype(str)
        frame = frame.sort_values(["symbol", "time", OF], ignore_index=True)
        file = f"{made}.pack.parquet"
        write_parquet(frame, folder / file)
        hashes = dict(sha256_of([folder / file]))
        for path, k in with_bars.items():
            columns[k] = columns_of([Path(path)])
    told = {
        "schema_version": WITH_CHANGES if any(one.changes for one in imports) else VERSION,
        "file": file,
        "sha256": hashes[file],
        "imports": [one.told() for one in imports],
        "columns": columns,
    }
    told = json.loads(json.dumps(told))
    write_json(folder / f"{made}{ENDING}", {**told, "seal": seal_of(told)})


def rows_of(
    folder: Path,
    chosen: Sequence[Import],
    packed: Mapping[str, Pack],
    symbols: Sequence[str],
    since: dt.datetime | None,
    until: dt.datetime | None,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return the rows that imports brought of symbols, one import after another.

    Parameters
    ----------
    chosen : sequence of Import
        With bars, in the order in which they count.
    packed : mapping of str to Pack
        Those whose bars lie in packs, by id.
    since, until, columns
        As of `read_parts`; ``filename`` is the file that an import had of its own.
    """
    files: dict[str, str] = {}
    for one in chosen:
        pack, own = packed.get(one.id), str(one.bars)
        files[pack.file if pack else own] = pack.sha256 if pack else one.sha256[own]
    check_hashes(folder, files.items())
    paths = [folder / name for name in files]
    if not any(one.id in packed for one in chosen):
        return read_parts(paths, symbols, since, until, columns)
    # Of one symbol and time a pack has what became known later behind the rest, which is as it counts unless the order
    # is another, as of an earlier day.
    order = [(one.known_at, one.id) for one in chosen]
    if "filename" not in columns and order == sorted(order):
        return _without_others(read_parts(paths, symbols, since, until, columns), folder, chosen, packed)
    more = ("filename",) if "*" in columns else (f'"{OF}"', "filename")
    asked = (*columns, *(name for name in more if name not in columns))
    frame = _apart(read_parts(paths, symbols, since, until, asked), folder, chosen, packed)
    frame = _without_others(frame, folder, chosen, packed)
    return frame if "filename" in columns else frame.drop(columns="filename")


def _apart(frame: pd.DataFrame, folder: Path, chosen: Sequence[Import], packed: Mapping[str, Pack]) -> pd.DataFrame:
    """Return rows of packs and of files as if each import had a file of its own: in their order, and named by it.

    Parameters
    ----------
    frame : DataFrame
        With ``filename``, and the column of packs.
    chosen : sequence of Import
        Whose rows these are, in the order in which they count.
    """
    import numpy as np

    names, code = np.unique(frame["filename"].to_numpy(dtype=str), return_inverse=True)
    of = frame[OF].fillna(0).to_numpy(dtype=np.int64)
    rank = np.zeros(len(frame), dtype=np.int64)
    for k, one in enumerate(chosen):
        pack = packed.get(one.id)
        at = np.flatnonzero(names == str(folder / (pack.file if pack else str(one.bars))))
        if len(at):
            rank[(code == at[0]) & (of == pack.place[one.id] if pack else True)] = k
    order = np.argsort(rank, kind="stable")
    paths = np.array([str(folder / str(one.bars)) for one in chosen], dtype=object)
    return frame.iloc[order].assign(filename=paths[rank[order]])


def _without_others(
    frame: pd.DataFrame, folder: Path, chosen: Sequence[Import], packed: Mapping[str, Pack]
) -> pd.DataFrame:
    """Return rows without columns that other imports of the same packs alone have."""
    own: set[str] = {"symbol", "time", "filename"}
    loose = []
    for one in chosen:
        if (pack := packed.get(one.id)) is None:
            loose.append(folder / str(one.bars))
        else:
            own |= {*pack.columns[pack.place[one.id]]}
    doubtful = [name for name in frame if name not in own and frame[name].isna().all()]
    if doubtful and loose:
        own |= {*columns_of(loose)}
    return frame.drop(columns=[name for name in doubtful if name not in own] + [n for n in (OF,) if n in frame])
