"""The command that serves assistants by the Model Context Protocol."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, trusting
from quorate.errors import QuorateError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(mcp)


@command
def mcp(
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="run|audit|promote", help="Also allow this; may be given again. Without it nothing is written."
        ),
    ] = None,
    trust: options.Trust = False,
    home: options.Home = None,
) -> None:
    """Serve an assistant by the Model Context Protocol, on the standard input and output; read-only unless told."""
    try:
        from quorate.serving.mcp_server import allowed_of, serve
    except ModuleNotFoundError as e:
        if (e.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise QuorateError("quorate mcp needs the package mcp: pip install 'quorate[mcp]'") from None
    allowed = allowed_of(allow or [])
    trusting(home, trust)
    if sys.stdin.isatty():
        print("waiting for a client on the standard input; docs/mcp.md has its configuration", file=sys.stderr)
    serve(home, allowed)
