"""Looking at everything, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, QuorateError, reason_of
from quorate.execution.machine import libraries
from quorate.runs.doctor.advice import advice
from quorate.runs.doctor.finding import Finding
from quorate.runs.doctor.home import Looked, parts_of
from quorate.runs.doctor.machine import machine
from quorate.runs.doctor.recipe import recipe_findings
from quorate.runs.doctor.versions import extras, versions
from quorate.store import Home


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Parameters
    ----------
    home : str
        Which home was looked at.
    findings : tuple of Finding
        By topic, in the order in which things were looked at.
    """

    home: str
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is to be mended."""
        return all(finding.state != "mend" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        told = [asdict(finding) for finding in self.findings]
        return {"sound": self.sound, "home": self.home, "versions": libraries(), "findings": told}


def doctor(home: str | Path | None = None, recipe: str | Path | None = None) -> Diagnosis:
    """Look at the machine, what is installed, a home, and a recipe, if one is given; nothing is changed.

    Every file of the home that has a hash is read.

    Parameters
    ----------
    home : path, optional
        Which; as everywhere.
    recipe : str or Path, optional
        What is to be run: whether it can be, here.

    Returns
    -------
    Diagnosis
        A `Finding` for each thing that was looked at; what went wrong in looking is a finding, too.
    """
    found: list[Finding] = []
    try:
        place, looked = Home(home), Looked()
    except IntegrityError as e:  # a link or a pipe is where a part of the home should be
        found.append(Finding("home", "place", "mend", str(e), "remove it, or restore what was there"))
        place, looked = None, None
    at = place.path if place is not None else Path(home or ".").absolute()
    parts: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("machine", lambda: machine(at)),
        ("versions", versions),
        ("extras", extras),
    ]
    if place is not None and looked is not None:
        parts += [("home", look) for look in parts_of(place, looked)]
        parts.append(("scale", lambda: advice(looked.reports)))
    if recipe is not None:
        parts.append(("recipe", lambda: recipe_findings(recipe, place)))
    for topic, look in parts:
        found += _all(topic, look)
    return Diagnosis(str(at), tuple(found))


def _all(topic: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        for finding in look():
            found.append(finding)  # noqa: PERF402 (what was found before something went wrong stays)
    except (QuorateError, OSError) as e:
        told = str(e) if isinstance(e, QuorateError) else reason_of(e)
        found.append(Finding(topic, "not all could be looked at", "mend", told, "mend that, and ask again"))
    return found
