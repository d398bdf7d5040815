"""The command line."""

from quorate.cli._app import main

__all__ = ["main"]
