"""Questions for samplers: spaces, and histories of trials that were asked one by one."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from quorate.errors import PluginError
from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.space import Choice, Distribution, Float, Int
from quorate.plugins.specs import EarlierTrial, SamplerSpec
from quorate.sweeps.sampling import read, seed_of
from quorate.testing._base import Violation, call
from quorate.testing.tools.beside import beside
from quorate.testing.tools.fresh import fresh

Space = dict[str, Distribution]
Trials = tuple[EarlierTrial, ...]
T = TypeVar("T")
PATIENCE = 2.0  # seconds after which fewer questions have to do
GENERATION = 4  # trials that are asked with the same known ones, and that are not decided when the next are asked

_NUMBERS: Space = {
    "depth": Int(1, 9),
    "leaves": Int(2, 512, log=True),
    "rate": Float(1e-4, 1.0, log=True),
    "shift": Float(-3.0, 2.0),
}
_CHOICES: Space = {
    "bins": Choice((8, 64, 255)),
    "kind": Choice(("plain", "forest", "boosted")),
    "layers": Choice(([16], [32, 16], [])),
    "warm": Choice((True, False)),
}
SPACES: dict[str, Space] = {
    "numbers and choices": {**_NUMBERS, **_CHOICES},
    "numbers": _NUMBERS,
    "choices": _CHOICES,
    "one parameter": {"rate": Float(1e-4, 1.0, log=True)},
    "two values": {"depth": Int(3, 4), "kind": Choice(("plain",))},
}
MIXED = "numbers and choices"


@dataclass(frozen=True)
class Asked:
    """What a sampler is asked for one trial; `seed` is the study's."""

    space: Space
    known: Trials
    running: Trials
    number: int
    seed: int

    def __str__(self) -> str:
        of = next((name for name, space in SPACES.items() if space == self.space), "another space")
        told = f"{len(self.known)} known and {len(self.running)} running"
        return f"trial {self.number} of {of}, with {told} trials"


def answer(plugin: Plugin, asked: Asked) -> dict[str, Any]:
    """Return what the sampler tries.

    Raises
    ------
    Violation
        If it raises, or what it gives is not in the space.
    """
    given = given_by(plugin, copied(asked))
    try:
        return read(asked.space, given)
    except PluginError as e:
        raise Violation(f"{asked}: {e}", trial=asked.number, found=repr(given)[:300]) from e


def given_by(plugin: Plugin, asked: Asked) -> Any:
    """Return what the sampler's function returns for these very arguments."""
    assert isinstance(plugin.spec, SamplerSpec)
    seed = seed_of(plugin.spec, asked.seed, asked.number)
    try:
        return call(plugin, asked.space, asked.known, asked.running, asked.number, seed)
    except Violation as e:
        raise Violation(f"{asked}: {e.message}", trial=asked.number) from e.__cause__


def copied(asked: Asked) -> Asked:
    """Return a question that shares nothing with this one."""
    found: Asked = pickle.loads(pickle.dumps(asked))
    return found


def loss(params: dict[str, Any]) -> float:
    """Return what parameters cost: best at one place, and another for every value of every parameter."""
    total = 0.5
    for name, value in sorted(params.items()):
        if isinstance(value, int | float) and not isinstance(value, bool):
            total += 0.02 * abs(math.log10(abs(value) + 1e-3) + len(name) / 4 - 1.2)
        else:
            total += 0.01 * (len(repr(value)) % 4)
    return total


def drawn(space: Space, n: int, seed: int) -> list[dict[str, Any]]:
    """Return parameters that anybody might have tried."""
    rng = np.random.default_rng(seed)
    return [{name: one.at(float(rng.random())) for name, one in space.items()} for _ in range(n)]


def history(space: Space, n: int, running: int = 0, seed: int = 0, study: int = 7) -> Asked:
    """Return the question for trial `n`: the recipe's own parameters and all but the `running` last trials are known.

    Some were raced out; some failed, so that their numbers are missing.
    """
    params = drawn(space, n + 1, seed)
    known = [_decided(k, params[k]) for k in range(-1, n - running) if k < 0 or k % 7 != 5] if n > running else []
    waiting = [EarlierTrial(k, params[k]) for k in range(max(n - running, 0), n)]
    return Asked(space, tuple(known), tuple(waiting), n, study)


def _decided(number: int, params: dict[str, Any]) -> EarlierTrial:
    if number % 3 == 1:
        return EarlierTrial(number, params, "raced", loss(params) + 0.05, 1 + number % 4)
    return EarlierTrial(number, params, "complete", loss(params), 5)


def questions(spaces: Sequence[str] = tuple(SPACES)) -> Iterator[Asked]:
    """Yield what a sampler may be asked, from the first trial on."""
    for name in spaces:
        for n, running in ((0, 0), (1, 1), (7, 3), (31, 6)):
            yield history(SPACES[name], n, running)


def in_time(found: Iterable[T], least: int = 1) -> Iterator[T]:
    """Yield all of them, or fewer where a sampler takes long to answer."""
    started = time.monotonic()
    for done, one in enumerate(found):
        if done >= least and time.monotonic() - started > PATIENCE:
            return
        yield one


def study(plugin: Plugin, space: Space, n: int, seed: int = 7) -> list[tuple[Asked, dict[str, Any]]]:
    """Return what a sampler was asked and tried, as a sweep asks it: one after the other, by generations."""
    done: list[EarlierTrial] = []
    own = _decided(-1, drawn(space, 1, 99)[0])
    found = []
    for number in range(n):
        known = max(number // GENERATION - 1, 0) * GENERATION
        asked = Asked(
            space,
            (own, *(t for t in done[:known] if t.number % 7 != 5)) if known else (),
            tuple(EarlierTrial(t.number, t.params) for t in done[known:]),
            number,
            seed,
        )
        params = answer(plugin, asked)
        found.append((asked, params))
        done.append(_decided(number, params))
    return found


def elsewhere(plugin: Plugin, asked: Sequence[Asked]) -> list[dict[str, Any]] | None:
    """Return the answers of a fresh process to these questions; None where no other process finds the plugin.

    Raises
    ------
    Violation
        If it fails there.
    """
    provider = plugin.provider
    if provider.inline is not None or not (provider.local or provider.distribution):
        return None
    sent = pickle.dumps((provider.local, plugin.name, plugin.spec.params if plugin.spec else {}, list(asked)))
    try:
        answers: list[dict[str, Any]] = pickle.loads(beside().ask("quorate.testing.tools.searches:answered", sent))
    except RuntimeError as e:
        raise Violation(f"in a fresh process it failed: {e}. Compute from the arguments alone") from e
    return answers


def answered(sent: bytes) -> list[dict[str, Any]]:
    """Answer in a process beside."""
    local, name, params, asked = pickle.loads(sent)
    registry = Registry() if local is not None else Registry.load()
    if local is not None:
        registry.add_local(local, given=True)
    plugin = registry.find("sampler", name)
    assert plugin.spec is not None
    plugin = replace(plugin, spec=replace(plugin.spec, params=params))
    return [answer(plugin, one) for one in asked]


def anew(plugin: Plugin, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """Return the answers of the plugin loaded anew, each by itself."""
    return [answer(fresh(plugin), one) for one in asked]


def differing(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return the first parameter in which two answers differ, and both values as a message shows them."""
    return next(((name, repr(v), repr(other[name])) for name, v in one.items() if _other(v, other[name])), None)


def _other(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or bool(one != other)
