"""Windows and labels in one NPZ file: ``X_train`` (N, T, F), ``y_train`` (N,), ``X_test``, ``y_test``.

Labels that are whole numbers are classes, 0 and 1; labels that are decimals are numbers. Nothing is unpickled.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.errors import DataError, RecipeError, near_misses, one_of
from quorate.store.plain import check_plain

KEYS = ("X_train", "y_train", "X_test", "y_test")


class NpzWindows(NamedTuple):
    """What a file holds.

    Parameters
    ----------
    X_train, X_test : ndarray of float32, (n, bars, n_features)
    y_train, y_test : ndarray, (n,)
        int64 classes 0 and 1, or float64 numbers.
    told : list of str
        What was not as the contract says, and was put right.
    """

    X_train: NDArray[np.float32]
    y_train: NDArray[Any]
    X_test: NDArray[np.float32]
    y_test: NDArray[Any]
    told: list[str]

    @property
    def binary(self) -> bool:
        """Whether labels are classes."""
        return self.y_train.dtype.kind == "i"


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
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise DataError(
                f"{path} is one array, and no NPZ file: numpy.savez(FILE, ...) writes one of {one_of(KEYS)}"
            )
        with file:
            names = list(file.files)
            for key in KEYS:
                if key not in names:
                    raise DataError(f"{path} has no array {key!r}: it has {one_of(names)}{near_misses(key, names)}")
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
    y_train, y_test = (_labels(path, key, arrays[key], len(X)) for key, X in (("y_train", X_train), ("y_test", X_test)))
    if y_train.dtype.kind != y_test.dtype.kind:
        raise DataError(
            f"{path}: y_train is {arrays['y_train'].dtype} and y_test {arrays['y_test'].dtype}: both must be "
            "classes (whole numbers 0 and 1), or both numbers (decimals)"
        )
    return NpzWindows(X_train, y_train, X_test, y_test, told)


def _features(path: Path, key: str, X: NDArray[Any], told: list[str]) -> NDArray[np.float32]:
    if X.ndim != 3 or 0 in X.shape:
        raise DataError(f"{path}: {key} must be (windows, bars, features), none of them 0; its shape was {X.shape}")
    if X.dtype.kind not in "fiu":
        raise DataError(f"{path}: {key} must be float32; it was {X.dtype}")
    if X.dtype != np.float32:
        told.append(f"{key} was {X.dtype}: it was made float32")
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(X, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(found).all(axis=(1, 2)))
    if len(bad):
        raise DataError(f"{path}: {key} must hold finite numbers of float32; window {bad[0]} does not, of {len(bad)}")
    return found


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
