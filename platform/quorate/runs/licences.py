"""Under which licences that stands which this platform needs or offers, as the packages say themselves."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from quorate.runs.doctor.versions import DEVELOPMENT, OWN, asked_for, requirements

COMMONS = "Commons-Clause"
# By group, in the order in which they are told: what it asks for.
GROUPS = {
    "restricted": "may not be used for everything: read what each says before you charge for a service",
    "unknown": "says nothing that can be understood here: read it yourself",
    "copyleft": "changes to it, or programs that contain it, are to be passed on under its own terms",
    "permissive": "may be used, changed and passed on, with its notices",
}
WORST = tuple(GROUPS)
VECTORBT = (
    "vectorbt: the Commons Clause takes away the right to sell it: to offer others, for a fee, hosting and support "
    "included, a product or service whose value derives entirely or substantially from what it does. Using it for "
    "research and trading of your own sells nothing; who offers backtests to others as a service should ask its "
    "licensor, or a lawyer."
)
_RESTRICTED = re.compile(r"commons.?clause|proprietary|\bsspl\b|busl|business source|non.?commercial", re.I)
_COPYLEFT = re.compile(r"\b[al]?gpl|\bgnu\b|\bmpl\b|mozilla public|\bepl\b|eclipse public|\bcddl\b|\beupl\b", re.I)
_PERMISSIVE = re.compile(
    r"\bmit\b|\bmit-|\bbsd\b|-bsd|bsd-|\d-clause|\bapache|\bisc\b|\bpsf|python software foundation|\bpython-2|\bzlib\b|"
    r"\b0bsd\b|\bcc0|\bbsl-1|\bncsa\b|\bunlicense|\bhpnd\b|\bcnri|\bpublic domain|\bboost\b|\bblueoak",
    re.I,
)
# How the text of a licence begins, or what only it says.
TEXTS = (
    (COMMONS, re.compile(r"commons\s+clause", re.I)),
    ("AGPL", re.compile(r"gnu affero general public license", re.I)),
    ("LGPL", re.compile(r"gnu lesser general public license", re.I)),
    ("GPL", re.compile(r"gnu general public license", re.I)),
    ("MPL-2.0", re.compile(r"mozilla public license", re.I)),
    ("Apache-2.0", re.compile(r"apache license", re.I)),
    ("MIT", re.compile(r"permission is hereby granted,\s+free of charge", re.I)),
    ("BSD", re.compile(r"redistribution and use in source and binary forms", re.I)),
    ("ISC", re.compile(r"permission to use, copy, modify,\s+and(/or)? distribute", re.I)),
)
LONG = 80  # characters: what is longer is the licence itself, not its name


class Licence(NamedTuple):
    """A package and its licence.

    Parameters
    ----------
    name, version : str
        Of the package.
    licence : str
        As it says; empty, if that is not known.
    group : str
        One of `GROUPS`.
    told_by : str
        ``License-Expression``, ``License``, ``classifiers``, ``licence file``, or nothing.
    needed_for : str
        ``quorate``, or the extras that ask for it.
    """

    name: str
    version: str
    licence: str
    group: str
    told_by: str
    needed_for: str


def licences() -> dict[str, Any]:
    """Return the licences of all that is installed and that this platform needs or offers, as plain data.

    Returns
    -------
    dict
        ``groups``: in the order of `GROUPS`, each with its name, what it means, and its packages; ``notes``; and
        ``missing``, what is offered and not installed.
    """
    wanted, missing = _reached()
    found = [_licence(name, needed) for name, needed in sorted(wanted.items())]
    groups = [
        {"name": name, "means": means, "packages": [one._asdict() for one in found if one.group == name]}
        for name, means in GROUPS.items()
    ]
    return {"groups": groups, "notes": [VECTORBT] if "vectorbt" in wanted else [], "missing": sorted(missing)}


def _reached() -> tuple[dict[str, str], set[str]]:
    """Return what is installed of all that is asked for, directly or by others, and for what; and what is missing."""
    names = importlib.metadata.metadata(OWN).get_all("Provides-Extra") or []
    wanted: dict[str, list[str]] = {}
    missing: set[str] = set()
    for extra in ("", *sorted(set(names) - {DEVELOPMENT})):
        left = [(OWN, extra)]
        seen: set[tuple[str, str]] = set()
        while left:
            if (one := left.pop()) in seen:
                continue
            seen.add(one)
            for need in requirements(one[0]):
                if asked_for(need, one[1]):
                    name = _plain(need.name)
                    left += [(name, ""), *((name, more) for more in need.extras)]
                    try:
                        importlib.metadata.distribution(name)
                    except importlib.metadata.PackageNotFoundError:
                        missing.add(name)
                        continue
                    wanted.setdefault(name, []).append(extra or OWN)
    told = {name: OWN if OWN in needed else ", ".join(dict.fromkeys(needed)) for name, needed in wanted.items()}
    return told, missing


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(name: str, needed_for: str) -> Licence:
    found = importlib.metadata.distribution(name)
    licence, told_by = next(_said(found), ("", ""))
    if COMMONS not in licence and (conditions := [t for t in map(_text_says, _texts(found)) if COMMONS in t]):
        licence, told_by = conditions[0], "licence file"
    return Licence(name, found.version, licence, group_of(licence), told_by, needed_for)


def _said(found: importlib.metadata.Distribution) -> Iterator[tuple[str, str]]:
    """Return what a package says of its licence, the most exact first."""
    told = found.metadata
    for expression in told.get_all("License-Expression") or ():
        yield expression, "License-Expression"
    text = "".join(told.get_all("License") or ()).strip()
    if text and len(text) <= LONG and "\n" not in text and group_of(text) != "unknown":
        yield text, "License"
    classes = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    if named := [line for line in classes if line != "OSI Approved"]:
        yield " OR ".join(named), "classifiers"
    for one in (text, *_texts(found)):
        if known := _text_says(one):
            yield known, "License" if one is text else "licence file"


def _texts(found: importlib.metadata.Distribution) -> Iterator[str]:
    """Return the licence files of a package, its own only: of what it contains others tell."""
    for name in found.metadata.get_all("License-File") or ():
        for place in (f"licenses/{name}", name):
            with suppress(OSError, UnicodeError):
                if text := found.read_text(place):
                    yield text


def _text_says(text: str) -> str:
    found = [name for name, pattern in TEXTS if pattern.search(text[:4000])]
    if found[:1] == [COMMONS] and len(found) > 1:
        return f"{found[1]} WITH {COMMONS}"  # it is a condition on another licence
    return found[0] if found else ""


def group_of(licence: str) -> str:
    """Return the group of a licence: of several that all apply the worst, of several to choose from the best.

    Where brackets leave open which is meant, the worst.
    """
    if "(" in re.sub(r"\([A-Z0-9 .]+\)", "", licence):
        parts = [part for part in re.split(r"[()]|\b(?:AND|OR)\b", licence) if part.strip()]
        return min(map(_one, parts), key=WORST.index)
    choices = [re.split(r"\s+AND\s+", choice) for choice in re.split(r"\s+OR\s+", licence)]
    return max((min(map(_one, every), key=WORST.index) for every in choices), key=WORST.index)


def _one(licence: str) -> str:
    for group, pattern in (("restricted", _RESTRICTED), ("copyleft", _COPYLEFT), ("permissive", _PERMISSIVE)):
        if pattern.search(licence):
            return group
    return "unknown"
