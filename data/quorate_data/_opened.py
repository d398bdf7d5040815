"""Text files as they are kept: plain or compressed, in UTF-8 or, where their first bytes say so, UTF-16 and UTF-32."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

import quorate
from quorate_data._text import listed

# How compressed files begin, and how their names end.
PACKED = {
    ".gz": (b"\x1f\x8b", "a gzip file"),
    ".bz2": (b"BZh", "a bzip2 file"),
    ".xz": (b"\xfd7zXZ", "an xz file"),
    ".zst": (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    ".zip": (b"PK\x03\x04", "a zip archive"),
}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNPACKING = (zlib.error, lzma.LZMAError, zipfile.BadZipFile)  # what damaged files raise


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacked as its name says.

    Raises
    ------
    DataError
        If it cannot be unpacked: it is another kind of file, an archive of several, or a library is missing.
    """
    ending = path.suffix.lower()
    if ending not in PACKED:
        return path.open("rb")
    with path.open("rb") as file:
        start = file.read(8)
    mark, kind = PACKED[ending]
    if start and not start.startswith(mark):
        raise quorate.DataError(f"{path}: not {kind}, as its name says: rename it, or fetch it again")
    if ending == ".zip":
        return _member(path)
    if ending == ".zst":
        return io.BytesIO(_unpacked(path))
    if ending == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return cast(IO[bytes], bz2.open(path, "rb") if ending == ".bz2" else lzma.open(path, "rb"))


def encoding_of(path: Path) -> str:
    """Return in which encoding a file is: UTF-8, unless it begins with the mark of another."""
    with opened(path) as file:
        start = file.read(4)
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8-sig")


def text_of(path: Path) -> IO[str]:
    """Open a file of text for reading."""
    return io.TextIOWrapper(opened(path), encoding=encoding_of(path))


def _member(path: Path) -> IO[bytes]:
    """Open the only file of an archive, what macOS adds left out."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as e:
        raise quorate.DataError(f"{path}: cannot be read: {e}") from e
    names = [one for one in archive.namelist() if not one.endswith("/") and not one.startswith("__MACOSX/")]
    if len(names) != 1 or names[0].startswith("[Content_Types]"):
        raise quorate.DataError(
            f"{path}: a zip archive is read where it has a single file; it has {listed(names, 5)}: unpack it, and read "
            'the folder; an Excel file is read by data.source = "excel", a folder of LEAN by "lean"'
        )
    try:
        return archive.open(names[0])
    except (RuntimeError, NotImplementedError) as e:  # encrypted, or packed otherwise
        raise quorate.DataError(f"{path}: {names[0]!r} cannot be unpacked: {e}") from e


def _unpacked(path: Path) -> bytes:
    """Return what a Zstandard file holds: read as a stream, one that was cut off would pass for a shorter one."""
    try:
        import zstandard
    except ImportError:
        raise quorate.DataError(f"{path}: needs zstandard: pip install zstandard, or unpack it: zstd -d") from None
    left, found = path.read_bytes(), []
    while left:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            found.append(frame.decompress(left))
        except zstandard.ZstdError as e:
            raise quorate.DataError(f"{path}: cannot be read: {e}") from e
        if not frame.eof:
            raise quorate.DataError(f"{path}: cannot be read: it ends before what was packed does")
        left = frame.unused_data
    return b"".join(found)
