"""Where fits run. Nothing above this package knows which executor it has."""

from quorate.execution._base import Executor, Limits, Remote
from quorate.execution._choose import make_executor
from quorate.execution._queue import Queue

__all__ = ["Executor", "Limits", "Queue", "Remote", "make_executor"]
