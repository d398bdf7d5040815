"""Calling commands in this process, and looking at how they fail."""

from __future__ import annotations

from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from quorate.cli._app import app


def call(*arguments: Any) -> Result:
    """Call a command."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def message_of(result: Result, code: int) -> str:
    """Return what a failed command said, after checking how it said it."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)
    return result.stderr[result.stderr.index("error: ") :]
