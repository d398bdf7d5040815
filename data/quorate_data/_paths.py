"""Which files a path names."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

import quorate
from quorate_data._text import listed, near

_DATE = re.compile(r"(?<!\d)(?:19|20)\d{2}(?:[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?)?(?!\d)")


def find_files(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], endings: tuple[str, ...]) -> list[Path]:
    """Return the files that `path` names, sorted within each part of it.

    Parameters
    ----------
    path : str, path or sequence of them
        A file, a folder (its files with one of the endings) or a pattern with ``*``, ``?`` or ``[]``.
    endings : tuple of str
        E.g. ``(".csv", ".csv.gz")``.

    Raises
    ------
    DataError
        If one of them names no file, or if two name the same one.
    """
    parts = [os.fspath(part) for part in ([path] if isinstance(path, str | os.PathLike) else path)]
    if not parts or not all(parts):
        raise quorate.DataError("data.path must name a file, a folder or a pattern; it was empty")
    files = [file for part in parts for file in _expand(part, endings)]
    for i, file in enumerate(files):
        if file in files[:i]:
            raise quorate.DataError(f"{file}: data.path names this file twice")
    return files


def symbol_of(file: Path, endings: tuple[str, ...]) -> str:
    """Return the symbol that a file is named after: its name without the ending."""
    name = file.name
    for ending in sorted(endings, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return file.stem


def undated_names(names: Sequence[str]) -> list[str]:
    """Return the names without their date, where several differ by that alone."""
    bare = [_DATE.sub("", name).strip("-_. ") for name in names]
    return [short if short and bare.count(short) > 1 else name for name, short in zip(names, bare, strict=True)]


def _expand(part: str, endings: tuple[str, ...]) -> list[Path]:
    where = Path(part).expanduser()
    if where.is_file():
        return [where]
    if where.is_dir():
        inside = sorted(p for p in where.iterdir() if p.is_file())
        files = [p for p in inside if p.name.lower().endswith(endings) and not p.name.startswith(".")]
        if not files:
            raise quorate.DataError(
                f"{where}: the folder holds no {' or '.join(endings[:2])} file; "
                f"its files are {listed(p.name for p in inside)}; files of other names are read by a pattern, e.g. "
                f'data.path = "{where}/*{inside[0].suffix if inside else ""}"'
            )
        return files
    if glob.has_magic(part):
        files = sorted(p for p in map(Path, glob.glob(str(where), recursive=True)) if p.is_file())
        if not files:
            raise quorate.DataError(f"{part}: no file matches this pattern (working folder {Path.cwd()})")
        return files
    folder = where.parent
    if os.path.lexists(where):
        what = "a link that leads nowhere" if where.is_symlink() else "neither a file nor a folder"
        raise quorate.DataError(f"{part}: this is {what}, so there is nothing to read: name a file or a folder")
    beside = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    reason = "there is no such file or folder" if folder.is_dir() else f"there is no folder {str(folder)!r}"
    working = "" if where.is_absolute() else f" (working folder {Path.cwd()})"
    raise quorate.DataError(f"{part}: {reason}{near(where.name, beside)}{working}")
