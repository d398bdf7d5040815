"""A collection held while something of it is written: who removes it, or merges its files, waits and is waited for."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from quorate.errors import StoreError

if TYPE_CHECKING:
    from quorate.store.bars.collection import Collection

PATIENCE = 60.0  # seconds for which others are waited for; each of them holds it for a moment


@contextmanager
def holding(folder: Path, alone: bool = False, wait: bool = True) -> Iterator[bool]:
    """Hold a collection: with others who add to it, or alone; yield whether it is held.

    The file that is locked lies beside the collection's folder, and stays: it outlives the collection.

    Parameters
    ----------
    folder : Path
        The collection's.
    alone : bool
        Whether nobody else may hold it.
    wait : bool
        Whether to wait for others.

    Raises
    ------
    StoreError
        If the file cannot be opened, or others hold it too long.
    """
    path = folder.with_name(f".{folder.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as e:
        raise StoreError(f"cannot write {path}: {e.strerror or e}") from e
    with file:
        yield _taken(file, path, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, PATIENCE if wait else 0.0)


@contextmanager
def alone(collection: Collection) -> Iterator[None]:
    """Hold a collection that nobody else writes to meanwhile.

    Raises
    ------
    StoreError
        If it may not be written to, or others hold it too long.
    """
    collection.check_writable()
    with holding(collection.folder, alone=True):
        yield


def _taken(file: IO[str], path: Path, how: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if not patience:
                return False
            if time.monotonic() > until:
                raise StoreError(
                    f"another process has held {path} for {patience:g} s: end that process and try again"
                ) from None
            time.sleep(0.01)
        except OSError:  # not all file systems have locks
            return True
        else:
            return True
