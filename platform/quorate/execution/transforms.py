"""Transforms within a fit: learnt from its training rows alone, and the rows that its model then reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.dataset.windows import Windows, covered
from quorate.errors import FitError, PluginError, plural
from quorate.execution.inputs import Inputs, Placed, array_of
from quorate.execution.making import check_code
from quorate.execution.state import SCALER, State
from quorate.plugins.calling import call
from quorate.plugins.provider import Reference, load_reference
from quorate.plugins.specs import ModelSpec, TransformSpec

Floats32 = NDArray[np.float32]
Positions = NDArray[np.int64]
BLOCK = 1024  # rows per call: a row's value then never depends on how many others there are
TOLD = 4  # features of a chain that a message names
ALONE = 1e-5  # by how much of itself a value may differ when its row is turned alone, which rounds otherwise
BESIDE = "a row's values depend on the rows beside it"
PREFIX = f"{SCALER}transforms."
_COLUMN = re.compile(r"\bcolumn (\d+)\b")


@dataclass(frozen=True)
class Step:
    """One transform of a chain, with its options; `code` is the hash of its code, once a key was made of it."""

    plugin: Reference
    params: Mapping[str, Any]
    code: str = ""


@dataclass(frozen=True)
class Chain:
    """Transforms that some columns go through, one after the other.

    Parameters
    ----------
    name : str
        What columns that get a new name are called after: the recipe's key, as a word; may be empty.
    columns : tuple of int
        Which features they are.
    steps : tuple of Step
        In order.
    """

    name: str
    columns: tuple[int, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Transforms:
    """What all chains have learnt in a fit; of no chain it leaves everything as it is.

    Parameters
    ----------
    chains : tuple of Chain
        They share no column.
    states : tuple of tuple of dict
        Of each chain and step, arrays by name.
    """

    chains: tuple[Chain, ...] = ()
    states: tuple[tuple[dict[str, NDArray[Any]], ...], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.chains)

    @cached_property
    def renames(self) -> bool:
        """Whether some columns are other ones than the features."""
        return any(transform_of(step).renames for chain in self.chains for step in chain.steps)

    def turned(self, X: Inputs) -> Inputs:
        """Return what a model reads of inputs as no transform has turned them: rows, windows, or a frame of rows."""
        if not self:
            return X
        if isinstance(X, Placed):
            return Placed(self.turned(X.X), X.places)
        X = np.asarray(X) if isinstance(X, Windows) else X
        if isinstance(X, np.ndarray):
            found = self._joined(X.reshape(-1, X.shape[-1]), [str(j) for j in range(X.shape[-1])])
            return np.stack(list(found.values()), axis=-1).reshape(*X.shape[:-1], len(found))
        categories = X.select_dtypes("category")
        features = [name for name in X.columns if name not in categories]
        turned = self._joined(X[features].to_numpy(dtype=np.float32), features)
        every: dict[str, Any] = {**turned, **{str(name): column for name, column in categories.items()}}
        return X.iloc[:, :0].assign(**every)

    def rows(self, dataset: Dataset, spec: ModelSpec, rows: Iterable[Positions]) -> Dataset:
        """Return a dataset in which the columns of some rows are turned, as a model reads them; others are NaN."""
        if not self:
            return dataset
        source = array_of(dataset, spec.input)
        at = np.flatnonzero(sum(_counts(dataset, spec, some) for some in rows))
        turned = self._joined(source[at], dataset.feature_names)
        whole = np.full((len(source), len(turned)), np.nan, dtype=np.float32)
        for k, column in enumerate(turned.values()):
            whole[at, k] = column
        told: dict[str, Any] = {"X" if spec.input == "rows" else "sequence": _frozen(whole)}
        return replace(dataset, feature_names=tuple(turned), **told)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all arrays in one mapping, by names that begin with `PREFIX`."""
        return {
            f"{PREFIX}{i}.{j}.{name}": array
            for i, states in enumerate(self.states)
            for j, state in enumerate(states)
            for name, array in state.items()
        }

    def _joined(self, X: Floats32, features: Sequence[str]) -> dict[str, Floats32]:
        """Return all columns by name, those that are other ones than the features last."""
        columns = dict(zip(features, X.T, strict=True))
        for chain, states in zip(self.chains, self.states, strict=True):
            part, word = X[:, chain.columns], ""
            for step, state in zip(chain.steps, states, strict=True):
                spec = transform_of(step)
                part, word = turn(spec, part, state), spec.renames or word
            own = [features[j] for j in chain.columns]
            if word:
                for name in own:
                    del columns[name]
                own = [f"{chain.name}{'_' if chain.name else ''}{word}_{k + 1}" for k in range(part.shape[1])]
                if twice := next((name for name in own if name in columns), ""):
                    raise FitError(
                        f"transforms: two columns would be called {twice!r}: leave out the feature so called"
                    )
            columns.update(zip(own, part.T, strict=True))
        return columns


