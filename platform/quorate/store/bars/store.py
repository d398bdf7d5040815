"""The store of bars: a folder of collections, in a home or at a path that several share."""

from __future__ import annotations

import os
import re
from pathlib import Path

from quorate.errors import DataError, near_misses, one_of
from quorate.store.bars.collection import Collection
from quorate.store.places import check_here
from quorate.store.trust import claim

FOLDER = "store"  # of a home
ELSEWHERE = "QUORATE_STORE"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class BarStore:
    """The store of bars.

    Parameters
    ----------
    path : path, optional
        Default: the environment variable ``QUORATE_STORE``, else the folder ``store`` of the home.
    home : path, optional
        Default: the environment variable ``QUORATE_HOME``, else ``.quorate`` in the current folder.

    Examples
    --------
    >>> quorate.BarStore().collection("us-daily").read(["AAPL"], as_of=date(2024, 6, 30))
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, home: str | os.PathLike[str] | None = None) -> None:
        from quorate.store.home import Home

        elsewhere = path or os.environ.get(ELSEWHERE)
        check_here(os.fspath(elsewhere or ""), "a store of bars")
        self._home = None if elsewhere else Home(home).path
        self.path = Path(elsewhere).expanduser().absolute() if elsewhere else Home(home).path / FOLDER

    def collections(self) -> list[Collection]:
        """Return all collections by name."""
        there = sorted(self.path.iterdir()) if self.path.is_dir() else []
        return [found for path in there if not path.name.startswith(".") and (found := Collection(path)).exists]

    def collection(self, name: str, new: bool = False) -> Collection:
        """Return a collection.

        Parameters
        ----------
        name : str
            Its name.
        new : bool
            Whether it may be one that is not there yet.

        Raises
        ------
        DataError
            If there is none of that name, or it is no name.
        """
        names = [one.name for one in self.collections()]
        if name not in names and not new:
            told = near_misses(name, names) or (
                f": there is {one_of(names)}" if names else "; quorate data add fills one"
            )
            raise DataError(f"there is no collection {name!r} in {self.path}{told}")
        if not _NAME.fullmatch(name):
            raise DataError(
                "a collection's name must be letters, digits, '-', '_' and '.', at most 100, and begin with one of the "
                f"first two; it was {name!r}"
            )
        if new and self._home:
            claim(self._home)
        return Collection(self.path / name)
