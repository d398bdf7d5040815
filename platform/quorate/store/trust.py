"""Which homes and addresses this user has made or named: kept outside the homes, which may come from elsewhere.

::

    $XDG_STATE_HOME/quorate/homes/PLACE     the id of the home at a place, PLACE being the SHA-256 of its path
    $XDG_STATE_HOME/quorate/addresses       job servers that were named in a command, one a line
    HOME/home.json                          the home's own id; ``layout``, since there is one; ``shared``, its group

A home that was copied or moved is asked about again: its files may have been changed on the way.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from quorate.errors import StoreError

ID = "home.json"
LAYOUT = 1  # of homes as they are made today
REGISTRY = "registry"  # of a home: the folder of its versions, NAME/NUMBER, see `quorate.store.registry`
PARTS = (ID, "runs", "sweeps", "fits", "bars", "store", "sources", "ledger", "audits", "cluster", "holdouts", REGISTRY)


def claim(home: Path) -> None:
    """Note a home as this user's, if nothing of one is in it yet; one that is there already is left as it is."""
    with suppress(OSError):
        if any((home / name).exists() for name in PARTS):
            return
        home.mkdir(parents=True, exist_ok=True)
        _remember(home, {"layout": LAYOUT})


def layout_of(home: Path) -> int:
    """Return the layout that a home says it has; 0, if it says nothing.

    Raises
    ------
    StoreError
        If a newer version has made it.
    """
    layout = own_of(home).get("layout", 0)
    if not isinstance(layout, int) or layout > LAYOUT:
        raise StoreError(f"the home {home} has layout {layout!r}; this quorate knows up to {LAYOUT}: upgrade quorate")
    return layout


def note_layout(home: Path) -> None:
    """Note that a home has the layout of today; it gets an id, if it has none, and is trusted no more than before."""
    own = own_of(home)
    own.setdefault("id", secrets.token_hex(16))
    beside = home / f".{ID}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    beside.write_text(json.dumps({**own, "layout": LAYOUT}) + "\n", encoding="utf-8")
    if (home / ID).exists():
        beside.chmod((home / ID).stat().st_mode & 0o777)
    beside.replace(home / ID)


def is_trusted(home: Path) -> bool:
    """Return whether this user made the home at this place, or said that it may be trusted.

    A version is trusted as the home that has registered it.
    """
    if home.parent.parent.name == REGISTRY:
        return is_trusted(home.parents[2])
    own, mark = _id(home), _mark(home)
    try:
        return bool(own) and mark is not None and mark.read_text(encoding="utf-8") == own
    except (OSError, ValueError):
        return False


def trust(home: Path) -> None:
    """Remember that this user trusts the home at this place as it is.

    Raises
    ------
    StoreError
        If there is none, or that cannot be noted.
    """
    if not home.is_dir():
        raise StoreError(f"there is no home at {home} to trust")
    try:
        _remember(home)
    except OSError as e:
        raise StoreError(f"cannot note that {home} is trusted: {e.filename}: {e.strerror}") from e
    if not is_trusted(home):
        raise StoreError(f"cannot note that {home} is trusted: {home / ID} must be a file that has an id")


def forget(home: Path) -> None:
    """Trust the home at this place no more: one that was made for a moment, and is gone."""
    mark = _mark(home)
    if mark is not None:
        with suppress(OSError):
            mark.unlink(missing_ok=True)


def require(home: Path, what: str) -> None:
    """Raise `StoreError`, unless this user made the home or trusts it; `what` is done with something from it."""
    if not home.exists():
        raise StoreError(f"{what}, and there is no home {home}: name it with --home or QUORATE_HOME")
    if not is_trusted(home):
        raise StoreError(
            f"{what}, and the home {home} was not made here by you: it may come from elsewhere. Look at what is in it; "
            "if you trust it, say so once with --trust (in Python: quorate.trust_home)"
        )


def name_address(address: str) -> None:
    """Remember an address that this user gave in a command."""
    folder = _state()
    if folder is None or address in _addresses():
        return
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(folder / "addresses", "a", encoding="utf-8") as file:
            file.write(f"{address}\n")


def was_named(address: str) -> bool:
    """Return whether this user gave an address before."""
    return address in _addresses()


def _addresses() -> list[str]:
    folder = _state()
    try:
        return (folder / "addresses").read_text(encoding="utf-8").splitlines() if folder else []
    except (OSError, ValueError):
        return []


def _state() -> Path | None:
    """Return where this user's own notes are; None, where there is no place for them."""
    given = os.environ.get("XDG_STATE_HOME", "")
    if given and Path(given).is_absolute():
        return Path(given) / "quorate"
    try:
        return Path.home() / ".local" / "state" / "quorate"
    except RuntimeError:
        return None


def _mark(home: Path) -> Path | None:
    folder = _state()
    place = hashlib.sha256(os.fsencode(os.path.realpath(home))).hexdigest()
    return folder and folder / "homes" / place


def _id(home: Path) -> str:
    own = own_of(home).get("id")
    return own if isinstance(own, str) else ""


def own_of(home: Path) -> dict[str, Any]:
    """Return what a home says of itself; nothing, if that is no object, or a link stands there."""
    try:
        if (home / ID).is_symlink() or not (home / ID).is_file():
            return {}
        found = json.loads((home / ID).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(home: Path, more: Mapping[str, Any] | None = None) -> None:
    """Give a home an id, unless it has one, and note it as this user's."""
    if not _id(home):
        text = json.dumps({"id": secrets.token_hex(16), **(more or {})}) + "\n"
        with suppress(FileExistsError), open(home / ID, "x", encoding="utf-8") as file:
            file.write(text)
    mark = _mark(home)
    if mark is not None and (own := _id(home)):
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = mark.with_name(f".{mark.name}.{secrets.token_hex(4)}")
        beside.write_text(own, encoding="utf-8")
        beside.replace(mark)
