"""Values of features by their content, so that a second run over the same bars does not compute them again.

One file per feature and panel, written at once, with a checksum at its end: a damaged one is computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quorate import rolling
from quorate.bars.panel import Bars
from quorate.execution.fit import NUMERICS
from quorate.execution.key import OWN, given_options, name_of, version
from quorate.execution.machine import machine
from quorate.plugins.code import code_digest, version_of
from quorate.plugins.specs import FeatureSpec
from quorate.store.files import TEMPORARY

Values = NDArray[np.float32]
_CHECKSUM = 32  # bytes at the end of a file


class FeatureCache:
    """The features that a home keeps.

    A key covers the bytes of the bars, the feature's name, code, options and inputs, the versions of NumPy, SciPy,
    Python and the libraries that it names, the kind of processor, and `NUMERICS`. What was given in Python and has
    no file is not kept.

    Parameters
    ----------
    folder : Path
        Where the files are, or will be.
    write : bool
        Else it is only read.
    """

    def __init__(self, folder: Path, write: bool = True) -> None:
        self.folder, self._write = folder, write
        self._keys: dict[tuple[int, str], tuple[FeatureSpec, str]] = {}

    def values(self, spec: FeatureSpec, bars: Bars, compute: Callable[[], Values]) -> Values:
        """Return what a feature is on these bars, (n_bars, n_symbols): as it was kept, or computed and kept."""
        key = self._key(spec, bars)
        found = self._read(key, bars.close.shape) if key else None
        if found is not None:
            return found
        values = compute()
        if key:
            self._keep(key, np.ascontiguousarray(values).tobytes())
        return values

    def audited(self, specs: Sequence[FeatureSpec], bars: Bars, at: Sequence[int]) -> bool:
        """Say whether these features were found to be the same with these bars cut off at these positions."""
        key = self._audit_key(specs, bars, at)
        return bool(key) and self._path(key).exists()

    def note_audited(self, specs: Sequence[FeatureSpec], bars: Bars, at: Sequence[int]) -> None:
        """Note that they were."""
        if key := self._audit_key(specs, bars, at):
            self._keep(key, b"")

    def _key(self, spec: FeatureSpec, bars: Bars) -> str:
        place = id(spec), bars.fingerprint
        if place not in self._keys:
            self._keys[place] = spec, _key_of(spec, bars)  # held, so that no other gets its id
        return self._keys[place][1]

    def _audit_key(self, specs: Iterable[FeatureSpec], bars: Bars, at: Sequence[int]) -> str:
        keys = [self._key(spec, bars) for spec in specs]
        return hashlib.sha256(json.dumps(["audit-1", keys, list(at)]).encode()).hexdigest() if all(keys) else ""

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.bin"

    def _read(self, key: str, shape: tuple[int, ...]) -> Values | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        data = content[:-_CHECKSUM]
        if len(data) != 4 * shape[0] * shape[1] or _checksum(key, data) != content[-_CHECKSUM:]:
            return None
        with suppress(OSError):  # when it was last used; another process may have removed it
            os.utime(path)
        return np.frombuffer(data, dtype=np.float32).reshape(shape)

    def _keep(self, key: str, data: bytes) -> None:
        """Write a file; where that cannot be done, nothing is kept."""
        if not self._write:
            return
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self._path(key)
            unfinished = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
            try:
                unfinished.write_bytes(data + _checksum(key, data))
                os.replace(unfinished, path)  # not synced: what a power loss tears is computed again
            finally:
                unfinished.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for _, _, size in self._files())

    def __len__(self) -> int:
        """Return how many files there are."""
        return len(self._files())

    def prune(self, older_than: float | None = None, max_size: int | None = None) -> int:
        """Remove what was not used for `older_than` seconds, then the longest unused; return how many files."""
        removed, kept, now = 0, 0, time.time()
        for used, path, size in sorted(self._files(), reverse=True):
            if (older_than is not None and now - used > older_than) or (
                max_size is not None and kept + size > max_size
            ):
                path.unlink(missing_ok=True)
                removed += 1
            else:
                kept += size
        return removed

    def verify(self) -> tuple[int, int]:
        """Check every file; return how many there are, and how many were damaged, which are removed."""
        files, damaged = self._files(), 0
        for _, path, _ in files:
            content = path.read_bytes()
            if _checksum(path.stem, content[:-_CHECKSUM]) != content[-_CHECKSUM:]:
                path.unlink(missing_ok=True)
                damaged += 1
        return len(files), damaged

    def _files(self) -> list[tuple[float, Path, int]]:
        """Return when each file was used, its path and its size."""
        found = []
        for path in self.folder.glob("*.bin"):
            with suppress(OSError):
                told = path.lstat()
                found.append((told.st_mtime, path, told.st_size))
        return found


def _key_of(spec: FeatureSpec, bars: Bars) -> str:
    """Return the hash of all that a feature's values depend on; nothing, where its code cannot be told."""
    where = spec.provider
    if where is None or where.inline is not None:
        return ""
    function = spec.resolve()
    facts = [
        "feature-1",
        NUMERICS,
        spec.name,
        name_of(function),
        code_digest(function, where.module, where.local),
        None if where.distribution == OWN else where.version,
        _windows(),
        given_options(function, spec.params),
        spec.inputs,
        spec.lookback,
        spec.cross_sectional,
        version_of(function),
        {need: version(need) for need in (*spec.requires, "numpy", "scipy")},
        sys.version_info[:2],
        machine(),
        bars.fingerprint,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


@cache
def _windows() -> str:
    """Return the hash of the moving windows that features are built of."""
    return hashlib.sha256(Path(rolling.__file__).read_bytes()).hexdigest()


def _checksum(key: str, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_CHECKSUM, key=key.encode()[:64]).digest()
