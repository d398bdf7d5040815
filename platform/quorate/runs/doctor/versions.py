"""What is installed: whether it is what is asked for, what does not go together, and what could be added."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

import quorate
from quorate.errors import plural
from quorate.execution.machine import LIBRARIES, installed
from quorate.execution.resources import cpu_count
from quorate.runs.doctor.finding import Finding

Version = partial(Finding, "versions")
OWN = "quorate"
DEVELOPMENT = "dev"  # the extra of those who work on this platform
# What an extra is for; a test holds it against those that there are.
EXTRAS = {
    "adbc": "databases that speak ADBC",
    "arrow": "Arrow, Feather and ORC files",
    "calendars": "the calendars of exchanges",
    "ccxt": "bars of crypto exchanges",
    "cluster": "clusters of several machines, and jobs on them",
    "cma-es": "the sampler cma-es",
    "databento": "bars of Databento",
    "excel": "workbooks",
    "objects": "S3, Google's and Azure's stores",
    "onnx": "models as ONNX",
    "parallel": "trainings on several workers",
    "plots": "pictures",
    "postgresql": "PostgreSQL",
    "rust": "the sampler rust",
    "serve": "quorate serve",
    "yfinance": "bars of Yahoo Finance",
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)


def requirements(distribution: str = OWN) -> list[Requirement]:
    """Return what a distribution asks for, with the extras that ask for it in the markers."""
    try:
        return [Requirement(line) for line in importlib.metadata.requires(distribution) or ()]
    except importlib.metadata.PackageNotFoundError:
        return []


def asked_for(one: Requirement, extra: str = "") -> bool:
    """Return whether something is asked for on this machine: without an extra, or by that extra alone."""
    if one.marker is None:
        return not extra
    plain = one.marker.evaluate({"extra": ""})
    return (one.marker.evaluate({"extra": extra}) and not plain) if extra else plain


def versions() -> Iterator[Finding]:
    """Look at the interpreter, the libraries, and what the environment says to them."""
    yield Version("python", "ok", f"{platform.python_version()} in {sys.prefix}")
    yield Version("quorate", "ok", f"{quorate.__version__} in {Path(quorate.__file__).parent}")
    yield from _libraries()
    yield from _locked()
    yield from _conflicts()
    yield from _environment()


def _libraries() -> Iterator[Finding]:
    needed = [one for one in requirements() if asked_for(one)]
    sound = 0
    for one in needed:
        if fault := lacking(one):
            yield Version(one.name, "mend", fault, f"pip install '{_bare(one)}'")
        else:
            sound += 1
    if sound:
        of = "all" if sound == len(needed) else "others"
        yield Version("libraries", "ok", f"{of} {sound} that are needed are here, as new as they must be")


def lacking(one: Requirement) -> str:
    """Return what is wrong with what is installed of a requirement; nothing, if it is met."""
    version = installed(one.name)
    if not version:
        return f"is not installed; {_bare(one)} is needed"
    if not one.specifier.contains(version, prereleases=True):
        return f"is {version}, and must be {one.specifier}"
    return ""


def _bare(one: Requirement) -> str:
    extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return f"{one.name}{extras}{one.specifier}"


def _locked() -> Iterator[Finding]:
    """Compare with the versions that the tests ran with, where these are known: beside the code."""
    folder = Path(quorate.__file__).parents[2] / "requirements"
    pinned: dict[str, str] = {}
    for name in ("lock.txt", "torch.txt"):
        if (folder / name).is_file():
            pinned |= dict(_PINNED.findall((folder / name).read_text(encoding="utf-8")))
    mine = {name: installed(name) for name in LIBRARIES if name in pinned}
    other = [f"{n} {v}, not {pinned[n]}" for n, v in mine.items() if v and v.partition("+")[0] != pinned[n]]
    if other:
        yield Version("lock", "note", f"{', '.join(other)}: numbers may differ from those of others", "make install")
    elif pinned:
        told = f"the {len(mine)} libraries that numbers depend on are those of {folder / 'lock.txt'}"
        yield Version("lock", "ok", told)


def _conflicts() -> Iterator[Finding]:
    if installed("xgboost") and installed("xgboost-cpu"):
        both = f"xgboost {installed('xgboost')} and xgboost-cpu {installed('xgboost-cpu')} lie in one folder"
        again = "pip uninstall -y xgboost xgboost-cpu, then pip install xgboost-cpu (or xgboost, for a GPU)"
        yield Version("xgboost", "mend", both, again)
    if sys.flags.optimize >= 2:
        told = "PYTHONOPTIMIZE=2 takes away docstrings, which some libraries read, and checks"
        yield Version("optimisation", "mend", told, "unset PYTHONOPTIMIZE")
    elif sys.flags.optimize:
        yield Version("optimisation", "note", "Python runs with -O: libraries leave out checks", "unset PYTHONOPTIMIZE")


def _environment() -> Iterator[Finding]:
    """Look at what tells libraries how many threads to use; a fit is held to its own number whatever it says."""
    cpus, sound = cpu_count(), True
    for name in THREADS:
        value = os.environ.get(name, "")
        count = value.partition(",")[0].strip()
        if value and not (count.isdigit() and int(count) > 0):
            told = f"{name} is {value!r}, and must be a whole number above 0"
            yield Version("threads", "mend", told, f"unset {name}")
            sound = False
        elif value and int(count) > cpus:
            told = f"{name}={value}, and {plural(cpus, 'processor')} may be used: threads wait for each other"
            yield Version("threads", "mend", told, f"unset {name}")
            sound = False
    if os.environ.get("OMP_PROC_BIND", "false").lower() not in ("", "false", "0"):
        told = f"OMP_PROC_BIND={os.environ['OMP_PROC_BIND']} may put the threads of all workers on the same processors"
        yield Version("threads", "mend", told, "unset OMP_PROC_BIND")
        sound = False
    if os.environ.get("OMP_WAIT_POLICY", "").lower() == "active":
        told = "OMP_WAIT_POLICY=active: threads that wait take the processors from those that work"
        yield Version("threads", "note", told, "unset OMP_WAIT_POLICY")
        sound = False
    if sound:
        yield Version("threads", "ok", "nothing in the environment asks for more than there are processors")


def extras() -> Iterator[Finding]:
    """Look at what may be installed beside what is needed."""
    own = requirements()
    names = importlib.metadata.metadata(OWN).get_all("Provides-Extra") or []
    for extra in sorted(set(names) - {DEVELOPMENT}):
        asked = [one for one in own if asked_for(one, extra)]
        faults = {one.name: fault for one in asked if (fault := lacking(one))}
        purpose = EXTRAS.get(extra, "")
        add = f"pip install 'quorate[{extra}]'"
        old = [f"{name} {fault}" for name, fault in faults.items() if installed(name)]
        if old:
            yield Finding("extras", extra, "mend", f"{purpose}: {'; '.join(old)}", add)
        elif faults:
            yield Finding("extras", extra, "ok", f"{purpose}: not installed", add)
        else:
            yield Finding("extras", extra, "ok", f"{purpose}: installed")
