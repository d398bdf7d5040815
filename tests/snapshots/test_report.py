"""The terminal report of a stored document, at four widths, against files that a reviewer can read.

After a wanted change: ``UPDATE_SNAPSHOTS=1 pytest tests/snapshots``, and read the difference.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from quorate.report import console
from quorate.report.report import Report
from quorate.report.sections import NAMES
from quorate.report.terminal import render

HERE = Path(__file__).parent


@pytest.mark.parametrize("width", [46, 60, 80, 124])
def test_report(width: int) -> None:
    report = Report(json.loads((HERE / "report.json").read_text(encoding="utf-8")))
    target = console.Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    render(report, target, NAMES)
    lines = [line.rstrip() for line in target.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= width
    text = "\n".join(lines) + "\n"
    path = HERE / f"report-{width}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
