"""Options that one source has from another."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from typing import Any

Source = Callable[..., Any]


def options_of(other: Source, *without: str, endings: tuple[str, ...]) -> Callable[[Source], Source]:
    """Give a source the options of another, in its signature and its docstring, but for some.

    Parameters
    ----------
    other : callable
        A reader of CSV files.
    without : str
        Its options that have no meaning here.
    endings : tuple of str
        Of the files that are read, in place of those of CSV files.
    """

    def with_options(source: Source) -> Source:
        own = inspect.signature(source)
        given = {name: p for name, p in own.parameters.items() if p.kind is not p.VAR_KEYWORD}
        theirs = {name: p for name, p in inspect.signature(other).parameters.items() if name not in without}
        every = {**theirs, **given}.values()
        signature = own.replace(parameters=sorted(every, key=lambda one: one.default is not one.empty))

        def filled(*args: Any, **options: Any) -> Any:
            bound = signature.bind(*args, **options)
            bound.apply_defaults()
            return source(**bound.arguments)

        filled.__name__, filled.__qualname__, filled.__module__ = (
            source.__name__,
            source.__qualname__,
            source.__module__,
        )
        filled.__doc__ = _documented(source.__doc__, other.__doc__, without, endings)
        hints = {**typing.get_type_hints(other), **typing.get_type_hints(source)}
        filled.__annotations__ = {name: hints[name] for name in (*signature.parameters, "return")}
        filled.__signature__ = signature  # type: ignore[attr-defined]
        return filled

    return with_options


def _documented(own: str | None, theirs: str | None, without: tuple[str, ...], endings: tuple[str, ...]) -> str | None:
    """Return a docstring with the options of another, and its own ones first, before what it raises."""
    if not own or not theirs:  # python -OO takes them away
        return own
    options = _between(inspect.cleandoc(theirs), "Parameters\n----------\n", "\nReturns\n")
    head, raises, errors = inspect.cleandoc(own).partition("\nRaises\n")
    head, _, first = head.partition("\nParameters\n----------\n")
    first = first.strip("\n")
    for name in (*without, *re.findall(r"^(\w+) : ", first, flags=re.MULTILINE)):
        options = re.sub(rf"^{name} : .*\n( +.*\n)+", "", options, flags=re.MULTILINE)
    options = options.replace("``.csv`` or ``.csv.gz``", " or ".join(f"``{e}``" for e in endings[:2]))
    options = options.replace(".csv", endings[0])
    return f"{head}\nParameters\n----------\n{first}{chr(10) if first else ''}{options}{raises}{errors}"


def _between(text: str, before: str, after: str) -> str:
    return text.partition(before)[2].partition(after)[0]
