"""Nothing of whoever starts the tests: another HOME, no variables of theirs, an interrupt that is heard."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading

MINE = (
    "QUORATE_",
    "RAY_",
    "MLFLOW_",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "XDG_",
    "PYTEST_ADDOPTS",
)


def leave_the_user_alone() -> str:
    """Clear the variables that would be heard, and set a HOME that is thrown away; return it."""
    for name in list(os.environ):
        if name.startswith(MINE):
            del os.environ[name]
    # Hundreds of processes are started: not each of them shall compile all modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Ray warns of a HOME beyond some length: sockets lie below it.
    home = tempfile.mkdtemp(prefix="qh-")
    os.environ["HOME"] = home
    return home


def hear_interrupts() -> None:
    """Undo what a shell does to what it starts in the background: processes started here hear SIGINT again."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def throw_away(home: str) -> None:
    """Remove that HOME."""
    shutil.rmtree(home, ignore_errors=True)
