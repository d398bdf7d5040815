"""Rules of transforms: learnt from training rows alone, each row turned by itself, all that is learnt in arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError, QuorateError
from quorate.execution import portable
from quorate.execution.portable_transforms import onnx_of_transform
from quorate.execution.transforms import learn, turn
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import TransformSpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after, call, causal, default_options, explain
from quorate.testing.tools.compare import differs, first_of, number, plain, read_only, seeded, spread, watch_inputs
from quorate.testing.tools.fresh import MEMORY, fresh

T = TypeVar("T")
Rows = NDArray[np.float32]
State = Mapping[str, NDArray[Any]]
N, WIDTH = 240, 4
BACK = 1e-5  # to which an inverse gives back what was there
ROUNDING = 1e-5  # single precision, over the sums of a few hundred rows


@after("input-unmodified")
def check_transform_computes(plugin: Plugin) -> None:
    """Arrays of finite numbers are learnt, and rows get finite columns: as many as there were, or new ones."""
    spec, first, later = spec_of(plugin), rows(plugin), rows(plugin, 7)
    for width in (WIDTH, 1):
        X = first[:, :width]
        state = learnt(plugin, X)
        for some in (X, later[:, :width], X[:1]):
            asked(lambda some=some, state=state: turn(spec, some, state))  # type: ignore[misc]


@causal
@after("input-unmodified", "computes")
def check_transform_training_rows_only(plugin: Plugin) -> None:
    """What is learnt depends on the training rows alone: rows that were only turned leave no trace."""
    X, later = rows(plugin), frozen(rows(plugin, 5) * 50)
    one = fresh(plugin)
    state, twice = learnt(one, X), learnt(one, X)
    if not all(same(array, twice.get(name)) for name, array in state.items()):
        raise NotApplicable("it does not learn the same twice: see the rule 'deterministic'")
    before = applied(one, X, state)
    for some in (later, later[:3]):
        applied(one, some, state)
    again = learnt(one, X)
    for name, array in state.items():
        if not same(array, again.get(name)):
            raise Violation(
                f"what it learns of the same rows as {name!r} is another after later rows were turned: the future is "
                "in it. Learn from X alone, and keep nothing between calls",
                array=name,
            )
    demand_equal(before, applied(one, X, state), "before later rows were turned", "after", MEMORY)


@causal
@after("input-unmodified", "computes")
def check_transform_rows_alone(plugin: Plugin) -> None:
    """Each row is turned by itself: the other rows, how many they are and their order make no difference."""
    X, later = rows(plugin), frozen(rows(plugin, 5) * 50)
    state = learnt(plugin, X)
    whole = applied(plugin, X, state)
    parts = {
        "in reverse order": (X[::-1], slice(None, None, -1)),
        "one row alone": (X[:1], slice(1)),
        "the first half alone": (X[: N // 2], slice(N // 2)),
        "with later rows beside them": (np.concatenate((X, later)), slice(N)),
    }
    for how, (some, at) in parts.items():
        found = applied(plugin, frozen(some), state)
        expected = whole if how == "in reverse order" else whole[at]
        remedy = (
            "what rows have in common (a mean, a rank, a range) is learnt from the training rows; apply(X, learnt) "
            "takes it from `learnt`"
        )
        demand_equal(expected, found[at], "among all training rows", how, remedy)


@after("input-unmodified", "computes")
def check_transform_state_is_all(plugin: Plugin) -> None:
    """`apply` works with what it is given: having learnt from other rows in between changes nothing."""
    X, other = rows(plugin), frozen(rows(plugin, 5) * 3 + 1)
    state = learnt(plugin, X)
    before = applied(plugin, X, state)
    learnt(plugin, other)
    remedy = "return all that apply needs, and keep it nowhere else: a kept model has nothing but that"
    demand_equal(before, applied(plugin, X, state), "right after", "after it learnt from other rows, too", remedy)
    copied = {name: frozen(array.copy()) for name, array in state.items()}
    demand_equal(before, applied(plugin, X, copied), "by what was learnt", "by a copy of it", remedy)


@after("input-unmodified", "computes")
def check_transform_finite(plugin: Plugin) -> None:
    """Columns are finite for any finite rows: columns that never vary, tiny and huge values, a single training row."""
    spec, X = spec_of(plugin), rows(plugin)
    most = np.float32(np.finfo(np.float32).max)
    still = X.copy()
    still[:, 0], still[:, 1] = 0.0, 3.25
    cases = {
        "columns that never vary": still,
        "values about 1e-30": X * np.float32(1e-30),
        "values about 1e30": X * np.float32(1e30),
        "a single training row": X[:1],
        "two equal training rows": np.repeat(X[:1], 2, axis=0),
    }
    for what, case in cases.items():
        state = asked(lambda case=case: learnt(plugin, frozen(case)), f"with {what}")  # type: ignore[misc]
        asked(lambda case=case, state=state: turn(spec, frozen(case), state), f"with {what}")  # type: ignore[misc]
    state = learnt(plugin, X)
    for value in (most, -most, np.float32(0), np.float32(1e-38)):
        some = frozen(np.full((2, WIDTH), value))
        asked(lambda some=some: turn(spec, some, state), f"of later rows of {value:g}")  # type: ignore[misc]


@after("input-unmodified", "computes", "deterministic")
def check_transform_counts(plugin: Plugin) -> None:
    """A row that counts twice does what two equal rows do, and one that counts for nothing does nothing."""
    X = rows(plugin)
    counts = np.random.default_rng(3).integers(0, 4, N)
    counted = applied(plugin, X, learnt(plugin, X, counts))
    repeated = applied(plugin, X, learnt(plugin, frozen(np.repeat(X, counts, axis=0))))
    remedy = (
        "use counts wherever rows are summed or ordered, e.g. np.average(X, axis=0, weights=counts); windows count the "
        "bars that they share"
    )
    demand_equal(repeated, counted, "of rows that stand there several times", "of rows with counts", remedy)


@after("input-unmodified", "computes", "training-rows-only")
def check_transform_deterministic(plugin: Plugin) -> None:
    """The same rows give the same arrays and the same columns, bit for bit."""
    X, found = rows(plugin), []
    for seed in (1, 2, 3):
        with seeded(seed):
            state = learnt(plugin, X)
            found.append((state, applied(plugin, X, state)))
    for state, columns in found[1:]:
        for name, array in found[0][0].items():
            if not same(array, state.get(name)):
                raise Violation(
                    f"what it learns of the same rows as {name!r} is another the next time: draw nothing at random, or "
                    "seed it",
                    array=name,
                )
        demand_equal(found[0][1], columns, "the first time", "the next", "draw nothing at random", 0.0)


@after("input-unmodified", "computes")
def check_transform_inverse(plugin: Plugin) -> None:
    """Where the spec has an inverse, it gives back what was there."""
    spec = spec_of(plugin)
    back = spec.inverter()
    if back is None:
        raise NotApplicable("its spec names no inverse")
    X = rows(plugin)
    state = learnt(plugin, X)
    for some in (X, rows(plugin, 5)):
        turned = asked(lambda some=some: turn(spec, some, state))  # type: ignore[misc]
        try:
            found = np.asarray(back(turned, state), dtype=np.float64)
        except Exception as e:
            raise Violation(f"its inverse raised {explain(e, plugin)}") from e
        remedy = "inverse(columns, learnt) undoes apply; a transform that loses something has none"
        demand_equal(some.astype(np.float64), found, "before", "there and back", remedy, BACK)


@after("input-unmodified", "computes")
def check_transform_exports(plugin: Plugin) -> None:
    """The ONNX of a transform gives the same columns within 1e-4, of one row and of any number of them."""
    spec = spec_of(plugin)
    if spec.onnx is None:
        raise NotApplicable("its spec names no onnx")
    try:
        portable.check_installed()
    except QuorateError as e:
        raise NotApplicable(str(e)) from e
    for some in (rows(plugin), frozen(rows(plugin, 7)[:, :1])):
        state = learnt(plugin, some)
        turned = turn(spec, some, state)
        content = asked(
            lambda some=some, state=state, turned=turned: onnx_of_transform(  # type: ignore[misc]
                spec, state, some.shape[1], turned.shape[1]
            )
        )
        found = asked(lambda content=content, some=some: portable.answers(content, some))  # type: ignore[misc]
        remedy = "all that apply does, and what it takes from `learnt`, belongs into the ONNX"
        demand_equal(turned.astype(np.float64), found, "by apply", "as ONNX", remedy, portable.TOLERANCE)


def check_transform_input_unmodified(plugin: Plugin) -> None:
    """Rows, counts and what was learnt are left as they were."""
    spec, X, counts = spec_of(plugin), rows(plugin), np.ones(N, dtype=np.int64)
    watch_inputs({"X": X, "counts": counts}, lambda *given: call(plugin, *given))
    try:
        state = learnt(plugin, X)
    except Violation:  # what it gives is the concern of 'computes'
        return
    turns = spec.applier()
    watch_inputs({"X": X, **state}, lambda first, *rest: turns(first, dict(zip(state, rest, strict=True))))


def spec_of(plugin: Plugin) -> TransformSpec:
    """Return the plugin's spec."""
    assert isinstance(plugin.spec, TransformSpec)
    return plugin.spec


