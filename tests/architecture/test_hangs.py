"""A test that hangs, or takes its process down, is a failure with its name; all others run."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = """
import threading
import pytest

@pytest.fixture(scope="module")
def shared():
    return 1

@pytest.mark.parametrize("place", range(4))
def test_together(shared, place):
    if place == 1:
        threading.Event().wait()
"""
ALONE = """
import os
import pytest

@pytest.mark.parametrize("place", range(12))
def test_alone(place):
    if place in (3, 7, 11):
        os._exit(3)
"""


@pytest.mark.full
@pytest.mark.parametrize("workers", [1, 2])
def test_a_test_that_never_ends_is_named_with_its_stack_and_all_others_run(workers: int, tmp_path: Path) -> None:
    (tmp_path / "test_planted_hang.py").write_text(PLANTED)
    (tmp_path / "test_planted_exit.py").write_text(ALONE)
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {ROOT / 'tests'}\nfaulthandler_timeout = 5\nfaulthandler_exit_on_timeout = true\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "support.scheduling",
            "-n",
            str(workers),
            "--dist",
            "loadscope",
            tmp_path,
        ],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
    )
    assert "4 failed, 12 passed" in done.stdout, done.stdout
    assert "crashed while running 'test_planted_hang.py::test_together[1]'" in done.stdout
    assert "in test_together" in done.stderr  # where it stood


def test_these_tests_have_such_a_limit() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert 0 < options["faulthandler_timeout"] <= 600
    assert options["faulthandler_exit_on_timeout"]
