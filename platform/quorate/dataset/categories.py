"""Categories of rows: texts that some models read as they are, beside the numbers of the features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.categories import MISSING
from quorate.bars.panel import Bars
from quorate.errors import DataError, near_misses, one_of

if TYPE_CHECKING:
    import pandas as pd

SYMBOL = "symbol"  # every panel has it
UNKNOWN = ""  # what is missing, or did not occur in training


@dataclass(frozen=True, eq=False)
class Categories:
    """The categories of a dataset's rows.

    Parameters
    ----------
    names : tuple of str
        One per column of `codes`.
    levels : tuple of tuple of str
        The texts of each, sorted.
    codes : ndarray of int32, (n_rows, n_categories)
        Positions in the levels; -1 where a row has no text.
    """

    names: tuple[str, ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()
    codes: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), dtype=np.int32))

    def known(self, rows: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
        """Return the levels that occur in some rows, by category."""
        return tuple(
            tuple(levels[code] for code in np.unique(codes[rows]) if code != MISSING)
            for levels, codes in zip(self.levels, self.codes.T, strict=True)
        )

    def joined(self, other: Categories) -> Categories:
        """Return these rows' categories followed by those of other rows, of the same names."""
        levels, columns = [], []
        for j, both in enumerate(zip(self.levels, other.levels, strict=True)):
            every = sorted({*both[0], *both[1]})
            place = {text: code for code, text in enumerate(every)}
            parts = []
            for own, codes in zip(both, (self.codes[:, j], other.codes[:, j]), strict=True):
                # The last entry is that of the code -1.
                parts.append(np.array([*(place[text] for text in own), MISSING], dtype=np.int32)[codes])
            levels.append(tuple(every))
            columns.append(np.concatenate(parts))
        return Categories(self.names, tuple(levels), np.column_stack(columns)) if columns else self

    def among(self, known: Sequence[Sequence[str]], rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the rows' positions in `known`, counted from 1; 0 is what is not among them."""
        found = np.zeros((len(rows), len(self.names)), dtype=np.int32)
        for j, (own, levels) in enumerate(zip(known, self.levels, strict=True)):
            place = {level: k + 1 for k, level in enumerate(own)}
            # The last entry is that of the code -1.
            found[:, j] = np.array([*(place.get(level, 0) for level in levels), 0])[self.codes[rows, j]]
        return found

    def beside(
        self, X: NDArray[Any], feature_names: Sequence[str], known: Sequence[Sequence[str]], rows: NDArray[np.int64]
    ) -> pd.DataFrame:
        """Return features and categories of some rows as a frame.

        Parameters
        ----------
        X : ndarray of float32, (n_rows, n_features)
            The features of `rows`.
        known : sequence of sequence of str
            The levels of the rows that train, by category: all that may be told of the others.

        Returns
        -------
        DataFrame
            The features as they are; each category as dtype ``category``, its levels `UNKNOWN` and the known ones.
        """
        import pandas as pd

        frame = pd.DataFrame(X, columns=list(feature_names), copy=False)
        codes = self.among(known, rows)
        for j, name in enumerate(self.names):
            frame[name] = pd.Categorical.from_codes(codes[:, j], pd.Index([UNKNOWN, *known[j]]))
        return frame


def rows_categories(
    bars: Bars,
    names: Sequence[str],
    features: Sequence[str],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
) -> Categories:
    """Return the categories of a panel's rows.

    Parameters
    ----------
    names : sequence of str
        Of the bars' categories, or ``symbol``.
    row, column : ndarray of int64, (n_rows,)
        Bar and symbol of each row.

    Raises
    ------
    DataError
        If the bars have no such category, or a feature is called so.
    """
    if not names:
        return Categories()
    codes = np.empty((len(row), len(names)), dtype=np.int32)
    levels = []
    for j, name in enumerate(names):
        if name in features:
            raise DataError(f"features.categories: {name!r} is the name of a feature, too: leave one of them out")
        if name == SYMBOL:
            codes[:, j] = column
            levels.append(bars.symbols)
            continue
        if name not in bars.categories:
            known = [SYMBOL, *bars.categories]
            raise DataError(
                f"features.categories: the bars have no {name!r}: it must be one of {one_of(known)}"
                f"{near_misses(name, known)}; columns of a file are read as such with data.categories = [{name!r}]"
            )
        codes[:, j] = bars.categories[name].codes[row, column]
        levels.append(bars.categories[name].levels)
    codes.flags.writeable = False
    return Categories(tuple(names), tuple(levels), codes)
