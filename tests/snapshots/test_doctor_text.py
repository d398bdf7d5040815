"""What the doctor shows of fixed findings, at two widths, against files that a reviewer can read.

After a wanted change: ``UPDATE_SNAPSHOTS=1 pytest tests/snapshots``, and read the difference.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from quorate.report import console
from quorate.report.views.doctor import render

HERE = Path(__file__).parent


@pytest.mark.parametrize("width", [60, 100])
def test_doctor(width, capsys):
    target = console.Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    with console.instead(target):
        render(json.loads((HERE / "doctor.json").read_text(encoding="utf-8")))
    told = target.file.getvalue() + capsys.readouterr().out
    lines = [line.rstrip() for line in told.splitlines()]
    assert max(map(len, lines)) <= width
    text = "\n".join(lines) + "\n"
    path = HERE / f"doctor-{width}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
