"""What people call a run and say about it: ``label.json`` in its folder, no part of what is sealed or reproduced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from quorate.errors import IntegrityError, QuorateError, RecipeError, StoreError
from quorate.store.documents import read_document
from quorate.store.files import write_json
from quorate.store.plain import check_plain
from quorate.store.run import Run

FILE = "label.json"
LONGEST = 60  # characters of a tag or a name
NOTE = 1000  # of a note


@dataclass(frozen=True)
class Label:
    """What people say of a run.

    Parameters
    ----------
    name : str
        What it is called; empty: by its recipe, and what was changed in it.
    tags : tuple of str
        In the order in which they were added.
    note : str
        A remark.
    """

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        _check("name", self.name, LONGEST)
        _check("note", self.note, NOTE)
        for tag in self.tags:
            _check("tag", tag, LONGEST)
            if not tag.strip():
                raise RecipeError("a tag must have a letter: it was empty")

    def changed(
        self, add: Iterable[str] = (), remove: Iterable[str] = (), note: str | None = None, name: str | None = None
    ) -> Label:
        """Return it with tags added and removed, and another note or name, where one is given."""
        tags = dict.fromkeys([*self.tags, *(tag.strip() for tag in add)])
        for tag in remove:
            if tag.strip() not in tags:
                raise RecipeError(f"there is no tag {tag!r} to remove; there is {', '.join(self.tags) or 'none'}")
            del tags[tag.strip()]
        told = (old if new is None else new.strip() for old, new in ((self.name, name), (self.note, note)))
        called, said = told
        return Label(called, tuple(tags), said)


def read_label(run: Run) -> Label:
    """Return what is said of a run.

    Raises
    ------
    IntegrityError
        If its file is not what this platform writes.
    """
    path = run.path / FILE
    check_plain(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        label = Label(str(found["name"]), tuple(map(str, found["tags"])), str(found["note"]))
        if not isinstance(found["tags"], list):
            raise TypeError("its tags are no list")
        return label
    except FileNotFoundError:
        return Label()
    except (OSError, ValueError, LookupError, TypeError, RecipeError) as e:
        raise IntegrityError(f"{path} cannot be read, remove it: {e}") from e


def write_label(run: Run, label: Label) -> None:
    """Store what is said of a run, in place of what was."""
    check_plain(run.path / FILE)
    write_json(run.path / FILE, asdict(label))


def display_name(run: Run, recipe: str) -> str:
    """Return what a run is called: as its label says, else its recipe's name and what was changed in the recipe."""
    with suppress(QuorateError):
        if name := read_label(run).name:
            return name
    return default_name(run, recipe)


def default_name(run: Run, recipe: str) -> str:
    """Return the name of a run's recipe, and what was changed in the recipe that was given.

    It is for people, as the label is: no seal is looked at.
    """
    begun: Mapping[str, Any] = {}
    with suppress(StoreError, IntegrityError):
        run.check()
        begun = read_document(run.path / "run.json")
    changes = begun.get("changes", ())
    return f"{recipe} {', '.join(map(str, changes))}" if isinstance(changes, list) and changes else recipe


def _check(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise RecipeError(f"a {what} has at most {most:,} characters; it had {len(text):,}")
    if not text.isprintable():
        raise RecipeError(f"a {what} is text in one line, without control characters; it was {text!r:.80}")
