"""Rules of samplers: objectives that are undefined, or several."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from quorate.plugins.provider import Plugin
from quorate.plugins.specs import EarlierTrial, SamplerSpec
from quorate.testing._base import NotApplicable, after
from quorate.testing.tools import searches
from quorate.testing.tools.searches import MIXED, SPACES, Asked

Change = Callable[[EarlierTrial], EarlierTrial]
SIZES = ((9, 4), (31, 6))  # trials that were asked, and how many of them run


@after("signature", "untouched", "inside")
def check_sampler_undefined(plugin: Plugin) -> None:
    """It answers where trials were infinitely bad, as those are whose metric is undefined; also where all were."""
    for n, running in SIZES:
        asked = searches.history(SPACES[MIXED], n, running)
        for some in (asked.known[::3], asked.known):
            searches.answer(plugin, _changed(asked, partial(_undefined, some=some)))


def _undefined(trial: EarlierTrial, some: Sequence[EarlierTrial]) -> EarlierTrial:
    return replace(trial, value=math.inf, values=(math.inf,)) if trial in some else trial


@after("signature", "untouched", "inside")
def check_sampler_several(plugin: Plugin) -> None:
    """Where it says that it serves several objectives, it answers with two."""
    assert isinstance(plugin.spec, SamplerSpec)
    if not plugin.spec.several:
        raise NotApplicable("several=False: it is asked with one objective alone")
    for n, running in SIZES:
        asked = searches.history(SPACES[MIXED], n, running)
        for undefined in (False, True):
            searches.answer(plugin, _changed(asked, partial(_two, undefined=undefined)))


def _two(trial: EarlierTrial, undefined: bool) -> EarlierTrial:
    """Return a trial with two objectives, the second of some of them `undefined`; none was stopped early."""
    values = (trial.value, math.inf if undefined and trial.number % 4 == 3 else 1 - trial.value)
    return EarlierTrial(trial.number, trial.params, "complete", math.nan, 5, values)


def _changed(asked: Asked, change: Change) -> Asked:
    return replace(asked, known=tuple(change(trial) for trial in asked.known))
