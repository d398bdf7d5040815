"""What a run's folder keeps of the ledger's entries about it, so that an entry that is removed is missed.

::

    HOME/runs/RUN/opening.json     the line of the ledger that says that the holdout was opened
    HOME/runs/RUN/override.json    that of the latest override
"""

from __future__ import annotations

from pathlib import Path

from quorate.errors import IntegrityError, StoreError
from quorate.evidence.ledger.chain import Entry, line_of, parse
from quorate.store.files import write_text
from quorate.store.plain import check_plain
from quorate.store.run import Run

NOTED = ("opening", "override")


def note_path(run: Run, kind: str) -> Path:
    """Return where the note of an ``opening`` or an ``override`` lies."""
    return run.path / f"{kind}.json"


def keep_note(run: Run, entry: Entry) -> None:
    """Put an entry of the ledger into the folder of its run, in place of an earlier one of its kind."""
    write_text(note_path(run, entry["kind"]), line_of(entry).decode() + "\n")


def noted(run: Run, kind: str) -> Entry | None:
    """Return the entry that a run's folder keeps; None if there is none.

    Raises
    ------
    IntegrityError
        If it is not what was written.
    StoreError
        If it was written by a newer version, or cannot be read.
    """
    path = note_path(run, kind)
    check_plain(path)
    try:
        line = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise StoreError(f"cannot read {path}: {e.strerror or e}") from e
    entry, broken = parse(line.removesuffix(b"\n"), 1)
    if broken or (entry["kind"], entry["run"]) != (kind, run.id):
        raise IntegrityError(
            f"{path} was changed after it was written; what it must hold stands in the ledger: quorate ledger --run "
            f"{run.id}{run.home.option}"
        )
    return entry
