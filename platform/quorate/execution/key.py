"""The key of a fit: a hash of all that its result depends on, known before it is begun.

Rows are hashed once each; a fold's part of a key is the hash of its rows' hashes, so that the keys of
many folds and models over one dataset cost little more than one pass over it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold, Shuffles
from quorate.dataset.rows import Dataset
from quorate.dataset.windows import covered
from quorate.execution.fit import NUMERICS, model_of
from quorate.execution.inputs import array_of, places_of, reads_categories
from quorate.execution.machine import installed, machine
from quorate.execution.task import FitData, FitTask
from quorate.execution.transforms import Chain, transform_of
from quorate.execution.weighing import Weigh, weights_of, with_code
from quorate.plugins.code import code_digest, version_of
from quorate.plugins.specs import ModelSpec

Digests = NDArray[np.void]
OWN = "quorate"  # the distribution whose numbers `NUMERICS` stands for


class Keys:
    """Tells the keys of fits over the same data, and the hash of their models' code.

    A key covers the bytes of the rows that the fit trains on and predicts, the model's name, code and
    parameters, the seed, the threads and device, the versions of the libraries that the model names, of
    NumPy, SciPy and Python, the kind of processor, and `NUMERICS`: so neither the run, the rest of the data,
    the fold's number, nor the version of this package. Of a fold with shuffles it covers these, and the code
    that tells the model's contributions; of a model whose features are transformed, the transforms' code and options;
    of one that takes weights, or is told where rows stand, these; of one that begins with pre-trained weights, their
    hash.

    Parameters
    ----------
    data : FitData
        Rows are hashed when they are first asked for, once.
    """

    def __init__(self, data: FitData) -> None:
        self._data = data
        self._hashes = cache(lambda kind: _row_digests(array_of(data.dataset, kind)))
        self._inputs: dict[tuple[Any, ...], bytes] = {}
        self._models: dict[tuple[str, int], tuple[ModelSpec, str, bytes]] = {}
        self._weights: dict[int, tuple[tuple[Weigh, ...], tuple[Weigh, ...]]] = {}
        self._chains: dict[int, tuple[tuple[Chain, ...], tuple[Chain, ...], bytes]] = {}

    def of(self, tasks: Sequence[FitTask]) -> list[FitTask]:
        """Return the tasks with their keys; those of the same name are of one model with the same parameters."""
        return [self._with_key(task) for task in tasks]

    def _with_key(self, task: FitTask) -> FitTask:
        named = task.model, task.replicate
        if named not in self._models:
            spec = model_of(task)
            code = code_digest(spec.resolve(), task.plugin.module, task.plugin.local)
            self._models[named] = spec, code, _facts(task, spec, code)
        spec, code, facts = self._models[named]
        fold, dataset = self._data.fold(task.fold), self._data.dataset
        window = spec.lookback if spec.input != "rows" else 0
        told = tuple(one.about for one in task.weights), spec.told
        read = (task.fold, spec.input, window, bool(spec.validation), reads_categories(spec, dataset), task.steps, told)
        if read not in self._inputs:
            self._inputs[read] = _read(task, dataset, fold, spec, self._hashes)
        more = _asked(task, spec, fold.shuffles)
        if task.transforms:
            place = id(task.transforms)  # one tuple serves all fits of a model
            if place not in self._chains:
                self._chains[place] = task.transforms, *_transforms(task.transforms)
            _, chains, turned = self._chains[place]
            task, more = replace(task, transforms=chains), more + turned
        if task.weights:
            place = id(task.weights)
            if place not in self._weights:
                self._weights[place] = task.weights, with_code(task.weights)
            task = replace(task, weights=self._weights[place][1])
        return replace(task, code=code, key=hashlib.sha256(facts + self._inputs[read] + more).hexdigest())


def with_keys(tasks: Sequence[FitTask], data: FitData) -> list[FitTask]:
    """Return the tasks with their keys, and with the hash of their models' code, see `Keys`."""
    return Keys(data).of(tasks)


def _asked(task: FitTask, spec: ModelSpec, shuffles: Shuffles | None) -> bytes:
    """Return the hash of what a fit is asked beside its predictions; nothing, where that is nothing."""
    if shuffles is None:
        return b""
    digest = hashlib.sha256(repr(shuffles.columns).encode())
    _update(digest, shuffles.orders)
    explainer = spec.explainer()
    if explainer is not None:
        code = code_digest(explainer, task.plugin.module, task.plugin.local)
        digest.update(f"{name_of(explainer)}|{version_of(explainer)}|{code}".encode())
    return digest.digest()


