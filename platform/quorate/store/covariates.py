"""Covariates beside stored bars: a note of how each is joined, and its records by their hash."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError
from quorate.store.files import write_json
from quorate.store.parquet import read_parquet, write_parquet

if TYPE_CHECKING:
    from quorate.bars.covariates import Covariate

_HASH = re.compile(r"[0-9a-f]{64}")


def note_of(bars: Path) -> Path:
    """Return the file that notes the covariates of stored bars."""
    return bars.with_suffix(".covariates.json")


def records_of(bars: Path) -> list[Path]:
    """Return the files with the records of the covariates of stored bars."""
    return [_records(bars, str(one["records"])) for one in _noted(bars).values()]


def keep_covariates(bars: Path, covariates: Mapping[str, Covariate]) -> None:
    """Store the covariates of bars, each record once."""
    from quorate.bars.records import to_frame

    noted = {}
    for name, one in covariates.items():
        age = None if one.max_age is None else int(one.max_age.astype("timedelta64[us]").astype(int))
        noted[name] = note = dict[str, Any](records=one.sha256, missing=one.missing, max_age=age, stale=one.stale)
        if one.over is not None:
            note["over"] = {**asdict(one.over), "how": dict(one.over.how)}
        if not (path := _records(bars, one.sha256)).exists():
            write_parquet(to_frame(one), path)
    write_json(note_of(bars), noted)


def kept_covariates(bars: Path) -> dict[str, Covariate]:
    """Return the covariates of stored bars.

    Raises
    ------
    IntegrityError
        If they are not what was stored.
    """
    from quorate.bars.calendar import Calendar
    from quorate.bars.periods import Periods
    from quorate.bars.records import restored

    found = {}
    for name, one in _noted(bars).items():
        path = _records(bars, str(one["records"]))
        over = None
        if told := one.get("over"):
            over = Periods(**{**told, "calendar": Calendar(**told["calendar"])})
        found[name] = restored(read_parquet(path), one["missing"], one["max_age"], one["stale"], over)
        if found[name].sha256 != one["records"]:
            raise IntegrityError(f"{path} was changed: its records have another hash")
    return found


def _noted(bars: Path) -> dict[str, dict[str, Any]]:
    noted: dict[str, dict[str, Any]] = json.loads(note_of(bars).read_text(encoding="utf-8"))
    return noted


def _records(bars: Path, sha256: str) -> Path:
    if not _HASH.fullmatch(sha256):  # a home may come from elsewhere, and name any file
        raise IntegrityError(f"{note_of(bars)} was changed: {sha256!r:.80} is no hash of records")
    return bars.with_name(f"{sha256}.records.parquet")
