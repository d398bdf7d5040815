"""A finished run as lines of text, which is all that a job server gives back."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from quorate.errors import IntegrityError
from quorate.store import Run
from quorate.store.files import replacing

MARK = "@quorate "
PART = 8_000  # characters of one line: with its mark it stays below 8 KiB, and is written at once
# What the run has here already, or what is of no use away from where it was made.
LARGEST = 2 << 30  # bytes of a run's files, unpacked
STAYS = ("run.json", "recipe.toml", "job.json", "lock")


def pack(folder: Path) -> bytes:
    """Return what a finished run's folder has more than the one that was sent."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in STAYS:
                file.write(path, name)
    return archive.getvalue()


def lines(archive: bytes) -> Iterator[str]:
    """Yield an archive as marked lines."""
    text = base64.b64encode(archive).decode()
    parts = [text[at : at + PART] for at in range(0, len(text), PART)]
    for part in parts:
        yield f"{MARK}part {part}"
    yield f"{MARK}end {len(parts)} {hashlib.sha256(archive).hexdigest()}"


class Arrived:
    """What came back in marked lines."""

    def __init__(self) -> None:
        self.error = ""
        self._parts: list[str] = []
        self._size = 0
        self._end = ""

    def take(self, line: str) -> bool:
        """Take a line, if it is marked; return whether it was."""
        if not line.startswith(MARK):
            return False
        what, _, rest = line[len(MARK) :].rstrip("\r").partition(" ")
        if what == "part":
            self._size += len(rest)
            if self._size > LARGEST:
                raise IntegrityError(
                    f"the run that the job sends is larger than {LARGEST / 2**30:g} GiB: it is not taken"
                )
            self._parts.append(rest)
        elif what == "end":
            self._end = rest
        elif what == "error":
            try:
                self.error = str(json.loads(rest))
            except ValueError:  # cut off, or written by something else
                self.error = rest
        return True

    def archive(self) -> bytes:
        """Return the archive.

        Raises
        ------
        IntegrityError
            If it is not what was sent.
        """
        try:
            archive = base64.b64decode("".join(self._parts), validate=True)
        except ValueError:
            archive = b""
        if self._end != f"{len(self._parts)} {hashlib.sha256(archive).hexdigest()}":
            raise IntegrityError(
                f"the run that the job sent did not arrive whole: {len(self._parts)} lines, and their hash is another; "
                "resume the run to fetch it again"
            )
        return archive


def unpack(archive: bytes, run: Run, before: Callable[[], None] = lambda: None) -> None:
    """Put an archive's files into a run's folder, the report last: with it the run is finished.

    Parameters
    ----------
    before : callable
        Does what must be done by then with the other files.

    Raises
    ------
    IntegrityError
        If a file is a link or would lie elsewhere, there is no report, or it is that of another run or recipe.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        names = file.namelist()
        size = sum(entry.file_size for entry in file.infolist())
        if size > LARGEST:
            raise IntegrityError(
                f"the run that the job sent is too large: unpacked {size / 2**30:.1f} GiB, and at most "
                f"{LARGEST / 2**30:g} GiB are taken"
            )
        for entry in file.infolist():
            name, path = entry.filename, PurePosixPath(entry.filename)
            away = path.is_absolute() or ".." in path.parts or path.as_posix() != name
            if away or name in STAYS or stat.S_ISLNK(entry.external_attr >> 16):
                raise IntegrityError(f"the run that the job sent holds a file that it must not: {name!r}")
        if "report.json" not in names:
            raise IntegrityError("the run that the job sent has no report.json")
        _check_same(file.read("report.json"), run)
        for name in sorted(names, key=lambda name: name == "report.json"):
            if name == "report.json":
                before()
            with replacing(run.path / name) as temporary:
                temporary.write_bytes(file.read(name))


def _check_same(report: bytes, run: Run) -> None:
    """Raise `IntegrityError`, if a report is not that of the run or sweep as it was sent."""
    begun = run.begun()
    try:
        found = json.loads(report)
        if run.kind == "run":
            found = found["provenance"]
        else:
            found = {"run": found["sweep"], "recipe_digest": found["recipe_digest"]}
        differing = [
            f"{key} {found[key]}, not {begun[key]}" for key in ("run", "recipe_digest") if found[key] != begun[key]
        ]
    except (ValueError, KeyError, TypeError) as e:
        raise IntegrityError(f"the report that the job of {run.kind} {run.id} sent cannot be read: {e!r}") from e
    if differing:
        raise IntegrityError(
            f"what the job of {run.kind} {run.id} sent is another {run.kind}'s: {'; '.join(differing)}; to finish it "
            f"here, remove {run.path / 'job.json'} and resume it"
        )
