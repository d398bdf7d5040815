"""Tests of a file that sets something up for all of them go to one worker; all others go where there is time."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[2]
# Ray wants the cores for itself: no more than two at a time, one of them a cluster.
CLUSTERS = re.compile("test_own_cluster|test_ray_cluster")
RAY = re.compile(r"(?i)(?<![a-z])ray(?![a-z])|test_kills|test_executors")
# They take some half a minute each, or more.
LONG = re.compile(r"test_resume|test_shared_study|test_examples|test_memory|test_kit|-(gp|gru|tabm|random-forest)\]")


class BySharedFiles(LoadScopeScheduling):
    """Groups by file where fixtures are shared."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if CLUSTERS.search(nodeid):
            return "clusters"
        if RAY.search(nodeid):
            return "ray"
        return file if shares(file) else nodeid


@cache
def shares(file: str) -> bool:
    """Whether a file of tests has fixtures for the whole of it."""
    return 'scope="module"' in (ROOT / file).read_text(encoding="utf-8")


def place(item: pytest.Item) -> int:
    """Return when a test begins: what takes longest first, so that no worker is left alone with it at the end."""
    if CLUSTERS.search(item.nodeid) or RAY.search(item.nodeid):
        return 0
    return 1 if LONG.search(item.nodeid) else 2 if shares(item.nodeid.partition("::")[0]) else 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put them in this order, where several workers take them."""
    if hasattr(config, "workerinput"):
        items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """In place of ``--dist loadscope``."""
    config.option.loadscopereorder = False
    return BySharedFiles(config, log) if config.getvalue("dist") == "loadscope" else None
