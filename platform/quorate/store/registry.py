"""Versions of ensembles, as a home keeps them: each is a small home of its own, with all that it takes to forecast.

::

    HOME/registry/NAME/3/version.json                  what it is, with the hashes of all its files, and sealed
    HOME/registry/NAME/3/runs/RUN/                     its run: recipe, report, tables
    HOME/registry/NAME/3/bars/, sources/, models/      what that was made of, and the models of its last fold

Where the disk has links, files are those of the home under a second name, and take no room; what is removed from the
home later stays in the version. In which stage a version is, the ledger says: see `quorate.evidence.ledger.stages`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, StoreError
from quorate.store.documents import read_sealed, seal_of
from quorate.store.files import TEMPORARY, io_reason, sync, write_json
from quorate.store.home import Home
from quorate.store.plain import check_plain
from quorate.store.trust import REGISTRY

DOCUMENT = "version.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


class Versions:
    """The versions that a home keeps.

    Parameters
    ----------
    home : Home
        Whose.
    """

    def __init__(self, home: Home) -> None:
        self.folder = home.path / REGISTRY

    def path(self, name: str, number: int) -> Path:
        """Return the folder of a version, which is a home."""
        return self.folder / name / str(number)

    def read(self, name: str, number: int) -> dict[str, Any]:
        """Return what a version says it is, its seal included.

        Raises
        ------
        StoreError
            If there is none, or it was written by a newer version of this platform.
        IntegrityError
            If it is not as it was written.
        """
        path = self.path(name, number) / DOCUMENT
        check_plain(path.parent)
        check_plain(path)
        if not path.exists():
            raise StoreError(f"there is no version {number} of {name!r} in {self.folder}")
        found = read_sealed(path)
        return {**found, "seal": seal_of(found)}

    def keep(self, name: str, number: int, files: Mapping[str, Path], facts: Mapping[str, Any]) -> dict[str, Any]:
        """Write a version, all of it or nothing, and return what it says it is, its seal included.

        Parameters
        ----------
        files : mapping of str to Path
            By its place in the version, where each file is now.

        Raises
        ------
        StoreError
            If that cannot be done.
        """
        target = self.path(name, number)
        begun = target.with_name(f".{number}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
        try:
            for place, source in files.items():
                _linked(source, begun / place)
            told = {place: _told(begun / place) for place in sorted(files)}
            document = {"schema_version": 1, "name": name, "version": number, **facts, "files": told}
            document |= {"seal": seal_of(document)}
            write_json(begun / DOCUMENT, document)
            if target.exists():  # its writer was stopped before the ledger knew of it
                shutil.rmtree(target)
            os.replace(begun, target)
            sync(target.parent)
        except OSError as e:
            raise StoreError(io_reason(e, target)) from e
        finally:
            shutil.rmtree(begun, ignore_errors=True)
        return document

    def differing(self, name: str, number: int) -> list[str]:
        """Return the files of a version that are gone, or not as they were when it was registered."""
        folder = self.path(name, number)
        found = []
        for place, told in self.read(name, number)["files"].items():
            path = folder / place
            try:
                check_plain(path)
                now = _told(path)
            except (OSError, IntegrityError):
                found.append(f"{place} is gone, or no file")
                continue
            if now != told:
                found.append(f"{place} was changed: its hash is {now['sha256'][:12]}, not {told['sha256'][:12]}")
        return found


def _linked(source: Path, target: Path) -> None:
    """Give a file a second name; where the disk has no links, copy it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    check_plain(source)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
        sync(target)


def _told(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
