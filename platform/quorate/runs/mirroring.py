"""Telling a tracking server what was stored: which one, the environment says, and it changes nothing.

What sends stands in a room above, `quorate.serving`, and is looked up by its name: nothing here knows it.
"""

from __future__ import annotations

import os
from importlib import import_module

from quorate.errors import QuorateError, reason_of
from quorate.execution.progress import Progress
from quorate.store import Home

MIRRORS = {"MLFLOW_TRACKING_URI": "quorate.serving.mlflow_mirror"}  # by variable: the module with `mirror`


def mirrored(home: Home, run: str, progress: Progress) -> None:
    """Send a run or sweep, its versions and their stages, to where the environment says; nothing is raised."""
    for variable, module in MIRRORS.items():
        if not os.environ.get(variable):
            continue
        remedy = f"quorate mlflow sync {run}{home.option} sends what is missing"
        try:
            import_module(module).mirror(home, run)
        except KeyboardInterrupt:
            progress.warn(f"mirroring {run} was interrupted: {remedy}")
        except Exception as e:  # whatever it is, the run has its result
            told = str(e) if isinstance(e, QuorateError) else reason_of(e)
            progress.warn(f"{run} is not mirrored: {told}; {remedy}")
