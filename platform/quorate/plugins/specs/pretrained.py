"""Weights that were trained before a model is fitted, and what they may have seen."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from quorate.errors import PluginError

_SHA = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pretrained:
    """Weights that a model begins with, which were trained elsewhere.

    Parameters
    ----------
    weights : str
        What they are called, with their version.
    licence : str
        Under which they may be used: an SPDX expression, or its name.
    sha256 : str
        Of the files that hold them. It is part of a fit's key.
    trained_until : str
        The last day of all that they were trained on, as ``YYYY-MM-DD``; empty, where that is not known.
    released : str
        The day on which they came out, which bounds the former; empty, where that is not known either.
    commercial : bool
        Whether the licence lets them be used for profit.

    Raises
    ------
    PluginError
        If a day is none, or something is missing.
    """

    weights: str
    licence: str
    sha256: str
    trained_until: str = ""
    released: str = ""
    commercial: bool = True

    def __post_init__(self) -> None:
        for name in ("weights", "licence"):
            if not getattr(self, name).strip():
                raise PluginError(f"pretrained: {name} must be told; it was empty")
        if not _SHA.fullmatch(self.sha256):
            raise PluginError(f"pretrained: sha256 must be 64 hexadecimal digits; it was {self.sha256!r}")
        for name in ("trained_until", "released"):
            self._day(name)

    @classmethod
    def from_files(
        cls,
        weights: str,
        licence: str,
        files: Iterable[str | os.PathLike[str]],
        *,
        trained_until: str = "",
        released: str = "",
        commercial: bool = True,
    ) -> Self:
        """Return weights that lie in files, which are hashed in the order of their names; once, while none changes.

        Raises
        ------
        PluginError
            If one cannot be read.
        """
        digest = hashlib.sha256()
        for path in sorted(map(Path, files), key=lambda one: one.name):
            try:
                told = path.stat()
                digest.update(f"{path.name}:{_hash(path, told.st_size, told.st_mtime_ns)}|".encode())
            except OSError as e:
                raise PluginError(f"the weights {path} cannot be read: {e.strerror or e}") from e
        return cls(weights, licence, digest.hexdigest(), trained_until, released, commercial)

    @property
    def seen_until(self) -> dt.date | None:
        """The last day that they may have seen: on which training ended, or they came out; None, where none is known.

        Where the former is known it counts, as whoever says it vouches for it.
        """
        return self._day("trained_until") or self._day("released")

    def _day(self, name: str) -> dt.date | None:
        text = getattr(self, name)
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError:
            raise PluginError(f"pretrained: {name} must be a day, YYYY-MM-DD, or empty; it was {text!r}") from None


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
