"""The built-in samplers: what they try, what they learn, and that those of Optuna are Optuna's."""

from __future__ import annotations

import importlib.util
import itertools
import math

import numpy as np
import pytest

import quorate
from quorate.plugins.space import Choice, Float, Int
from quorate_plugins.samplers import quorate_samplers
from quorate_plugins.samplers.by_optuna import nsga2, random, settled, tpe
from quorate_plugins.samplers.cube import share_of, value_at
from quorate_plugins.samplers.sequences import _shuffled, grid, sobol

SPECS = {spec.name: spec for spec in quorate_samplers()}
SPACE = {"depth": Int(1, 9), "kind": Choice(("a", "b", "c")), "rate": Float(1e-3, 1.0, log=True)}
NUMBERS = {"depth": Int(1, 30), "rate": Float(1e-3, 1.0, log=True), "share": Float(-1.0, 1.0)}
LEARNS = [
    "tpe",
    "nsga2",
    pytest.param("cma-es", marks=pytest.mark.skipif(not importlib.util.find_spec("cmaes"), reason="no cmaes")),
    pytest.param("rust", marks=pytest.mark.skipif(not importlib.util.find_spec("rustuna"), reason="no rustuna")),
    pytest.param("gp", marks=pytest.mark.full),
]


def loss(params):
    return abs(params["depth"] - 11) / 10 + abs(math.log10(params["rate"]) + 1) + abs(params["share"] - 0.3)


def study(name, seed, n=64, raced=False):
    """Return the losses of a study, as a sweep asks it."""
    ask, done = SPECS[name].resolve(), []
    for number in range(n):
        known = max(number // 4 - 1, 0) * 4
        running = [quorate.EarlierTrial(t.number, t.params) for t in done[known:]]
        own = np.random.SeedSequence([seed] if SPECS[name].seeded_by == "study" else [seed, number])
        params = ask(NUMBERS, done[:known], running, number, int(own.generate_state(1)[0]))
        best = min((t.value for t in done[:known] if t.state == "complete"), default=math.inf)
        beaten = raced and loss(params) > 2 * best
        done.append(
            quorate.EarlierTrial(number, params, "raced" if beaten else "complete", loss(params), 2 if beaten else 8)
        )
    return [trial.value for trial in done]


@pytest.mark.parametrize("raced", [False, True])
@pytest.mark.parametrize("name", LEARNS)
def test_those_that_learn_beat_chance(name, raced):
    seeds, n = ((1,), 32) if name == "gp" else ((0, 1), 48)

    def best(name, raced=False):
        return np.mean([np.mean(sorted(study(name, seed, n, raced))[:10]) for seed in seeds])

    assert best(name, raced) < 0.9 * best("random")


def test_optunas_are_asked_as_optuna_would_be():
    import optuna

    done = [quorate.EarlierTrial(n, random(SPACE, (), (), n, n), "complete", n % 7, 8) for n in range(20)]
    for make, ask in (
        (lambda: optuna.samplers.RandomSampler(seed=5), random),
        (lambda: optuna.samplers.TPESampler(seed=5, multivariate=True, n_startup_trials=10), tpe),
    ):
        own = optuna.create_study(sampler=make())
        wanted = {
            "depth": optuna.distributions.IntDistribution(1, 9),
            "kind": optuna.distributions.CategoricalDistribution(("a", "b", "c")),
            "rate": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        }
        for trial in done:
            own.add_trial(optuna.create_trial(params=trial.params, distributions=wanted, value=trial.value))
        assert ask(SPACE, done[::-1], (), 20, 5) == own.ask(wanted).params


def test_a_raced_trial_loses_as_much_as_the_worst_for_those_that_read_complete_ones_only():
    known = [
        quorate.EarlierTrial(2, {}, "raced", 0.1, 1),
        quorate.EarlierTrial(0, {}, "complete", 0.5, 8),
        quorate.EarlierTrial(3, {}, "raced", 0.9, 2),
        quorate.EarlierTrial(1, {}, "complete", 0.2, 8),
    ]
    assert [(t.number, t.state, t.value) for t in settled(known)] == [
        (0, "complete", 0.5),
        (1, "complete", 0.2),
        (2, "complete", 0.5),
        (3, "complete", 0.9),
    ]
    assert settled(()) == []


def test_a_generation_is_crossed_from_the_one_before():
    """All of the first generation agree: the next one seldom has another value, and before it is whole chance has."""
    good = [quorate.EarlierTrial(n, {"depth": 5, "kind": "b", "rate": 0.1}, "complete", n / 10, 8) for n in range(8)]
    children = [nsga2(SPACE, good, (), 8, seed) for seed in range(20)]
    assert sum(child["kind"] == "b" for child in children) > 10
    first = [nsga2(SPACE, good[:7], (), 8, seed) for seed in range(20)]
    assert sum(child["kind"] == "b" for child in first) < 14
    kept = [sum(child["rate"] == pytest.approx(0.1) for child in found) for found in (children, first)]
    assert kept[0] > 6
    assert kept[1] == 0


def test_sobol_leaves_no_part_empty():
    tried = [sobol(SPACE | NUMBERS, (), (), n, 3) for n in range(64)]
    parts = {
        (int(4 * share_of(NUMBERS["share"], t["share"])), int(4 * share_of(NUMBERS["rate"], t["rate"]))) for t in tried
    }
    assert len(parts) == 16
    assert sobol(SPACE, (), (), 5, 3) == sobol(SPACE, tried and (), (), 5, 3) != sobol(SPACE, (), (), 5, 4)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_grid_has_each_point_once(seed):
    space = {"depth": Int(3, 5), "kind": Choice((True, 1, [2])), "rate": Float(1e-2, 1.0, log=True)}
    tried = [grid(space, (), (), n, seed, levels=3) for n in range(27)]
    expected = itertools.product((3, 4, 5), (True, 1, [2]), (0.01, 0.1, 1.0))
    points = sorted((t["depth"], repr(t["kind"]), round(t["rate"], 12)) for t in tried)
    assert points == sorted((d, repr(k), r) for d, k, r in expected)
    assert grid(space, (), (), 27, seed, levels=3) == tried[0]
    assert tried != [grid(space, (), (), n, seed + 2, levels=3) for n in range(27)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 100, 257])
