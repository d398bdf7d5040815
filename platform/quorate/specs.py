"""What a plugin yields: one frozen spec per thing it offers.

This module imports nothing heavy, so that listing plugins stays instant. A function or factory is
given as ``"module:attribute"`` (imported when first used) or as a callable.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from quorate.errors import PluginError

Lazy = str | Callable[..., Any]
Task = Literal["classification", "regression"]

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Spec:
    """What every spec has.

    Parameters
    ----------
    name : str
        Lower case letters, digits, ``-`` and ``_``; unique within its kind.
    function : str or callable
        ``"module:attribute"`` or a callable; see the kind for its signature.
    params : mapping
        Default keyword arguments of `function`; a recipe may override them.
    requires : tuple of str
        Distributions that must be installed; ``"a|b"`` accepts either. If one is missing the
        plugin is disabled with a message.
    description : str
        One line for ``quorate plugins``.
    """

    kind: ClassVar[str] = ""

    name: str
    function: Lazy
    params: Mapping[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(
                f"{type(self).__name__} name must be lower case letters, digits, '-' and '_', "
                f"starting with a letter; it was {self.name!r}"
            )
        if isinstance(self.function, str):
            if not _PATH.fullmatch(self.function):
                raise PluginError(
                    f"{self.kind} {self.name!r}: a function given as text must be 'module:attribute'; "
                    f"it was {self.function!r}"
                )
        elif not callable(self.function):
            raise PluginError(f"{self.kind} {self.name!r}: function must be 'module:attribute' or a callable")
        if isinstance(self.requires, str):
            raise PluginError(f"{self.kind} {self.name!r}: requires must be a tuple, e.g. ({self.requires!r},)")

    def resolve(self) -> Callable[..., Any]:
        """Import and return the function.

        Raises
        ------
        PluginError
            If the module or the attribute cannot be imported.
        """
        if not isinstance(self.function, str):
            return self.function
        module, _, attribute = self.function.partition(":")
        try:
            target = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as e:
            raise PluginError(f"{self.kind} {self.name!r}: cannot import {self.function!r}: {e}") from e
        if not callable(target):
            raise PluginError(f"{self.kind} {self.name!r}: {self.function!r} is not callable")
        return target  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ModelSpec(Spec):
    """A model: ``function(**params)`` makes an object with scikit-learn's ``fit`` and ``predict``.

    If the factory's signature names ``random_state`` or ``n_jobs``, the platform passes the fit's
    seed and its number of threads.

    Parameters
    ----------
    task : {"classification", "regression"}
        ``classification`` must offer ``predict_proba`` and gives the probability of the positive
        class; ``regression`` offers ``predict`` and gives the label's expectation, which for a
        binary label is that same probability.
    input : {"rows", "bars"}
        ``rows``: `X` is the feature matrix, float32 (n, n_features). ``bars``: `X` is raw
        open, high, low, close, volume, float64 (n, `lookback`, 5), oldest bar first.
    lookback : int
        Bars that a ``bars`` model sees, the bar of the prediction included.
    baseline : bool
        A baseline is judged beside the ensemble but never a member of it.
    cpus : int
        Threads of one fit.
    """

    kind: ClassVar[str] = "model"

    task: Task = "classification"
    input: Literal["rows", "bars"] = "rows"
    lookback: int = 1
    baseline: bool = False
    cpus: int = 1


@dataclass(frozen=True)
class FeatureSpec(Spec):
    """A feature: ``function(*inputs, **params)`` gives one float64 column per symbol.

    Each input is a read-only float64 array (n_bars, n_symbols), time on axis 0. Unless
    `cross_sectional`, every column holds one symbol's own bars without gaps from row 0 on (after
    its last bar: NaN), and the result for a symbol must not depend on the other columns. A
    cross-sectional feature sees the panel aligned in time, NaN where a symbol has no bar.

    Parameters
    ----------
    inputs : tuple of str
        Any of ``open``, ``high``, ``low``, ``close``, ``volume``.
    lookback : int
        Bars that one value reads, its own bar included; the first ``lookback - 1`` rows of a
        symbol are warm-up and are dropped. Later values must be finite.
    recursive : bool
        The value reads all earlier bars with fading weight; `lookback` then is where what lies
        before changes it by less than 0.1 %.
    cross_sectional : bool
        The function needs all symbols at once.
    group : str
        A word to select features by, e.g. ``momentum``.
    """

    kind: ClassVar[str] = "feature"

    inputs: tuple[str, ...] = ("close",)
    lookback: int = 1
    recursive: bool = False
    cross_sectional: bool = False
    group: str = "other"


@dataclass(frozen=True)
class LabelSpec(Spec):
    """A label: ``function(prices, horizon, **params)`` gives ``(values, ends)``.

    `prices` are the fill prices, float64 (n_bars, n_symbols): a decision at *t* fills at
    ``prices[t + 1]``. `values` is float64 of the same shape, NaN where the label is not known
    within the data; `ends` is an integer array of the position of the bar at which it becomes known.

    Parameters
    ----------
    task : {"classification", "regression"}
        ``classification``: values are 0 and 1. ``regression``: any number.
    """

    kind: ClassVar[str] = "label"

    task: Task = "classification"


@dataclass(frozen=True)
class EnsemblerSpec(Spec):
    """An ensembler: ``function(history, **params)`` gives one weight per member.

    `history` is an `EnsembleHistory` of out-of-fold rows whose label had ended when the weights
    are first used. The platform divides the weights by their sum; they must be finite, not
    negative, and not all zero.
    """

    kind: ClassVar[str] = "ensembler"


@dataclass(frozen=True)
class StrategySpec(Spec):
    """A strategy: ``function(score, threshold, **params)`` gives desired weights in [-1, 1].

    `score` is float64 (n_bars, n_symbols), NaN where there is no prediction; row *t* of the result
    may read rows up to *t* only. The platform scales the weights so that the gross exposure of all
    symbols is at most one.
    """

    kind: ClassVar[str] = "strategy"


@dataclass(frozen=True)
class MetricSpec(Spec):
    """A metric: ``function(performance, **params)`` gives a float, NaN where it is undefined.

    Parameters
    ----------
    unit : {"ratio", "fraction", "count", "currency", "nats"}
        How the number reads: ``fraction`` prints as a percentage.
    higher_is_better : bool or None
        None: neither.
    annualised : bool
        The number uses the bars' calendar.
    """

    kind: ClassVar[str] = "metric"

    unit: Literal["ratio", "fraction", "count", "currency", "nats"] = "ratio"
    higher_is_better: bool | None = True
    annualised: bool = False


@dataclass(frozen=True)
class GateSpec(Spec):
    """A gate: ``function(evidence, **params)`` gives a `GateResult`.

    Parameters
    ----------
    tier : {"A", "B", "C", "D"}
        A integrity, B headline, C statistical evidence, D robustness.
    """

    kind: ClassVar[str] = "gate"

    tier: Literal["A", "B", "C", "D"] = "B"


@dataclass(frozen=True)
class SourceSpec(Spec):
    """A source: ``function(**options)`` gives `Bars`; the options are the recipe's ``[data]`` table."""

    kind: ClassVar[str] = "source"


@dataclass(frozen=True)
class RecipeSpec(Spec):
    """A ready-to-run recipe: ``function()`` gives the path of its TOML file."""

    kind: ClassVar[str] = "recipe"


SPECS: tuple[type[Spec], ...] = (
    ModelSpec,
    FeatureSpec,
    LabelSpec,
    EnsemblerSpec,
    StrategySpec,
    MetricSpec,
    GateSpec,
    SourceSpec,
    RecipeSpec,
)
KINDS: dict[str, type[Spec]] = {spec.kind: spec for spec in SPECS}
