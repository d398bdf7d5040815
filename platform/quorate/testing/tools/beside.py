"""A process beside that knows nothing of this one: each question is asked of a copy of it, with another hash seed."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import IO, Any

# Loaded before the copies are made, where the asking process has them: what starts no thread when it is loaded.
_SHARED = {
    "scipy": "scipy.linalg",
    "sklearn": "sklearn.linear_model",
    "joblib": "joblib",
    "threadpoolctl": "threadpoolctl",
}
_CHILD = "from quorate.testing.tools.beside import serve; serve()"
SEED = "4242"


class Beside:
    """The process; it starts at once, in the background, and ends with this one."""

    def __init__(self) -> None:
        path = os.pathsep.join(os.path.abspath(p) for p in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": SEED, "PYTHONPATH": path},
        )

    def prepare(self, text: str) -> None:
        """Have it load what a plugin's text names, while others work."""
        assert self._process.stdin is not None
        names = [module for name, module in _SHARED.items() if name in text]
        pickle.dump(("", b"", names, "", {}), self._process.stdin)
        self._process.stdin.flush()

    def ask(self, function: str, sent: bytes) -> bytes:
        """Return what ``module:function`` makes of the bytes, in a copy of the process and an empty folder.

        Raises
        ------
        RuntimeError
            If it fails; it says the last line of what was printed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        libraries = [name for name in list(sys.modules) if name.split(".")[0] in _SHARED]
        with tempfile.TemporaryDirectory() as folder:  # another folder: what depends on it shows
            pickle.dump((function, sent, libraries, folder, dict(os.environ)), self._process.stdin)
            self._process.stdin.flush()
            code, out, err = pickle.load(self._process.stdout)
        if code:
            raise RuntimeError((err.decode(errors="replace").strip().splitlines() or [f"exit {code}"])[-1])
        answer: bytes = out
        return answer


@cache
def beside() -> Beside:
    """Return the one of this process; the first call starts it."""
    return Beside()


def serve() -> None:
    """Copy this process for every question until nobody asks any more."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get into the answer
    import_module("quorate.testing.tools.model_elsewhere")
    while True:
        try:
            function, sent, libraries, folder, environment = pickle.load(asked)
        except EOFError:
            return
        for name in libraries:
            with contextlib.suppress(Exception):
                import_module(name)
        if not function:
            continue
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                os.environ.update(environment, TMPDIR=folder)
                os._exit(_answer(_found(function), sent, folder, out, err))
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            out.seek(0)
            err.seek(0)
            pickle.dump((code, out.read(), err.read()), answers)
        answers.flush()


def _found(function: str) -> Callable[[bytes], Any]:
    module, _, name = function.partition(":")
    found: Callable[[bytes], Any] = getattr(import_module(module), name)
    return found


def _answer(function: Callable[[bytes], Any], sent: bytes, folder: str, out: IO[bytes], err: IO[bytes]) -> int:
    os.dup2(err.fileno(), 2)
    os.dup2(err.fileno(), 1)
    sys.stdout, sys.stderr = (os.fdopen(os.dup(2), "w", buffering=1) for _ in range(2))
    tempfile.tempdir = None
    os.chdir(folder)
    random.seed()
    sys.modules["numpy"].random.seed()
    try:
        pickle.dump(function(sent), out)
        out.flush()
    except BaseException as e:  # SystemExit, too
        print(f"{type(e).__name__}: {e}".splitlines()[0], file=sys.stderr)
        return 1
    return 0