def test_an_order_has_each_place_once_and_looks_like_none(size):
    orders = {tuple(_shuffled(n, size, np.random.default_rng(s)) for n in range(size)) for s in range(20)}
    assert all(sorted(order) == list(range(size)) for order in orders)
    assert len(orders) >= min(math.factorial(min(size, 6)) // 2, 18) or size < 3
    if size > 50:
        first = [order[0] for order in orders]
        assert np.std(first) > size / 8


def test_a_grid_larger_than_any_memory_is_counted_all_the_same():
    space = {f"p{k}": Float(0.0, 1.0) for k in range(40)}
    tried = [tuple(grid(space, (), (), n, 1, levels=10).values()) for n in range(50)]
    assert len(set(tried)) == 50
    assert np.std([np.mean(t) for t in tried]) < 0.2


@pytest.mark.parametrize(
    "one",
    [
        Float(-2.0, 3.0),
        Float(1e-4, 10.0, log=True),
        Int(1, 9),
        Int(0, 1),
        Int(2, 512, log=True),
        Choice(("a", "b", "c")),
    ],
)
def test_equal_shares_are_equally_likely_values(one):
    values = [value_at(one, share) for share in np.linspace(0, 1, 4801)]
    ends = (one.values[0], one.values[-1]) if isinstance(one, Choice) else (one.low, one.high)
    assert all(a == (b if isinstance(b, str) else pytest.approx(b)) for a, b in zip(values[::4800], ends, strict=True))
    if not isinstance(one, Choice):
        assert all(abs(share_of(one, v) - s) < 0.51 / 1 for v, s in zip(values, np.linspace(0, 1, 4801), strict=True))
    if isinstance(one, Choice) or (isinstance(one, Int) and not one.log):
        counts = [values.count(v) for v in dict.fromkeys(values)]
        assert max(counts) - min(counts) <= 2


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("tpe", {"startup": -1}, "startup must be 0 or more; it was -1"),
        ("gp", {"startup": -1}, "startup must be 0 or more"),
        ("rust", {"startup": -1}, "startup must be 0 or more"),
        ("nsga2", {"population": 1}, "population must be 2 or more; it was 1"),
        ("grid", {"levels": 1}, "levels must be 2 or more; it was 1"),
        ("cma-es", {"sigma": 0.0}, "sigma must be above 0"),
        ("cma-es", {"population": 1}, "population must be 2 or more, or 0"),
    ],
)
def test_options_that_cannot_be_are_refused_with_their_key(name, options, told):
    with pytest.raises(quorate.RecipeError, match=rf"tuning\.sampler_options\.{told}"):
        SPECS[name].resolve()(SPACE, (), (), 0, 1, **options)


def test_fewer_numbers_than_an_evolution_wants_will_do():
    pytest.importorskip("cmaes")
    ask = SPECS["cma-es"].resolve()
    for space in ({"depth": Int(1, 2)}, {"kind": Choice(("a", "b"))}, {"rate": Float(0.1, 1.0)}):
        known: list[quorate.EarlierTrial] = []
        for number in range(30):
            params = ask(space, known, (), number, number)
            known.append(quorate.EarlierTrial(number, params, "complete", float(number % 5), 8))
        assert len({repr(t.params) for t in known}) > 1
