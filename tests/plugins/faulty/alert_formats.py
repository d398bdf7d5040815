"""Caught by: alert delivers

It takes the text for a format, and fails on one that has braces.
"""

from pathlib import Path

import quorate


def note(alert, path="notes.txt"):
    with Path(path).open("a", encoding="utf-8") as file:
        file.write((alert.subject + "\n" + alert.text + "\n").format(time=alert.time))


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-formats", note)
