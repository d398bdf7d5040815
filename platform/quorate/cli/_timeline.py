"""What is said about where and when fits ran."""

from __future__ import annotations

import json
from pathlib import Path

from quorate.cli._base import print_json
from quorate.report import console
from quorate.report.timeline import chrome_trace, make_timeline
from quorate.report.timeline_view import render
from quorate.runs.log import read_log
from quorate.store import Home
from quorate.store.files import write_text


def show(run: str, chrome: Path | None, home: Path | None, as_json: bool) -> None:
    """Print a run's timeline; with a file, write its trace there instead."""
    runs = Home(home).runs()
    # The latest of all, finished or not.
    stored = runs[-1] if runs and run == "latest" else Home(home).find(run)
    timeline = make_timeline(stored.id, read_log(stored.path), running=stored.state == "running")
    if chrome is not None:
        write_text(chrome, json.dumps(chrome_trace(timeline)) + "\n")
    if as_json:
        print_json(timeline.to_plain())
    elif chrome is None:
        render(timeline, console.out())
    else:
        fits = console.plural(len(timeline.fits), "fit")
        print(f"{chrome}: {fits}; open it in chrome://tracing or https://ui.perfetto.dev")
