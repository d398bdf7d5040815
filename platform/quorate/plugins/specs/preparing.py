"""What models read: features, and transforms that stand between them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from quorate.errors import PluginError
from quorate.plugins.specs.base import Lazy, Spec

AT = "@"  # between a feature's name and the frequency of the bars that it reads


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
        Any of ``open``, ``high``, ``low``, ``close``, ``volume``; or covariates of the recipe as they were known at
        each close: ``news``, of several values ``news.score``, and ``news.age``, ``news.known`` and
        ``news.next``, the days to the next time that is known to come.
    lookback : int
        Bars that one value reads, its own bar included; the first ``lookback - 1`` rows of a
        symbol are warm-up and are dropped. Later values must be finite on any valid bars, also where a
        price stands still or nothing is traded; `quorate.rolling.ratio` gives 0 for 0/0.
    recursive : bool
        The value reads all earlier bars with fading weight; `lookback` then is where what lies before
        changes a value by less than 0.1 % of the feature's standard deviation, and not more than about
        three times that.
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

    @property
    def frequency(self) -> str:
        """Of the bars that it reads, ``source`` for the source's own; empty for those of the recipe."""
        return self.name.partition(AT)[2]

    def at(self, frequency: str) -> FeatureSpec:
        """Return the feature on bars of another frequency, called ``name@frequency``."""
        spec = copy(self)
        object.__setattr__(spec, "name", f"{self.name}{AT}{frequency}")
        return spec


@dataclass(frozen=True)
class TransformSpec(Spec):
    """A transform: ``function(X, counts, **options)`` learns what `apply` needs to turn features into other columns.

    `X` are some features of the training rows of one fold, and of no other rows: float32 (n_rows, n_columns).
    `counts`, int64 (n_rows,), says how often each row counts: once, or for a model that reads windows as often as
    there are training windows that hold the bar; a row counted twice must do what two equal rows do. The answer maps
    names to arrays of finite numbers, or is empty. It is all that `apply` knows of the training rows, and is written
    into files with a trained model.

    ``apply(X, learnt)`` is given rows, of training or later ones, and that mapping, and gives their columns, float
    (n_rows, n_columns), finite for any finite `X`. Each row is turned by itself, whatever rows there are beside it.
    All arrays are read-only.

    Parameters
    ----------
    apply : str or callable
        ``"module:attribute"`` or a callable, see above.
    inverse : str or callable, optional
        ``inverse(columns, learnt)`` gives `X` back, to a hundred-thousandth.
    renames : str
        Empty: as many columns as there were, with the same names. A word, e.g. ``pca``: the columns are new ones,
        called ``pca_1``, ``pca_2``, ...; how many there are may depend on the training rows.
    onnx : str or callable, optional
        ``function(learnt, n_columns)`` gives `apply` as ONNX, the bytes of a serialised ModelProto: one input, float32
        (batch, n_columns), where the batch is of any length, and one output, float32, with the columns that `apply`
        gives. They must be the same within 1e-4. Models behind a transform without it cannot be exported.
    """

    kind: ClassVar[str] = "transform"

    apply: Lazy = ""
    inverse: Lazy | None = None
    renames: str = ""
    onnx: Lazy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.apply:
            raise PluginError(f"{self}: apply is missing: the function that turns rows, given what was learnt")
        for function in (self.apply, self.inverse, self.onnx):
            if function is not None and function is not self.function:
                self._as_function(function)
        if self.renames and not self.renames.isidentifier():
            raise PluginError(f"{self}: renames must be a word that columns can be called by; it was {self.renames!r}")

    def applier(self) -> Callable[..., Any]:
        """Import and return `apply`.

        Raises
        ------
        PluginError
            If it cannot be imported.
        """
        return self._as_function(self.apply).resolve()

    def inverter(self) -> Callable[..., Any] | None:
        """Import and return `inverse`; None, if the spec names none.

        Raises
        ------
        PluginError
            If it cannot be imported.
        """
        return None if self.inverse is None else self._as_function(self.inverse).resolve()

    def exporter(self) -> Callable[..., Any] | None:
        """Import and return `onnx`; None, if the spec names none.

        Raises
        ------
        PluginError
            If it cannot be imported.
        """
        return None if self.onnx is None else self._as_function(self.onnx).resolve()

    def _as_function(self, function: Lazy) -> TransformSpec:
        return replace(self, function=function, apply=function, inverse=None, onnx=None)
