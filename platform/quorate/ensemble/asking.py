"""Asking an ensembler, and the proof that its answer keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from quorate.ensemble.combiner import Combiner, EnsembleHistory, EnsembleRows, Positions, weighted
from quorate.errors import IntegrityError, PluginError, plural
from quorate.plugins.calling import call
from quorate.plugins.specs import EnsemblerSpec
from quorate.statistics import Floats

T = TypeVar("T")
RELATIVE, ABSOLUTE = 1e-9, 1e-12  # what other sums of the same numbers may differ by


def combiner_of(spec: EnsemblerSpec, params: Mapping[str, Any], history: EnsembleHistory) -> Combiner:
    """Return how an ensembler with ``update="fold"`` combines; with equal weights, if there is no history.

    Raises
    ------
    PluginError
        If the ensembler fails, or breaks its contract.
    """
    n = len(history.members)

    def fixed(weights: Floats) -> Combiner:
        return Combiner(lambda rows: weighted(rows.predictions, weights), weights)

    def read(answer: Any) -> Combiner:
        return answer if isinstance(answer, Combiner) else fixed(_shares(spec, n, answer))

    return _ask(spec, params, history, read) if len(history.labels) else fixed(np.full(n, 1 / n))


def combined_rows(spec: EnsemblerSpec, combiner: Combiner, rows: EnsembleRows) -> tuple[Floats, Floats]:
    """Combine rows and check the outcome, also that of the first half of the rows by itself.

    Returns
    -------
    combined : ndarray of float64, (n_rows,)
    weights : ndarray of float64, (n_rows, n_members)
        For showing; NaN where the method has none.

    Raises
    ------
    PluginError
        If the combiner fails or breaks its contract.
    IntegrityError
        If what it gives for a row changes with the other rows.
    """
    values, weights = checked_rows(spec, combiner, rows)
    half = (len(values) + 1) // 2
    alone, _ = checked_rows(spec, combiner, rows.first(half))
    if not np.allclose(alone, values[:half], rtol=RELATIVE, atol=ABSOLUTE):
        row = int(np.argmax(np.abs(alone - values[:half])))
        raise IntegrityError(
            f"ensembler {spec.name!r} looks at other rows: row {row} of {len(values)} must be combined by itself; it "
            f"gets {values[row]:.6g} among all and {alone[row]:.6g} without the later ones. Take means, ranks and "
            "scales from the history"
        )
    return values, weights


def checked_rows(spec: EnsemblerSpec, combiner: Combiner, rows: EnsembleRows) -> tuple[Floats, Floats]:
    """Return what a combiner makes of rows and the weights that it shows, as `combined_rows` does.

    Raises
    ------
    PluginError
        If the combiner fails, or its answer has the wrong shape or is not finite.
    """
    n, m = rows.predictions.shape
    values = _numbers(spec, _quoted(spec, combiner.combine, rows))
    if values.shape != (n,) or not np.isfinite(values).all():
        raise PluginError(
            f"ensembler {spec.name!r}: its Combiner must give a finite prediction per row, ({n},); it gave "
            f"{_told(values)}"
        )
    shown = combiner.weights
    if shown is None:
        return values, np.full((n, m), np.nan)
    weights = _numbers(spec, _quoted(spec, shown, rows) if callable(shown) else shown)
    if weights.shape != ((n, m) if callable(shown) else (m,)) or not np.isfinite(weights).all():
        raise PluginError(
            f"ensembler {spec.name!r}: the weights that its Combiner shows must be finite and ({m},) or, from a "
            f"function, ({n}, {m}); they were {_told(weights)}"
        )
    return values, np.broadcast_to(weights, (n, m))


def weight_path(spec: EnsemblerSpec, params: Mapping[str, Any], history: EnsembleHistory) -> tuple[Positions, Floats]:
    """Return the weights through time of an ensembler with ``update="bar"``.

    Returns
    -------
    bars : ndarray of int64, (n_entries,)
        The distinct bars at which labels ended, sorted: entry i may be used from bar ``bars[i]`` on.
    path : ndarray of float64, (n_entries, n_members)
        Each entry sums to one.

    Raises
    ------
    PluginError
        If the ensembler fails or breaks its contract.
    """
    bars = np.unique(history.ends)
    if not len(bars):
        return bars, np.empty((0, len(history.members)))
    return bars, _ask(spec, params, history, lambda answer: checked_path(spec, answer, history))


def checked_path(spec: EnsemblerSpec, answer: Any, history: EnsembleHistory) -> Floats:
    """Return the weights through time that an ensembler answered with, each entry summing to one.

    Raises
    ------
    PluginError
        If they break the contract.
    """
    path = _numbers(spec, answer)
    shape = (len(np.unique(history.ends)), len(history.members))
    fine = path.shape == shape and np.isfinite(path).all() and (path >= 0).all() and (path.sum(axis=1) > 0).all()
    if not fine:
        raise PluginError(
            f"ensembler {spec.name!r} must give {shape[0]} entries of {shape[1]} finite weights, an entry per distinct "
            f"bar of history.ends, none negative and no entry all zero; it gave {_told(path)}"
        )
    shares: Floats = path / path.sum(axis=1, keepdims=True)
    return shares


def audit_path(spec: EnsemblerSpec, params: Mapping[str, Any], history: EnsembleHistory, entries: int) -> None:
    """Ask for the weights through time with and without the later labels and compare the first `entries` of them.

    Raises
    ------
    IntegrityError
        If a weight changed.
    """
    bars, path = weight_path(spec, params, history)
    if not 0 < entries < len(bars):
        return
    _, shorter = weight_path(spec, params, history.take(history.ends <= bars[entries - 1]))
    if not np.allclose(shorter, path[:entries], rtol=RELATIVE, atol=ABSOLUTE):
        entry = int(np.argmax(np.abs(shorter - path[:entries]).max(axis=1)))
        raise IntegrityError(
            f"ensembler {spec.name!r} looks ahead: its weights for bar {bars[entry]} change when the labels that end "
            f"after bar {bars[entries - 1]} are not known. An entry may read only rows whose label ended by its bar: "
            "running sums, never a mean or a scale of the whole history"
        )


def _ask(spec: EnsemblerSpec, params: Mapping[str, Any], history: EnsembleHistory, read: Callable[[Any], T]) -> T:
    on = f"a history of {plural(len(history.labels), 'row')} of {plural(len(history.members), 'member')}"
    return call(spec, on, (history,), params, read)


def _quoted(spec: EnsemblerSpec, function: Callable[[EnsembleRows], Any], rows: EnsembleRows) -> Any:
    n, m = rows.predictions.shape
    return call(
        spec, f"{plural(n, 'row')} of {plural(m, 'member')}, which its Combiner was given", (rows,), function=function
    )


def _numbers(spec: EnsemblerSpec, answer: Any) -> Floats:
    try:
        return np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as e:
        wanted = "weights, or a quorate.Combiner" if spec.update == "fold" else "weights through time"
        raise PluginError(f"ensembler {spec.name!r} must give {wanted}; it gave {type(answer).__name__}") from e


def _shares(spec: EnsemblerSpec, n: int, answer: Any) -> Floats:
    weights = _numbers(spec, answer)
    if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise PluginError(
            f"ensembler {spec.name!r} must give {n} finite weights, none negative and not all zero; it gave "
            f"{_told(weights)}"
        )
    shares: Floats = weights / weights.sum()
    return shares


def _told(values: Floats) -> str:
    """Return few numbers as they are, and of many their shape and how many are not finite."""
    if values.size <= 12:
        return str(values)
    return f"{values.shape}, {int((~np.isfinite(values)).sum())} not finite, the least {np.min(values):.6g}"
