"""What of a home can go: what nothing needs any more, and what can be computed or fetched again.

Never what a registered version, the ledger or a report needs: runs and sweeps with their tables, the bars that they
name, plugin files, versions and the store of bars are not looked at. A file that a version has under a second name is
kept, as to remove one of two names frees nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from quorate.errors import QuorateError, StoreError
from quorate.execution.cache import FitCache
from quorate.execution.cached import listed_in
from quorate.store import Home
from quorate.store.backup import BESIDE
from quorate.store.checkpoints import KeptCheckpoints
from quorate.store.files import TEMPORARY
from quorate.store.home import LEFT
from quorate.store.kept import KeptArrays
from quorate.store.models import KeptModels

# In the order in which they are shown: those of the first group nothing needs, those of the second cost time to have
# again, or a fetch.
NEEDLESS = ("temporary", "damaged", "ended checkpoint", "unnamed bars")
DISPOSABLE = ("fetched", "array", "fit", "model", "checkpoint")


class Item(NamedTuple):
    """Something that can go.

    Parameters
    ----------
    kind : str
        One of `NEEDLESS` or `DISPOSABLE`.
    name : str
        Its place in the home.
    bytes : int
        That are free then.
    used : float
        When it was used last, seconds since 1970.
    """

    kind: str
    name: str
    bytes: int
    used: float


@dataclass(frozen=True)
class Pruned:
    """What goes, or would go.

    Parameters
    ----------
    home : str
        Of which home.
    size : int
        Bytes of all in it beforehand; a file of several names counts once.
    items : tuple of Item
        What goes.
    left : tuple of Item
        What could go, but need not.
    budget : int or None
        Bytes that the home may have.
    notes : tuple of str
        What could not be looked at, and so stays.
    """

    home: str
    size: int
    items: tuple[Item, ...]
    left: tuple[Item, ...]
    budget: int | None
    notes: tuple[str, ...]

    @property
    def freed(self) -> int:
        """Bytes that are freed."""
        return sum(item.bytes for item in self.items)

    @property
    def holds(self) -> bool:
        """Whether the budget holds afterwards."""
        return self.budget is None or self.size - self.freed <= self.budget

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, what goes and what stays by kind."""
        return {
            "home": self.home,
            "bytes": self.size,
            "freed": self.freed,
            "budget": self.budget,
            "holds": self.holds,
            "removed": by_kind(self.items),
            "left": by_kind(self.left),
            "notes": list(self.notes),
        }


def by_kind(items: Iterable[Item]) -> dict[str, dict[str, int]]:
    """Return how many there are of each kind, and their bytes."""
    count, size = Counter[str](), Counter[str]()
    for item in items:
        count[item.kind] += 1
        size[item.kind] += item.bytes
    return {kind: {"items": count[kind], "bytes": size[kind]} for kind in (*NEEDLESS, *DISPOSABLE) if count[kind]}


def prune(home: Home, *, older_than: float | None = None, budget: int | None = None, dry_run: bool = True) -> Pruned:
    """Remove what nothing needs; and of what can be had again what is old, or goes beyond a budget, oldest first.

    Parameters
    ----------
    older_than : float, optional
        Seconds: of what can be had again, what was not used for so long goes.
    budget : int, optional
        Bytes that the whole home may have: the longest unused goes until that holds, or nothing is left that can go.
    dry_run : bool
        Nothing is changed.

    Raises
    ------
    StoreError
        If there is no home, or something cannot be removed.
    """
    if not home.path.is_dir():
        raise StoreError(f"there is no home at {home.path} to prune")
    notes: list[str] = []
    every = sorted(_every(home, notes), key=lambda item: (item.kind in DISPOSABLE, item.used, item.name))
    size, now = size_of(home.path), time.time()
    chosen: list[Item] = []
    left: list[Item] = []
    for item in every:
        old = older_than is not None and now - item.used > older_than
        beyond = budget is not None and size - sum(one.bytes for one in chosen) > budget
        (chosen if item.kind in NEEDLESS or old or beyond else left).append(item)
    if not dry_run:
        _remove(home, chosen, notes)
    return Pruned(str(home.path), size, tuple(chosen), tuple(left), budget, tuple(notes))


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder; one of several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for at, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                told = os.lstat(os.path.join(at, name))
                if stat.S_ISREG(told.st_mode):
                    seen[told.st_dev, told.st_ino] = told.st_size
    return sum(seen.values())


