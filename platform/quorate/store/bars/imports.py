"""What one import has brought into a collection, as a document beside its bars: written last, so it is whole or not.

::

    imports/ID.json            what was read, from where, by what, and which symbols it brought
    imports/ID.parquet         the bars that were not known before, or otherwise; no fields where a bar is gone
    imports/ID.actions.parquet splits and dividends, where the source tells them
    imports/ID.changes.parquet ticker changes and delistings, noted by hand
    imports/ID.quarantine.parquet  bars that were set apart, each with the rule and the reason
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from quorate.errors import IntegrityError
from quorate.store.documents import read_sealed, seal_of
from quorate.store.files import write_json

VERSION = 2  # of documents of imports with changes: no version before those reads one
TOLD = 20  # rewritten bars that an import tells one by one


class Brought(NamedTuple):
    """What an import brought of one symbol: its first and last session, and bars new, rewritten and gone."""

    first: str
    last: str
    new: int
    rewritten: int = 0
    gone: int = 0


class Origin(NamedTuple):
    """Where bars come from: the source, its options as a recipe has them, and which part of that was read."""

    source: str
    options: Mapping[str, Any]
    part: Mapping[str, Any] = {}

    @property
    def digest(self) -> str:
        """Digest of source and options, whatever the part."""
        return digest_of(self.source, self.options)


class Holding(NamedTuple):
    """What a collection holds of one symbol at one frequency: its span, and how many bars were imported."""

    symbol: str
    frequency: str
    first: str
    last: str
    bars: int
    rewritten: int
    source: str


@dataclass(frozen=True)
class Import:
    """One import.

    Parameters
    ----------
    id : str
        Sorts by when it was made.
    known_at : datetime
        From when on its bars count as known, where they differ from what was there; UTC.
    loaded_at : datetime
        When it was made; UTC.
    source : str
        The plugin; empty, where bars were removed, or splits noted, by hand.
    options : mapping
        Its options, as a recipe has them: what comes from the environment is a reference.
    part : mapping
        Which part of that it is: options in place of the same ones.
    origin : str
        Digest of source and options: where updates come from.
    read : mapping
        By the digest of each part that was read, the digest of its files; empty, where it has none.
    files : list
        Of each file: path, bytes, time of change in ns, SHA-256.
    frequency : str
        Of its bars.
    symbols : mapping
        By symbol.
    rewritten : list
        Up to 20 bars that were otherwise before: symbol, time, field, was, is.
    sha256 : mapping
        Of its files in the store, by name.
    version : str
        Of the platform.
    """

    id: str
    known_at: dt.datetime
    loaded_at: dt.datetime
    source: str
    options: Mapping[str, Any]
    part: Mapping[str, Any]
    origin: str
    read: Mapping[str, str]
    frequency: str
    symbols: Mapping[str, Brought]
    version: str
    files: list[dict[str, Any]] = field(default_factory=list)
    rewritten: list[dict[str, Any]] = field(default_factory=list)
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def bars(self) -> str | None:
        """Name of the file with its bars, if it brought any."""
        return name if (name := f"{self.id}.parquet") in self.sha256 else None

    @property
    def actions(self) -> str | None:
        """Name of the file with its splits and dividends, if it brought any."""
        return name if (name := f"{self.id}.actions.parquet") in self.sha256 else None

    @property
    def changes(self) -> str | None:
        """Name of the file with its ticker changes and delistings, if it brought any."""
        return name if (name := f"{self.id}.changes.parquet") in self.sha256 else None

    @property
    def quarantine(self) -> str | None:
        """Name of the file with the bars that were set apart, if any were."""
        return name if (name := f"{self.id}.quarantine.parquet") in self.sha256 else None

    @property
    def what(self) -> str:
        """What was read, in words: the files, or the source."""
        files = [str(one["path"]) for one in self.files]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        return f"{files[0]}{more}" if files else f"what came of {self.source or 'a hand'} on {self.known_at:%Y-%m-%d}"

    def count(self) -> Brought:
        """Return what it brought of all its symbols."""
        every = self.symbols.values()
        first, last = min((one.first for one in every), default=""), max((one.last for one in every), default="")
        new, rewritten = sum(one.new for one in every), sum(one.rewritten for one in every)
        return Brought(first, last, new, rewritten, sum(one.gone for one in every))

    def write(self, folder: Path) -> None:
        """Write the document: from then on the import is there.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        told = {"schema_version": VERSION if self.changes else 1, **self.told()}
        write_json(folder / f"{self.id}.json", {**told, "seal": seal_of(told)})

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        found = asdict(self)
        found["known_at"], found["loaded_at"] = self.known_at.isoformat(), self.loaded_at.isoformat()
        plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
        return plain

    @classmethod
    def load(cls, path: Path) -> Import:
        """Return the import that a document tells of.

        Raises
        ------
        IntegrityError
            If it is not as it was written.
        StoreError
            If a newer version has written it.
        """
        found = read_sealed(path, VERSION)
        del found["schema_version"]
        return cls.of(found, path)

    @classmethod
    def of(cls, found: dict[str, Any], path: Path) -> Import:
        """Return the import that `told` gave; `path` is the document that holds it."""
        try:
            found["known_at"] = dt.datetime.fromisoformat(found["known_at"])
            found["loaded_at"] = dt.datetime.fromisoformat(found["loaded_at"])
            found["symbols"] = {name: Brought(*one) for name, one in found["symbols"].items()}
            return cls(**found)
        except (KeyError, TypeError, ValueError) as e:
            raise IntegrityError(f"{path} is not what quorate writes: {e}") from None


def new_id(now: dt.datetime) -> str:
    """Return the id of an import: it sorts by time, and is never used twice."""
    return f"{now.strftime('%Y%m%dT%H%M%S.%f')}-{secrets.token_hex(3)}"


def digest_of(*what: Any) -> str:
    """Return the SHA-256 of values as JSON holds them."""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()


def file_facts(path: Path, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return path, size, time of change and hash of a file; a file that was not touched is not read again.

    Parameters
    ----------
    known : mapping
        Such facts by path, of earlier imports.
    """
    path = path.absolute()
    status = path.stat()
    facts = {"path": str(path), "bytes": status.st_size, "changed_ns": status.st_mtime_ns}
    earlier = known.get(str(path), {})
    if all(earlier.get(name) == value for name, value in facts.items()):
        return dict(earlier)
    with path.open("rb") as file:
        return {**facts, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
