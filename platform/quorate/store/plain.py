"""Whether what lies in a home are files and folders: a link leads elsewhere, and a pipe is waited for without end."""

from __future__ import annotations

import stat
from pathlib import Path

from quorate.errors import IntegrityError
from quorate.store.trust import ID, is_trusted, layout_of

# What is written into, or removed, and so must not lead elsewhere.
WRITTEN = (
    *("runs", "sweeps", "fits", "kept", "models", "bars", "sources", "ledger", "audits", "proofs", "cluster", "jobs"),
    *("registry", "alerts.jsonl", "schedules", "schedules/log.jsonl"),
    *("fits/fits.sqlite", "fits/lock", "ledger/ledger.jsonl", "ledger/lock", "ledger/returns", "ledger/data"),
    *("cluster/cluster.json", "cluster/token"),
)
# What of a run or sweep is read without asking what it is.
READ = (
    *("run.json", "report.json", "lock", "log.jsonl", "error.txt", "job.json", "override.json", "opening.json"),
    *("journal.log", "label.json"),
)


def check_home(home: Path) -> None:
    """Raise `IntegrityError`, if a part of a home that is written into or removed is a link or no file.

    And `StoreError`, if a newer version has made it. Who made a home, or trusts it, may have put parts of it elsewhere.
    """
    if home.is_dir():
        check_plain(home / ID)
        layout_of(home)
        trusted = is_trusted(home)
        for name in WRITTEN:
            check_plain(home / name, links=trusted)


def check_run(run: Path) -> None:
    """Raise `IntegrityError`, if a link or a pipe is where a file of a run should be."""
    for name in READ:
        check_plain(run / name)


def check_plain(path: Path, links: bool = False) -> None:
    """Raise `IntegrityError`, if there is something at a path that is neither a file nor a folder, or is a link.

    A pipe would be waited for, and what a link leads to is somebody else's.

    Parameters
    ----------
    links : bool
        Whether links may be there.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) and links:
            mode = path.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        what = "a link, which is not followed" if stat.S_ISLNK(mode) else "no file"
        raise IntegrityError(f"{path} is {what}: remove it, or restore what was there")