def _transforms(chains: tuple[Chain, ...]) -> tuple[tuple[Chain, ...], bytes]:
    """Return chains with the hash of their steps' code, and the hash of all that makes them what they are."""
    facts: list[Any] = []
    coded = []
    for chain in chains:
        steps = []
        for step in chain.steps:
            spec, ref = transform_of(step), step.plugin
            learns, turns = spec.resolve(), spec.applier()
            code = code_digest(learns, ref.module, ref.local)
            steps.append(replace(step, code=code))
            facts.append(
                [
                    chain.name,
                    chain.columns,
                    spec.name,
                    spec.renames,
                    name_of(learns),
                    name_of(turns),
                    code,
                    code_digest(turns, ref.module, ref.local),
                    None if ref.distribution == OWN else ref.version,
                    given_options(learns, step.params),
                    version_of(learns),
                    {need: version(need) for need in spec.requires},
                ]
            )
        coded.append(replace(chain, steps=tuple(steps)))
    return tuple(coded), hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).digest()


def _facts(task: FitTask, spec: ModelSpec, code: str) -> bytes:
    """Return the hash of all but the rows; it is the same on every fold."""
    factory = spec.resolve()
    ref = task.plugin
    facts = [
        NUMERICS,
        spec.name,
        spec.task,
        spec.input,
        spec.lookback,
        spec.named,
        spec.validation,
        name_of(factory),
        code,
        None if ref.distribution == OWN else ref.version,
        given_options(factory, task.params),
        task.seed,
        task.threads,
        task.device,
        task.binary,
        version_of(factory),
        {need: version(need) for need in (*spec.requires, "numpy", "scipy")},
        sys.version_info[:2],
        machine(),
        *([spec.validation_blocks] if spec.validation_blocks > 1 else []),
        *([weights.sha256] if (weights := spec.begins_with(task.params)) else []),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).digest()


def name_of(factory: Callable[..., Any]) -> str:
    """Return module and name of a function, with the arguments that are bound to it."""
    if isinstance(factory, partial):
        options = {name: _argument(value) for name, value in sorted(factory.keywords.items())}
        return f"partial({name_of(factory.func)}, {[_argument(value) for value in factory.args]}, {options})"
    return f"{getattr(factory, '__module__', '')}:{getattr(factory, '__qualname__', type(factory).__qualname__)}"


def given_options(factory: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are not the factory's own defaults: a stored recipe need not repeat those."""
    try:
        known = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return dict(params)
    return {
        name: value
        for name, value in params.items()
        if name not in known or known[name].default is known[name].empty or not _same(known[name].default, value)
    }


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


def _argument(value: Any) -> str:
    """Return what an argument is, without where in memory it lies."""
    return name_of(value) if callable(value) else repr(value)


@cache
def version(requirement: str) -> str:
    """Return the version of what a requirement names; of several, of the first that is installed."""
    versions = (installed(name.strip()) for name in requirement.split("|"))
    return next((version for version in versions if version), "")


def _read(task: FitTask, dataset: Dataset, fold: Fold, spec: ModelSpec, hashes: Callable[[str], Digests]) -> bytes:
    """Return the hash of what a model reads on a fold; `hashes` tells those of all rows of one kind of input."""
    digest = hashlib.sha256()
    _update(digest, dataset.path[fold.train] if task.steps else dataset.y[fold.train])
    if spec.validation:  # where the tail begins depends on them
        _update(digest, dataset.bar[fold.train] - dataset.bar[fold.train[0]])
        _update(digest, dataset.learnt_end[fold.train] - dataset.bar[fold.train[0]])
    if task.weights:
        _update(digest, weights_of(task, dataset, fold.train))
    for rows in (fold.train, fold.test) if spec.told else ():
        for values in places_of(spec, dataset, rows, fold.train).values():
            _update(digest, values)
    if reads_categories(spec, dataset):
        every = dataset.categories.known(np.concatenate((fold.train, fold.test)))
        digest.update(repr((dataset.feature_names, dataset.categories.names, every)).encode())
        for rows in (fold.train, fold.test):
            _update(digest, dataset.categories.among(every, rows))
    digests = hashes(spec.input)
    for rows in (fold.train, fold.test):
        if spec.input == "rows":
            _update(digest, digests[rows])
            continue
        # The bars that the windows of these rows cover, each once, and where each window ends among them.
        last = dataset.context[rows]
        bars = np.flatnonzero(covered(last, spec.lookback, len(digests)))
        _update(digest, digests[bars])
        _update(digest, np.searchsorted(bars, last))
    return digest.digest()


def _row_digests(array: NDArray[Any]) -> Digests:
    array = np.ascontiguousarray(array)
    about = f"{array.dtype.str}{array.shape[1:]}".encode()
    size = array.strides[0]
    flat = memoryview(array.reshape(-1).view(np.uint8).data) if array.size else memoryview(b"")
    hashed = b"".join(
        hashlib.blake2b(flat[i * size : (i + 1) * size], digest_size=16, person=about[:16]).digest()
        for i in range(len(array))
    )
    return np.frombuffer(hashed, dtype="V16")


def _update(digest: Any, array: NDArray[Any]) -> None:
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
