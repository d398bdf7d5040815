"""Evidence for tests of gates: complete, altered, and with something undefined."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np

from quorate.dataset.splits import Paths
from quorate.errors import PluginError
from quorate.evidence.evidence import Evidence, Performance
from quorate.evidence.result import GateResult
from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.specs import GateSpec, MetricSpec
from quorate.testing._base import Violation, default_options
from quorate.testing.markets import performance
from quorate.testing.tools import altered

SIGNS = {">": 1, ">=": 1, "<": -1, "<=": -1}
GRID = (-1e6, -10.0, -1.0, -0.2, -0.01, 0.0, 0.01, 0.2, 0.51, 1.0, 3.0, 10.0, 1e3, 1e6)
ANSWERS = (
    "a gate answers whatever the evidence; where it cannot judge, that is quorate.judge with NaN, "
    "or .insufficient(reason)"
)
_tables: dict[Any, Registry] = {}
_figures: dict[Any, dict[str, float]] = {}


def metric_names(plugin: Plugin) -> Registry:
    """Return a registry that knows the metrics of the gate's own file or object, too."""
    provider = plugin.provider
    key = (provider.module, id(provider.inline))
    if key not in _tables:
        registry = Registry.load()
        try:
            if provider.local is not None:
                registry.add_local(provider.local)
            elif provider.inline is not None:
                registry.add_inline(provider.inline)
        except PluginError:  # what is wrong with the file's other plugins is said elsewhere
            pass
        _tables[key] = registry
    return _tables[key]


class Asked(Mapping[str, float]):
    """A table of metrics that measures those that are asked for, and remembers which they were."""

    def __init__(self, registry: Registry, performance: Performance, known: dict[str, float]) -> None:
        self._registry, self._performance, self._known = registry, performance, known
        self._given: dict[str, float] = {}
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> float:
        """Return the metric; NaN where it fails, which is not the gate's fault."""
        self.names.add(name)
        if name in self._given:
            return self._given[name]
        if name not in self._known:
            spec = self._registry.get(MetricSpec, name)
            try:
                with np.errstate(all="ignore"):
                    self._known[name] = float(spec.resolve()(self._performance, **spec.params))
            except Exception:  # a metric is foreign code
                self._known[name] = math.nan
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is such a metric."""
        return name in self._registry.names("metric")

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all metrics."""
        return iter(self._registry.names("metric"))

    def __len__(self) -> int:
        """Return how many metrics there are."""
        return len(self._registry.names("metric"))

    def __repr__(self) -> str:
        """Say which metrics were set to other values."""
        return f"Asked({self._given})"

    def with_value(self, name: str, value: float) -> Asked:
        """Return the same table with another value of one metric; nothing of it was asked for."""
        table = Asked(self._registry, self._performance, self._known)
        table._given = {**self._given, name: value}
        return table


def evidence_of(
    plugin: Plugin, judged: Performance, benchmark: Performance | None = None, seed: int = 7, name: str = ""
) -> Evidence:
    """Return what the gate sees of a performance; one with a name is always the same, and measured once."""
    other = benchmark or _benchmark()
    registry, key = metric_names(plugin), (plugin.provider.module, id(plugin.provider.inline))
    mine, its = (
        Asked(registry, p, _figures.setdefault((*key, once), {}) if once else {})
        for p, once in ((judged, name), (other, "" if benchmark else "buy and hold"))
    )
    return Evidence(judged, other, seed, mine, its, _paths=_paths(plugin, judged))


def _paths(plugin: Plugin, judged: Performance) -> dict[tuple[int, int, str], Paths]:
    """Return ten paths, each a little worse than the one before, for a gate that asks for such."""
    if not (isinstance(plugin.spec, GateSpec) and plugin.spec.paths):
        return {}
    from quorate.walkforward.paths import key_of  # it imports what reads recipes

    try:
        key = key_of(plugin.name, default_options(plugin))
    except PluginError:  # said by the first rule
        return {}
    return {key: Paths(judged.returns[:, None] - np.linspace(0, 0.002, 10), 20)}


@cache
def _benchmark() -> Performance:
    none = np.empty(0)
    return performance(seed=1, n=600, trades=none, predictions=none, labels=none)


