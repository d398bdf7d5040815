"""Tests of a file that sets something up for all of them go to one worker; all others go where there is time."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
# Ray wants the cores for itself.
RAY = re.compile(r"(?i)(?<![a-z])ray(?![a-z])|test_own_cluster|test_kills|test_executors")


class BySharedFiles(LoadScopeScheduling):
    """Groups by file where fixtures are shared; the largest groups begin first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if RAY.search(nodeid):
            return "ray"
        return file if shares(file) else nodeid


@cache
def shares(file: str) -> bool:
    """Whether a file of tests has fixtures for the whole of it."""
    return 'scope="module"' in (ROOT / file).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """In place of ``--dist loadscope``."""
    return BySharedFiles(config, log) if config.getvalue("dist") == "loadscope" else None
