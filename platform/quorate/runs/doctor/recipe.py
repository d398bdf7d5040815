"""Whether a recipe can be run here: its plugins, and what it asks of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from quorate.errors import QuorateError, plural
from quorate.execution import resources
from quorate.execution.progress import Progress
from quorate.runs.doctor.finding import GIB, Finding, gib
from quorate.runs.session import open_session
from quorate.store import Home

Asked = partial(Finding, "recipe")


class _Hearing(Progress):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.heard.append(message)


def recipe_findings(recipe: str | Path, home: Home | None) -> Iterator[Finding]:
    """Look at a recipe: whether all that it names is here, and whether this machine has what it asks for."""
    hearing = _Hearing()
    try:
        session = open_session(recipe, home=home.path if home else None, progress=hearing)
    except QuorateError as e:
        yield Asked(str(recipe), "mend", str(e), "mend that in the recipe, or install what it needs")
        return
    wanted, models = session.recipe.execution, session.recipe.models
    yield Asked(session.recipe.name, "ok", f"it can be read, and {plural(len(models), 'model')} can be made")
    for message in hearing.heard:
        yield Asked(session.recipe.name, "note", message)
    cpus, memory = resources.cpu_count(), resources.total_memory()
    if wanted.workers > cpus and not wanted.address:
        told = f"execution.workers is {wanted.workers}, and {plural(cpus, 'processor')} may be used"
        yield Asked("workers", "note", told, "--set execution.workers=0")
    least = wanted.fit_memory * GIB * (wanted.workers or cpus)
    if memory and least > memory and not wanted.address:
        told = f"execution.fit_memory times workers is {gib(least)}, and there are {gib(memory)}"
        fewer = max(int(memory / (wanted.fit_memory * GIB)), 1)
        yield Asked("memory", "mend", told, f"--set execution.workers={fewer}")
    for name, model in models.items():
        if model and model.options.get("device") == "cuda" and not resources.gpu_count() and not wanted.address:
            told = f"models.{name}.device is cuda, and there is no GPU: the CPU fits"
            yield Asked("gpu", "note", told, f"--set 'models.{name}.device=\"cpu\"'")