def learn_transforms(chains: Sequence[Chain], spec: ModelSpec, dataset: Dataset, train: Positions) -> Transforms:
    """Learn what a model's transforms need, from its training rows alone.

    For a model that reads windows that is from the bars that their windows cover, each counted as often as it is in
    one: so a mean is that over all windows and their bars.

    Raises
    ------
    FitError
        If a transform fails, or its answer is not what it must be.
    """
    if not chains or spec.input == "bars":
        return Transforms()
    counts = _counts(dataset, spec, train)
    at = np.flatnonzero(counts)
    X, counts = _frozen(array_of(dataset, spec.input)[at]), _frozen(counts[at])
    states = []
    for chain in chains:
        with _naming([dataset.feature_names[j] for j in chain.columns], chain):
            states.append(_chain_learnt(chain, _frozen(X[:, chain.columns]), counts))
    return Transforms(tuple(chains), tuple(states))


def _chain_learnt(chain: Chain, X: Floats32, counts: Positions) -> tuple[dict[str, NDArray[Any]], ...]:
    states = []
    for step in chain.steps:
        spec = transform_of(step)
        check_code(spec.resolve(), step.plugin, step.code)
        states.append(learn(spec, X, counts, step.params))
        before, X = X, turn(spec, X, states[-1])
        _check_alone(spec, before, X, states[-1])
    return tuple(states)


