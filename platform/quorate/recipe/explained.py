"""What each key of a recipe means: told from the schema and from the plugins that take its options."""

from __future__ import annotations

import inspect
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from quorate.errors import QuorateError, visible
from quorate.plugins.documented import Told, as_toml, documented, in_words
from quorate.plugins.options import parameters_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import SourceSpec, Spec
from quorate.recipe.places import TABLES
from quorate.recipe.resolve import to_toml
from quorate.recipe.schema import Alerts, Benchmark, Covariate, Factors, Gates, Model, Recipe
from quorate.recipe.schema import Told as ToldAlert

NARROWEST, WIDEST = 40, 100  # of a comment
PLAIN = ("text", "true or false", "table", "whole number", "number")  # that a value shows by itself
LONG = 40  # characters of a default; one that is longer is left out
_KEY = re.compile(r'([A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*") = ')

Path = tuple[str, ...]


class Key(NamedTuple):
    """A key of a recipe.

    Parameters
    ----------
    name : str
        Within its table.
    takes : str
        In words, with the unit: ``whole number (bars), 1 or more``; empty where nobody tells.
    default : str
        As TOML has it; empty where there is none.
    meaning : str
        In sentences.
    """

    name: str
    takes: str
    default: str
    meaning: str


class Table(NamedTuple):
    """A table of a recipe.

    Parameters
    ----------
    path : tuple of str
        Its dotted name; ``NAME`` in it stands for a name of the user's.
    text : str
        What it is about.
    keys : list of Key
        Those of the schema.
    kind : str
        The kind of plugin whose options are further keys; empty for none.
    """

    path: Path
    text: str
    keys: list[Key]
    kind: str = ""


def tables() -> list[Table]:
    """Return all tables of a recipe, the top level first."""
    found = list(_tables(Recipe, ()))
    for at, name, model, kind in (("ensemble", "models", Model, "model"), ("tuning", "gates", Gates, "gate")):
        place = next(i for i, table in enumerate(found) if table.path == (at,))
        if kind == "model":
            found.insert(place, Table((name, "NAME"), _about(model), _keys(model), kind))
        else:
            found[place - 1] = found[place - 1]._replace(kind=kind)
    after = 1 + next(i for i, table in enumerate(found) if table.path == ("data",))
    beside: dict[Path, type[BaseModel]] = {
        ("covariates", "NAME"): Covariate,
        ("benchmark",): Benchmark,
        ("factors",): Factors,
    }
    found[after:after] = [Table(path, _about(model), _keys(model)) for path, model in beside.items()]
    told = Table(("alerts", "NAME"), _about(ToldAlert), _keys(ToldAlert), "alert")
    return [*found, Table(("alerts",), _about(Alerts), _keys(Alerts)), told]


