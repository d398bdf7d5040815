"""What is done again and again: what is installed, what would be, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import visible
from quorate.report import console

NARROW = 80  # columns below which some are left out


def render_list(found: Mapping[str, Any]) -> None:
    """Print what is installed, and which presets there are."""
    target, rows = console.out(), found["installed"]
    if rows:
        target.print(console.listing(_columns(), [rows], target.width))
    else:
        print("nothing is scheduled in this home")
    for name, preset in found["presets"].items():
        target.print(f"{name}: {preset['does']}; {preset['at']}", markup=False)
    print("quorate schedule show PRESET RECIPE shows what would be installed")


def _columns() -> list[console.Column]:
    def last(row: Mapping[str, Any]) -> str:
        done = row["last"]
        return f"{_minute(done['began'])}, exit {done['exit']}: {done['told']}" if done else "-"

    return [
        ("what", "left", 0, lambda row: f"{row['preset']} {row['recipe'].rpartition('/')[2]}"),
        ("at", "left", 0, lambda row: f"{row['at']} {row['zone']}".strip()),
        ("next, UTC", "left", 0, lambda row: _minute(row["next"]) + (" MISSED" if row["missed"] else "")),
        ("by", "left", NARROW, lambda row: row["by"]),
        ("last", "left", NARROW, last),
    ]


def render_shown(found: Mapping[str, Any]) -> None:
    """Print what would be installed, and when it would be done."""
    for path, text in found["texts"].items():
        print(visible(path if path != "crontab" else "crontab -e, a line:"))
        print("\n".join(visible(line) for line in text.splitlines()))
        print()
    print("next:")
    for one in found["next"]:
        print(f"  {one}")
    if found["left_out"]:
        print(
            f"on {found['left_out']} the clock leaves this time out, and so is the run: another --at is done each time"
        )
    if found["promote"]:
        print("each time opens the holdout again, which its gates take into account: the more often, the less they see")
    if found["by"] == "systemd":
        print("for times at which you are not logged in: loginctl enable-linger")


def render_done(found: Mapping[str, Any]) -> None:
    """Print what became of something scheduled."""
    print(visible(f"{found['what']}: {found['told']}"))
    if found["registered"]:
        print(visible(f"registered as {found['registered']}"))
    if found["run"]:
        print(visible(f"quorate report {found['run']}"))


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
