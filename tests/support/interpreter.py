"""A fresh interpreter without its second of imports: one that has imported numbers is copied for every call.

The copy knows nothing of the tests: it has another hash seed, another folder, another environment, and no plugin.
"""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

PRELOADED = ("quorate.testing.tools.model_elsewhere", "sklearn.pipeline", "sklearn.linear_model")


class Warm:
    """Stands for `subprocess.run` of ``[sys.executable, "-P", "-c", code]`` with bytes and captured output."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from support.interpreter import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": path},
        )

    def run(
        self,
        command: Sequence[str],
        *,
        input: bytes,
        cwd: str,
        env: Mapping[str, str],
        capture_output: bool = True,
        check: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the code in a copy."""
        assert list(command[:3]) == [sys.executable, "-P", "-c"]
        assert env["PYTHONHASHSEED"] == "4242", "the copy has this seed and no other"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((command[3], input, cwd, dict(env)), self._process.stdin)
        self._process.stdin.flush()
        code, out, err = pickle.load(self._process.stdout)
        return subprocess.CompletedProcess(command, code, out, err)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve() -> None:
    """Copy this process for every call until nobody asks any more."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for name in PRELOADED:
        __import__(name)
    while True:
        try:
            call = pickle.load(asked)
        except EOFError:
            return
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(call[1])
            given.seek(0)
            pid = os.fork()
            if pid == 0:
                os._exit(_in_a_copy(call, given, out, err))
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            out.seek(0)
            err.seek(0)
            pickle.dump((code, out.read(), err.read()), answers)
        answers.flush()


def _in_a_copy(call: Any, given: BinaryIO, out: BinaryIO, err: BinaryIO) -> int:
    """Be the interpreter that was asked for, and return how it exits."""
    code, _, folder, environment = call
    for number, file in enumerate((given, out, err)):
        os.dup2(file.fileno(), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = ["", *environment["PYTHONPATH"].split(os.pathsep)]
    tempfile.tempdir = None
    random.seed()
    sys.modules["numpy"].random.seed()
    status = 0
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else int(e.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status
