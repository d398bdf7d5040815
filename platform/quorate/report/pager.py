"""Output that is longer than the terminal is read through a pager, as `git` does it."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from quorate.report import console

DEFAULT = "less"
LESS = "FRX"  # ends where all fits, keeps colours, leaves the text on the screen
NO_SUCH = 127  # how a shell says that there is no such program


@contextmanager
def paged() -> Iterator[None]:
    """Hand what is printed within to ``$PAGER`` (``less``), if people read it and it is longer than the terminal.

    ``PAGER=cat``, or an empty one, does without.
    """
    real, command = console.out(), os.environ.get("PAGER", DEFAULT)
    if not (sys.stdout.isatty() and sys.stdin.isatty()) or not command.strip() or real.is_dumb_terminal:
        yield
        return
    kept = io.BytesIO()
    file = io.TextIOWrapper(kept, encoding=real.encoding, errors="replace")
    with console.instead(console.Console(file=file, width=real.width, force_terminal=True, highlight=False)):
        yield
    file.flush()
    text = kept.getvalue()
    if text.count(b"\n") < real.height or not _through(command, text):
        sys.stdout.buffer.write(text)


def _through(command: str, text: bytes) -> bool:
    """Whether a pager took the text; people may leave it before its end."""
    surroundings = {**os.environ, "LESS": os.environ.get("LESS", LESS)}
    try:
        process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, env=surroundings)
    except (OSError, ValueError):
        return False
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(text)
        process.stdin.close()
    while process.poll() is None:
        with suppress(KeyboardInterrupt):  # it is the pager's
            process.wait()
    return process.returncode != NO_SUCH
