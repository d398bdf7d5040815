"""Arrays by what they were computed from, so that none is computed twice: features, and accounts of a backtest.

One file each, written at once, with a checksum at its end: a damaged one is computed again. Nothing is synced: what a
power loss tears is damaged.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import stat
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zipfile import BadZipFile

from quorate.store.files import TEMPORARY

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "kept"  # of a home
_CHECKSUM = 32  # bytes at the end of a file


class KeptFiles(ABC):
    """What a home keeps in files named by keys, each dispensable: it is computed again.

    Parameters
    ----------
    folder : Path
        Where they are, or will be once something is put.
    """

    ending: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __len__(self) -> int:
        """Return how many files there are."""
        return len(self.every())

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for _, _, size in self.every())

    def prune(self, older_than: float | None = None, max_size: int | None = None) -> int:
        """Remove what was not used for `older_than` seconds, then the longest unused; return how many files."""
        removed, kept, now = 0, 0, time.time()
        for used, path, size in sorted(self.every(), reverse=True):
            old = older_than is not None and now - used > older_than
            if old or (max_size is not None and kept + size > max_size):
                self.discard(path)
                removed += 1
            else:
                kept += size
        return removed

    def damaged(self) -> list[Path]:
        """Return the files that are not as they were written; nothing is changed."""
        return [path for _, path, _ in self.every() if not self._is_sound(path)]

    def unused(self, older_than: float) -> int:
        """Return the bytes of what was not used for so many seconds."""
        now = time.time()
        return sum(size for used, _, size in self.every() if now - used > older_than)

    def verify(self) -> tuple[int, int]:
        """Check every file; return how many there are, and how many were damaged, which are removed."""
        files, damaged = len(self), self.damaged()
        for path in damaged:
            self.discard(path)
        return files, len(damaged)

    @abstractmethod
    def _is_sound(self, path: Path) -> bool: ...

    def discard(self, path: Path) -> None:
        """Remove what is kept at a path."""
        path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{self.ending}"

    def every(self) -> list[tuple[float, Path, int]]:
        """Return when each file was used, its path and its size."""
        found = []
        for path in self.folder.glob(f"*{self.ending}"):
            with suppress(OSError):
                told = path.lstat()
                if stat.S_ISREG(told.st_mode):
                    found.append((told.st_mtime, path, told.st_size))
        return found


class KeptArrays(KeptFiles):
    """The arrays that a home keeps.

    Parameters
    ----------
    home : Path
        The home's folder.
    made_by : str
        What computes: versions, kind of processor. It is a part of every key.
    write : bool
        Else they are only read.
    """

    ending = ".npz"

    def __init__(self, home: Path, made_by: str = "", write: bool = True) -> None:
        super().__init__(home / FOLDER)
        self._made_by, self._write = made_by, write

    def key(self, *parts: str | NDArray[Any]) -> str:
        """Return the hash of what an array is computed from, texts and arrays."""
        digest = hashlib.blake2b(self._made_by.encode(), digest_size=32)
        for part in parts:
            text = part if isinstance(part, str) else f"{part.dtype.str}{part.shape}"
            digest.update(f"\0{len(text)}|{text}".encode())
            if not isinstance(part, str):
                digest.update(_bytes_of(part))
        return digest.hexdigest()

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return what is kept under a key, by name, read-only; None, if nothing sound is."""
        import numpy as np

        content = content_of(self._path(key))
        if not _sound(key, content):
            return None
        with suppress(OSError):  # when it was last used; another process may have removed it
            os.utime(self._path(key))
        # A home may come from elsewhere: what has a right checksum need not have been written here.
        try:
            with np.load(io.BytesIO(content[:-_CHECKSUM]), allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
        except (OSError, ValueError, KeyError, EOFError, MemoryError, SyntaxError, BadZipFile):
            return None
        for array in arrays.values():
            array.flags.writeable = False
        return arrays

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays by name; where they cannot be written, nothing is kept."""
        import numpy as np

        if not self._write:
            return
        data = io.BytesIO()
        np.savez(data, **arrays)  # type: ignore[arg-type]
        with suppress(OSError):
            write_unsynced(self._path(key), data.getbuffer(), _checksum(key, data.getbuffer()))

    def _is_sound(self, path: Path) -> bool:
        return _sound(path.stem, content_of(path))


def write_unsynced(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file at once, and leave it to the system when it is on the disk itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with unfinished.open("wb") as file:
            for part in parts:
                file.write(part)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def content_of(path: Path) -> bytes:
    """Return what a file holds; nothing, if there is none, or a link or a pipe in its place."""
    try:
        return path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else b""
    except OSError:
        return b""


def _bytes_of(array: NDArray[Any]) -> bytes | memoryview:
    """Return an array's bytes in the order of its indexes, without a copy where they lie so."""
    return array.data if array.flags.c_contiguous and array.size else array.tobytes()


def _sound(key: str, content: bytes) -> bool:
    return _checksum(key, memoryview(content)[:-_CHECKSUM]) == content[-_CHECKSUM:]


def _checksum(key: str, data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_CHECKSUM, key=key.encode()[:64]).digest()
