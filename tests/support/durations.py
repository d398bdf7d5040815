"""Which tests take longer than their folder allows: told at the end, never a failure, since machines differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

LIMITS = {"tests/unit/": 1.0, "tests/end_to_end/": 30.0}
ELSEWHERE = 5.0
FULL = 30.0


def _limit(report: pytest.TestReport) -> float:
    if "full" in report.keywords:
        return FULL
    return next((seconds for folder, seconds in LIMITS.items() if report.nodeid.startswith(folder)), ELSEWHERE)


def _slow(reports: list[pytest.TestReport]) -> Iterator[tuple[float, float, str]]:
    took: dict[str, float] = defaultdict(float)
    allowed: dict[str, float] = {}
    for report in reports:
        if report.when == "call":  # what fixtures set up is shared
            took[report.nodeid] += report.duration
            allowed[report.nodeid] = _limit(report)
    for name, seconds in took.items():
        if seconds > allowed[name]:
            yield seconds, allowed[name], name


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List them, the slowest first."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, []) if hasattr(r, "when")]
    slow = sorted(_slow(reports), reverse=True)
    if slow:
        terminalreporter.section(f"{len(slow)} tests took longer than their folder allows")
        for seconds, allowed, name in slow:
            terminalreporter.line(f"{seconds:6.1f} s of {allowed:g}  {name}")