def samples(plugin: Plugin) -> dict[str, Evidence]:
    """Return evidence from excellent to poor, by name."""
    out = {}
    for name, mean, wins, n in (
        ("excellent", 0.003, 0.8, 600),
        ("good", 0.001, 0.6, 600),
        ("poor", -0.001, 0.4, 600),
        ("excellent but short", 0.003, 0.8, 60),
    ):
        rng = np.random.default_rng(len(name))
        trades = np.where(rng.random(n // 5) < wins, 1, -1) * np.abs(rng.normal(0.02, 0.005, n // 5))
        truth = (rng.random(n) < 0.5).astype(float)
        forecast = np.clip(0.5 + (0.6 if mean > 0 else -0.2) * (truth - 0.5) + rng.normal(0, 0.1, n), 0.01, 0.99)
        p = performance(rng.normal(mean, 0.005, n), trades=trades, predictions=forecast, labels=truth)
        out[name] = evidence_of(plugin, p, name=name)
    for name, p in altered.ordinary().items():
        out[name] = evidence_of(plugin, p, name=name)
    return out


def with_metric(e: Evidence, name: str, value: float, benchmark: bool = False) -> Evidence:
    """Return the same evidence with another value of one metric."""
    table = e._benchmark_metrics if benchmark else e._metrics
    assert isinstance(table, Asked)
    table = table.with_value(name, value)
    return replace(e, _benchmark_metrics=table) if benchmark else replace(e, _metrics=table)


def asked(e: Evidence, benchmark: bool = False) -> list[str]:
    """Return the metrics that were asked for."""
    table = e._benchmark_metrics if benchmark else e._metrics
    return sorted(table.names) if isinstance(table, Asked) else []


Ingredient = tuple[str, Callable[[Performance], Performance], tuple[Callable[[Performance], Performance], ...]]


def _returns(value: float) -> Callable[[Performance], Performance]:
    return lambda p: altered.with_returns(p, np.where(np.arange(len(p.returns)) % 2, value, value * 0.9))


def _gains(value: float) -> Callable[[Performance], Performance]:
    return lambda p: altered.with_gains(p, np.full(len(p.trades), value))


def _forecasts(change: Callable[[Any], Any]) -> Callable[[Performance], Performance]:
    return lambda p: replace(p, predictions=change(p.labels))


# What a gate may read of a performance itself: the same with NaN, and finite values from bad to good.
INGREDIENTS: tuple[Ingredient, ...] = (
    (
        "the equity",
        lambda p: replace(p, equity=np.full(len(p.equity), np.nan)),
        tuple(_returns(v) for v in (-0.05, -0.001, 0.001, 0.05)),
    ),
    ("the gains of the trades", _gains(math.nan), tuple(_gains(v) for v in (-0.5, -0.01, 0.01, 0.5))),
    (
        "the predictions",
        _forecasts(lambda y: np.full(len(y), np.nan)),
        (_forecasts(lambda y: y), _forecasts(lambda y: 1 - y), _forecasts(lambda y: y * 0 + 0.5)),
    ),
)


def holds(result: GateResult) -> bool | None:
    """Return whether the condition holds for the figures that a gate reports; None where there is no value."""
    if result.value is None or not math.isfinite(result.value):
        return None
    value, threshold = float(result.value), float(result.threshold)
    return {">": value > threshold, ">=": value >= threshold, "<": value < threshold, "<=": value <= threshold}[
        result.condition
    ]


def answer(plugin: Plugin, e: Evidence, name: str, **options: Any) -> GateResult:
    """Return what the gate says of the evidence, or raise `Violation`."""
    try:
        result = altered.quiet(plugin, e, **options)
    except Violation as error:
        advice = "" if isinstance(error.__cause__, PluginError) else f": {ANSWERS}"
        raise Violation(
            f"on the evidence {name!r} {error.message}{advice}",
            evidence=name,
        ) from error
    if not isinstance(result, GateResult):
        raise Violation(
            f"on the evidence {name!r} it returned {type(result).__name__} {result!r}; it must return a GateResult, "
            'e.g. return quorate.judge("my-gate", value, ">", threshold)',
            evidence=name,
            found=repr(result),
            expected="GateResult",
        )
    return result


def passing(plugin: Plugin) -> Iterator[tuple[str, Evidence]]:
    """Yield evidence on which the gate passes, its metrics set to other values where it needs them."""
    for name, e in samples(plugin).items():
        if answer(plugin, e, name).verdict == "PASS":
            yield name, e
        for metric in asked(e):
            for value in GRID:
                changed = with_metric(e, metric, value)
                if answer(plugin, changed, name).verdict == "PASS":
                    yield f"{name}, {metric} = {value:g}", changed
                    break


def check_draws(plugin: Plugin) -> str | None:
    """Raise, if the gate seeds the global generator; return a remark, if it draws without ``evidence.seed``."""
    name, e = next(iter(samples(plugin).items()))
    before, left = np.random.get_state(), set()
    try:
        for seed in (11, 12):
            np.random.seed(seed)
            answer(plugin, e, name)
            left.add(float(np.random.random()))
    finally:
        np.random.set_state(before)
    if len(left) == 1:
        raise Violation(
            "it seeds NumPy's global generator, which everything after it draws from: draw from "
            "np.random.default_rng(evidence.seed) instead",
            evidence=name,
        )
    drawn: list[int] = []
    with patch.object(np.random, "default_rng", _counting(drawn)):
        found = {answer(plugin, replace(e, seed=seed), name).value for seed in (1, 2, 3)}
    if drawn and len(found) == 1:
        return "it draws at random, but evidence.seed changes nothing: seed the generator with it"
    return None


def _counting(drawn: list[int]) -> Callable[..., Any]:
    original = np.random.default_rng

    def counting(*arguments: Any, **more: Any) -> Any:
        drawn.append(1)
        return original(*arguments, **more)

    return counting
