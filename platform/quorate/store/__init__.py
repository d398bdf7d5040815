"""The home: runs, bars and plugin sources on disk."""

from quorate.store.home import Home, Run

__all__ = ["Home", "Run"]