def learn(spec: TransformSpec, X: Floats32, counts: Positions, params: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return what a transform learns from training rows, checked: read-only arrays, as files hold them.

    Raises
    ------
    FitError
        If it fails, or its answer is not what it must be.
    """
    on = f"{plural(X.shape[1], 'column')} of {plural(len(X), 'training row')}"
    state: dict[str, NDArray[Any]] = _called(spec, on, (X, counts), params, partial(_state, spec))
    return state


@contextmanager
def _naming(features: Sequence[str], chain: Chain) -> Iterator[None]:
    """Say which features a chain failed on, and which one a column is that is told by its number."""
    try:
        yield
    except FitError as e:
        told, of = str(e), ", ".join(features[:TOLD])
        if not any(transform_of(step).renames for step in chain.steps[:-1]):
            names = dict(enumerate(features))
            told = _COLUMN.sub(lambda at: f"{at[0]} ({names.get(int(at[1]), 'there is none')})", told)
        more = f" and {len(features) - TOLD} more" if len(features) > TOLD else ""
        raise FitError(f"{told} (of the features {of}{more})") from e


def restored_transforms(chains: Sequence[Chain], state: State) -> tuple[Transforms, State]:
    """Return what transforms have learnt, out of the state of a kept model, and the state that is the model's own.

    Raises
    ------
    FitError
        If the state is of other transforms.
    """
    found: dict[tuple[int, int], dict[str, NDArray[Any]]] = {
        (i, j): {} for i, chain in enumerate(chains) for j in range(len(chain.steps))
    }
    for name, array in state.arrays.items():
        if name.startswith(PREFIX):
            chain, step, key = name.removeprefix(PREFIX).split(".", 2)
            if (int(chain), int(step)) not in found:
                raise FitError("the state is of other transforms than those of the recipe")
            found[int(chain), int(step)][key] = _frozen(array)
    own = {name: array for name, array in state.arrays.items() if not name.startswith(PREFIX)}
    states = tuple(tuple(found[i, j] for j in range(len(chain.steps))) for i, chain in enumerate(chains))
    return Transforms(tuple(chains), states), State(own, state.values)


def transform_of(step: Step) -> TransformSpec:
    """Return the spec of a step's transform."""
    spec = load_reference(step.plugin)
    assert isinstance(spec, TransformSpec)
    return spec


def _counts(dataset: Dataset, spec: ModelSpec, rows: Positions) -> Positions:
    """Return of each row, or bar, that models read how often it is read on some rows."""
    if spec.input == "rows":
        return np.bincount(rows, minlength=len(dataset)).astype(np.int64)
    return covered(dataset.context[rows], spec.lookback, len(dataset.sequence))


def _called(
    spec: TransformSpec, on: str, arguments: Sequence[Any], options: Mapping[str, Any], read: Any, function: Any = None
) -> Any:
    try:
        return call(spec, on, arguments, options, read, function)
    except PluginError as e:
        raise FitError(str(e)) from e


def turn(spec: TransformSpec, X: Floats32, state: Mapping[str, NDArray[Any]]) -> Floats32:
    """Return what a transform makes of rows, checked, float32.

    It is called with padded blocks of one size: kernels choose their order of summation by the shape.

    Raises
    ------
    FitError
        If it fails, or its answer is not what it must be.
    """
    function, found = spec.applier(), None
    for start in range(0, max(len(X), 1), BLOCK):
        part = X[start : start + BLOCK]
        if not len(part):
            part = np.zeros((1, X.shape[1]), dtype=np.float32)
        block = _frozen(np.concatenate((part, np.repeat(part[-1:], BLOCK - len(part), axis=0))))
        read = partial(_columns, spec, block)
        turned = _called(spec, plural(block.shape[1], "column"), (block, state), {}, read, function)
        if found is None:
            found = np.empty((len(X), turned.shape[1]), dtype=np.float32)
        elif turned.shape[1] != found.shape[1]:
            raise FitError(f"{spec} gave {found.shape[1]} columns, then {turned.shape[1]} of other rows")
        found[start : start + BLOCK] = turned[: len(X) - start]
    assert found is not None
    return _frozen(found)


def _columns(spec: TransformSpec, X: Floats32, answer: Any) -> Floats32:
    """Return what `apply` answered, checked."""
    if np.iscomplexobj(answer):
        raise PluginError(f"{spec} must give real numbers; it gave complex ones")
    with np.errstate(over="ignore"):
        turned = np.asarray(answer).astype(np.float32)
    if turned.ndim != 2 or len(turned) != len(X) or not turned.shape[1]:
        raise PluginError(f"{spec} must give a row for each of {len(X)} rows; it gave an array {turned.shape}")
    if not spec.renames and turned.shape != X.shape:
        raise PluginError(
            f"{spec} must give as many columns as there are, {X.shape[1]}; it gave {turned.shape[1]}: columns of other "
            "names are declared with renames"
        )
    bad = ~np.isfinite(turned)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise PluginError(f"{spec} must give finite numbers; column {column} of one row became {turned[row, column]}")
    return turned


def _state(spec: TransformSpec, answer: Any) -> dict[str, NDArray[Any]]:
    """Return what a transform has learnt, checked, as arrays that files hold."""
    if not isinstance(answer, Mapping):
        raise PluginError(f"{spec} must give a mapping of names to arrays; it gave {type(answer).__name__}")
    found = {}
    for name, value in answer.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise PluginError(f"{spec} must give arrays by names that are words; one was {name!r}")
        array = np.asarray(value)
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise PluginError(f"{spec} must give arrays of numbers; {name!r} is {array.dtype}")
        kept = array if array.dtype.kind == "b" else array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        if not np.isfinite(kept).all():
            raise PluginError(f"{spec} must learn finite numbers; {name!r} holds {kept[~np.isfinite(kept)].flat[0]}")
        found[name] = _frozen(np.array(kept, order="C"))
    return found


def _check_alone(spec: TransformSpec, X: Floats32, turned: Floats32, state: Mapping[str, NDArray[Any]]) -> None:
    """Turn the first and the last row alone, and raise where that gives something else: they would tell of others."""
    size = ALONE * float(np.abs(turned).max(initial=0.0))
    for row in (0, len(X) - 1):
        alone = turn(spec, X[row : row + 1], state)
        if not np.allclose(alone[0], turned[row], rtol=ALONE, atol=size):
            raise FitError(
                f"{spec}: {BESIDE}: one begins with {turned[row, 0]:g} among others and with {alone[0, 0]:g} alone. "
                "What rows have in common is learnt from the training rows; apply(X, learnt) knows of it by `learnt`"
            )


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
