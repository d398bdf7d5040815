"""Reading recipes: files, built-in names, ``extends``, ``--set`` and ``${ENV}``."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from quorate.errors import PluginError, RecipeError, near_misses, one_of
from quorate.plugins.registry import Registry
from quorate.plugins.values import meant
from quorate.recipe.bar_files import EVERY
from quorate.recipe.environment import VARIABLE
from quorate.recipe.places import or_places, places
from quorate.recipe.schema import READ, Recipe
from quorate.recipe.schema.base import FILE, IN_BARS, IN_SESSIONS, NAMED, NUMBER, ROWS, TABLE
from quorate.recipe.text import check_shape, parse

Table = dict[str, Any]
STORAGE = ("tuning", "storage")
LONGEST = 50  # recipes that extend one another

_NO_TIME = "the recipe has a time that is missing (NaT): give a date, or leave its key out"
_SHOULD = re.compile(r"^\w+ should")


def load_recipe(name: str | Path, registry: Registry, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe by path or built-in name.

    Later wins: the platform's defaults, the recipe that `name` extends, `name`, the overrides.

    An override is ``key=value`` with a dotted key; the value is read as TOML, or as text if it is none.
    ``${NAME}`` is still in place in what is returned, so that a secret is never stored; `environment.substitute` fills
    it in.

    Raises
    ------
    RecipeError
        Naming the file, the key, what was expected and what was found.
    """
    table = read_table(name, registry)
    # Together first, so that an option given before its plugin is not lost with the old plugin's.
    changes: Table = {}
    for item in overrides:
        changes = merge(changes, nested_override(item), f"--set {item}", afresh=False)
    return validate(merge(table, changes, "--set"), str(name), registry)


def extend(table: Mapping[str, Any], registry: Registry) -> Table:
    """Return a recipe given as a table with what it extends merged in; values of NumPy and pandas as plain ones."""
    try:
        own: Table = from_python(table)
    except RecursionError:
        own = dict(table)
    check_shape(own, "recipe given")
    base = own.pop("extends", None)
    if base is None:
        return own
    if not isinstance(base, str | Path):
        raise RecipeError(f"extends must be the name or path of a recipe; it was {base!r}")
    return _onto(read_table(base, registry), own, "given")


