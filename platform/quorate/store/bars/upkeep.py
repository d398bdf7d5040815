"""What a collection needs from time to time: files that are merged or removed, and a look at whether all are whole."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path

from quorate.errors import IntegrityError, StoreError
from quorate.store.bars.collection import IMPORTS, Collection
from quorate.store.bars.imports import Import
from quorate.store.bars.locks import holding
from quorate.store.bars.packs import ENDING, FEWEST, LOOSE, Pack, runs_of, write_pack
from quorate.store.bars.parts import check_hashes
from quorate.store.files import TEMPORARY

LATER = dt.timedelta(hours=1)  # after which nobody is writing or reading a file any more


def pack(collection: Collection) -> int:
    """Write many small imports as one file, if there are many; return how many.

    What was known at any time, and what is told of each import, stays as it is.
    """
    count = 0
    for frequency in collection.frequencies() if collection.exists else ():
        imports = [one for one in collection.imports() if one.frequency == frequency]
        if sum(one.id not in collection.packed for one in imports) <= LOOSE:
            continue
        with holding(collection.folder, alone=True, wait=False) as held:
            there = Collection(collection.folder)  # as it is now that nobody else writes
            imports = [one for one in there.imports() if one.frequency == frequency] if held and there.exists else []
            for run in runs_of(imports, there.packed):
                if len(run) >= FEWEST:
                    write_pack(collection.folder / IMPORTS, run)
                    count += len(run)
    return count


def tidy(collection: Collection) -> None:
    """Remove what nobody needs: what imports that were killed have left, and what lies in a pack since long."""
    listed = {name for one in collection.imports() for name in one.sha256}
    listed |= {one.file for one in collection.packed.values()}
    limit = (dt.datetime.now(dt.UTC) - LATER).timestamp()
    over = {key for key, one in collection.packed.items() if one.written < limit}
    own = {name for key in over for name in (f"{key}.json", f"{key}.parquet")}
    for path in sorted((collection.folder / IMPORTS).iterdir()):  # of one import its document first
        left = path.name.endswith(TEMPORARY) or (path.suffix == ".parquet" and path.name not in listed)
        with suppress(OSError):
            if path.name in own or (left and path.lstat().st_mtime < limit):
                path.unlink()


def damage(folder: Path) -> list[str]:
    """Return what is damaged among the imports of a collection, a line each."""
    told, packed = [], set[str]()
    for path in sorted(folder.glob("*.json"), key=lambda path: (not path.name.endswith(ENDING), path.name)):
        if path.stem in packed:
            continue
        try:
            if path.name.endswith(ENDING):
                found = Pack.load(path)
                packed |= found.place.keys()
                hashes = [(found.file, found.sha256)] if found.file else []
                own = (name for one in found.imports for name in (one.actions, one.changes, one.quarantine) if name)
                told_of = {name: digest for one in found.imports for name, digest in one.sha256.items()}
                hashes += [(name, told_of[name]) for name in own]
                check_hashes(folder, hashes)
            else:
                check_hashes(folder, Import.load(path).sha256.items())
        except (IntegrityError, StoreError) as e:
            told.append(str(e))
    return told
