"""Categories of bars: text beside the prices, such as the exchange or the source of each bar."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import DataError, near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = -1
_NOT_IN_NAMES = '[]{}",:'  # libraries that train on named columns refuse them


class Category(NamedTuple):
    """One text of each bar.

    Parameters
    ----------
    codes : ndarray of int32, (n_bars, n_symbols)
        Position in `levels`; -1 where a bar has no text, and where there is no bar.
    levels : tuple of str
        All texts, sorted.
    """

    codes: NDArray[np.int32]
    levels: tuple[str, ...]

    def take(self, part: slice) -> Category:
        """Return the category of some of the bars."""
        return Category(_frozen(self.codes[part]), self.levels)

    def update(self, digest: Any) -> None:
        """Add to a hash what the bars say, whatever levels others may have had."""
        used = np.unique(self.codes[self.codes != MISSING])
        digest.update("\0".join(self.levels[code] for code in used).encode())
        digest.update(np.where(self.codes == MISSING, MISSING, np.searchsorted(used, self.codes)).tobytes(order="F"))


def read_categories(
    frame: pd.DataFrame,
    names: Sequence[str],
    taken: Sequence[str],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    shape: tuple[int, int],
) -> dict[str, Category]:
    """Return columns of a long frame as categories, by name, sorted.

    Parameters
    ----------
    taken : sequence of str
        Names that mean something else.
    row, column : ndarray of int64, (n_rows,)
        Where each row of the frame stands in the panel.

    Raises
    ------
    DataError
        If there is no such column, or it holds neither text nor whole numbers.
    """
    if isinstance(names, str):
        raise DataError(f"categories must be a list of columns; for this one write [{names!r}]")
    found = {}
    for name in sorted(set(names)):
        if name not in frame:
            known = [str(other) for other in frame.columns if other not in taken]
            told = f"; beside those of bars there are {', '.join(known)}{near_misses(name, known)}" if known else ""
            raise DataError(f"bars have no column {name!r} to read as a category{told}")
        if name in taken or any(mark in name for mark in _NOT_IN_NAMES) or not name.isprintable():
            raise DataError(
                f"a category cannot be called {name!r}: its name must be another than {', '.join(taken)}, without any "
                f"of {_NOT_IN_NAMES}"
            )
        codes = np.full(shape, MISSING, dtype=np.int32, order="F")
        codes[row, column], levels = _coded(frame[name], name)
        found[name] = Category(_frozen(codes), levels)
    return found


def categories_digest(categories: dict[str, Category]) -> bytes:
    """Return the hash of all categories, empty where there is none."""
    if not categories:
        return b""
    digest = hashlib.sha256()
    for name, category in sorted(categories.items()):
        digest.update(f"category|{name}|".encode())
        category.update(digest)
    return digest.digest()


def _coded(values: pd.Series, name: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a column's texts as codes and sorted levels; whole numbers are texts, too."""
    missing = values.isna().to_numpy()
    given = values[~missing]
    if given.dtype.kind == "f":
        if not (given == given.round()).all():
            raise DataError(
                f"the category {name!r} must be text or whole numbers; it has {given[given != given.round()].iloc[0]}"
            )
        given = given.astype(np.int64)
    texts = given.astype("str").str.strip().to_numpy(dtype=str)
    levels, coded = np.unique(texts, return_inverse=True)
    codes = np.full(len(values), MISSING, dtype=np.int32)
    codes[~missing] = coded
    if len(levels) and levels[0] == "":  # empty text says nothing
        levels, codes = levels[1:], np.where(codes == MISSING, MISSING, codes - 1).astype(np.int32)
    return codes, tuple(levels.tolist())


def _frozen(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    copy = np.array(codes, order="F")
    copy.flags.writeable = False
    return copy
