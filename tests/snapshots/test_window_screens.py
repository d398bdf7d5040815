"""The screens of the interactive window at three sizes, against files that a reviewer can read.

After a wanted change: ``UPDATE_SNAPSHOTS=1 pytest tests/snapshots``, and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quorate.store import Home
from support.window import Window, walk

HERE = Path(__file__).parent
# What is pressed, one screen after the other, and what is then looked at.
SCREENS = {
    "runs": ("end",),
    "what can be done": ("a",),
    "promote": ("escape", "P"),
    "tag": ("escape", "T"),
    "help": ("escape", "question_mark"),
    "a run": ("escape", "enter"),
    "equity": ("e", "left", "left"),
    "gates": ("g", "down", "down"),
    "trades": ("t", "s"),
    "an unfinished run": ("escape", "escape", "home", "down", "enter"),
    "compared": ("escape", "down", "space", "space", "c"),
    "sweeps": ("q", "2"),
    "trials": ("enter", "n", "enter", "down"),
    "ledger": ("3",),
    "commands": ("4",),
}


@pytest.mark.parametrize(
    "size",
    [(80, 24), *(pytest.param(size, marks=pytest.mark.full) for size in ((120, 40), (200, 60)))],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def test_screens(drawn: Home, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_HOME", str(drawn.path))
    screens: list[str] = []

    async def steps(window: Window) -> None:
        for name, keys in SCREENS.items():
            await window.press(*keys)
            await window.rest()
            lines = window.lines()
            assert max(map(len, lines)) <= size[0]
            assert len(lines) == size[1]
            screens.append("\n".join([f"=== {name} ".ljust(size[0], "="), *lines]).replace(str(drawn.path), "HOME"))

    walk(drawn, steps, size=size)
    text = "\n".join(screens) + "\n"
    path = HERE / f"window-{size[0]}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
