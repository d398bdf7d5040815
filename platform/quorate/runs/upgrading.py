"""Bringing a home to the layout of today, whichever version has written it.

What is read is read as it was written, of whatever age; here is changed what would else be changed on the way, some day
in the middle of a run. Each step looks at what is there, so that it can be given again after it was stopped:

- ``fits``: the file of finished fits has the columns of today;
- ``openings``: holdouts that were opened before there was a ledger are entries of it, and their folder is gone;
- ``layout``: ``home.json`` says which layout the home has, so that a version that does not know it refuses it.

What a step changes is copied into ``HOME/.upgrade`` beforehand, which is removed once all is done.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from quorate.errors import StoreError, plural
from quorate.evidence.ledger import ledger_of
from quorate.evidence.ledger.openings import import_noted
from quorate.execution.cache import VERSION, FitCache
from quorate.execution.cached import version_in
from quorate.store import Home
from quorate.store.files import io_reason
from quorate.store.plain import check_plain
from quorate.store.trust import LAYOUT, layout_of, note_layout

COPY = ".upgrade"  # of a home: what was there, until all is done


class Step(NamedTuple):
    """What of a home has to be changed.

    Parameters
    ----------
    name : str
        ``fits``, ``openings`` or ``layout``.
    told : str
        In words.
    files : tuple of str
        What is changed, by its place in the home: a copy is kept meanwhile.
    """

    name: str
    told: str
    files: tuple[str, ...]


class Upgrade(NamedTuple):
    """What was looked at, and changed.

    Parameters
    ----------
    home : str
        Which home.
    before, layout : int
        Its layout beforehand, 0 where it did not say; and that of this version.
    steps : tuple of Step
        What had to be changed.
    done : bool
        Whether it was.
    """

    home: str
    before: int
    layout: int
    steps: tuple[Step, ...]
    done: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        steps = [{**step._asdict(), "files": list(step.files)} for step in self.steps]
        return {**self._asdict(), "steps": steps}


def upgrade(home: Home, dry_run: bool = False) -> Upgrade:
    """Bring a home to the layout of today; runs keep their ids, reports and numbers.

    Raises
    ------
    StoreError
        If there is no home, or something in it cannot be read or written.
    IntegrityError
        If its ledger was changed.
    """
    if not home.path.is_dir():
        raise StoreError(f"there is no home at {home.path} to bring to today's layout")
    ledger_of(home).entries()
    before, steps = layout_of(home.path), tuple(needed(home))
    if not dry_run:
        copy = home.path / COPY
        check_plain(copy)
        try:
            for step in steps:
                for name in step.files:
                    _copied(home.path / name, copy / name)
                _DO[step.name](home)
            shutil.rmtree(copy, ignore_errors=True)
        except (OSError, sqlite3.Error) as e:
            reason = io_reason(e, home.path) if isinstance(e, OSError) else str(e)
            raise StoreError(f"{reason}; what was there is in {copy}; give the command again") from e
    return Upgrade(str(home.path), before, LAYOUT, steps, not dry_run)


def needed(home: Home) -> list[Step]:
    """Return what of a home has to be changed; nothing is."""
    found: list[Step] = []
    fits = home.path / "fits" / "fits.sqlite"
    if fits.exists() and (version := version_in(fits)) < VERSION:
        told = f"the file of finished fits has version {version} of its table, and gets {VERSION}"
        found.append(Step("fits", told, ("fits/fits.sqlite",)))
    notes = list((home.path / "holdouts").glob("*/*.json"))
    if (home.path / "holdouts").is_dir():
        told = f"{plural(len(notes), 'opened holdout')}, noted in the folder holdouts, become entries of the ledger"
        found.append(Step("openings", told, ("holdouts", "ledger")))
    if layout_of(home.path) < LAYOUT:
        found.append(Step("layout", f"home.json says that the home has layout {LAYOUT}", ("home.json",)))
    return found


def _fits(home: Home) -> None:
    cache = FitCache(home.path / "fits")
    cache.entries()  # opening it adds the columns
    cache.close()


def _openings(home: Home) -> None:
    import_noted(home)
    gone = home.path / COPY / "holdouts.done"
    shutil.rmtree(gone, ignore_errors=True)
    (home.path / "holdouts").rename(gone)


_DO: dict[str, Callable[[Home], None]] = {
    "fits": _fits,
    "openings": _openings,
    "layout": lambda home: note_layout(home.path),
}


def _copied(source: Path, copy: Path) -> None:
    """Copy what a step changes, unless that was done before: then it is what was there first."""
    if copy.exists() or not source.exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    beside = copy.with_name(f"{copy.name}.begun")
    if source.is_dir():
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside, symlinks=True)
    elif source.suffix == ".sqlite":
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as one,
            closing(sqlite3.connect(beside)) as other,
        ):
            one.backup(other)
    else:
        shutil.copyfile(source, beside)
    beside.rename(copy)
