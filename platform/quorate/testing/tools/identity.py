"""What a plugin remembers of an object by where it lies in memory, and gives to another one that lies there later."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from quorate.errors import QuorateError
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation
from quorate.testing.tools.answers import Answer, Arguments, Question, difference, question
from quorate.testing.tools.fresh import MEMORY, fresh, text_of

_ROUNDS, _PLACES = 6, 60
_ADDRESS = re.compile(r"__array_interface__|\.ctypes\b|data_ptr")
_PLAIN: Any = object.__hash__
IDENTITY = (
    "a new input has the identity, id() or memory address, of one that is gone, and gets the answer to that: a cache "
    "keyed by id(), or by an address, gives back what belongs to another. Leave the cache out, or key it by content, "
    "e.g. hashlib.sha256(values.tobytes()).digest()"
)


class Identities:
    """Stands for ``id`` in a plugin's module: who comes gets the lowest number of those who are gone, as memory may."""

    def __init__(self) -> None:
        self._known: dict[int, weakref.ref[Any]] = {}

    def id(self, thing: Any) -> int:
        """Return the number of a living object, the same every time."""
        for number, known in self._known.items():
            if known() is thing:
                return number
        try:
            own = weakref.ref(thing)
        except TypeError:
            return id(thing)
        number = next(n for n in range(1, len(self._known) + 2) if n not in self._known or self._known[n]() is None)
        self._known[number] = own
        return number

    def hash(self, thing: Any) -> int:
        """Return the hash, which is made of the identity where a class says nothing else."""
        return self.id(thing) if getattr(type(thing), "__hash__", None) is _PLAIN else hash(thing)


def demand_no_identity(plugin: Plugin) -> None:
    """Raise `Violation`, if what is remembered of an object is given to another one with the same identity."""
    asked = question(plugin)
    try:
        expected, both = asked.ask(fresh(plugin), asked.arguments(2)), fresh(plugin)
        one, other = asked.arguments(1), asked.arguments(2)
        asked.ask(both, one)
        if difference(expected, asked.ask(both, other)):  # `one` is there yet, and has an identity of its own
            return  # it remembers in another way, or no two answers are equal: that is what other rules say
        del one, other
        found = list(_renumbered(plugin, asked))
        if _ADDRESS.search(text_of(plugin)):
            found += _in_the_same_place(plugin, asked)
    except (Violation, QuorateError):  # it cannot be asked: see the rules of its kind
        return
    for answer in found:
        if told := difference(expected, answer):
            raise Violation(
                f"{told[0]} is {told[1]}, and {told[2]} after another call: {IDENTITY}",
                expected=told[1],
                found=told[2],
            )


def demand_no_memory(plugin: Plugin) -> None:
    """Raise `Violation`, if an answer depends on what was asked before."""
    asked = question(plugin)
    try:
        expected, anew = asked.ask(fresh(plugin), asked.arguments(2)), fresh(plugin)
        asked.ask(anew, asked.arguments(1))
        found, again = asked.ask(anew, asked.arguments(2)), asked.ask(fresh(plugin), asked.arguments(2))
    except (Violation, QuorateError):
        return
    told = difference(expected, found)
    if told and not difference(expected, again):
        raise Violation(
            f"{told[0]} is {told[1]} at first, and {told[2]} after something else of the same size was seen: {MEMORY}",
            expected=told[1],
            found=told[2],
        )


def demand_no_leftovers(plugin: Plugin) -> None:
    """Raise `Violation`, if an answer depends on what lay in memory before, in arrays that were never filled."""
    asked, found = question(plugin), []
    try:
        for value in (-7.25, -7.25, 3.5):
            with _left_behind(value):
                found.append(asked.ask(plugin, asked.arguments(1)))
    except (Violation, QuorateError):
        return
    if difference(found[0], found[1]):
        return  # no two answers are equal: that is what other rules say
    if told := difference(found[0], found[2]):
        raise Violation(
            f"{told[0]} is {told[1]}, or {told[2]}, by what lay in memory before: it is never computed. An array of "
            "np.empty or np.empty_like holds anything; begin with np.full(shape, np.nan), or fill every place",
            expected=told[1],
            found=told[2],
        )


@contextmanager
def _left_behind(value: float) -> Iterator[None]:
    """Let arrays that are made empty hold a value."""

    def holding(make: Callable[..., NDArray[Any]]) -> Callable[..., NDArray[Any]]:
        def made(*arguments: Any, **more: Any) -> NDArray[Any]:
            array = make(*arguments, **more)
            if array.dtype.kind == "f":
                array.fill(value)
            return array

        return made

    with patch.object(np, "empty", holding(np.empty)), patch.object(np, "empty_like", holding(np.empty_like)):
        yield


def _renumbered(plugin: Plugin, asked: Question) -> Iterator[Answer]:
    """Yield the answer to the second arguments, whose identities are those of the first, which are gone."""
    numbers = Identities()
    anew = fresh(plugin, names={"id": numbers.id, "hash": numbers.hash})
    asked.ask(anew, asked.arguments(1))
    gc.collect()
    yield asked.ask(anew, asked.arguments(2))


def _in_the_same_place(plugin: Plugin, asked: Question) -> Iterator[Answer]:
    """Yield the answers to the second arguments where their arrays lie where those of the first lay."""
    template, anew = asked.arguments(2), fresh(plugin)
    for _ in range(_ROUNDS):
        given = [_twin(one) for one in asked.arguments(1)]
        asked.ask(anew, given)
        gone = {address for one in given for address in _addresses(one)}
        del given
        made: list[Arguments] = []  # kept, so that each takes another place
        while len(made) < _PLACES:
            made.append([_twin(one) for one in template])
            if gone & {address for one in made[-1] for address in _addresses(one)}:
                yield asked.ask(anew, made[-1])
                break


def _twin(thing: Any) -> Any:
    """Return a copy of an argument with arrays of its own, laid out alike."""
    if isinstance(thing, np.ndarray):
        return _copied(thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        arrays = {f.name: getattr(thing, f.name) for f in fields(thing) if f.init}
        return replace(thing, **{n: _copied(a) for n, a in arrays.items() if isinstance(a, np.ndarray)})
    return thing


def _copied(array: NDArray[Any]) -> NDArray[Any]:
    copy = np.array(array, order="K")
    copy.flags.writeable = array.flags.writeable
    return copy


def _addresses(thing: Any) -> Iterator[int]:
    arrays = [thing] if isinstance(thing, np.ndarray) else list(vars(thing).values()) if is_dataclass(thing) else []
    yield from (a.__array_interface__["data"][0] for a in arrays if isinstance(a, np.ndarray) and a.size)