def _every(home: Home, notes: list[str]) -> Iterator[Item]:
    """Yield all that can go."""
    for path in _temporaries(home):
        yield _item(home, "temporary", [path])
    for path in sorted((home.path / "fits").glob("damaged-*")):
        yield _item(home, "damaged", [path])
    yield from _bars(home, notes)
    fits = listed_in(home.path / "fits" / "fits.sqlite")
    finished = {key for key, _, _ in fits}
    checkpoints = KeptCheckpoints(home.path)
    for used, path, size in checkpoints.every():
        kind = "ended checkpoint" if path.name in finished else "checkpoint"
        yield Item(kind, _name(home, path), size, used)
    for path in sorted((home.path / "fetched").rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield _item(home, "fetched", [path])
    for _, path, _ in KeptArrays(home.path, write=False).every():
        yield _item(home, "array", [path])
    models = KeptModels(home.path)
    for _, path, _ in models.every():
        files = models.files(path.stem)
        if all(one.lstat().st_nlink == 1 for one in files if one.exists()):  # else a version has them, too
            yield _item(home, "model", files)
    for key, size, used in fits:
        yield Item("fit", key, size, used)


def _temporaries(home: Home) -> Iterator[Path]:
    """Yield what writes that were killed have left; nobody has written there for an hour."""
    yield from home.left_over()
    before = time.time() - LEFT
    places = [home.path / name for name in ("kept", "models", "schedules", "registry")]
    for path in (one for place in places for one in place.glob(f"*{TEMPORARY}")):
        if path.lstat().st_mtime < before:
            yield path
    for path in (home.path / "registry").glob(f"*/.*{TEMPORARY}"):
        if path.lstat().st_mtime < before:
            yield path
    beside = home.path.with_name(BESIDE.format(home.path.name))  # of a restore that was killed
    if beside.is_dir() and beside.lstat().st_mtime < before:
        yield beside


def _bars(home: Home, notes: list[str]) -> Iterator[Item]:
    """Yield files of bars that no run or sweep names; none, if that cannot be known of all."""
    needed: set[Path] = set()
    folder = home.path / "bars"
    try:
        for run in home.runs_and_sweeps():
            data = run.begun()["data"]
            if data is not None and (folder / f"{data['fingerprint']}.json").exists():
                needed.update(home.bars_files(data["fingerprint"]))
    except (QuorateError, OSError, ValueError, KeyError, TypeError) as e:
        told = str(e).splitlines()[0]
        notes.append(f"bars stay, as it is not known of each run which it needs: {told}")
        return
    before = time.time() - LEFT  # a run that begins stores its bars before it names them
    for path in sorted(folder.glob("*")):
        facts = path.lstat()
        ours = stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1  # else a version has it, too
        if path not in needed and ours and facts.st_mtime < before:
            yield _item(home, "unnamed bars", [path])


def _remove(home: Home, chosen: list[Item], notes: list[str]) -> None:
    still = {item.name for item in _bars(home, notes)}  # a run may have begun meanwhile
    fits = [item.name for item in chosen if item.kind == "fit"]
    if fits:
        cache = FitCache(home.path / "fits", notes.append)
        cache.remove(fits)
        cache.close()
    remove: dict[str, Callable[[Path], None]] = {"model": KeptModels(home.path).discard}
    for item in chosen:
        path = home.path / item.name
        if item.kind == "fit" or (item.kind == "unnamed bars" and item.name not in still):
            continue
        try:
            remove.get(item.kind, _gone)(path)
        except OSError as e:
            raise StoreError(f"cannot remove {path}: {e.strerror or e}") from e


def _gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _item(home: Home, kind: str, files: list[Path]) -> Item:
    told = [path.lstat() for path in files if path.exists()]
    size = size_of(files[0]) if files[0].is_dir() else sum(one.st_size for one in told)
    return Item(kind, _name(home, files[0]), size, max((one.st_mtime for one in told), default=0.0))


def _name(home: Home, path: Path) -> str:
    return os.path.relpath(path, home.path)
