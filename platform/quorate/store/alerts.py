"""``HOME/alerts.jsonl``: what was told, to whom, and what could not be delivered.

A line is a JSON object, appended in one write, so that programs that tell at the same time never mix theirs:

* an alert: ``id``, and the fields of `quorate.Alert`;
* what became of it: ``of`` (the alert's id), ``to`` (the name in ``[alerts]``), ``delivered``, ``reason``, ``time``.

The alert comes first, before anything is sent: whatever fails then, it is on record.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quorate.errors import StoreError
from quorate.plugins.specs import Alert
from quorate.store.files import io_reason
from quorate.store.plain import check_plain

NAME = "alerts.jsonl"


def keep_alert(home: Path, alert: Alert) -> str:
    """Append an alert and return its id.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    own = secrets.token_hex(6)
    append_line(home / NAME, {"id": own, **asdict(alert)})
    return own


def keep_delivery(home: Path, of: str, to: str, time: str, reason: str) -> None:
    """Append what became of an alert: delivered, where there is no reason why not."""
    told = {"of": of, "to": to, "time": time, "delivered": not reason}
    append_line(home / NAME, {**told, **({"reason": reason} if reason else {})})


def read_alerts(home: Path) -> list[dict[str, Any]]:
    """Return all alerts, oldest first, each with its ``deliveries``; lines that are none of ours are left out.

    Raises
    ------
    StoreError
        If there is a file that cannot be read.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in lines_of(home / NAME):
        if {"id", "event", "time", "subject"} <= one.keys():
            found[str(one["id"])] = {**one, "deliveries": []}
        elif {"of", "to", "delivered"} <= one.keys() and str(one["of"]) in found:
            found[str(one["of"])]["deliveries"].append({name: one[name] for name in one if name != "of"})
    return list(found.values())


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines, oldest first; nothing for a line that is none, or where no file is.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    check_plain(path)
    try:
        return [_line(line) for line in path.read_bytes().splitlines()]
    except FileNotFoundError:
        return []
    except OSError as e:
        raise StoreError(f"{path} cannot be read: {e.strerror or e}") from e


def _line(line: bytes) -> dict[str, Any]:
    try:
        one = json.loads(line)
    except (ValueError, RecursionError):  # a process was killed while it wrote
        return {}
    return one if isinstance(one, dict) else {}


def append_line(path: Path, entry: Mapping[str, Any]) -> None:
    """Append an object to a file of JSON lines of a home, in one write.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode(errors="replace") + b"\n"
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, _mode(path.parent))
        try:
            size = os.fstat(file).st_size
            # Half a line of a process that was killed must not spoil this one.
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            os.write(file, b"\n" + line if torn else line)
        finally:
            os.close(file)
    except OSError as e:
        raise StoreError(io_reason(e, path)) from e


def _mode(folder: Path) -> int:
    """Return the rights of a new file: the owner's alone, or in a home that is shared the group's, too."""
    shared = stat.S_ISGID | stat.S_IWGRP
    return 0o660 if folder.stat().st_mode & shared == shared else 0o600
