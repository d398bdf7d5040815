"""A stream of messages whose reader may go away: what nobody reads stops no work."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


class _Lasting(io.FileIO):
    """A file that takes what is written to it, even when it can be written no more."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # for what libraries in C and processes to come write there, too
            os.close(nowhere)
            return super().write(data)


def lasting(stream: TextIO) -> TextIO:
    """Return a stream of text in the place of this one, which goes on when nobody reads it any more."""
    raw = _Lasting(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors="backslashreplace", line_buffering=True
    )


def keep_messages(*names: str) -> None:
    """Have these streams of this process, ``stdout`` or ``stderr``, stop no work when their reader is gone."""
    for name in names:
        stream = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            setattr(sys, name, lasting(stream))
