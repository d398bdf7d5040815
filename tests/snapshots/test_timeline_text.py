"""The timeline of a fixed log, at four widths, against files that a reviewer can read.

After a wanted change: ``UPDATE_SNAPSHOTS=1 pytest tests/snapshots``, and read the difference. The log is
written by ``timeline_log.py``.
"""

import io
import os
import shutil
from pathlib import Path

import pytest

from quorate.report import console
from quorate.report.timeline import make_timeline
from quorate.report.views.timeline import render
from quorate.store.log import LOG, read_log

HERE = Path(__file__).parent


class Ascii(io.StringIO):
    encoding = "ascii"


@pytest.mark.parametrize("width", [46, 80, 124])
def test_timeline(width, tmp_path):
    shutil.copy(HERE / "timeline.jsonl", tmp_path / LOG)
    target = console.Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    render(make_timeline("20260101T093320-nightly-6f1a", read_log(tmp_path)), target)
    lines = [line.rstrip() for line in target.file.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    text = "\n".join(lines) + "\n"
    path = HERE / f"timeline-{width}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 60, 200])
def test_timeline_fits_any_width_and_needs_no_more_than_ascii(width, tmp_path):
    shutil.copy(HERE / "timeline.jsonl", tmp_path / LOG)
    target = console.Console(file=Ascii(), width=width, highlight=False, color_system=None)
    render(make_timeline("20260101T093320-nightly-6f1a", read_log(tmp_path)), target)
    lines = target.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    gantt = [line for line in lines if line.startswith("4102 ") or ":4102 " in line]
    assert len(gantt) == 1
    assert "#" * 8 in target.file.getvalue()
