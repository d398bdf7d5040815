"""Rules of samplers: what is tried lies in the space, and follows from numbers, losses and the seed alone."""

from __future__ import annotations

import inspect
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from quorate.plugins.provider import Plugin
from quorate.plugins.specs import EarlierTrial
from quorate.testing._base import NotApplicable, Violation, after, default_options
from quorate.testing.tools import searches
from quorate.testing.tools.compare import seeded
from quorate.testing.tools.searches import MIXED, SPACES, Asked

_ALONE = (
    "Compute from the arguments alone: draw from np.random.default_rng(seed), keep nothing between calls, and sort "
    "what comes from a set"
)
_ARGUMENTS = "space, known, running, number, seed"


def check_sampler_signature(plugin: Plugin) -> None:
    """It takes space, known, running, number and seed by position, then options, and returns its answer."""
    assert plugin.spec is not None
    function = plugin.spec.resolve()
    try:
        told = inspect.signature(function)
    except (TypeError, ValueError) as e:
        raise NotApplicable("the function does not tell its signature") from e
    try:
        told.bind(*range(5), **default_options(plugin))
    except TypeError as e:
        raise Violation(
            f"it cannot be called as function({_ARGUMENTS}, **options): {e}; it takes {told}", found=str(told)
        ) from e
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise Violation("it yields or awaits: it must return one dict of parameters", found=str(told))


@after("signature")
def check_sampler_untouched(plugin: Plugin) -> None:
    """The space, the earlier trials and their parameters are left as they were."""
    for asked in searches.questions():
        given, before = searches.copied(asked), repr(asked)
        trouble: Exception | None = None
        try:
            searches.given_by(plugin, given)
        except Violation as e:  # what it wrote before it failed is what counts here
            trouble = e
        if repr(given) != before:
            parts = ("space", "known", "running")
            part = next(p for p in parts if repr(getattr(given, p)) != repr(getattr(asked, p)))
            raise Violation(
                f"{asked}: it changes {part!r}, which others read, too: work on a copy, e.g. dict(params)",
                argument=part,
                trial=asked.number,
            ) from trouble


@after("signature", "untouched")
def check_sampler_inside(plugin: Plugin) -> None:
    """It gives exactly the parameters of the space, each a value inside, whatever is known."""
    asked = list(searches.questions())
    more = [replace(one, number=one.number + k) for k in range(1, 6) for one in asked]
    for one in searches.in_time([*asked, *more], len(asked)):
        searches.answer(plugin, one)


@after("signature", "untouched", "inside")
def check_sampler_repeat(plugin: Plugin) -> None:
    """The same question has the same answer, in a fresh process, too."""
    asked = list(searches.questions([MIXED]))
    first = [searches.answer(plugin, one) for one in asked]
    for seed in (1, 2):
        with seeded(seed):
            random.random()
            again = [searches.answer(plugin, one) for one in asked]
        _same(asked, first, again, "when it is asked again")
    _same(asked, first, searches.anew(plugin, asked), "when its file is loaded anew")
    if (found := searches.elsewhere(plugin, asked)) is not None:
        _same(asked, first, found, "in a fresh process")


@after("signature", "untouched", "inside", "repeat")
def check_sampler_seeded(plugin: Plugin) -> None:
    """Another seed gives another answer somewhere."""
    asked = [
        replace(one, number=number)
        for one in (searches.history(SPACES[MIXED], 0), searches.history(SPACES[MIXED], 31, 6))
        for number in range(one.number, one.number + 4)
    ]
    for one in asked:
        answers = [searches.answer(plugin, replace(one, seed=seed)) for seed in (7, 8, 11)]
        if any(searches.differing(answers[0], other) for other in answers[1:]):
            return
    raise Violation(
        f"{len(asked)} trials of three studies with the seeds 7, 8 and 11 are the same, e.g. {answers[0]}: a sweep "
        "with another seed would say nothing new. Draw from np.random.default_rng(seed)",
        found=repr(answers[0]),
    )


@after("signature", "untouched", "inside", "repeat")
def check_sampler_goes_on(plugin: Plugin) -> None:
    """Trials that are asked one after the other, while nothing more becomes known, are not all the same."""
    for name, n in ((MIXED, 0), ("numbers", 24)):
        begun = searches.history(SPACES[name], n)
        tried: list[dict[str, Any]] = []
        for number in range(n, n + 2 * searches.GENERATION):
            running = tuple(EarlierTrial(n + k, params) for k, params in enumerate(tried))
            tried.append(searches.answer(plugin, replace(begun, running=running, number=number)))
            if searches.differing(tried[0], tried[-1]):  # some take seconds for an answer
                break
        else:
            raise Violation(
                f"trials {n} to {n + len(tried) - 1} all try {tried[0]}: as many fits for one answer. Use `number`, "
                "the trial's `seed`, or what is in `running`",
                found=repr(tried[0]),
            )


@after("signature", "untouched", "inside", "repeat")
def check_sampler_order(plugin: Plugin) -> None:
    """What is known counts by its numbers, not by the order in which it is handed over."""
    sizes = [(name, n, running) for n, running in ((31, 6), (9, 4), (45, 8)) for name in (MIXED, "numbers")]
    for name, n, running in searches.in_time(sizes, 2):
        asked = searches.history(SPACES[name], n, running)
        expected = searches.answer(plugin, asked)
        for seed in (1, 2):
            rng = random.Random(seed)
            known, waiting = list(asked.known), list(asked.running)
            rng.shuffle(known)
            rng.shuffle(waiting)
            found = searches.answer(plugin, replace(asked, known=tuple(known), running=tuple(waiting)))
            _same(
                [asked], [expected], [found], "when the same trials are handed over in another order",
                "The numbers of the trials say in which order they were asked: begin with "
                "sorted(known, key=lambda trial: trial.number), and let the number decide between equals",
            )  # fmt: skip


@after("signature", "untouched", "inside", "repeat")
def check_sampler_resumable(plugin: Plugin) -> None:
    """Asked with the history alone, in a new process, it tries what it tried when it was asked from the beginning."""
    for name in searches.in_time((MIXED, "numbers")):
        whole = searches.study(plugin, SPACES[name], 24)
        asked, tried = [one for one, _ in whole], [params for _, params in whole]
        late = [4, 13, 23]
        alone, expected = [asked[k] for k in late], [tried[k] for k in late]
        _same(alone, expected, searches.anew(plugin, alone), "after a resumption, with the history alone")
        if (found := searches.elsewhere(plugin, alone[::-1])) is not None:
            _same(alone, expected, found[::-1], "after a resumption, in a new process with the history alone")


def _same(
    asked: Sequence[Asked],
    expected: Sequence[dict[str, Any]],
    found: Sequence[dict[str, Any]],
    when: str,
    remedy: str = _ALONE,
) -> None:
    for one, first, other in zip(asked, expected, found, strict=True):
        if told := searches.differing(first, other):
            name, was, now = told
            raise Violation(
                f"{one}: {name} is {was}, and {now} {when}. {remedy}",
                trial=one.number,
                parameter=name,
                expected=was,
                found=now,
            )
