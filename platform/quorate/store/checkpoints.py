"""Checkpoints of one training in a folder: the latest, and the best by what progress is measured by.

Each is a file of safetensors; ``registry.json`` lists them with size and hash, holds what is no array, and says what is
trained. It is written last: a file that it does not list is none. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from quorate.errors import IntegrityError, StoreError
from quorate.store.documents import read_document, seal_of
from quorate.store.files import TEMPORARY, replacing, write_json
from quorate.store.kept import KeptFiles, content_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "checkpoints"
REGISTRY, LATEST = "registry.json", "latest.safetensors"
_FILE = re.compile(r"epoch_\d{6,}\.safetensors")


class Checkpoint(NamedTuple):
    """Where a training stood after an epoch: arrays by name, and what else there is, as JSON holds it."""

    epoch: int
    arrays: dict[str, NDArray[Any]]
    values: dict[str, Any]


class Checkpoints:
    """The checkpoints of one training.

    Parameters
    ----------
    folder : Path
        Theirs alone.
    what : mapping
        What is trained, as JSON holds it: settings, data, code.
    top : int
        How many of the best are kept beside the latest.
    """

    def __init__(self, folder: Path, what: Mapping[str, Any], top: int = 0) -> None:
        self.folder, self._what, self._top = folder, dict(what), top

    def registry(self) -> dict[str, Any] | None:
        """Return what ``registry.json`` holds; None, if there is none.

        Raises
        ------
        IntegrityError
            If it is not as it was written.
        StoreError
            If a newer version has written it.
        """
        path = self.folder / REGISTRY
        if not path.exists():
            return None
        found = read_document(path)
        if found.pop("seal", None) != seal_of(found):
            raise IntegrityError(f"{path} is not as it was written, it has another seal: remove {self.folder}")
        return found

    def other(self) -> list[str]:
        """Return in what the training there is another than this one; nothing, if it is this one, or there is none."""
        registry = self.registry()
        return _differences(registry["what"], self._what) if registry is not None else []

    def latest(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the latest sound checkpoint of this training, and what was wrong with later ones, a line each."""
        try:
            registry = self.registry()
        except (IntegrityError, StoreError) as e:
            return None, [f"the training begins anew: {e}"]
        if registry is None:
            return None, []
        if other := _differences(registry["what"], self._what):
            return None, [f"{self.folder} is of another training, so this one begins anew: {'; '.join(other)}"]
        self._tidy({one["file"] for one in registry["checkpoints"]}, registry["latest"])
        told: list[str] = []
        for entry in sorted(registry["checkpoints"], key=lambda one: -one["epoch"]):
            try:
                found = self.read(entry)
            except IntegrityError as e:
                told.append(str(e))
                continue
            return found, [f"{line}: the training goes on after epoch {found.epoch}" for line in told]
        return None, [f"{line}: the training begins anew" for line in told]

    def read(self, entry: Mapping[str, Any]) -> Checkpoint:
        """Return a checkpoint that the registry lists.

        Raises
        ------
        IntegrityError
            If it is not as it was written.
        """
        from quorate.store.tensors import from_bytes

        path = self.folder / entry["file"]
        content = content_of(path)
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise IntegrityError(f"{path} is damaged, its hash is not that of {REGISTRY}")
        try:
            return Checkpoint(entry["epoch"], from_bytes(content), entry["values"])
        except ValueError as e:
            raise IntegrityError(f"{path} is not what quorate writes: {e}") from None

    def write(self, checkpoint: Checkpoint, value: float, last: bool = False) -> None:
        """Keep a checkpoint, and remove those that are neither the latest nor among the best.

        Parameters
        ----------
        value : float
            What progress makes smaller.
        last : bool
            Whether the training has ended.

        Raises
        ------
        StoreError
            If it cannot be written; those from before are untouched.
        """
        from quorate.store.tensors import to_bytes

        try:
            registry = self.registry()
        except (IntegrityError, StoreError):
            registry = None
        earlier = registry["checkpoints"] if registry is not None and registry["what"] == self._what else []
        content = to_bytes(checkpoint.arrays)
        name = f"epoch_{checkpoint.epoch:06}.safetensors"
        entry: dict[str, Any] = {
            "file": name,
            "epoch": checkpoint.epoch,
            "value": value if math.isfinite(value) else None,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "ended": last,
            "values": checkpoint.values,
        }
        # Of a training that went on after an earlier epoch those after it are made anew.
        known = [one for one in earlier if one["epoch"] < checkpoint.epoch]
        measured = [one for one in (*known, entry) if one["value"] is not None]
        best = sorted(measured, key=lambda one: (one["value"], one["epoch"]))[: self._top]
        kept = [one for one in known if one in best or (not self._top and one is known[-1])] + [entry]
        with replacing(self.folder / name) as temporary:
            temporary.write_bytes(content)
        told = {
            "schema_version": 1,
            "what": self._what,
            "top": self._top,
            "latest": name,
            "best": [one["file"] for one in best],
            "checkpoints": kept,
        }
        write_json(self.folder / REGISTRY, {**told, "seal": seal_of(told)})
        self._tidy({one["file"] for one in kept}, name)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tidy(self, kept: set[str], latest: str) -> None:
        """Remove the files that are not kept, and what writes that were killed have left; point to the latest."""
        for path in self.folder.iterdir():
            old = _FILE.fullmatch(path.name) and path.name not in kept
            if old or (path.name.startswith(".") and path.name.endswith(TEMPORARY)):
                with suppress(OSError):
                    path.unlink()
        if not self._top:
            return
        link = self.folder / f".{LATEST}.{os.getpid()}{TEMPORARY}"
        with suppress(OSError):  # for people: nothing reads it, and not all file systems have links
            link.symlink_to(latest)
            os.replace(link, self.folder / LATEST)


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return in what two mappings differ, by name."""
    told = []
    for name in dict.fromkeys((*there, *here)):
        one, other = there.get(name), here.get(name)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            told += _differences(one, other)
        else:
            told.append(f"{name} was {_short(one)} and is {_short(other)}")
    return told


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 24 else f"{text[:16].rstrip()}...{text[-1]}"


class KeptCheckpoints(KeptFiles):
    """What trainings of a home that are not finished have left, a folder each by the key of its fit.

    Parameters
    ----------
    home : Path
        The home's folder.
    """

    ending = ""

    def __init__(self, home: Path) -> None:
        super().__init__(home / FOLDER)

    def _is_sound(self, path: Path) -> bool:
        kept = Checkpoints(path, {})
        try:
            registry = kept.registry()
            return registry is not None and all(kept.read(entry) for entry in registry["checkpoints"])
        except IntegrityError:
            return False
        except StoreError:  # of a newer version
            return True

    def discard(self, path: Path) -> None:
        """Remove the folder of a training."""
        shutil.rmtree(path, ignore_errors=True)

    def every(self) -> list[tuple[float, Path, int]]:
        """Return when each training was at it last, its folder and its size."""
        found = []
        for path in self.folder.glob("*/"):
            with suppress(OSError):
                files = [one.lstat() for one in path.iterdir()]
                found.append((path.lstat().st_mtime, path, sum(one.st_size for one in files)))
        return found
