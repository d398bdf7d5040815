"""The command line."""

from quorate.cli._app import entry, main

__all__ = ["entry", "main"]
