"""What every public statistic asks of its arguments before it computes, written once.

A function's annotations say what its arguments must be, and `checked` sees to it: arrays become float64 of one
dimension and of equal lengths, numbers lie within their range. What is not so is a ValueError that names the
argument, what it must be and what it was. Inside there are only plain arrays.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import math
import numbers
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")
FLOAT = np.dtype(np.float64)
REAL = "biuf"  # kinds of numbers that NumPy has, complex ones apart


@dataclass(frozen=True)
class Array:
    """An array of numbers with one of these numbers of dimensions; what is masked or None becomes NaN.

    Parameters
    ----------
    dims : tuple of int
    beside : bool
        Of equal length with the other arrays of the call, and of the same index where they have one.
    unknown : bool
        It may be empty beside others, which says that it is not known.
    """

    dims: tuple[int, ...] = (1,)
    beside: bool = True
    unknown: bool = False

    @property
    def must(self) -> str:
        """What it must be."""
        shape = " or ".join("(n,)" if d == 1 else "(n, k)" for d in self.dims)
        return f"an array {shape} of {self.holds}{', or empty where it is not known' if self.unknown else ''}"

    @property
    def holds(self) -> str:
        """What its values must be."""
        return "real numbers"

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument as the function takes it."""
        if type(value) is np.ndarray and value.dtype == FLOAT and value.ndim in self.dims:
            return value
        return self.shaped(name, _floats(name, value, self.must))

    def shaped(self, name: str, found: NDArray[Any]) -> NDArray[Any]:
        """Return the array, if it has the right number of dimensions."""
        if found.ndim not in self.dims:
            raise ValueError(f"{name} must be {self.must}; its shape was {found.shape}")
        return found


@dataclass(frozen=True)
class Binary(Array):
    """Masks or classes: booleans, or the numbers 0 and 1, which mean the same; as float64, for NaN has a place."""

    @property
    def holds(self) -> str:
        """What its values must be."""
        return "booleans or of 0 and 1"

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument as float64, NaN where it is not known."""
        found: NDArray[Any] = super().__call__(name, value)
        other = ~((found == 0) | (found == 1) | np.isnan(found))
        if other.any():
            raise ValueError(f"{name} must be {self.must}; it has {found[other][0]:g}")
        return found


@dataclass(frozen=True)
class Whole(Array):
    """Positions of bars."""

    @property
    def holds(self) -> str:
        """What its values must be."""
        return "whole numbers"

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument as int64."""
        if type(value) is np.ndarray and value.dtype == np.int64 and value.ndim == 1:
            return value
        found: NDArray[Any] = super().__call__(name, value)
        other = ~(np.abs(found) < 2**53) | (found != np.floor(found))
        if other.any():
            raise ValueError(f"{name} must be {self.must}; it has {found[other][0]:g}")
        return found.astype(np.int64)


