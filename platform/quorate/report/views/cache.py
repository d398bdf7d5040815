"""Finished fits: what is kept, and what came of looking after it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from quorate.execution.cache import Entry
from quorate.report import console


def by_model(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return what is kept of each model plugin: how many fits, their size, the seconds that they save."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.plugin].append(entry)
    return [
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


def render(kept: Mapping[str, Any]) -> None:
    """Print how many fits are kept of each model, and where."""
    columns = [("model", "left"), ("fits", "right"), ("size", "right"), ("saves", "right"), ("last used", "left")]
    lines = [
        [r["model"], f"{r['fits']:,}", size_text(r["bytes"]), console.span(r["seconds"]), r["last_used"][:16]]
        for r in kept["models"]
    ]
    if lines:
        console.out().print(console.table(columns, [lines]))
    print(
        f"{console.plural(kept['fits'], 'finished fit')}, {size_text(kept['bytes_on_disk'])} on disk in {kept['file']}"
    )
    _arrays(kept["arrays"], size_text(kept["arrays"]["bytes"]))
    _models(kept["kept_models"], size_text(kept["kept_models"]["bytes"]))
    _checkpoints(kept["checkpoints"], size_text(kept["checkpoints"]["bytes"]))


def _arrays(told: Mapping[str, Any], end: str) -> None:
    if told["files"]:
        print(f"{console.plural(told['files'], 'array')} of features and accounts in {told['folder']}: {end}")


def _models(told: Mapping[str, Any], end: str) -> None:
    if told["models"]:
        print(f"{console.plural(told['models'], 'fitted model')} in {told['folder']}: {end}")


def _checkpoints(told: Mapping[str, Any], end: str) -> None:
    if told["trainings"]:
        print(f"checkpoints of {console.plural(told['trainings'], 'unfinished training')} in {told['folder']}: {end}")


def render_checked(checked: Mapping[str, Any]) -> None:
    """Print how many fits there are, and how many of them were damaged."""
    n = len(checked["damaged"])
    told = f"{console.plural(n, 'fit')} damaged and removed: computed again when asked for" if n else "all sound"
    print(f"{console.plural(checked['fits'], 'finished fit')} in {checked['file']}: {told}")
    torn = checked["arrays"]["damaged"]
    _arrays(checked["arrays"], f"{torn} damaged and removed: computed again" if torn else "all sound")
    broken = checked["kept_models"]["damaged"]
    told = f"{broken} damaged and removed: fitted again when asked for" if broken else "all sound"
    _models(checked["kept_models"], told)
    useless = checked["checkpoints"]["damaged"]
    _checkpoints(checked["checkpoints"], f"{useless} damaged and removed: trained anew" if useless else "all sound")


def render_pruned(pruned: Mapping[str, Any]) -> None:
    """Print how many fits were removed, and what is left."""
    print(
        f"{console.plural(pruned['removed'], 'fit')} removed, {pruned['left']:,} left, "
        f"{size_text(pruned['bytes_on_disk'])} on disk in {pruned['file']}"
    )
    for name, what in (("arrays", "array"), ("kept_models", "fitted model"), ("checkpoints", "unfinished training")):
        found = pruned[name]
        if found["removed"] or found["left"]:
            print(
                f"{console.plural(found['removed'], what)} removed, {found['left']:,} left, "
                f"{size_text(found['bytes_on_disk'])} on disk in {found['folder']}"
            )


def size_text(size: float) -> str:
    """Return a size as people say it, ``1.4 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
