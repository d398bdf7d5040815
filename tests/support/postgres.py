"""A PostgreSQL server of the tests' own: on loopback, in a folder that is gone afterwards, and never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USERS = ("postgres", "nobody")  # of whom one runs it, where the tests run as root


def programs() -> Path | None:
    """Return the folder of the newest server that is installed, if there is one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    beside = shutil.which("postgres")
    return Path(beside).resolve().parent if beside else None


@contextmanager
def needed(password: str) -> Iterator[str]:
    """Yield what `server` does; where none is installed the test is skipped, or fails if one must be."""
    if programs() is None:
        if os.environ.get("QUORATE_REQUIRE_POSTGRESQL"):
            pytest.fail("PostgreSQL is not installed, and QUORATE_REQUIRE_POSTGRESQL is set")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    pytest.importorskip("psycopg")
    with server(password) as where:
        yield where


@contextmanager
def server(password: str) -> Iterator[str]:
    """Yield ``HOST:PORT`` of a server whose user ``quorate`` has this password and a database of that name."""
    where = programs()
    assert where is not None
    folder = Path(tempfile.mkdtemp(prefix="quorate-postgres-"))
    command: list[str] = []
    if os.geteuid() == 0:
        user = next(name for name in USERS if _there(name))
        command = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"]
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    (folder / "password").write_text(password)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "password").chmod(0o644)
    data = folder / "data"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [*command, where / "initdb", "-D", data, "-U", "quorate", "-A", "scram-sha-256", "-N",
         f"--pwfile={folder / 'password'}"], **quiet,
    )  # fmt: skip
    log = open(folder / "log", "wb")  # noqa: SIM115
    process = subprocess.Popen(
        [*command, where / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder,
         "-c", "fsync=off"], stdout=log, stderr=log, cwd=folder,
    )  # fmt: skip
    try:
        _wait(where, port, password, process)
        env = {**os.environ, "PGPASSWORD": password}
        make = [where / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "quorate", "quorate"]
        subprocess.run(make, env=env, **quiet)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(where: Path, port: int, password: str, process: subprocess.Popen[bytes]) -> None:
    ready = [where / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(300):
        if subprocess.run(ready, check=False).returncode == 0:
            return
        assert process.poll() is None, "the server has ended"
        time.sleep(0.1)
    raise AssertionError("the server is not ready")


def _there(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
