"""SQL statements whose values stand apart from their text, as far as each driver has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import quorate
from quorate_data._text import listed, near

# A name after a colon is a value, unless it stands in a text, a quoted name, a comment, or after a second colon.
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|(?P<tag>\$\w*\$).*?(?P=tag)"
    r"|::|:(?P<name>[A-Za-z_]\w*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Value:
    """A value in a statement."""

    value: Any


@dataclass(frozen=True)
class Statement:
    """A statement in parts: text, and the values between."""

    parts: tuple[str | Value, ...]

    def __add__(self, more: str | Value | Statement) -> Statement:
        return Statement((*self.parts, *(more.parts if isinstance(more, Statement) else (more,))))

    def render(self, mark: Callable[[int], str], text: Callable[[str], str] = str) -> tuple[str, list[Any]]:
        """Return the statement as a driver takes it, and its values in order.

        Parameters
        ----------
        mark : callable
            What stands for the value of that number, from 0 on.
        text : callable
            Escapes the text between.
        """
        values = [part.value for part in self.parts if isinstance(part, Value)]
        marks = iter(range(len(values)))
        told = "".join(mark(next(marks)) if isinstance(part, Value) else text(part) for part in self.parts)
        return told, values

    def __str__(self) -> str:
        return self.render(lambda number: f"${number + 1}")[0]


def parsed(query: str, parameters: Mapping[str, Any]) -> Statement:
    """Return a query that names its values with a colon, ``WHERE market = :market``; a list stands for several.

    Raises
    ------
    DataError
        If it names one that is not given, or one is given that it does not name.
    """
    parts: list[str | Value] = []
    used, last, query = set(), 0, query.strip().rstrip(";").rstrip()
    for found in _TOKEN.finditer(query):
        name = found["name"]
        if name is None:
            continue
        if name not in parameters:
            raise quorate.DataError(
                f"data.query names the value :{name}, which data.parameters does not have; it has "
                f"{listed(parameters)}{near(name, parameters)}"
            )
        used.add(name)
        parts += [query[last : found.start()], *values(parameters[name])]
        last = found.end()
    if unused := [name for name in parameters if name not in used]:
        raise quorate.DataError(
            f"data.parameters has {unused[0]!r}, which data.query does not name: write :{unused[0]} where it belongs"
        )
    return Statement((*parts, query[last:]))


def values(value: Any) -> list[str | Value]:
    """Return a value, or those of a list in brackets."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return [Value(value)]
    if not value:
        raise quorate.DataError("data.parameters: a list of values must not be empty")
    inside = [part for one in value for part in (", ", Value(one))]
    return ["(", *inside[1:], ")"]


def joined(parts: Iterable[Statement], between: str) -> Statement:
    """Return several statements as one."""
    whole = Statement(())
    for i, part in enumerate(parts):
        whole = whole + between + part if i else whole + part
    return whole
