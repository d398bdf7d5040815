"""Writing files so that a reader, or a crash, sees the old one or the new one, never a part."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from quorate.errors import StoreError

TEMPORARY = ".tmp"  # how the name ends of what is being written


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and takes its place.

    Raises
    ------
    StoreError
        If the file cannot be written, e.g. because the disk is full; `path` is then untouched.
    """
    if not path.name or path.is_dir():
        raise StoreError(f"cannot write {str(path)!r}: it is a folder, and must be the name of a file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as e:
        raise StoreError(io_reason(e, path)) from e
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def regular(path: Path, instead: str = "give another name") -> Path:
    """Return a path that people gave for a file; nothing may stand there that a file would do away with.

    Raises
    ------
    StoreError
        If it is a link, a device or a pipe.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise StoreError(f"cannot write {path}: it is no regular file; {instead}")
    return path


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def io_reason(error: OSError, path: Path) -> str:
    """Return what an operating system error means for the user."""
    if error.errno == errno.ENOSPC:
        return (
            f"cannot write {path}: the disk is full; what was stored before is untouched: free some space and run again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"cannot write {path}: permission denied: choose another place, for a home with --home or QUORATE_HOME"
    return f"cannot write {path}: {error.strerror or error}"


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, one indented document."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False, sort_keys=False) + "\n")