def from_python(value: Any) -> Any:
    """Return a value as TOML would give it: NumPy's numbers, paths, pandas' times, tuples and sets of them as plain."""
    if isinstance(value, Mapping):
        return {str(key): from_python(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [from_python(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dt.datetime):  # pandas' Timestamp is one, and so is what it has for a missing one
        if value != value:
            raise RecipeError(_NO_TIME)
        return value.date() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.timedelta):  # and its Timedelta is one of these
        return f"{value.total_seconds():g}s"
    if isinstance(value, ZoneInfo):
        return str(value)
    # A scalar or an array of NumPy, an index or a series of pandas; a spec or a model of the caller's is neither.
    kind = type(value).__module__
    if kind == "numpy" and value.dtype.kind == "M":
        if (value != value).any():
            raise RecipeError(_NO_TIME)
        return from_python(value.astype("datetime64[us]").tolist())
    if kind == "numpy" or (kind.split(".")[0] == "pandas" and hasattr(value, "tolist")):
        return from_python(value.tolist())
    return value


def read_table(name: str | Path, registry: Registry, seen: tuple[str, ...] = ()) -> Table:
    """Return the recipe's table with what it extends merged in."""
    path = find_recipe(name, registry)
    if str(path) in seen:
        raise RecipeError(f"recipe {name} extends itself: {' -> '.join((*seen, str(path)))}")
    if len(seen) > LONGEST:
        raise RecipeError(f"recipe {seen[0]} extends a recipe that extends another, more than {LONGEST} times")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise RecipeError(f"cannot read recipe {path}: {e}") from e
    table = parse(text, f"recipe {path}")
    base = table.pop("extends", None)
    if "plugins" in table and isinstance(table["plugins"], list):
        table["plugins"] = [str(path.parent / str(p)) for p in table["plugins"]]
    if base is None:
        return table
    if not isinstance(base, str):
        raise RecipeError(f"recipe {name}: extends must be the name or path of a recipe; it was {base!r}")
    relative = path.parent / base
    return _onto(read_table(relative if relative.is_file() else base, registry, (*seen, str(path))), table, str(name))


def _onto(parent: Table, own: Table, where: str) -> Table:
    parent.pop("description", None)  # it describes another experiment
    return merge(parent, own, where)


def find_recipe(name: str | Path, registry: Registry) -> Path:
    """Return the path of a recipe given by path or by name."""
    path = Path(name)
    try:
        there = path.is_file()
    except (OSError, ValueError) as e:  # no name that a file could have
        raise RecipeError(f"there is no recipe file {str(path)[:60]!r}: {getattr(e, 'strerror', None) or e}") from e
    if there:
        if path.suffix in _NO_RECIPES:
            raise RecipeError(f"{name} is no recipe but {_NO_RECIPES[path.suffix].format(name)}")
        return path
    if path.is_dir():
        inside = sorted(str(p) for p in path.glob("*.toml"))
        raise RecipeError(f"{name} is a folder; a recipe is a file: it holds {one_of(inside)}")
    # What has a suffix or a separator is no name of a recipe.
    if path.suffix or str(name) != path.name:
        beside = {p.name: str(p) for p in path.parent.glob("*.toml")}
        close = [beside[n] for n in difflib.get_close_matches(path.name, sorted(beside), cutoff=0.55)]
        near = f"; did you mean {' or '.join(close)}?" if close else ""
        raise RecipeError(
            f"there is no recipe file {name}: built-in recipes are {one_of(registry.names('recipe'))}{near}"
        )
    try:
        spec = registry.get("recipe", str(name))
    except PluginError as e:
        beside_it = Path(f"{name}.toml")
        file = (
            f"Did you mean the file {beside_it}?"
            if beside_it.is_file()
            else (f"A file is given by its path, e.g. ./{name}.toml")
        )
        raise RecipeError(f"{e}{'' if str(e).endswith('?') else '.'} {file}") from e
    return Path(spec.resolve()())


_BARS = "a file of bars: quorate init {0} writes a recipe for it, quorate run nasdaq --data {0} runs one on it"
_NO_RECIPES = {
    **dict.fromkeys(EVERY, _BARS),
    ".py": "a plugin: quorate run nasdaq --plugin {}",
}


# The key by which a table names its plugin, and which plugin it is without it.
_NAMING: dict[str, tuple[str, str | None]] = {
    "data": ("source", "bundled"),
    "benchmark": ("source", None),
    "factors": ("source", None),
    "folds": ("splitter", "expanding"),
    "costs": ("model", "fixed"),
}
_RATES = ("cash", "borrow", "funding")  # numbers, names or tables: one given in another way takes the place of the old


def merge(base: Table, over: Mapping[str, Any], where: str, afresh: bool = True, top: bool = True) -> Table:
    """Return `base` with `over` laid on top, table by table.

    A table that names another plugin (another data source, say) starts `afresh`: the options of the
    old one mean nothing to the new. What cash earns, and what borrowing and funding cost, is no plugin's, and stays.
    A holdout given in another way starts afresh, too.
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inside = "covariate" if key in _RATES else "plugin"
            naming, default = _NAMING.get(key, ("plugin", None)) if top else (inside, None)
            if top and key == "holdout":
                merged[key] = _holdout(dict(old), value)
                continue
            changed = naming in value and value[naming] != old.get(naming, default)
            kept = {name: rate for name, rate in old.items() if top and name in _RATES} if changed and afresh else old
            merged[key] = merge(dict(kept), value, where, afresh, top=False)
        elif value is False and isinstance(old, Mapping) and "plugin" in old:
            del merged[key]  # a model under a name of its own: without its table the name means nothing
        elif isinstance(old, Mapping) and value is not False and key not in _RATES:
            raise RecipeError(f"{where}: {key} is a table; it cannot be set to {value!r}: set one of {one_of(old)}")
        else:
            merged[key] = value
    return merged


def _holdout(old: Table, value: Mapping[str, Any]) -> Table:
    """Return a holdout that was changed: ways to give its span exclude each other, and so do those of its symbols."""
    if not value:
        return {}
    kept = old
    for one in (("start", "bars", "fraction"), ("symbols", "seed") if "symbols" in value else ()):
        if set(one) & set(value):
            kept = {name: given for name, given in kept.items() if name not in one}
    return {**kept, **value}


def nested_override(item: str) -> Table:
    """Return the table that ``key=value`` with a dotted key stands for; text that is no TOML stays text."""
    key, sign, text = item.partition("=")
    if not sign or not key.strip():
        raise RecipeError(f"--set takes key=value with a dotted key, e.g. --set folds.test=100; it was {item!r}")
    try:
        value: Any = parse(f"value = {text}", f"--set {key}")["value"]
    except RecipeError as e:
        if not isinstance(e.__cause__, tomllib.TOMLDecodeError):
            raise
        value = text
    for part in reversed(key.split(".")):
        value = {part.strip(): value}
    table: Table = value
    return table


def validate(table: Table, where: str, registry: Registry | None = None) -> Recipe:
    """Return the validated recipe; all that is wrong is said at once, and by a registry where else it belongs."""
    check_shape(table, f"recipe {where}")
    for key, value in table.items():
        inside = {k: v for k, v in value.items() if (key, k) != STORAGE} if isinstance(value, Mapping) else value
        if key not in (*READ, "alerts") and VARIABLE.search(str(inside)):
            raise RecipeError(
                f"recipe {where}: {', '.join(f'[{one}]' for one in (*READ, 'alerts'))} and tuning.storage alone take "
                f"${{NAME}} from the environment; it stands in {key}"
            )
    try:
        return Recipe.model_validate(table)
    except ValidationError as e:
        errors = e.errors()
        # Where a table or false is expected, what is wrong with the table says more.
        told = [error for error in errors if error["loc"][-1] != "literal[False]"]
        lines = sorted({_explain(error, registry) for error in told})
        raise RecipeError(f"recipe {where} is not valid:\n" + "\n".join(f"  {line}" for line in lines)) from e


def _explain(error: Any, registry: Registry | None) -> str:
    in_bars = (FILE, ROWS, IN_BARS, IN_SESSIONS, NUMBER, NAMED, TABLE)
    no_keys = ("Model", "Told", "dict[str,any]", "literal[False]", *in_bars)
    path = [str(part) for part in error["loc"] if part not in no_keys]
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        known = _keys_at(path[:-1]) + ([] if path[:-1] else ["extends"])
        table_name = f"[{'.'.join(path[:-1])}]" if path[:-1] else "the top level"
        near = or_places(near_misses(path[-1], known), places(path[-1], registry) if registry else [])
        return f"{key}: unknown key; {table_name} takes {one_of(known)}{near}"
    message = _SHOULD.sub("must", error["msg"].removeprefix("Value error, "))
    if error["type"] in ("model_type", "dict_type"):
        or_false = path[0] in ("models", "gates", "alerts") and len(path) == 2
        message = f"must be a table{' or false' if or_false else ''}"
    if error["type"] == "value_error":
        return f"{key} {message}"
    return f"{key}: {message}; it was {error['input']!r}{meant(error['type'], error['input'])}"


def _keys_at(path: list[str]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in path:
        if part.isdigit():  # a row of a table
            continue
        field = model.model_fields.get(part)
        found = _model_in(field.annotation) if field else None
        if found is None:
            return []
        model = found
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the table that a key takes, or a list of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(one) for one in get_args(annotation)) if get_origin(annotation) is not dict else ()
    return next((one for one in inside if one is not None), None)
