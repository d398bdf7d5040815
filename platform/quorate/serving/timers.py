"""What starts a schedule at its times: a timer of the user's systemd, or a line of the user's crontab.

A timer catches up once what it missed (``Persistent=true``). Cron does not: so its line runs each hour, and does what
is due by the note in the home, see `quorate.store.schedules`.
"""

from __future__ import annotations

import datetime as dt
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from quorate.errors import StoreError
from quorate.serving.schedules import Schedule
from quorate.serving.times import At
from quorate.store import Home, schedules
from quorate.store.files import write_text

SYSTEMD, CRON = "systemd", "cron"
SECONDS = 30.0  # that systemd or cron may take to answer
_SERVICE = """[Unit]
Description=Quorate: {what}

[Service]
Type=oneshot
WorkingDirectory={folder}
EnvironmentFile=-%h/.config/quorate/environment
ExecStart={command}
# Not promoted (10), too little to judge (11): no fault of the unit. That another is at it (75) is tried again.
SuccessExitStatus=10 11
Restart=on-failure
RestartPreventExitStatus=1 2 130
RestartSec=10min
"""
_TIMER = """[Unit]
Description=Quorate: {what}, {at}

[Timer]
OnCalendar={calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""


class Timer(NamedTuple):
    """What is written to have a schedule started.

    Parameters
    ----------
    kind : {"systemd", "cron"}
        By what.
    texts : dict of str to str
        Of systemd, the files by their paths; of cron, the line under ``crontab``.
    """

    kind: str
    texts: dict[str, str]


def timer_of(schedule: Schedule, home: Home, kind: str, folder: Path | None = None) -> Timer:
    """Return what starts a schedule.

    Parameters
    ----------
    kind : {"systemd", "cron"}
        By what.
    folder : Path, optional
        Where its recipe's own paths begin; default: the current folder.
    """
    key, at = f"quorate-{schedule.key(home.path)}", At.parse(schedule.at, schedule.zone)
    begin = (folder or Path.cwd()).absolute()
    words = [sys.executable, "-m", "quorate", "schedule", "run", schedule.preset, schedule.recipe, *schedule.options]
    words += ["--home", str(home.path)]
    if kind == CRON:
        command = shlex.join([*words, "--due"])
        [first] = schedule.times(dt.datetime.now(dt.UTC), 1)
        minute = first.astimezone().minute  # of this machine's clock, whatever the zone
        line = f"{minute} * * * * cd {shlex.quote(str(begin))} && {command} # {key}"
        return Timer(CRON, {"crontab": line.replace("%", r"\%")})
    command = " ".join(map(_quoted, words))
    service = _SERVICE.format(what=_plain(schedule.what), folder=_plain(str(begin)), command=command)
    timer = _TIMER.format(what=_plain(schedule.what), at=schedule.at, calendar=at.on_calendar)
    units = _units()
    return Timer(SYSTEMD, {str(units / f"{key}.service"): service, str(units / f"{key}.timer"): timer})


def kind_here() -> str | None:
    """Return what this machine has to start schedules by; None, if it has neither."""
    if shutil.which("systemctl") and _called(["systemctl", "--user", "show-environment"]).returncode == 0:
        return SYSTEMD
    return CRON if shutil.which("crontab") else None


def install(schedule: Schedule, home: Home, kind: str) -> Timer:
    """Have a schedule started at its times from now on, in place of what was installed for it before.

    Raises
    ------
    StoreError
        If systemd or cron does not take it; nothing is installed then.
    """
    timer, key = timer_of(schedule, home, kind), schedule.key(home.path)
    before = schedules.find(home.path, key)
    if before is not None and before["by"] != kind:
        remove(schedule, home)
    home.claim()
    now = dt.datetime.now(dt.UTC)
    note = {**schedule.to_dict(), "by": kind, "next": schedule.next(now)}
    if kind == CRON:
        _change_crontab(f"# quorate-{key}", timer.texts["crontab"])
    else:
        for path, text in timer.texts.items():
            write_text(Path(path), text)
        _must(["systemctl", "--user", "daemon-reload"])
        _must(["systemctl", "--user", "enable", "--now", f"quorate-{key}.timer"])
    schedules.keep(home.path, key, {**note, "installed": now.isoformat(timespec="seconds")})
    return timer


def remove(schedule: Schedule, home: Home) -> bool:
    """Have a schedule started no more; say whether it was installed. What it has done stays.

    Raises
    ------
    StoreError
        If systemd or cron does not take it.
    """
    key = schedule.key(home.path)
    note = schedules.find(home.path, key)
    if note is None:
        return False
    if note["by"] == CRON:
        _change_crontab(f"# quorate-{key}", None)
    else:
        units = [_units() / f"quorate-{key}.{end}" for end in ("timer", "service")]
        if units[0].exists():
            _must(["systemctl", "--user", "disable", "--now", units[0].name])
        for path in units:
            path.unlink(missing_ok=True)
        _must(["systemctl", "--user", "daemon-reload"])
    return schedules.remove(home.path, key)


def _change_crontab(mark: str, line: str | None) -> None:
    """Put a line into the user's crontab, in place of the one with the same mark; all other lines stay."""
    found = _called(["crontab", "-l"])
    if found.returncode and "no crontab" not in found.stderr:
        raise StoreError(f"crontab -l failed, so nothing was changed: {found.stderr.strip()}")
    lines = [one for one in found.stdout.splitlines() if not one.endswith(mark)] if not found.returncode else []
    text = "".join(f"{one}\n" for one in (*lines, *([line] if line else [])))
    _must(["crontab", "-"], text)


def _must(words: list[str], text: str | None = None) -> None:
    done = _called(words, text)
    if done.returncode:
        raise StoreError(f"{shlex.join(words)} failed: {(done.stderr or done.stdout).strip()}")


def _called(words: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, input=text or "", capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return subprocess.CompletedProcess(words, 1, "", str(e))


def _units() -> Path:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(given) if given and Path(given).is_absolute() else Path.home() / ".config"
    return config / "systemd" / "user"


def _quoted(word: str) -> str:
    """Return a word of a command as systemd reads it."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return _plain(f'"{text}"' if text != word or any(sign in text for sign in " ';\t") else text)


def _plain(text: str) -> str:
    """Return text in which systemd finds nothing to fill in."""
    return text.replace("%", "%%").replace("\n", " ")
