"""Where fits run. Nothing above this package knows which executor it has."""

from quorate.execution._base import Executor, Serial, cpu_count, make_executor

__all__ = ["Executor", "Serial", "cpu_count", "make_executor"]
