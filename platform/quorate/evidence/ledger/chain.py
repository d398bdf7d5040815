"""The lines of the ledger: how they are written, and how a change to them is seen.

A line is an entry as JSON with sorted keys and no spaces, and as its last member ``hash``: the SHA-256 of the
line without that member. ``seq`` counts from 1, ``previous`` is the hash of the line before. What a chain
cannot show, that its last lines were cut off or that all was written anew, is seen from the heads that runs
keep: `quorate.evidence.ledger.verify`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, NamedTuple

from quorate.errors import StoreError
from quorate.recipe.canonical import canonical

SCHEMA = 1
BEGIN = "0" * 64  # what the first entry has for the hash of the one before
REACH = 1 << 16  # bytes from the end in which the last line is looked for

Entry = dict[str, Any]


class Head(NamedTuple):
    """The last entry of a ledger, as it is or as a run knew it: number and hash; 0, if there was none."""

    seq: int
    hash: str


class Break(NamedTuple):
    """The first line at which a chain does not hold."""

    line: int
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what} must be {self.expected}; it was {self.found}"


def seal(entry: Mapping[str, Any], head: Head) -> tuple[bytes, Head]:
    """Return the line of an entry that follows `head`, and the head that it makes.

    Raises
    ------
    ValueError
        If a number in it is not finite.
    """
    numbered = {**entry, "schema": SCHEMA, "seq": head.seq + 1, "previous": head.hash}
    digest = hashlib.sha256(canonical(numbered)).hexdigest()
    return line_of({**numbered, "hash": digest}) + b"\n", Head(head.seq + 1, digest)


def line_of(entry: Entry) -> bytes:
    """Return the line of an entry that has its hash, without a line feed."""
    return canonical({k: v for k, v in entry.items() if k != "hash"})[:-1] + _last_member(entry["hash"])


def parse(line: bytes, number: int) -> tuple[Entry, Break | None]:
    """Return the entry of a line without its line feed, and whether that is what was written.

    Raises
    ------
    StoreError
        If it was written by a newer version: its hash, which is made alike in every version, fits.
    """
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return {}, Break(number, "it", "one JSON object", repr(line[:40].decode(errors="replace")))
    stated = entry.get("hash")
    member = _last_member(stated)
    digest = hashlib.sha256(line[: -len(member)] + b"}").hexdigest()
    if not line.endswith(member) or digest != stated:
        return entry, Break(number, "the hash of its content", str(stated), digest)
    if odd := _odd(entry):
        return entry, Break(number, f"its member {odd!r}", "as this platform writes it", repr(entry.get(odd))[:40])
    schema = entry.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreError(
            f"entry {entry.get('seq')} of the ledger has schema {schema}; this quorate reads up to {SCHEMA}: "
            "upgrade quorate"
        )
    return entry, None


_OWN = dict.fromkeys(("run", "time"), (str,))
_DATA = {**_OWN, **dict.fromkeys(("data", "lineage", "recipe"), (str,))}
_NUMBER = (int, float, type(None))
# What an entry must have to be counted, and of which type; what it may have more is not looked at.
_MEMBERS: dict[str, dict[str, tuple[type, ...]]] = {
    "candidate": {
        **_DATA,
        **dict.fromkeys(("part", "series", "strategy", "role", "key", "returns", "first", "last"), (str,)),
        **dict.fromkeys(("sharpe", "skew", "kurtosis"), _NUMBER),
        "bars": (int,),
        "bars_per_year": (int, float),
    },
    "opening": {
        **_DATA,
        "key": (str,),
        "imported": (bool,),
        **dict.fromkeys(("first", "last"), (str, type(None))),
    },
    "report": {**_OWN, **dict.fromkeys(("part", "verdict", "seal"), (str,))},
}


def _odd(entry: Entry) -> str | None:
    """Return the first member without which an entry of its kind cannot be read, or that is of another type."""
    kind = entry.get("kind")
    members = _MEMBERS.get(kind, {}) if isinstance(kind, str) else {}
    return next((name for name, types in members.items() if not isinstance(entry.get(name), types)), None)


def read_chain(text: bytes) -> tuple[list[Entry], Break | None]:
    """Return the entries of a ledger up to the first line that is not as it was written, and what is wrong there.

    What stands after the last line feed is not read: it may be being written.
    """
    entries: list[Entry] = []
    previous = BEGIN
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        entry, broken = parse(line, number)
        if broken is None and entry.get("seq") != number:
            broken = Break(number, "its number (one is missing or out of place)", str(number), str(entry.get("seq")))
        if broken is None and entry.get("previous") != previous:
            broken = Break(number, "the hash of the line before", str(entry.get("previous")), previous)
        if broken:
            return entries, broken
        entries.append(entry)
        previous = entry["hash"]
    return entries, None


def end_of(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the last whole line of a ledger, without its line feed, and what stands after it."""
    size = file.seek(0, os.SEEK_END)
    reach = REACH
    while True:
        start = max(size - reach, 0)
        file.seek(start)
        whole, _, torn = file.read(size - start).rpartition(b"\n")
        _, found, last = whole.rpartition(b"\n")
        if found or not start:
            return last, torn
        reach *= 2


def add(file: IO[bytes], text: bytes) -> None:
    """Add to the end of an unbuffered file and wait until it is on the disk; all of it, or nothing."""
    size = file.seek(0, os.SEEK_END)
    try:
        left = memoryview(text)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            file.truncate(size)
        raise


def _last_member(digest: object) -> bytes:
    return f',"hash":"{digest}"}}'.encode()
