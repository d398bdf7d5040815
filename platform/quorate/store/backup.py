"""A home brought to another place and back: files by what they hold, and a list of them for each backup.

::

    PLACE/objects/ab/SHA256        what a file holds, once, however many backups have it
    PLACE/backups/TIME.json        a backup: the names of its files, their sizes and hashes

The list is written last, so that a backup is there as a whole or not at all, and every earlier one stays.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from quorate.errors import IntegrityError, StoreError, near_misses
from quorate.store.files import TEMPORARY, io_reason, replacing, write_json
from quorate.store.home import Home
from quorate.store.places import Place, is_address, place_of
from quorate.store.trust import ID

VERSION = 1
LISTS, OBJECTS = "backups", "objects"
BESIDE = ".{}.restored"  # what is restored, until it is whole
NOTE = "backup.json"  # of a home: when and where it was brought last
# Of a home: what is of this machine, or is fetched or computed again.
LEFT = ("cluster", "fetched", "jobs", "kept", "schedules", NOTE)
LAST = ("ledger", "forward")  # in this order: what is then known of all that was copied before, or by it
_HASH = re.compile(r"[0-9a-f]{64}")
Told = Callable[[int, int], None]


class Backup(NamedTuple):
    """What was brought.

    Parameters
    ----------
    id : str
        Of the backup: when it was made.
    files, size : int
        That it has, and their bytes.
    brought, brought_size : int
        Those that were not there yet.
    """

    id: str
    files: int
    size: int
    brought: int
    brought_size: int


def backup(home: Home, to: str, told: Told = lambda done, of: None) -> Backup:
    """Bring a home to a place.

    What the place has already, of an earlier backup, is not brought again. Runs and imports may go on meanwhile: each
    file is as it was when its turn came, the ledger's and the forward record's last.

    When and where is noted in the home.

    Raises
    ------
    StoreError
        If there is no home, the place lies in it, or it cannot be written.
    """
    if not home.path.is_dir():
        raise StoreError(f"there is no home at {home.path} to bring to {to}")
    if not is_address(to):
        home.check_outside(Path(to))
    place = place_of(to)
    there = place.names(OBJECTS)
    names = _files(home.path)
    files: dict[str, dict[str, Any]] = {}
    brought: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
        for done, name in enumerate(names):
            told(done, len(names))
            copy = Path(folder, "file")
            if not _copied(home.path / name, copy):  # it was removed meanwhile
                continue
            sha256, size = _sha256(copy), copy.stat().st_size
            files[name] = {"bytes": size, "sha256": sha256}
            if (kept := _object(sha256)) not in there:
                place.put(kept, copy)
                there.add(kept)
                brought[sha256] = size
        now = dt.datetime.now(dt.UTC)
        found = {"schema_version": VERSION, "made_at": now.isoformat(), "files": files}
        write_json(Path(folder, "list"), found)
        name = f"{now:%Y%m%dT%H%M%S.%f}"
        place.put(f"{LISTS}/{name}.json", Path(folder, "list"))
    with suppress(StoreError):  # a home that cannot be written can be brought elsewhere all the same
        write_json(home.path / NOTE, {"schema_version": VERSION, "made_at": now.isoformat(), "place": _shown(to)})
    size = sum(one["bytes"] for one in files.values())
    return Backup(name, len(files), size, len(brought), sum(brought.values()))


def last_backup(home: Home) -> tuple[dt.datetime, str] | None:
    """Return when a home was brought elsewhere last, and where; None, if that is not known."""
    try:
        told = json.loads((home.path / NOTE).read_text(encoding="utf-8"))
        return dt.datetime.fromisoformat(told["made_at"]), str(told["place"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def backups(where: str) -> list[str]:
    """Return the ids of all backups at a place, oldest first."""
    return _ids(place_of(where))


def restore(home: Home, where: str, name: str = "latest", told: Told = lambda done, of: None) -> Backup:
    """Write what a backup has into a home that is not there yet.

    Every file is checked against its hash. The home is not trusted: it comes from elsewhere.

    Raises
    ------
    StoreError
        If there is no such backup, or something is in the home already.
    IntegrityError
        If a file at the place is missing, was changed, or would lie elsewhere; nothing is left of the home then.
    """
    if home.path.exists() and (not home.path.is_dir() or any(home.path.iterdir())):
        raise StoreError(f"cannot restore to {home.path}: it holds something already; name another --home")
    place = place_of(where)
    ids = _ids(place)
    if not ids:
        raise StoreError(f"there is no backup at {where}: quorate backup makes one")
    if name != "latest" and name not in ids:
        raise StoreError(f"there is no backup {name!r} at {where}, the latest is {ids[-1]}{near_misses(name, ids)}")
    chosen = ids[-1] if name == "latest" else name
    beside = home.path.with_name(BESIDE.format(home.path.name))
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        files = _listed(place, chosen, beside / "list")
        for done, (path, facts) in enumerate(files.items()):
            told(done, len(files))
            with replacing(beside / path) as temporary:
                _fetch(place, path, facts, temporary)
        if home.path.exists():
            home.path.rmdir()
        beside.rename(home.path)
    except OSError as e:
        raise StoreError(io_reason(e, home.path)) from e
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    size = sum(one["bytes"] for one in files.values())
    return Backup(chosen, len(files), size, len(files), size)


def _shown(to: str) -> str:
    """Return a place without what an address may say of who asks."""
    return re.sub(r"//[^/@]*@", "//", to).partition("?")[0] if is_address(to) else str(Path(to).absolute())


def _ids(place: Place) -> list[str]:
    return sorted(PurePosixPath(name).stem for name in place.names(LISTS) if name.endswith(".json"))


def _files(home: Path) -> list[str]:
    """Return the names of the files of a home that are brought, in their order."""

    def walk() -> Iterator[str]:
        for path in home.rglob("*"):
            name = path.relative_to(home)
            if path.is_symlink() or not path.is_file() or name.parts[0] in LEFT or name.as_posix() == ID:
                continue
            if path.name.endswith(TEMPORARY) or path.name.endswith(("-wal", "-shm")):
                continue
            yield name.as_posix()

    order = {name: place for place, name in enumerate(LAST, 1)}
    return sorted(walk(), key=lambda name: (order.get(name.partition("/")[0], 0), name))


def _copied(path: Path, to: Path) -> bool:
    """Copy a file as it is now, a database as of its last transaction; say whether it was there."""
    to.unlink(missing_ok=True)
    try:
        if path.suffix == ".sqlite":
            source = f"{path.as_uri()}?mode=ro"
            with closing(sqlite3.connect(source, uri=True)) as database, closing(sqlite3.connect(to)) as copy:
                database.backup(copy)
        else:
            shutil.copyfile(path, to)
    except FileNotFoundError:
        return False
    except (OSError, sqlite3.Error) as e:
        raise StoreError(f"cannot read {path}: {e}") from e
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _object(sha256: str) -> str:
    return f"{OBJECTS}/{sha256[:2]}/{sha256}"


def _listed(place: Place, name: str, path: Path) -> dict[str, dict[str, Any]]:
    """Return the files of a backup: no name leads out of the home."""
    place.get(f"{LISTS}/{name}.json", path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version, files = found["schema_version"], found["files"]
        facts = [(str(key), int(one["bytes"]), str(one["sha256"])) for key, one in files.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise IntegrityError(f"the list of backup {name} cannot be read: {e!r}") from e
    path.unlink()
    if version != VERSION:
        raise IntegrityError(f"backup {name} is of version {version!r}, and this quorate reads {VERSION}: take a newer")
    for key, _, sha256 in facts:
        pure = PurePosixPath(key)
        if pure.is_absolute() or ".." in pure.parts or pure.as_posix() != key or not _HASH.fullmatch(sha256):
            raise IntegrityError(f"backup {name} has a file that it must not: {key!r}")
    return {key: {"bytes": size, "sha256": sha256} for key, size, sha256 in facts}


def _fetch(place: Place, name: str, facts: dict[str, Any], to: Path) -> None:
    try:
        place.get(_object(facts["sha256"]), to)
    except StoreError as e:
        raise IntegrityError(f"the backup is not whole, {name}: {e}") from e
    if _sha256(to) != facts["sha256"]:
        raise IntegrityError(f"the backup is damaged: what it has of {name} is not what was brought")
