"""The home: runs, bars and plugin sources on disk."""

from quorate.store.home import Home
from quorate.store.run import Run

__all__ = ["Home", "Run"]
