"""Windows and labels in one NPZ file: ``X_train`` (N, T, F), ``y_train`` (N,), ``X_test``, ``y_test``.

Labels that are whole numbers are classes, 0 and 1; labels that are decimals are numbers. Nothing is unpickled.
Sequences of unequal length are filled up to T bars: behind them, where ``lengths_train`` and ``lengths_test`` say how
many bars each has, or by NaN in front of them. What fills them up is dropped here: no model sees it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.windows import Windows
from quorate.errors import DataError, RecipeError, near_misses, one_of
from quorate.store.plain import check_plain

KEYS = ("X_train", "y_train", "X_test", "y_test")
LENGTHS = ("lengths_train", "lengths_test")
_ZIP, _NUMPY = b"PK", b"\x93NUMPY"  # how files begin that numpy writes
Sequences = NDArray[np.float32] | Windows


class NpzWindows(NamedTuple):
    """What a file holds.

    Parameters
    ----------
    X_train, X_test : ndarray of float32, or Windows, (n, bars, n_features)
        Windows, where the sequences of either are of unequal length.
    y_train, y_test : ndarray, (n,)
        int64 classes 0 and 1, or float64 numbers.
    told : list of str
        What was not as the contract says, and was put right.
    """

    X_train: Sequences
    y_train: NDArray[Any]
    X_test: Sequences
    y_test: NDArray[Any]
    told: list[str]

    @property
    def binary(self) -> bool:
        """Whether labels are classes."""
        return self.y_train.dtype.kind == "i"

    @property
    def unequal(self) -> bool:
        """Whether sequences are of unequal length."""
        return isinstance(self.X_train, Windows)


def read_npz(path: Path) -> NpzWindows:
    """Read and check a file.

    Raises
    ------
    RecipeError
        If there is no such file, or it is no NPZ file.
    DataError
        If an array is missing, or is not what it must be.
    """
    check_plain(path, links=True)
    if not path.is_file():
        raise RecipeError(f"--npz: there is no file {path}")
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with path.open("rb") as begun:
            if not begun.read(len(_NUMPY)).startswith((_ZIP, _NUMPY)):
                raise DataError(f"{path} is no NPZ file: numpy.savez(FILE, ...) writes one of {one_of(KEYS)}")
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise DataError(
                f"{path} is one array, and no NPZ file: numpy.savez(FILE, ...) writes one of {one_of(KEYS)}"
            )
        with file:
            names = list(file.files)
            for key in KEYS:
                if key not in names:
                    near = near_misses(key, [name for name in names if name not in KEYS])
                    raise DataError(f"{path} has no array {key!r}: it has {one_of(names)}{near}")
                arrays[key] = file[key]
            for key in [key for key in LENGTHS if key in names]:
                arrays[key] = file[key]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
        if "pickle" in str(e).lower():
            raise DataError(
                f"{path} holds Python objects, which run code when they are read, so none is: save plain arrays"
            ) from None
        raise DataError(f"{path} is no NPZ file that can be read: {e}") from None
    told: list[str] = []
    X_train, X_test = (_features(path, key, arrays[key], told) for key in ("X_train", "X_test"))
    if X_train.shape[1:] != X_test.shape[1:]:
        raise DataError(
            f"{path}: X_train and X_test must have windows of one shape; they were {X_train.shape[1:]} and "
            f"{X_test.shape[1:]}"
        )
    sequences = _sequences(path, {"train": X_train, "test": X_test}, arrays, told)
    y_train, y_test = (_labels(path, key, arrays[key], len(X)) for key, X in (("y_train", X_train), ("y_test", X_test)))
    if y_train.dtype.kind != y_test.dtype.kind:
        raise DataError(
            f"{path}: y_train is {arrays['y_train'].dtype} and y_test {arrays['y_test'].dtype}: both must be "
            "classes (whole numbers 0 and 1), or both numbers (decimals)"
        )
    return NpzWindows(sequences["train"], y_train, sequences["test"], y_test, told)


def bars_of(X: Sequences) -> NDArray[np.float32]:
    """Return the bars of all windows, one window after the other, (n_bars, n_features)."""
    return X.reshape(-1, X.shape[2]) if isinstance(X, np.ndarray) else X.bars[X.covered() > 0]


def last_bars(X: Sequences) -> NDArray[np.float32]:
    """Return the last bar of each window, (n, n_features)."""
    return X[:, -1] if isinstance(X, np.ndarray) else X.bars[X.last]


def _features(path: Path, key: str, X: NDArray[Any], told: list[str]) -> NDArray[np.float32]:
    if X.ndim != 3 or 0 in X.shape:
        raise DataError(f"{path}: {key} must be (windows, bars, features), none of them 0; its shape was {X.shape}")
    if X.dtype.kind not in "fiu":
        raise DataError(f"{path}: {key} must be float32; it was {X.dtype}")
    if X.dtype != np.float32:
        told.append(f"{key} was {X.dtype}: it was made float32")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(X, dtype=np.float32)


def _sequences(
    path: Path, parts: Mapping[str, NDArray[np.float32]], arrays: Mapping[str, NDArray[Any]], told: list[str]
) -> dict[str, Sequences]:
    """Return the windows of each part without what fills them up: arrays, where all are of one length."""
    given = [key for key in LENGTHS if key in arrays]
    if len(given) == 1:
        raise DataError(f"{path} has {given[0]}, and not {one_of([k for k in LENGTHS if k not in given])}: give both")
    lengths, real = {}, {}
    for part, X in parts.items():
        place, key = np.arange(X.shape[1]), f"lengths_{part}"
        if given:
            lengths[part] = _lengths(path, key, arrays[key], X)
            real[part] = place < lengths[part][:, None]
        else:
            in_front = np.logical_and.accumulate(np.isnan(X).all(axis=2), axis=1).sum(axis=1)
            lengths[part] = X.shape[1] - in_front % X.shape[1]  # of NaN alone is none that was filled up
            real[part] = place >= X.shape[1] - lengths[part][:, None]
        _check_finite(path, part, X, real[part], lengths[part] if given else None)
    each = np.unique(np.concatenate(list(lengths.values())))
    if len(each) == 1:
        return {part: X[real[part]].reshape(len(X), each[0], X.shape[2]) for part, X in parts.items()}
    told.append(f"sequences are of {each[0]} to {each[-1]} bars: a step of the training has those of one length")
    return {
        part: Windows(
            X[real[part]],
            np.cumsum(lengths[part]) - 1,
            X.shape[1],
            np.zeros(len(X), dtype=np.int64),
            lengths[part],
        )
        for part, X in parts.items()
    }


def _lengths(path: Path, key: str, given: NDArray[Any], X: NDArray[np.float32]) -> NDArray[np.int64]:
    n, bars = X.shape[:2]
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise DataError(
            f"{path}: {key} must have a whole number for each window, shape ({n},); it was {given.dtype} of shape "
            f"{given.shape}"
        )
    bad = np.flatnonzero((given < 1) | (given > bars))
    if len(bad):
        raise DataError(
            f"{path}: {key} must be from 1 to {bars}, the bars of a window; that of window {bad[0]} was {given[bad[0]]}"
        )
    return given.astype(np.int64)


def _check_finite(
    path: Path, part: str, X: NDArray[np.float32], real: NDArray[np.bool_], given: NDArray[np.int64] | None
) -> None:
    bars = X.shape[1]
    bad = np.flatnonzero((real & ~np.isfinite(X).all(axis=2)).any(axis=1))
    if not len(bad):
        return
    first, remedy = int(bad[0]), ""
    if given is not None and np.isfinite(X[first, bars - given[first] :]).all():
        remedy = f": lengths_{part} count from the first bar; what is filled up in front has NaN there, and no lengths"
    elif given is None and np.isnan(X[first, -1]).all() and np.isfinite(X[first, 0]).all():
        remedy = f": where it is filled up behind, lengths_{part} and the like say how many bars are not"
    raise DataError(
        f"{path}: X_{part} must hold finite numbers of float32; window {first} does not, of {len(bad)}{remedy}"
    )


def _labels(path: Path, key: str, y: NDArray[Any], n: int) -> NDArray[Any]:
    if y.shape != (n,):
        raise DataError(f"{path}: {key} must have one label for each window, shape ({n},); its shape was {y.shape}")
    if y.dtype.kind in "iub":
        if other := sorted({*np.unique(y).tolist()} - {0, 1}):
            raise DataError(
                f"{path}: {key} of whole numbers must be classes, 0 or 1; it has {one_of(map(str, other[:5]))} too: "
                "numbers that are forecast are saved as decimals, float32"
            )
        return y.astype(np.int64)
    if y.dtype.kind != "f":
        raise DataError(
            f"{path}: {key} must be classes 0 and 1 as whole numbers, or numbers as float32; it was {y.dtype}"
        )
    if not np.isfinite(y).all():
        row = int(np.flatnonzero(~np.isfinite(y))[0])
        raise DataError(f"{path}: {key} must be finite; label {row} was {y[row]}")
    return y.astype(np.float64)
