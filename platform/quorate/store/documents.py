"""The JSON documents of a run, read: each as it was written, or an error that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, StoreError

REPORT_VERSION = 1


def read_document(path: Path, newest: int = REPORT_VERSION) -> dict[str, Any]:
    """Return the content of ``run.json`` or ``report.json``.

    Parameters
    ----------
    newest : int
        The latest version of such a document that is known.

    Raises
    ------
    IntegrityError
        If it is not what this platform writes.
    StoreError
        If it was written by a newer version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (OSError, ValueError) as e:
        raise IntegrityError(f"{path} cannot be read: {e}") from e
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise IntegrityError(f"{path} is not what quorate writes: its schema_version is {version!r}")
    if version > newest:
        raise StoreError(f"{path} has schema version {version}; this quorate reads up to {newest}: upgrade quorate")
    return document  # type: ignore[no-any-return]


def read_sealed(path: Path, newest: int = REPORT_VERSION) -> dict[str, Any]:
    """Return the content of a document with its own seal, without that.

    Raises
    ------
    IntegrityError
        If it is not as it was written.
    StoreError
        If it was written by a newer version.
    """
    found = read_document(path, newest)
    if found.pop("seal", None) != seal_of(found):
        raise IntegrityError(f"{path} is not as it was written, it has another seal")
    return found


def seal_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a run noted."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


# What a run notes when it begins, and what each must be.
_BEGUN: dict[str, tuple[type, ...]] = {
    "run": (str,),
    "created": (str,),
    "recipe_digest": (str,),
    "recipe": (dict,),
    "plugins": (list,),
    "data": (dict, type(None)),
    "libraries": (dict,),
    "machine": (dict,),
    "warnings": (list,),
}


def check_begun(found: Mapping[str, Any], path: Path) -> None:
    """Raise `IntegrityError`, if what a run noted lacks something; one of an earlier version has no seal to show it."""
    for name, kinds in _BEGUN.items():
        if not isinstance(found.get(name), kinds):
            raise IntegrityError(f"{path} is damaged: its {name} is {found.get(name)!r:.60}")
    data, tables = found["data"] or {"fingerprint": ""}, ("execution", "data", "models")
    odd = [
        f"plugin {plugin!r:.60}"
        for plugin in found["plugins"]
        if not (isinstance(plugin, dict) and {"kind", "name", "sha256", "file"} <= set(plugin))
    ]
    odd += [f"recipe's {name}" for name in tables if not isinstance(found["recipe"].get(name, {}), dict)]
    odd += ["data"] if not isinstance(data.get("fingerprint"), str) else []
    if odd:
        raise IntegrityError(f"{path} is damaged: its {odd[0]} is not what quorate writes")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
