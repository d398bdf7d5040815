"""What is said where a command is given another kind of thing than it takes: a run for a recipe, a recipe for a run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import QuorateError

if TYPE_CHECKING:
    from quorate.store import Home, Run

SHORTEST = 4  # letters of an id from which on a part of it is meant as one
EITHER = ("watch", "export")  # take runs and sweeps
WORDS = {"export_model": "export-model", "recipe_show": "recipe show", "tag_run": "runs tag", "show_one": "show"}


def meant_another(function: Callable[..., None], given: Mapping[str, Any], error: QuorateError) -> QuorateError:
    """Return the error that helps, where an argument of a command is of another kind than it takes; else the same.

    Parameters
    ----------
    function : callable
        The command.
    given : mapping
        Its arguments by name.
    """
    from quorate.store import Home

    of_sweeps = function.__module__.endswith("._sweep")
    word = WORDS.get(function.__name__, function.__name__)
    word = word if not of_sweeps else "sweep" if word == "start" else f"sweep {word}"
    told = None
    with suppress(QuorateError):  # what is wrong beside it is told by others
        home = Home(given.get("home"))
        if isinstance(recipe := given.get("recipe"), str) and word != "runs":
            told = _no_recipe(word, recipe, home)
        for argument in ("name", "names") if of_sweeps else ("run", "names"):
            values = given.get(argument)
            for value in [values] if isinstance(values, str) else values if isinstance(values, list) else []:
                told = told or _no_run(word, str(value), home, of_sweeps)
    return error if told is None else type(error)(told)


def _no_recipe(word: str, name: str, home: Home) -> str | None:
    """Return what is said of a run or a sweep that stands where a recipe is wanted; None, if it is none."""
    if Path(name).is_file() or _is_recipe(name):
        return None
    found = _stored(name, home)
    if found is None:
        return None
    meant = f"{name} is the {found.kind} {found.id}" if name != found.id else f"{name} is a {found.kind}"
    what = f"{word} takes a recipe, and {meant}"
    path = shlex.quote(str(found.path / "recipe.toml"))
    told = f"{what}. The recipe that it had is kept: quorate {word} {path}{_plugins_of(found)}{home.option}"
    if word == "run":
        more = (
            f"to compute the run again: quorate reproduce {found.id}{home.option}"
            if found.kind == "run"
            else f"to run with what it found: quorate run RECIPE --params {found.id}{home.option}"
        )
        told += f"\n  {more}"
    return told


def _plugins_of(run: Run) -> str:
    """Return the options with which a command is given the plugin files that a run read, or as they were kept."""
    try:
        rows = json.loads((run.path / "run.json").read_text(encoding="utf-8"))["plugins"]
        files = {str(row["file"]): str(row["sha256"]) for row in rows if row["file"]}
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    kept = run.home.path / "sources"
    return "".join(
        f" --plugin {shlex.quote(file if Path(file).is_file() else str(kept / f'{sha256}.py'))}"
        for file, sha256 in files.items()
    )


def _no_run(word: str, name: str, home: Home, sweep: bool) -> str | None:
    """Return what is said of what stands where a run, or a sweep, is wanted, and is none; None, if it is one."""
    wanted, every = ("sweep", home.runs("sweep")) if sweep else ("run", home.runs())
    if name == "latest" or any(name in one.id for one in every):
        return None
    found = _stored(name, home)
    if found is not None and found.kind == wanted:  # its folder
        return f"{word} takes the id of a {wanted}, and {name} is its folder: quorate {word} {found.id}{home.option}"
    if found is not None and word in EITHER:
        return None
    if found is not None:
        instead = "quorate sweep show" if found.kind == "sweep" else "quorate report"
        return (
            f"{word} takes a {wanted}, and {found.id} is a {found.kind}: {instead} {found.id}{home.option} tells of it"
        )
    if not (Path(name).is_file() or _is_recipe(name)):
        return None
    if Path(name).suffix not in ("", ".toml"):
        return None
    start = f"quorate {'sweep' if sweep else 'run'} {shlex.quote(name)}{home.option}"
    return f"{word} takes a {wanted}, and {name} is a recipe. {_runs_of(name, word, home, every, start)}"


def _runs_of(name: str, word: str, home: Home, every: list[Run], start: str) -> str:
    """Return which run of a recipe may be meant, or how one is made."""
    stem, kind = Path(name).stem, "sweep" if word.startswith("sweep") else "run"
    own = [one.id for one in every if one.id.split("-", 1)[-1].startswith(f"{stem}-")]
    if own:
        return f"Its latest {kind} is {own[-1]}: quorate {word} {own[-1]}{home.option}"
    return f"Begin with {start}, then give the id that it prints, or latest"


def _stored(name: str, home: Home) -> Run | None:
    """Return the run or sweep that is meant by an id, a part of one, or the path of its folder; None, if none is."""
    every = home.runs_and_sweeps()
    if name == "latest":
        return every[-1] if every else None
    path = Path(name)
    if path.is_dir():
        return next((one for one in every if one.path.resolve() == path.resolve()), None)
    return next((one for one in reversed(every) if len(name) >= SHORTEST and name in one.id), None)


def _is_recipe(name: str) -> bool:
    from quorate.plugins.registry import Registry

    return name in Registry.load().names("recipe")
