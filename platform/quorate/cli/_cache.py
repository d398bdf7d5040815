"""What is said about finished fits."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from quorate.cli._base import print_json
from quorate.errors import RecipeError
from quorate.execution.cache import Entry, FitCache
from quorate.report import console
from quorate.store import Home

SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def show(home: Path | None, as_json: bool) -> None:
    """Print what is kept, per model plugin."""
    cache = _cache(home)
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in cache.entries():
        groups[entry.plugin].append(entry)
    rows: list[dict[str, Any]] = [
        {
            "model": plugin,
            "fits": len(entries),
            "bytes": sum(e.bytes for e in entries),
            "seconds": round(sum(e.seconds for e in entries), 3),
            "oldest": _time(min(e.created for e in entries)),
            "last_used": _time(max(e.used for e in entries)),
        }
        for plugin, entries in sorted(groups.items())
    ]
    fits = sum(len(entries) for entries in groups.values())
    if as_json:
        print_json({"file": str(cache.path), "bytes_on_disk": cache.size, "fits": fits, "models": rows})
        return
    columns = [("model", "left"), ("fits", "right"), ("size", "right"), ("saves", "right"), ("last used", "left")]
    lines = [
        [str(r["model"]), f"{r['fits']:,}", size_text(r["bytes"]), span_text(r["seconds"]), str(r["last_used"])[:16]]
        for r in rows
    ]
    if lines:
        console.out().print(console.table(columns, [lines]))
    print(f"{console.plural(fits, 'finished fit')}, {size_text(cache.size)} on disk in {cache.path}")


def verify(home: Path | None, as_json: bool) -> bool:
    """Check every entry, print what was found, and return whether all are sound."""
    cache = _cache(home)
    total, broken = cache.verify()
    if as_json:
        print_json({"file": str(cache.path), "fits": total, "damaged": broken})
    else:
        told = f"{console.plural(len(broken), 'fit')} damaged and removed: computed again when asked for"
        print(f"{console.plural(total, 'finished fit')} in {cache.path}: {told if broken else 'all sound'}")
    return not broken


def prune(older_than: str | None, max_size: str | None, home: Path | None, as_json: bool) -> None:
    """Remove entries and print how many."""
    if older_than is None and max_size is None:
        raise RecipeError("cache prune takes --older-than, e.g. 30d, or --max-size, e.g. 2GB, or both")
    cache = _cache(home)
    removed = cache.prune(_span(older_than), _size(max_size))
    left = len(cache.entries())
    if as_json:
        print_json({"file": str(cache.path), "removed": len(removed), "left": left, "bytes_on_disk": cache.size})
    else:
        print(
            f"{console.plural(len(removed), 'fit')} removed, {left:,} left, {size_text(cache.size)} on disk "
            f"in {cache.path}"
        )


def _cache(home: Path | None) -> FitCache:
    return FitCache(Home(home).path / "fits", _warn)


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def size_text(size: float) -> str:
    """Return a size as people say it, ``1.4 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def span_text(seconds: float) -> str:
    """Return a time as people say it, ``4.2 min``."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 3600 else f"{seconds / 3600:.3g} h"


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def _span(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"([\d.]+)\s*([smhdw])", text.strip())
    if not found or not _number(found[1]):
        raise RecipeError(f"--older-than must be a number and s, m, h, d or w, e.g. 30d; it was {text!r}")
    return float(found[1]) * SPANS[found[2]]


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    if text.strip() == "0":
        return 0
    found = re.fullmatch(r"([\d.]+)\s*(\w+)", text.strip())
    if not found or found[2].upper() not in SIZES or not _number(found[1]):
        raise RecipeError(f"--max-size must be a number and B, kB, MB, GB or TB, e.g. 2GB; it was {text!r}")
    return int(float(found[1]) * SIZES[found[2].upper()])


def _number(text: str) -> bool:
    return re.fullmatch(r"\d+\.?\d*|\.\d+", text) is not None
