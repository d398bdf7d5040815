"""Search spaces: what a parameter of a model may be. Nothing heavy is imported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from quorate.errors import PluginError


@dataclass(frozen=True)
class Float:
    """A number from `low` to `high`, uniform, or uniform in its logarithm.

    Parameters
    ----------
    low, high : float
        Both included; positive, if `log`.
    log : bool
        Equal weight to each order of magnitude.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)

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
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self)

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
    """

    values: tuple[Any, ...]

    def __init__(self, values: tuple[Any, ...], *more: Any) -> None:
        if more or not isinstance(values, tuple) or not values:
            given = (values, *more) if more else tuple(values) if isinstance(values, list | set | tuple) else (values,)
            raise PluginError(
                f"Choice takes one tuple of values, e.g. quorate.Choice({given or ('a', 'b')!r}); "
                f"it was given {', '.join(repr(v) for v in (values, *more))}"
            )
        object.__setattr__(self, "values", values)

    def at(self, share: float) -> Any:
        """Return the value a share (0 to 1) of the way through them."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


Distribution = Float | Int | Choice


def _check_range(range_: Float | Int) -> None:
    if not range_.low < range_.high:
        raise PluginError(f"{range_}: low must be below high")
    if range_.log and range_.low <= 0:
        raise PluginError(f"{range_}: a logarithmic range must be positive; low is {range_.low}")
