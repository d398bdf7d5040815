"""What the entries of the ledger stand for, in files of its folder: return series, and the lineage of bars."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quorate.store.files import replacing, write_json

FORMAT = 2  # of lineages: digests of rounded returns
ROW = np.dtype([("day", "<i4"), ("return", "<f4")])


class TriedFiles:
    """The files in the folder of a ledger; each is known by a name and, from the ledger, by its digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep_returns(self, key: str, days: NDArray[np.int32], returns: NDArray[np.float64]) -> str:
        """Store a series once, with single precision; return the SHA-256 of what is stored, for the entry.

        `days`, (n,), are the sessions of the returns, in days since 1970.
        """
        rows = np.empty(len(days), dtype=ROW)
        rows["day"], rows["return"] = days, returns
        path = self.returns_path(key)
        if not path.exists():
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.save(file, rows, allow_pickle=False)
        return hashlib.sha256(rows.tobytes()).hexdigest()

    def returns(self, key: str, content: str) -> NDArray[np.void] | None:
        """Return a stored series, (n,) with ``day`` and ``return``; None if it is gone or not what was stored."""
        try:
            rows: NDArray[np.void] = np.load(self.returns_path(key), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return rows if rows.dtype == ROW and hashlib.sha256(rows.tobytes()).hexdigest() == content else None

    def returns_path(self, key: str) -> Path:
        """Return where a series lies."""
        return self.folder / "returns" / f"{key}.npy"

    def keep_data(self, fingerprint: str, lineage: frozenset[str]) -> str:
        """Store the lineage of bars under their fingerprint, once; return its SHA-256, for the entry.

        Equal bars have several, where they were made of different ones, or by versions of which one knows less of them.
        """
        digests = sorted(lineage)
        content = _digest_of(digests)
        if self.data(fingerprint, content) is None:
            whole = {"schema": FORMAT, "lineage": digests}
            path = self.data_path(fingerprint)
            write_json(path.with_name(_further(fingerprint, content)) if path.exists() else path, whole)
        return content

    def data(self, fingerprint: str, content: str) -> frozenset[str] | None:
        """Return the stored lineage of bars; None if it is gone or not what was stored."""
        try:
            stored = json.loads(self.data_path(fingerprint, content).read_text(encoding="utf-8"))
            digests = stored["lineage"]
            return frozenset(digests) if stored["schema"] == FORMAT and _digest_of(digests) == content else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def data_path(self, fingerprint: str, content: str = "") -> Path:
        """Return where the lineage of bars lies: the first one, or a further one of that digest, if there is one."""
        first = self.folder / "data" / f"{fingerprint}.json"
        further = first.with_name(_further(fingerprint, content))
        return further if content and further.exists() else first


def _further(fingerprint: str, content: str) -> str:
    return f"{fingerprint}-{content[:16]}.json"


def _digest_of(digests: Sequence[str]) -> str:
    """Return the digest of a lineage in ascending order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
