"""One ordinary question to a plugin of any kind, and its answer as arrays that can be compared."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import QuorateError
from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.specs import EnsemblerSpec, FeatureSpec, LabelSpec, SplitterSpec, StrategySpec
from quorate.testing._base import NotApplicable, Violation, call
from quorate.testing.markets import market, performance, sides
from quorate.testing.tools.compare import numbers, read_only, spread
from quorate.testing.tools.covariates import inputs_of

Answer = dict[str, NDArray[Any]]
Arguments = list[Any]
N = 260
ROUNDING = 1e-9


@dataclass(frozen=True)
class Question:
    """What a plugin is asked: its arguments, drawn by a seed, and how an answer to them is read."""

    arguments: Callable[[int], Arguments]
    ask: Callable[[Plugin, Arguments], Answer]


def question(plugin: Plugin) -> Question:
    """Return the question for the plugin's kind.

    Raises
    ------
    NotApplicable
        For a recipe, which is asked nothing.
    """
    make = _QUESTIONS.get(plugin.kind)
    if make is None:
        raise NotApplicable("it is not asked for numbers")
    return make(plugin)


def answer(plugin: Plugin, arguments: Arguments | None = None) -> Answer:
    """Ask the plugin, and say nothing of one that cannot answer: other rules do."""
    try:
        asked = question(plugin)
        return asked.ask(plugin, asked.arguments(1) if arguments is None else arguments)
    except (Violation, QuorateError, SystemExit) as e:
        raise NotApplicable("it gives no answer to ordinary data: see the rules before this one") from e


def answered(sent: bytes) -> Answer:
    """Answer in a process beside: the file, kind and name of a plugin come in, its answer goes out."""
    local, kind, name = pickle.loads(sent)
    registry = Registry()
    registry.add_local(local, given=True)
    return answer(registry.find(kind, name))


def difference(one: Answer, other: Answer, exact: bool = False) -> tuple[str, str, str] | None:
    """Return where two answers differ most, by more than rounding or at all, and both values; None where nowhere."""
    for name, a in one.items():
        b = other.get(name, np.empty(0))
        if a.shape != b.shape:
            return name, f"of shape {a.shape}", f"of shape {b.shape}"
        wrong = (a != b) & ~((a != a) & (b != b))
        if a.dtype.kind == "f" and not exact:
            wrong &= ~np.isclose(a, b, rtol=ROUNDING, atol=ROUNDING * spread(a), equal_nan=True)
        if wrong.any():
            first, second, wrong = np.atleast_1d(a), np.atleast_1d(b), np.atleast_1d(wrong)
            size = np.abs(np.nan_to_num(first) - np.nan_to_num(second)) if a.dtype.kind == "f" else wrong
            at = tuple(int(i) for i in np.unravel_index(np.where(wrong, size, -1).argmax(), wrong.shape))
            x, y = first[at], second[at]
            told = numbers(x, y) if a.dtype.kind == "f" else (str(x), str(y))
            return name + (f"[{', '.join(map(str, at))}]" if a.ndim else ""), *told
    return None


def _of_feature(plugin: Plugin) -> Question:
    from quorate.testing.tools.features import evaluate, n_bars

    spec = plugin.spec
    assert isinstance(spec, FeatureSpec)
    size = n_bars(spec)

    def ask(plugin: Plugin, arrays: Arguments) -> Answer:
        values = np.array(evaluate(plugin, arrays), dtype=np.float64)
        values[: spec.lookback - 1] = np.nan  # which nobody reads
        return {"the value": values}

    return Question(lambda seed: [read_only(array) for array in inputs_of(spec, market(size, 2, seed))], ask)


def _of_transform(plugin: Plugin) -> Question:
    from quorate.testing.checks import transforms

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        X, counts = given
        state = transforms.learnt(plugin, X, counts)
        arrays = {f"what it learns as {name!r}": array for name, array in state.items()}
        return {**arrays, "the column": transforms.applied(plugin, X, state)}

    return Question(lambda seed: [transforms.rows(plugin, seed), np.ones(transforms.N, dtype=np.int64)], ask)


def _of_label(plugin: Plugin) -> Question:
    from quorate.testing.tools.labels import compute

    assert isinstance(plugin.spec, LabelSpec)

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        values, ends = compute(plugin, given[0], 2)
        return {"the value": values, "its end": np.where(np.isnan(values), 0, ends)}

    return Question(lambda seed: [read_only(market(N, 2, seed).open)], ask)


def _of_weight(plugin: Plugin) -> Question:
    from quorate.dataset.weights import TrainingRows
    from quorate.testing.tools.weights import NAMES, rows_of, weigh

    def arguments(seed: int) -> Arguments:
        rows = rows_of(plugin, seed=seed)
        return [read_only(getattr(rows, name)) for name in NAMES]

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        return {"the weight": weigh(plugin, TrainingRows(*given))}

    return Question(arguments, ask)


def _of_cost(plugin: Plugin) -> Question:
    def ask(plugin: Plugin, given: Arguments) -> Answer:
        with np.errstate(all="ignore"):
            found = call(plugin, *given)
        if not isinstance(found, tuple | list) or len(found) not in (2, 3):
            raise Violation("it gives no fees and slippage")
        names = ("fees", "slippage", "impact")
        return {name: np.asarray(v, dtype=np.float64) for name, v in zip(names, found, strict=False)}

    return Question(lambda seed: [market(N, 2, seed)], ask)


def _of_strategy(plugin: Plugin) -> Question:
    from quorate.trading.asking import strategy_arguments

    spec = plugin.spec
    assert isinstance(spec, StrategySpec)

    def arguments(seed: int) -> Arguments:
        score = np.clip(np.random.default_rng(seed).normal(0, 0.15, (N, 2)), -1, 1)
        return [read_only(score), market(N, 2, seed)]

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        more = strategy_arguments(spec, given[1], {"binary": True, "horizon": 1, "side": sides})
        with np.errstate(all="ignore"):
            return {"the weight": np.asarray(call(plugin, given[0], 0.02, **more), dtype=np.float64)}

    return Question(arguments, ask)


def _of_metric(plugin: Plugin) -> Question:
    from quorate.testing.tools.measured import value_of

    return Question(
        lambda seed: [performance(seed=seed)],
        lambda plugin, given: {"the value": np.asarray(value_of(plugin, given[0], "ordinary"))},
    )


def _of_gate(plugin: Plugin) -> Question:
    from quorate.testing.tools import gated

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        found = gated.answer(plugin, given[0], "ordinary")
        figures = {"value": found.value, "threshold": found.threshold}
        numbers = {f"its {k}": np.asarray(np.nan if v is None else float(v)) for k, v in figures.items()}
        return {**numbers, "its verdict": np.asarray(found.verdict)}

    return Question(lambda seed: [gated.evidence_of(plugin, performance(seed=seed, n=400), name=f"asked {seed}")], ask)


def _of_ensembler(plugin: Plugin) -> Question:
    from quorate.testing.tools import ensembles

    assert isinstance(plugin.spec, EnsemblerSpec)
    binary = ensembles.labels_of(plugin)[0]

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        values = ensembles.ask(plugin, given[0], "240 rows", given[1], copied=False).values
        return {"the weight" if values.ndim > 1 or len(values) == 4 else "the prediction": values}

    def arguments(seed: int) -> Arguments:
        one = ensembles.history(240, 4, binary, seed=seed)
        return [one, ensembles.rows_after(one)]

    return Question(arguments, ask)


def _of_splitter(plugin: Plugin) -> Question:
    spec = plugin.spec
    assert isinstance(spec, SplitterSpec)

    def arguments(seed: int) -> Arguments:
        first = np.datetime64("2000-01-03") + 7 * 31 * seed
        return [read_only(np.busday_offset(first, np.arange(3000), roll="forward"))]

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        more = (6, 2) if spec.combinatorial else (0,)
        try:
            found = [[-1 if part is None else int(part) for part in span] for span in call(plugin, *given, *more)]
        except Violation:
            raise
        except Exception as e:
            raise Violation("it yields no spans") from e
        return {"the span": np.asarray([span[:4] + [-1] * (4 - len(span)) for span in found])}

    return Question(arguments, ask)


def _of_sampler(plugin: Plugin) -> Question:
    from quorate.testing.tools import searches

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        found = searches.answer(plugin, searches.Asked(*given))
        numbers = {k: isinstance(v, int | float) and not isinstance(v, bool) for k, v in found.items()}
        return {f"the parameter {k!r}": np.asarray(v if numbers[k] else repr(v)) for k, v in found.items()}

    def arguments(seed: int) -> Arguments:
        one = searches.history(searches.SPACES[searches.MIXED], 31, 6, seed)
        return [one.space, one.known, one.running, one.number, seed]

    return Question(arguments, ask)


def _of_source(plugin: Plugin) -> Question:
    def ask(plugin: Plugin, given: Arguments) -> Answer:
        bars = call(plugin)
        if not hasattr(bars, "to_frame"):
            raise Violation("it gives no bars")
        frame = bars.to_frame()
        stamps = frame["time"].astype(str) + " " + frame["symbol"].astype(str)
        return {"bar": stamps.to_numpy(dtype=str), "the close": frame["close"].to_numpy(dtype=np.float64)}

    return Question(lambda seed: [], ask)


def _of_model(plugin: Plugin) -> Question:
    from quorate.testing._base import default_options
    from quorate.testing.tools import models as m
    from quorate.testing.tools.model_data import Data, copied, data_for

    def ask(plugin: Plugin, given: Arguments) -> Answer:
        spec, (X, y, X_test, *tail) = m.spec_of(plugin), given
        try:
            with m.as_in_a_run(spec):
                model = m.make(spec, default_options(plugin))
                m.fit(model, Data(X, y, X_test, tuple(tail) if tail else None))
                found = m.read_outputs(model, spec, X_test)
        except NotApplicable:
            raise
        except Exception as e:
            raise Violation("it cannot be fitted and asked") from e
        return {f"the prediction {name!r}": np.array(values) for name, values in found.items()}

    def arguments(seed: int) -> Arguments:
        data = copied(data_for(m.spec_of(plugin), seed=seed))
        return [data.X, data.y, data.X_test, *(data.tail or ())]

    return Question(arguments, ask)


_QUESTIONS: dict[str, Callable[[Plugin], Question]] = {
    "feature": _of_feature,
    "transform": _of_transform,
    "label": _of_label,
    "weight": _of_weight,
    "cost": _of_cost,
    "strategy": _of_strategy,
    "metric": _of_metric,
    "gate": _of_gate,
    "ensembler": _of_ensembler,
    "splitter": _of_splitter,
    "sampler": _of_sampler,
    "source": _of_source,
    "model": _of_model,
}
