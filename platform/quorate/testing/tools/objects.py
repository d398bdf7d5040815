"""Looking into fitted objects: what they hold, and what of it cannot be stored."""

from __future__ import annotations

import functools
import pickle
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAVES = (str, bytes, int, float, complex, bool, type(None), np.ndarray, np.generic, type, types.ModuleType)
_MOST = 20_000

Path = tuple[tuple[str, Any], ...]


def parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds directly, each with how it is reached, e.g. ``.scaler_``."""
    if isinstance(thing, _LEAVES) or hasattr(thing, "data_ptr"):
        return
    if isinstance(thing, Mapping):
        yield from ((f"[{key!r}]", value) for key, value in list(thing.items()))
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"[{i}]", value) for i, value in enumerate(thing))
    elif isinstance(thing, functools.partial):
        yield from (("(its function)", thing.func), ("(its arguments)", (thing.args, thing.keywords)))
    elif isinstance(thing, types.MethodType):
        yield "(its object)", thing.__self__
    elif isinstance(thing, types.FunctionType):
        names = thing.__code__.co_freevars
        yield from ((f"(closure: {n})", _content(c)) for n, c in zip(names, thing.__closure__ or (), strict=True))
    else:
        yield from ((f".{name}", value) for name, value in list(getattr(thing, "__dict__", {}).items()))
        for name in getattr(type(thing), "__slots__", ()):
            if isinstance(name, str) and hasattr(thing, name):
                yield f".{name}", getattr(thing, name)


def walk(thing: Any, name: str = "model", into: Callable[[Any], bool] = lambda part: True) -> Iterator[Path]:
    """Yield the path to everything an object holds, breadth first: pairs of name and object.

    What does not pass `into` is named, but not looked into.
    """
    waiting: list[Path] = [((name, thing),)]
    seen = {id(thing)}
    for path in waiting:
        yield path
        if len(waiting) > _MOST or not into(path[-1][1]):
            continue
        for step, part in parts(path[-1][1]):
            if id(part) not in seen:
                seen.add(id(part))
                waiting.append((*path, (step, part)))


def spelled(path: Path) -> str:
    """Return a path as it would be written in code."""
    return "".join(step for step, _ in path)


def shares_memory(thing: Any, array: NDArray[Any]) -> bool:
    """Say whether an array, tensor or frame lies in the memory of `array`."""
    try:
        if isinstance(thing, np.ndarray):
            return np.may_share_memory(thing, array)
        if hasattr(thing, "data_ptr"):
            start = array.__array_interface__["data"][0]
            return bool(start <= thing.data_ptr() < start + array.nbytes)
        if hasattr(thing, "to_numpy"):
            return np.may_share_memory(thing.to_numpy(), array)
    except (TypeError, RuntimeError, ValueError):
        return False
    return False


def unpicklable(thing: Any, name: str = "model", seen: set[int] | None = None) -> Iterator[tuple[str, Any, Exception]]:
    """Yield the innermost objects that cannot be pickled, with their paths and the reason."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    try:
        pickle.dumps(thing)
    except Exception as e:  # pickling runs foreign code
        inner = [found for step, part in parts(thing) for found in unpicklable(part, name + step, seen)]
        if inner and not isinstance(thing, types.FunctionType):
            yield from inner
        else:
            yield name, thing, e


def equal(a: Any, b: Any) -> bool:
    """Say whether two parameter values are the same, whatever they are."""
    if a is b:
        return True
    try:
        if type(a) is type(b) and bool(np.all(a == b)):
            return True
        if isinstance(a, list | tuple) and isinstance(b, list | tuple):
            return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
        if not isinstance(a, bool) and not isinstance(b, bool) and bool(a == b):
            return True
    except Exception:
        return False
    return type(a) is type(b) and repr(a) == repr(b)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
