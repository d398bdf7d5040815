"""What was looked at, how it is, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "mend"]
GIB = 1 << 30


@dataclass(frozen=True)
class Finding:
    """Something that was looked at.

    Parameters
    ----------
    topic : str
        ``machine``, ``versions``, ``extras``, ``home``, ``recipe`` or ``scale``.
    what : str
        What was looked at.
    state : {"ok", "note", "mend"}
        Whether it is as it should be, is worth knowing, or is to be mended.
    told : str
        How it is, with its figure.
    remedy : str
        What mends or betters it: a command, or what to do.
    run : str
        The run that a figure is of, for advice.
    """

    topic: str
    what: str
    state: State
    told: str
    remedy: str = ""
    run: str = ""


def gib(size: float) -> str:
    """Return bytes as GiB."""
    return f"{size / GIB:.1f} GiB"
