"""Values of features by their content, so that a second run over the same bars does not compute them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quorate import rolling
from quorate.bars.panel import Bars
from quorate.execution.fit import NUMERICS
from quorate.execution.key import OWN, given_options, name_of, version
from quorate.execution.machine import libraries, machine
from quorate.plugins.code import code_digest, version_of
from quorate.plugins.specs import FeatureSpec
from quorate.store.kept import KeptArrays

Values = NDArray[np.float32]


def made_here() -> str:
    """Return what the last bits of an array depend on beside its inputs and code: versions, and the processor."""
    names = ("numpy", "pandas", "scipy", "vectorbt", "vectorbt-rust")
    return json.dumps([NUMERICS, libraries(names), machine()], sort_keys=True)


class FeatureCache:
    """The features that a home keeps.

    A key covers the bytes of the bars, the feature's name, code, options and inputs, and the versions of the libraries
    that it names. What was given in Python and has no file is not kept.

    Parameters
    ----------
    kept : KeptArrays
        Where they are.
    """

    def __init__(self, kept: KeptArrays) -> None:
        self._kept = kept
        self._keys: dict[tuple[int, str], tuple[FeatureSpec, str]] = {}
        self._code: dict[tuple[str, str], str] = {}

    def values(self, spec: FeatureSpec, bars: Bars, compute: Callable[[], Values]) -> Values:
        """Return what a feature is on these bars, (n_bars, n_symbols): as it was kept, or computed and kept."""
        key = self._key(spec, bars)
        found = (self._kept.get(key) or {}).get("values") if key else None
        if found is not None and found.shape == bars.close.shape and found.dtype == np.float32:
            return found
        values = compute()
        if key:
            self._kept.put(key, {"values": values})
        return values

    def audited(self, specs: Sequence[FeatureSpec], bars: Bars, rows: int, at: Sequence[int]) -> bool:
        """Say whether these features were found to be the same with these bars cut off at these positions.

        Parameters
        ----------
        rows : int
            How many rows are looked at: those that have the history that features and models need.
        at : sequence of int
            How many bars are left at each place.
        """
        key = self._audit_key(specs, bars, rows, at)
        return bool(key) and self._kept.get(key) is not None

    def note_audited(self, specs: Sequence[FeatureSpec], bars: Bars, rows: int, at: Sequence[int]) -> None:
        """Note that they were; arguments as in `audited`."""
        if key := self._audit_key(specs, bars, rows, at):
            self._kept.put(key, {})

    def _key(self, spec: FeatureSpec, bars: Bars) -> str:
        place = id(spec), bars.fingerprint
        if place not in self._keys:
            self._keys[place] = spec, self._key_of(spec, bars)  # held, so that no other gets its id
        return self._keys[place][1]

    def _audit_key(self, specs: Iterable[FeatureSpec], bars: Bars, rows: int, at: Sequence[int]) -> str:
        keys = [self._key(spec, bars) for spec in specs]
        return self._kept.key("audit-1", json.dumps([keys, rows, list(at)])) if all(keys) else ""

    def _key_of(self, spec: FeatureSpec, bars: Bars) -> str:
        """Return the hash of all that a feature's values depend on; nothing, where its code cannot be told."""
        where = spec.provider
        if where is None or where.inline is not None:
            return ""
        function = spec.resolve()
        place = where.module, getattr(function, "__module__", "")
        if place not in self._code:
            self._code[place] = code_digest(function, where.module, where.local)
        facts = [
            spec.name,
            name_of(function),
            self._code[place],
            None if where.distribution == OWN else where.version,
            _windows(),
            given_options(function, spec.params),
            spec.inputs,
            spec.lookback,
            spec.cross_sectional,
            version_of(function),
            {need: version(need) for need in spec.requires},
            bars.fingerprint,
        ]
        return self._kept.key("feature-1", json.dumps(facts, sort_keys=True, default=str))


@cache
def _windows() -> str:
    """Return the hash of the moving windows that features are built of."""
    return hashlib.sha256(Path(rolling.__file__).read_bytes()).hexdigest()
