"""A collection held while something of it is written: who removes it, or merges its files, waits and is waited for."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quorate.errors import StoreError


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
        If the file cannot be opened.
    """
    path = folder.with_name(f".{folder.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as e:
        raise StoreError(f"cannot write {path}: {e.strerror or e}") from e
    with file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        except OSError:  # not all file systems have locks
            yield True
        else:
            yield True