@dataclass(frozen=True)
class Stamps(Array):
    """Times, those with a zone in UTC."""

    @property
    def holds(self) -> str:
        """What its values must be."""
        return "datetime64"

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument as datetime64."""
        found = _array(name, value, self.must)
        if not found.size:
            found = np.empty(found.shape, dtype="datetime64[us]")
        if found.dtype.kind == "O" and all(isinstance(v, datetime.date) for v in found.flat):
            import pandas as pd

            found = pd.to_datetime(found.ravel(), utc=True).tz_localize(None).to_numpy().reshape(found.shape)
        if found.dtype.kind != "M":
            raise ValueError(f"{name} must be {self.must}; it has {_kind(found)}")
        return self.shaped(name, found)


@dataclass(frozen=True)
class Number:
    """A real number; if there is a range, within it and finite.

    Parameters
    ----------
    least, most : float, optional
        Bounds that belong to the range.
    above, below : float, optional
        Bounds that do not.
    whole : bool
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False

    @property
    def must(self) -> str:
        """What it must be."""
        bounds = {"at least": self.least, "above": self.above, "at most": self.most, "below": self.below}
        told = " and ".join(f"{how} {bound}" for how, bound in bounds.items() if bound is not None)
        return " ".join(
            filter(None, ("a whole number" if self.whole else "a finite number" if told else "a number", told))
        )

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument as int or float."""
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
            raise ValueError(f"{name} must be {self.must}; it was {_short(value)}")
        try:
            size = float(value)
        except OverflowError:
            size = math.inf
        if not self.has(size) or (self.whole and not size.is_integer()):
            raise ValueError(f"{name} must be {self.must}; it was {_short(value)}")
        if self.whole:
            return int(value)  # type: ignore[call-overload]  # a whole real number is one to int
        return size

    def has(self, value: float) -> bool:
        """Return whether the number lies within the range."""
        return (math.isfinite(value) or self == Number()) and (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True)
class Choice:
    """One of several words."""

    words: tuple[Any, ...]

    @property
    def must(self) -> str:
        """What it must be."""
        return " or ".join(repr(word) for word in self.words)

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument."""
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(f"{name} must be {self.must}; it was {_short(value)}")
        return value


@dataclass(frozen=True)
class Ascending:
    """Levels of quantiles."""

    must = "at least two levels between 0 and 1 that ascend"

    def __call__(self, name: str, value: Any) -> Any:
        """Return the argument as float64."""
        found = _floats(name, value, self.must)
        if found.ndim != 1 or len(found) < 2 or not (np.diff(found, prepend=0, append=1) > 0).all():
            raise ValueError(f"{name} must be {self.must}; they were {found.tolist()}")
        return found


