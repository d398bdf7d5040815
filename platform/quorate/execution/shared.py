"""One copy of an object's arrays in memory, for all processes of this machine."""

from __future__ import annotations

import mmap
import os
import pickle
import secrets
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

ALIGNMENT = 64  # bytes; as NumPy's own memory at best, and as Ray's: so that the same instructions run everywhere


class Shared:
    """An object whose arrays lie in memory that other processes map instead of copying.

    It is pickled as a path, and what it refers to lives as long as it is not closed here.
    """

    def __init__(self, value: Any) -> None:
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        if hasattr(os, "memfd_create"):  # nothing stays behind, however this process ends
            descriptor = os.memfd_create("quorate")
            path = f"/proc/{os.getpid()}/fd/{descriptor}"
        else:
            descriptor, path = tempfile.mkstemp(prefix="quorate-")
        self._file = os.fdopen(descriptor, "wb")
        spans: list[tuple[int, int]] = []
        position = 0
        for buffer in buffers:
            raw = buffer.raw()
            spans.append((position, raw.nbytes))
            self._file.seek(position)
            self._file.write(raw)
            position = -(-(position + raw.nbytes) // ALIGNMENT) * ALIGNMENT
        index = pickle.dumps((head, spans), protocol=5)
        self._file.seek(position)
        self._file.write(index)
        self._file.flush()
        self._handle = Handle(path, position, len(index), secrets.token_hex(8))

    def close(self) -> None:
        """Forget it; processes that have mapped it keep it until they end."""
        self._file.close()
        if not self._handle.path.startswith("/proc/"):
            Path(self._handle.path).unlink(missing_ok=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return Handle, tuple(vars(self._handle).values())


@dataclass(frozen=True)
class Handle:
    """What arrives in another process: where the index begins, how long it is, and a word that no other has."""

    path: str
    start: int
    size: int
    token: str

    @property
    def value(self) -> Any:
        """The object; its arrays can be read only."""
        return _open(self)


@lru_cache(maxsize=1)
def _open(handle: Handle) -> Any:
    with open(handle.path, "rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    head, spans = pickle.loads(view[handle.start : handle.start + handle.size])
    return pickle.loads(head, buffers=[view[start : start + size] for start, size in spans])