def rows(plugin: Plugin, seed: int = 1) -> Rows:
    """Return rows of four columns of different spread and shape; those without a sign, if it takes no others."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (N, WIDTH)) * (0.01, 1, 5, 40) + (0, 0.5, -2, 3)
    X[:, 2] += 0.8 * X[:, 1]
    X[:, 3] *= np.exp(rng.normal(0, 0.7, N))
    found = frozen(X.astype(np.float32))
    try:
        learnt(plugin, found)
    except Violation:
        return frozen(np.abs(found))
    return found


def learnt(plugin: Plugin, X: Rows, counts: NDArray[np.int64] | None = None) -> dict[str, NDArray[Any]]:
    """Return what it learns from rows that count once, or as often as given.

    Raises
    ------
    Violation
        If it fails, or gives something else than arrays of numbers.
    """
    counts = np.ones(len(X), dtype=np.int64) if counts is None else counts
    return asked(lambda: learn(spec_of(plugin), frozen(X), frozen(counts), default_options(plugin)))


def applied(plugin: Plugin, X: Rows, state: State) -> Floats:
    """Return the columns of rows, all in one call.

    Raises
    ------
    Violation
        If it fails.
    """
    try:
        return np.array(spec_of(plugin).applier()(frozen(X), state), dtype=np.float64)
    except Exception as e:
        raise Violation(f"apply raised {explain(e, plugin)}") from e


def asked(question: Callable[[], T], on: str = "") -> T:
    """Return an answer; what the platform refuses of it breaks the rule."""
    try:
        return question()
    except FitError as e:
        raise Violation(f"{on}: {e}" if on else str(e)) from e


def same(one: NDArray[Any], other: NDArray[Any] | None) -> bool:
    """Say whether two arrays are equal, bit for bit."""
    return other is not None and one.dtype == other.dtype and np.array_equal(one, other)


def demand_equal(
    expected: Floats, found: Floats, when: str, then: str, remedy: str, tolerance: float = ROUNDING
) -> None:
    """Raise `Violation` where columns differ by more than `tolerance` of themselves or of their spread."""
    if expected.shape != found.shape:
        raise Violation(f"it gives columns {expected.shape} {when} and {found.shape} {then}: {remedy}")
    for j in range(expected.shape[1]):
        wrong = differs(expected[:, [j]], found[:, [j]], tolerance, spread(expected[:, j]))
        if wrong.any():
            row, _ = first_of(wrong)
            one, other = expected[row, j], found[row, j]
            raise Violation(
                f"row {row}, column {j}: it is {number(one, other)} {when} and {number(other, one)} {then}: {remedy}",
                row=row,
                column=j,
                expected=plain(one),
                found=plain(other),
            )


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only copy, as the platform passes arrays."""
    return read_only(array)