def _tables(model: type[BaseModel], path: Path) -> Iterator[Table]:
    inner: dict[str, Any] = {name: f.annotation for name, f in model.model_fields.items() if _is_model(f.annotation)}
    kind = next((kind for kind, (table, _) in TABLES.items() if table == ".".join(path)), "")
    yield Table(
        path,
        _about(model),
        [
            key
            for key in _keys(model)
            if path or key.name not in (*inner, "covariates", "benchmark", "factors", "models", "alerts")
        ],
        kind,
    )
    for name, one in inner.items():
        yield from _tables(one, (*path, name))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _about(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").partition("\nParameters\n")[0].split())


def _keys(model: type[BaseModel]) -> list[Key]:
    told = documented(model.__doc__)
    keys = []
    for name, field in model.model_fields.items():
        one = told.get(name, Told("", ""))
        default = field.default
        if default is PydanticUndefined or isinstance(default, BaseModel) or default is None:
            default = ""
        else:
            default = as_toml(default)
        takes = in_words(field.annotation, one.unit, field.metadata)
        keys.append(Key(name, takes, default, one.meaning))
    return keys


def options(spec: Spec | None) -> list[Key]:
    """Return the options of a plugin, as far as it tells of them."""
    try:
        found = parameters_of(spec) if spec is not None else []
    except QuorateError:  # it cannot be loaded
        return []
    return [
        Key(p["name"], p["takes"], "" if p["default"] is None else as_toml(p["default"]), p["meaning"]) for p in found
    ]


def explain(recipe: Recipe, registry: Registry, width: int) -> str:
    """Return a resolved recipe as TOML, with a comment above each key that says what it means.

    It loads to the same recipe as without the comments. Keys that are not set are told where their table begins.

    Parameters
    ----------
    recipe : Recipe
        Resolved.
    registry : Registry
        Which says what the plugins' options mean.
    width : int
        Of the terminal; comments are wrapped, values are not.
    """
    plain = to_toml(recipe, registry)
    told = _known(recipe, registry)
    table = tomllib.loads(plain)
    lines: list[str] = []
    path: Path = ()
    unset = _unset(table, told)
    for line in plain.splitlines():
        if line.startswith("["):
            path = _path_of(line)
            above = told.get(path[:-1], ("", {}))[1].get(path[-1])
            about = told.get(path, ("", {}))[0] or (above.meaning if above is not None else "")
            lines += [*_comment(about, width), line]
            lines += [
                text
                for key in unset.get(path, ())
                for text in _comment(f"{key.name} is not set: {_sentence(key, None)}", width)
            ]
            continue
        match = _KEY.match(line)
        key = told.get(path, ("", {}))[1].get(_name(match[1])) if match else None
        if key is not None:
            lines += _comment(_sentence(key, _at(table, path).get(key.name)), width)
        lines.append(line)
    return "\n".join(lines) + "\n"


Known = dict[Path, tuple[str, dict[str, Key]]]


def _known(recipe: Recipe, registry: Registry) -> Known:
    """Return what is told of each table: what it is about, and its keys by name."""
    known: Known = {table.path: (table.text, {key.name: key for key in table.keys}) for table in tables()}
    about_one, of_one = known.pop(("models", "NAME"))
    known["models",] = (about_one, {})
    covariate = known.pop(("covariates", "NAME"))
    specs = {(plugin.kind, plugin.name): plugin.spec for plugin in registry}
    for kind, (place, key) in TABLES.items():
        section, _, named = key.partition(".")
        spec = specs.get((kind, getattr(getattr(recipe, section), named)))
        path = tuple(place.split("."))
        text, keys = known.get(path, ("", {}))
        known[path] = (text, {**_by_name(options(spec)), **keys})
    for name, one in (recipe.covariates or {}).items():
        about, keys = covariate
        spec = specs.get(("source", one.source or ""))
        known["covariates", name] = (about, {**_by_name(options(spec if one.bars else _records(spec))), **keys})
    for name in ("benchmark", "factors"):
        about, keys = known[name,]
        source = getattr(getattr(recipe, name), "source", None)
        known[name,] = (about, {**_by_name(options(_records(specs.get(("source", source or ""))))), **keys})
    for member, model in recipe.models.items():
        if isinstance(model, Model):
            spec = specs.get(("model", model.plugin or member))
            known["models", member] = (_described(spec), {**_by_name(options(spec)), **of_one})
    about_alert, of_alert = known.pop(("alerts", "NAME"))
    for name, alert in (recipe.alerts.told if recipe.alerts else {}).items():
        spec = specs.get(("alert", alert.plugin or name))
        known["alerts", name] = (_described(spec) or about_alert, {**_by_name(options(spec)), **of_alert})
    for gate in recipe.gates.judging:
        spec = specs.get(("gate", gate))
        known["gates", gate] = (_described(spec), _by_name(options(spec)))
    return known


def _records(spec: Spec | None) -> Spec | None:
    """Return a source that gives records, where it can, for their options."""
    return spec.offering(spec.records) if isinstance(spec, SourceSpec) and spec.records is not None else spec


def _by_name(keys: list[Key]) -> dict[str, Key]:
    return {key.name: key for key in keys}


def _described(spec: Spec | None) -> str:
    text = spec.description if spec is not None else ""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _unset(table: Mapping[str, Any], known: Known) -> dict[Path, list[Key]]:
    """Return the keys that could be set and are not, by the path of their table."""
    found = {}
    for path, (_, keys) in known.items():
        inside = _at(table, path)
        found[path] = [key for name, key in keys.items() if name not in inside]
    return found


def _at(table: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    inside: Any = table
    for part in path:
        inside = inside.get(part, {}) if isinstance(inside, Mapping) else {}
    return inside if isinstance(inside, Mapping) else {}


def _sentence(key: Key, value: Any) -> str:
    """Return what a key means, what it takes where the value alone does not show it, and a default that differs."""
    takes = f" [{key.takes}]" if key.takes not in ("", *PLAIN) or not key.meaning else ""
    other = value is not None and key.default not in ("", as_toml(value)) and len(key.default) <= LONG
    return f"{key.meaning}{takes}{f' Default: {key.default}.' if other else ''}".strip()


def _comment(text: str, width: int) -> list[str]:
    """Return a text as lines of a comment: whatever a plugin says, nothing of it is TOML."""
    room = min(max(width, NARROWEST), WIDEST)
    shown = visible(" ".join(text.replace("``", "").replace("`", "").split()))
    return [f"# {line}" for line in textwrap.wrap(shown, room - 2, break_on_hyphens=False)]


def _path_of(header: str) -> Path:
    path: list[str] = []
    inside: Any = tomllib.loads(header)
    while inside:
        inside = inside[0] if isinstance(inside, list) else inside
        if not inside:
            break
        name, inside = next(iter(inside.items()))
        path.append(name)
    return tuple(path)


def _name(written: str) -> str:
    return next(iter(tomllib.loads(f"{written} = 0")))
