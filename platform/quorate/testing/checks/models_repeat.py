"""Rules for a model: that a fit can be repeated, here and elsewhere, and what it leaves behind."""

from __future__ import annotations

import copy
import random
import sys

import numpy as np

from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import models as m
from quorate.testing.tools.compare import number
from quorate.testing.tools.model_data import Data, copied, data_for
from quorate.testing.tools.model_elsewhere import elsewhere
from quorate.testing.tools.models import ask, base, demand_same, spec_of, trained


@after("same-seed-same-result")
def check_model_refit_forgets(plugin: Plugin) -> None:
    """Fitting again forgets the first fit: the result is that of a fresh object."""
    spec = spec_of(plugin)
    base(plugin)
    first, second = data_for(spec, seed=5), data_for(spec, seed=6)
    again, fresh = trained(plugin, copied(first), "fitted on ordinary data"), None
    with m.as_in_a_run(spec):
        fresh = m.make(spec, default_options(plugin))
    for model, what in ((again, "fitted a second time, on other rows"), (fresh, "fitted on ordinary data")):
        with m.as_in_a_run(spec):
            given = copied(second)
            m.guarded(plugin, what, lambda model=model, given=given: m.fit(model, given))  # type: ignore[misc]
    a = ask(plugin, fresh, second.X_test, "asked to predict")
    b = ask(plugin, again, second.X_test, "asked to predict after a second fit")
    if m.first_difference(a, b):
        _demand_repeatable(plugin, second)
    demand_same(
        a,
        b,
        "fitted on B alone",
        "fitted on A, then on B",
        "start `fit` from nothing: make what learns (weights, "
        "lists, networks, generators) in `fit`, not in the constructor or on the class",
    )


def check_model_same_seed_same_result(plugin: Plugin) -> None:
    """Two fits with the same seed give the same result, bit for bit."""
    spec, data = spec_of(plugin), base(plugin).data
    results = []
    for noise in (1, 2):
        random.seed(noise)
        np.random.seed(noise)
        results.append(m.guarded(plugin, "fitted", lambda: m.run_once(spec, default_options(plugin), copied(data))))
    demand_same(
        results[0],
        results[1],
        "in a first fit",
        "in a second one with the same data, parameters and seed",
        exact=True,
        remedy="draw from a generator seeded with the parameter random_state (np.random.default_rng(self."
        "random_state)), take nothing from the clock, the operating system, or earlier fits",
    )
    _demand_no_draws(plugin)


@after("same-seed-same-result")
def check_model_fresh_process(plugin: Plugin) -> None:
    """A fresh process gives the same result from the model's name and parameters alone."""
    where = plugin.provider
    if where.inline is not None:
        raise NotApplicable("an inline plugin cannot be loaded elsewhere")
    base(plugin)
    spec, params = spec_of(plugin), default_options(plugin)
    data = data_for(spec, seed=7)  # other rows, of the shape of those fitted before
    here = m.guarded(plugin, "fitted", lambda: m.run_once(spec, params, copied(data)))
    found = elsewhere(plugin, data)
    if m.first_difference(here, found, exact=True):
        _demand_repeatable(plugin, data)
    demand_same(
        here,
        found,
        "in this process",
        "in a fresh one",
        exact=True,
        remedy="A fit may depend on its data, parameters and seed alone: not on the process (id, hash of a text, "
        "environment, working folder), nor on what was fitted before in this process: look for a cache in a global, a "
        "class, a default argument or an lru_cache",
    )


def _demand_no_draws(plugin: Plugin) -> None:
    """Demand that predictions do not follow the random numbers drawn while predicting."""
    X, answers = base(plugin).data.X_test, []
    try:
        twins = [copy.deepcopy(base(plugin).model) for _ in range(2)]  # so that one answer cannot change the other
    except Exception:  # what cannot be copied is told by the rule saves
        return
    for seed, twin in enumerate(twins):
        with m.as_in_a_run(spec_of(plugin)):
            _seed(seed)
            try:
                answers.append(m.read_outputs(twin, spec_of(plugin), X.copy()))
            except Exception:  # a copy that has lost something
                return
    if gap := m.first_difference(answers[0], answers[1]):
        name, row, x, y = gap
        raise Violation(
            f"the prediction {name!r} of row {row} is {number(x, y)} when asked once, and {number(y, x)} when asked "
            "again with "
            "other random numbers: `predict` draws them. Predict the expectation, without noise or sampling (torch: "
            "self.net_.eval() before predicting, which turns dropout off)",
            row=row,
            expected=x,
            found=y,
        )


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)


def _demand_repeatable(plugin: Plugin, data: Data) -> None:
    """Leave the word to the rule same-seed-same-result, where two fits differ in any case."""
    spec, params = spec_of(plugin), default_options(plugin)
    one, two = (m.run_once(spec, params, copied(data)) for _ in range(2))
    if m.first_difference(one, two, exact=True):
        raise NotApplicable("no two of its fits are equal: see the rule same-seed-same-result")
