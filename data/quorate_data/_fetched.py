"""What was fetched from elsewhere: kept whole or not at all, so that what is the same is not fetched again.

::

    FOLDER/ADDRESS/VERSION/NAME           the file; ADDRESS and VERSION are hashes of what they stand for
    FOLDER/ADDRESS/VERSION/NAME.sha256    the hash of its bytes, written after it
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import quorate

AT_ONCE = 16  # files that are fetched at a time
LEFT = 3600.0  # seconds after which nobody reads an older version, or writes a new one, any more
BLOCK = 1 << 20


class Fetched(Path if TYPE_CHECKING else type(Path())):  # type: ignore[misc]
    """A file that is here, called by the address that it came from."""

    url: str = ""

    def __str__(self) -> str:
        return self.url or self.__fspath__()

    def __fspath__(self) -> str:
        here: str = super().__str__()
        return here


@dataclass(frozen=True)
class Found:
    """A file elsewhere.

    Parameters
    ----------
    url : str
        Its address, as it may be shown.
    key : str
        The same with all that tells it apart from others; kept as a hash alone.
    name : str
        Its name, without folders.
    etag : str
        What tells its versions apart, with the size; empty if nothing does: then it is fetched each time.
    size : int or None
        In bytes; None if that is not told.
    content : callable
        Opens it: yields its bytes in blocks.
    """

    url: str
    key: str
    name: str
    etag: str
    size: int | None
    content: Callable[[], Iterator[bytes]]


def fetch(every: Iterable[Found], home: Path | None) -> tuple[list[Path], list[dict[str, Any]]]:
    """Return the files, here, and what is told of each: address, ETag, size and hash.

    Parameters
    ----------
    home : Path or None
        The folder below which they are kept; without one, the user's folder for such.

    Raises
    ------
    DataError
        Naming those that could not be fetched; the others are kept.
    """
    found, folder = list(every), _folder(home)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda one: _tried(one, folder), found))
    failed = [answer for answer in answers if isinstance(answer, quorate.DataError)]
    if failed:
        others = len(answers) - len(failed)
        rest = f"; {len(failed) - 1:,} more failed, too" if len(failed) > 1 else ""
        kept = f"; what came of {others:,} others is kept, and not fetched again" if others else ""
        raise quorate.DataError(f"{failed[0]}{rest}{kept}")
    files: list[Path] = []
    told: list[dict[str, Any]] = []
    for one, answer in zip(found, answers, strict=True):
        assert isinstance(answer, tuple)
        path = Fetched(answer[0])
        path.url = one.url
        files.append(path)
        told.append({"url": one.url, "etag": one.etag, "bytes": answer[0].stat().st_size, "sha256": answer[1]})
    return files, told


def _folder(home: Path | None) -> Path:
    if home is not None:
        return home / "fetched"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quorate" / "fetched"


def _tried(one: Found, folder: Path) -> tuple[Path, str] | quorate.DataError:
    try:
        return _here(one, folder)
    except quorate.DataError as e:
        return e
    except OSError as e:
        return quorate.DataError(f"{one.url}: cannot be kept in {folder}: {e.strerror or e}")


def _here(one: Found, folder: Path) -> tuple[Path, str]:
    """Return the file and its hash: as it is kept, if it is whole, or fetched."""
    versions = folder / _hash(one.key)
    path = versions / _hash(f"{one.etag}|{one.size}") / one.name
    noted = path.with_name(f"{path.name}.sha256")
    if one.etag and path.is_file() and noted.is_file():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest == noted.read_text():
            return path, digest
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = _write(one, path)
    with NamedTemporaryFile("w", dir=path.parent, delete=False, prefix=".") as note:
        note.write(digest)
    os.replace(note.name, noted)
    _forget(versions, path.parent)
    return path, digest


def _write(one: Found, path: Path) -> str:
    """Write a file, whole or not at all, and return its hash."""
    hashed, size = hashlib.sha256(), 0
    with NamedTemporaryFile(dir=path.parent, delete=False, prefix=".") as file:
        try:
            for block in one.content():
                hashed.update(block)
                size += len(block)
                file.write(block)
            if one.size is not None and size != one.size:
                raise quorate.DataError(
                    f"{one.url}: the connection ended after {size:,} of {one.size:,} bytes; nothing of it is used"
                )
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return hashed.hexdigest()


def _forget(versions: Path, current: Path) -> None:
    """Remove what is an older version, once nobody reads it any more."""
    with suppress(OSError):
        for other in versions.iterdir():
            if other != current and time.time() - other.stat().st_mtime > LEFT:
                shutil.rmtree(other, ignore_errors=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
