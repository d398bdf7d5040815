"""Alerts that are added to files."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict
from pathlib import Path

import quorate


def log(alert: quorate.Alert, path: str = "") -> None:
    """Add a line of JSON; the home's own ``alerts.jsonl`` has each alert in any case.

    Parameters
    ----------
    path : str
        A file, NAME.jsonl, that has the alerts, too; empty: the home's alone.
    """
    if path:
        _append(path, (".jsonl",), json.dumps(asdict(alert), ensure_ascii=False))


def file(alert: quorate.Alert, path: str = "alerts.txt") -> None:
    """Add a few lines to a file.

    Parameters
    ----------
    path : str
        The file, NAME.txt or NAME.log; it is made, if it is not there.
    """
    lines = "\n".join(f"  {line}" for line in alert.text.splitlines())
    _append(path, (".txt", ".log"), f"{alert.time} {alert.event}: {alert.subject}\n{lines}".rstrip())


def _append(path: str, endings: tuple[str, ...], text: str) -> None:
    """Add a text in one write, so that several programs do not mix theirs."""
    place = Path(path).expanduser()
    if place.suffix not in endings:  # a recipe that somebody sent must not write into other files
        raise quorate.PluginError(f"the name of the file must end with {' or '.join(endings)}")
    how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(place, how, 0o600), "ab", buffering=0) as target:
            if not stat.S_ISREG(os.fstat(target.fileno()).st_mode):
                raise OSError("it is no file")
            target.write(f"{text}\n".encode(errors="replace"))
    except OSError as e:
        raise quorate.PluginError(f"the file cannot be written: {e.strerror or e}") from None
