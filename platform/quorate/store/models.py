"""Fitted models by the keys of their fits: arrays as safetensors, all else as JSON beside them; nothing is unpickled.

Two files each, ``KEY.safetensors`` and ``KEY.json``. The second is written last, holds the hash of the first, and is
sealed: without it, or where either is not as it was written, there is no model. Nothing is synced.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from quorate.errors import IntegrityError, StoreError
from quorate.store.documents import read_document, seal_of
from quorate.store.files import io_reason
from quorate.store.kept import KeptFiles, content_of, write_unsynced
from quorate.store.plain import check_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "models"  # of a home
_KEY = re.compile(r"[0-9a-f]{64}")


class KeptModel(NamedTuple):
    """What is kept of a fitted model.

    Parameters
    ----------
    arrays, values : dict
        What it has learnt.
    facts : dict
        What it is: model, plugin, parameters, features in their order, rows and days that trained it, versions.
    """

    arrays: dict[str, NDArray[Any]]
    values: dict[str, Any]
    facts: dict[str, Any]


class KeptModels(KeptFiles):
    """The fitted models that a home keeps.

    Parameters
    ----------
    home : Path
        The home's folder.
    """

    ending = ".safetensors"

    def __init__(self, home: Path) -> None:
        super().__init__(home / FOLDER)

    def __contains__(self, key: str) -> bool:
        """Return whether there is one under a key, unread."""
        return bool(_KEY.fullmatch(key)) and self._path(key).is_file() and self._document(self._path(key)).is_file()

    def files(self, key: str) -> list[Path]:
        """Return the files that a model is in."""
        path = self._path(key)
        return [path, self._document(path)]

    def bytes_of(self, key: str) -> int:
        """Return what a model takes on disk."""
        return sum(path.stat().st_size for path in self.files(key))

    def put(self, key: str, model: KeptModel) -> None:
        """Keep a model.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        import json

        from quorate.store.tensors import to_bytes

        path, content = self._path(key), to_bytes(model.arrays)
        told = {
            "schema_version": 1,
            "key": key,
            **model.facts,
            "state": model.values,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        text = json.dumps({**told, "seal": seal_of(told)}, indent=1, allow_nan=False) + "\n"
        try:
            self._document(path).unlink(missing_ok=True)
            write_unsynced(path, content)
            write_unsynced(self._document(path), text.encode())
        except OSError as e:
            raise StoreError(io_reason(e, path)) from e

    def get(self, key: str) -> KeptModel | None:
        """Return the model under a key; None, if there is none.

        Raises
        ------
        IntegrityError
            If it is not as it was written.
        """
        if key not in self:
            return None
        path = self._path(key)
        model = self._read(path)
        for file in (path, self._document(path)):
            with suppress(OSError):  # when it was last used; another process may have removed it
                os.utime(file)
        return model

    def _read(self, path: Path) -> KeptModel:
        from quorate.store.tensors import from_bytes

        remedy = "quorate cache verify removes it, and then it is fitted again"
        document = self._document(path)
        check_plain(path)
        check_plain(document)
        try:
            told = read_document(document)
        except IntegrityError as e:
            raise IntegrityError(f"{e}: {remedy}") from None
        if told.pop("seal", None) != seal_of(told) or told.get("key") != path.stem:
            raise IntegrityError(f"{document} is not as it was written, it has another seal: {remedy}")
        content = content_of(path)
        if (found := hashlib.sha256(content).hexdigest()) != told["sha256"]:
            raise IntegrityError(
                f"{path} is not as it was written: its hash is {found[:12]}, {document.name} says "
                f"{told['sha256'][:12]}: {remedy}"
            )
        try:
            arrays = from_bytes(content)
        except ValueError as e:
            raise IntegrityError(f"{path} is not what quorate writes: {e}: {remedy}") from None
        facts = {name: value for name, value in told.items() if name not in ("schema_version", "key", "state")}
        return KeptModel(arrays, told["state"], facts)

    def _is_sound(self, path: Path) -> bool:
        try:
            self._read(path)
        except IntegrityError:
            return False
        except StoreError:  # of a newer version
            return True
        return True

    def discard(self, path: Path) -> None:
        """Remove a model."""
        self._document(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def _document(self, path: Path) -> Path:
        return path.with_suffix(".json")

    def every(self) -> list[tuple[float, Path, int]]:
        """Return when each model was used, its path and its size."""
        found = []
        for used, path, size in super().every():
            with suppress(OSError):
                size += self._document(path).lstat().st_size
            found.append((used, path, size))
        return found