Rule = Array | Number | Choice | Ascending
Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Values = Annotated[Floats, Array()]
Others = Annotated[Floats, Array(beside=False)]
Market = Annotated[Floats, Array(unknown=True)]
Matrix = Annotated[Floats, Array((2,))]
Columns = Annotated[Floats, Array((1, 2))]
Flags = Annotated[NDArray[Any], Binary()]
Bars = Annotated[Positions, Whole()]
MaybeBars = Annotated[Positions, Whole(unknown=True)]
Times = Annotated[NDArray[np.datetime64], Stamps()]
Real = Annotated[float, Number()]
Positive = Annotated[float, Number(above=0)]
Block = Annotated[float, Number(least=1)]
Share = Annotated[float, Number(least=0, most=1)]
Level = Annotated[float, Number(above=0, below=1)]
Levels = Annotated[Floats, Ascending()]
Confidence = Annotated[float, Number(least=0.5, below=1)]  # one-sided: below one half it would be doubt
Integer = Annotated[int, Number(whole=True)]
Natural = Annotated[int, Number(least=0, whole=True)]
Count = Annotated[int, Number(least=1, whole=True)]


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Have the arguments of a function checked and converted as its annotations say, and its docstring tell of it."""
    hints = get_type_hints(function, include_extras=True)
    given = list(inspect.signature(function).parameters)
    rules: dict[str, Any] = {name: _rule(name, hints[name]) for name in given if name != "self"}
    optional = {name for name in rules if type(None) in get_args(hints[name])}
    labels = {name: f"{function.__name__}: {name}" for name in rules}
    arrays = [name for name, rule in rules.items() if isinstance(rule, Array) and rule.beside]

    @functools.wraps(function)
    def boundary(*args: P.args, **kwargs: P.kwargs) -> R:
        values: dict[str, Any] = {**dict(zip(given, args, strict=False)), **kwargs}
        if len(values) < len(args) + len(kwargs):
            return function(*args, **kwargs)  # too many arguments, or one twice: Python says so
        right = dict(values)
        for name, rule in rules.items():
            if name in values and not (values[name] is None and name in optional):
                right[name] = rule(labels[name], values[name])
        beside = [n for n in arrays if values.get(n) is not None and (len(right[n]) or not rules[n].unknown)]
        if len(beside) > 1:
            _side_by_side(function.__name__, beside, values, right)
        return function(**right)  # type: ignore[call-arg]

    if function.__doc__:
        boundary.__doc__ = inspect.cleandoc(function.__doc__) + _raises(rules, optional)
    return boundary


def _rule(name: str, hint: Any) -> Rule:
    """Return what an annotation asks; those that a public statistic may have are at the top."""
    for part in (hint, *get_args(hint)):
        if get_origin(part) is Literal:
            return Choice(get_args(part))
        if get_origin(part) is Annotated:
            return next(extra for extra in part.__metadata__ if isinstance(extra, Rule))
    raise TypeError(f"the annotation of {name} does not say what the argument must be; it was {hint}")


def _raises(rules: Mapping[str, Rule], optional: set[str]) -> str:
    """Return the section of a docstring that says when there is a ValueError."""
    told = (f"`{name}` is {rule.must}{' or None' if name in optional else ''}" for name, rule in rules.items())
    return "\n\nRaises\n------\nValueError\n    Unless " + ",\n    ".join(told) + "."


def _side_by_side(function: str, names: list[str], given: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """See that arrays have one length, and those of pandas one index."""
    first, indexed = names[0], None
    for name in names:
        if len(found[name]) != len(found[first]):
            raise ValueError(
                f"{function}: {name} must be as long as {first}, {len(found[first])}; it has length {len(found[name])}"
            )
        if type(given[name]) is np.ndarray or not _has_index(given[name]):
            continue
        if indexed is not None and not given[name].index.equals(given[indexed].index):
            raise ValueError(
                f"{function}: {name} must have the index of {indexed}, as nothing is aligned; it was another one"
            )
        indexed = indexed or name


def _has_index(value: Any) -> bool:
    pandas = sys.modules.get("pandas")  # what was never imported has made none of the arguments
    return pandas is not None and isinstance(value, pandas.Series | pandas.DataFrame)


def _array(name: str, value: Any, must: str) -> NDArray[Any]:
    """Return anything that is an array, or can be one, as such; what is masked as NaN."""
    try:
        if isinstance(value, np.ma.MaskedArray) and value.dtype.kind in REAL:
            value = np.ma.filled(value.astype(FLOAT), math.nan)
        return np.asarray(value)
    except Exception as error:
        raise ValueError(f"{name} must be {must}; it was {_short(value)}") from error


def _floats(name: str, value: Any, must: str) -> Floats:
    """Return anything that holds real numbers as float64."""
    found = _array(name, value, must)
    if found.ndim == 0:
        raise ValueError(f"{name} must be {must}; it was {_short(value)}")
    if found.dtype.kind == "O":
        missing = getattr(sys.modules.get("pandas"), "NA", None)
        flat = [math.nan if v is None or v is missing else v for v in found.flat]
        for v in flat:
            if not isinstance(v, numbers.Real | Decimal | np.bool_):
                raise ValueError(f"{name} must be {must}; it has {_short(v)}")
        found = np.array(flat, dtype=object).reshape(found.shape)
    elif found.dtype.kind not in REAL:
        raise ValueError(f"{name} must be {must}; it has {_kind(found)}")
    with np.errstate(over="ignore"):
        try:
            return found.astype(FLOAT)
        except OverflowError as error:
            raise ValueError(f"{name} must be {must}; it has one too large for float64") from error


def _kind(found: NDArray[Any]) -> str:
    return {"U": "text", "S": "bytes", "O": "objects", "M": "times", "m": "durations", "c": "complex numbers"}.get(
        found.dtype.kind, f"values of type {found.dtype}"
    )


def _short(value: Any) -> str:
    """Return what came, short enough for a message."""
    if isinstance(value, numbers.Real):
        return str(value)
    text = repr(value)
    return f"{type(value).__name__} {text}" if len(text) <= 40 else f"a {type(value).__name__}"
