"""What a docstring says of each parameter, and in plain words what a type takes."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SECTION = re.compile(r"\n\n*[A-Z][\w ]*\n-{3,}\n")
_WORDS = {int: "whole number", float: "number", bool: "true or false", str: "text", dt.date: "date", Path: "path"}
_BOUNDS = {"ge": "{:g} or more", "gt": "more than {:g}", "le": "{:g} or less", "lt": "less than {:g}"}
_BOTH: dict[tuple[str, ...], str] = {("ge", "le"): "{:g} to {:g}", ("gt", "lt"): "between {:g} and {:g}"}


class Told(NamedTuple):
    """What a docstring says of a parameter.

    Parameters
    ----------
    type : str
        As it is written there.
    meaning : str
        The first paragraph, on one line; empty where none is told.
    """

    type: str
    meaning: str

    @property
    def unit(self) -> str:
        """What a number counts: ``bars`` of a type written as ``int, bars``; nothing if it is not told."""
        found = re.fullmatch(r"(?:int|float|list of (?:int|float)), ([A-Za-z][\w -]*)", self.type)
        return found[1] if found and found[1] != "optional" else ""


def documented(text: str | None) -> dict[str, Told]:
    """Return what a docstring in numpydoc style says of each parameter, by its name."""
    told: dict[str, Told] = {}
    section = (inspect.cleandoc(text or "") + "\n").partition("\nParameters\n")[2].partition("\n")[2]
    for entry in re.split(r"\n(?=\S)", _SECTION.split(section)[0]):
        head, _, rest = entry.partition("\n")
        names, typed, type_ = head.partition(" : ")
        if not typed and not rest:
            continue
        meaning = " ".join(inspect.cleandoc(rest).partition("\n\n")[0].split())
        for name in names.split(","):
            told.setdefault(name.strip().strip(":*"), Told(type_.strip(), meaning))
    return told


def without_parameters(text: str) -> str:
    """Return a docstring, its indentation taken away, without the section that `documented` reads."""
    head, found, rest = text.partition("\n\nParameters\n")
    if not found:
        return text
    section = _SECTION.search(rest)
    return head + (section[0] + rest[section.end() :] if section else "")


def in_words(hint: Any, unit: str = "", bounds: typing.Iterable[Any] = ()) -> str:
    """Return what a type takes, for people who write TOML: ``whole number (bars), 1 or more``.

    Nothing, if that cannot be said in a few words.
    """
    if typing.get_origin(hint) is typing.Annotated:
        inner, *more = typing.get_args(hint)
        return in_words(inner, unit, [*more, *bounds])
    of = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        parts = [in_words(one, unit, bounds) for one in of if one is not type(None)]
        return _either(list(dict.fromkeys(parts))) if all(parts) else ""
    if typing.get_origin(hint) is Literal:
        return _either([as_toml(value) for value in of])
    origin = typing.get_origin(hint) or hint
    if origin in (list, tuple):
        inner = _WORDS.get(typing.get_args(of[0])[0] if typing.get_args(of[0]) else of[0]) if of else None
        return (f"list of {inner}s" + (f" ({unit})" if unit else "")) if inner else "list"
    if origin is dict or hasattr(hint, "model_fields"):
        return "table"
    if origin not in _WORDS:
        return ""
    return ", ".join(
        [_WORDS[origin] + (f" ({unit})" if unit else ""), *(_limits(bounds) if origin in (int, float) else ())]
    )


def _limits(bounds: typing.Iterable[Any]) -> list[str]:
    every = [inner for one in bounds for inner in (one, *getattr(one, "metadata", ()))]  # of pydantic's Field, or plain
    found = {name: getattr(one, name) for one in every for name in _BOUNDS if getattr(one, name, None) is not None}
    if (form := _BOTH.get(tuple(found))) is not None:
        return [form.format(*found.values())]
    return [form.format(found[name]) for name, form in _BOUNDS.items() if name in found]


def _either(parts: list[str]) -> str:
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def choices_of(hint: Any) -> list[Any]:
    """Return the values of which one is taken, or nothing where a type is not of that kind."""
    if typing.get_origin(hint) is Literal:
        return list(typing.get_args(hint))
    return [value for one in typing.get_args(hint) for value in choices_of(one)] if _is_union(hint) else []


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType, typing.Annotated)


def key_of(name: str) -> str:
    """Return the name of a table or of a value in it as TOML."""
    return name if _BARE.fullmatch(name) else as_toml(name)


def as_toml(value: Any) -> str:
    """Return a plain value as TOML, on one line."""
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key_of(name)} = {as_toml(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return str(value)
