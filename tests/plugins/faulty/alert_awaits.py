"""Caught by: alert signature

It is a coroutine, which nobody awaits.
"""

from pathlib import Path

import quorate


async def note(alert, path="notes.txt"):
    Path(path).write_text(alert.text, encoding="utf-8")


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-awaits", note)
