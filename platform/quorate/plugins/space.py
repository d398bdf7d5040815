"""Search spaces: what a parameter of a model may be. Nothing heavy is imported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.errors import PluginError

When = Mapping[str, tuple[Any, ...]]  # parameter to the values of it with which another one counts


@dataclass(frozen=True)
class Float:
    """A number from `low` to `high`, uniform, or uniform in its logarithm.

    Parameters
    ----------
    low, high : float
        Both included; positive, if `log`.
    log : bool
        Equal weight to each order of magnitude.
    when : mapping, optional
        It counts only with these values of other parameters, e.g. ``{"kind": ("rbf",)}``.
    """

    low: float
    high: float
    log: bool = False
    when: When = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        _check_range(self)
        _check_when(self)

    def at(self, share: float) -> float:
        """Return the value a share (0 to 1) of the way from `low` to `high`."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Int:
    """A whole number from `low` to `high`.

    Parameters
    ----------
    low, high : int
        Both included; positive, if `log`.
    log : bool
        Equal weight to each order of magnitude.
    when : mapping, optional
        It counts only with these values of other parameters, e.g. ``{"kind": ("rbf",)}``.
    """

    low: int
    high: int
    log: bool = False
    when: When = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        _check_range(self)
        _check_when(self)

    def at(self, share: float) -> int:
        """Return the value a share (0 to 1) of the way from `low` to `high`."""
        return min(max(round(Float(self.low, self.high, self.log).at(share)), self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One of some values, all equally likely.

    Parameters
    ----------
    values : tuple
        At least one.
    when : mapping, optional
        It counts only with these values of other parameters, e.g. ``{"kind": ("rbf",)}``.
    """

    values: tuple[Any, ...]
    when: When = field(default_factory=dict, hash=False, repr=False)

    def __init__(self, values: tuple[Any, ...], *more: Any, when: When | None = None) -> None:
        if more or not isinstance(values, tuple) or not values:
            given = (values, *more) if more else tuple(values) if isinstance(values, list | set | tuple) else (values,)
            raise PluginError(
                f"Choice takes one tuple of values, e.g. quorate.Choice({given or ('a', 'b')!r}); "
                f"it was given {', '.join(repr(v) for v in (values, *more))}"
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "when", dict(when or {}))
        _check_when(self)

    def at(self, share: float) -> Any:
        """Return the value a share (0 to 1) of the way through them."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


Distribution = Float | Int | Choice


def _check_range(range_: Float | Int) -> None:
    if not range_.low < range_.high:
        raise PluginError(f"{range_}: low must be below high")
    if range_.log and range_.low <= 0:
        raise PluginError(f"{range_}: a logarithmic range must be positive; low is {range_.low}")


def _check_when(one: Distribution) -> None:
    if not isinstance(one.when, Mapping) or not all(isinstance(v, tuple) and v for v in one.when.values()):
        raise PluginError(
            f'{one}: when takes a tuple of values by parameter, e.g. {{"kind": ("rbf",)}}; it was {one.when!r}'
        )
