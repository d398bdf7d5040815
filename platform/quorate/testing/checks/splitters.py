"""Rules of splitters: folds, or groups, that follow one another; and folds train on what lies before them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import QuorateError
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import Span, SplitterSpec
from quorate.testing._base import NotApplicable, Violation, after, call, causal, explain
from quorate.testing.tools.compare import read_only, seeded, watch_inputs
from quorate.testing.tools.identity import demand_no_memory

Sessions = NDArray[np.datetime64]
_LENGTHS = (1500, 2201, 3000, 5031)
_HOLDOUTS = ((2201, 1800), (3000, 2500), (5031, 4402))  # bars in all, first bar of the holdout
_SIZES = ((6, 2), (10, 2), (7, 3))  # groups in all, groups that are tested, of a combinatorial splitter


@after("input-unmodified")
def check_splitter_computes(plugin: Plugin) -> None:
    """Spans of whole bars, for histories of any length that is enough; as many as groups are asked for."""
    found = [(n, spans(plugin, n)) for n in _LENGTHS]
    if not any(given for _, given in found):
        raise Violation(
            f"it yields no Span for {', '.join(map(str, _LENGTHS))} daily sessions: it must yield one per fold, e.g. "
            "yield quorate.Span(first, stop)",
            expected="at least one Span",
            found=0,
        )
    for groups, tests in _SIZES if _combinatorial(plugin) else ():
        for n in _LENGTHS:
            given = spans(plugin, n, groups=groups, tests=tests)
            if given and len(given) != groups:
                raise Violation(
                    f"with {n} bars and groups={groups}, tests={tests} it yields {len(given)} spans: it must yield one "
                    f"per group, {groups}",
                    expected=groups,
                    found=len(given),
                    n_bars=n,
                )


@after("input-unmodified", "deterministic")
def check_splitter_contiguous(plugin: Plugin) -> None:
    """Each span begins where the one before stopped, and the last stops after the last bar."""
    for n, given in _all(plugin):
        for k, span in enumerate(given):
            if not span.first < span.stop:
                raise Violation(
                    f"with {n} bars, span {k} is {span.first}..{span.stop}: it must stop after it begins",
                    **_example(n, k, span),
                )
            if not k and span.first and _combinatorial(plugin):
                raise Violation(
                    f"with {n} bars, the first group begins at bar {span.first}: it must begin at bar 0, so that every "
                    "bar belongs to a group",
                    expected=0,
                    found=span.first,
                    n_bars=n,
                )
            if k and span.first != given[k - 1].stop:
                what = "a gap" if span.first > given[k - 1].stop else "an overlap"
                raise Violation(
                    f"with {n} bars, span {k} begins at bar {span.first}, but the one before stopped at "
                    f"{given[k - 1].stop} "
                    f"(the bar after its last): {what}, so bars are predicted "
                    f"{'never' if what == 'a gap' else 'twice'}. Begin at {given[k - 1].stop}",
                    expected=given[k - 1].stop,
                    found=span.first,
                    n_bars=n,
                    span=k,
                )
        if given[-1].stop != n:
            raise Violation(
                f"with {n} bars, the last span stops at {given[-1].stop}: it must stop at {n}, the bar after the last. "
                "Let the last span be shorter (min(stop, len(sessions)))",
                expected=n,
                found=given[-1].stop,
                n_bars=n,
            )


@causal
@after("input-unmodified", "deterministic")
def check_splitter_trains_before(plugin: Plugin) -> None:
    """A fold trains on bars before those it predicts."""
    _only_folds(plugin)
    for n, given in _all(plugin):
        for k, span in enumerate(given):
            if span.first <= 0:
                raise Violation(
                    f"with {n} bars, span {k} predicts from bar {span.first} on: no bar lies before it to train on. "
                    "Begin later, e.g. at first = max(start, initial) with an option initial=1000 for how many bars "
                    "the first fold trains on",
                    **_example(n, k, span),
                )
            if not 0 <= span.train_from < span.first:
                raise Violation(
                    f"with {n} bars, span {k} predicts from bar {span.first} on and trains from bar "
                    f"{span.train_from} on: "
                    f"it must be 0 <= train_from < {span.first}, so that something lies before to train on",
                    expected=f"0..{span.first - 1}",
                    found=span.train_from,
                    n_bars=n,
                    span=k,
                )
            if span.train_stop is not None and not span.train_from < span.train_stop <= span.first:
                raise Violation(
                    f"with {n} bars, span {k} predicts from bar {span.first} on and trains on labels that ended before "
                    f"bar {span.train_stop}: it must be {span.train_from} < train_stop <= {span.first}, so that "
                    "nothing that is predicted trains, and something does",
                    expected=f"{span.train_from + 1}..{span.first}",
                    found=span.train_stop,
                    n_bars=n,
                    span=k,
                )


@after("input-unmodified", "deterministic")
def check_splitter_continues(plugin: Plugin) -> None:
    """With a later `start` the first span begins right there: the holdout is predicted as a whole."""
    _only_folds(plugin)
    tried = 0
    for n, start in _HOLDOUTS:
        if not _known(plugin, n):
            continue
        tried += 1
        given = spans(plugin, n, start)
        if not given or given[0].first != start:
            told = f"begins at bar {given[0].first}" if given else "is missing"
            raise Violation(
                f"with {n} bars and start={start}, where the holdout begins, the first span {told}: it must begin at "
                f"{start}. `start` is the first bar that may be predicted: begin there, e.g. first = start or initial",
                expected=start,
                found=given[0].first if given else None,
                n_bars=n,
            )
    if not tried:
        raise NotApplicable("it yields no span: see the rule 'computes'")


def check_splitter_input_unmodified(plugin: Plugin) -> None:
    """The sessions are left as they were."""
    watch_inputs({"sessions": sessions(3000)}, lambda dates: list(_ask(plugin, dates)))


@after("input-unmodified")
def check_splitter_deterministic(plugin: Plugin) -> None:
    """The same sessions give the same spans."""
    demand_no_memory(plugin)
    for n in _LENGTHS:
        found = []
        for seed in (1, 2, 3):
            with seeded(seed):
                found.append(_known(plugin, n))
        for again in found[1:]:
            for k, (one, other) in enumerate(zip(found[0], again, strict=False)):
                if one != other:
                    raise Violation(
                        f"with {n} bars, span {k} is {tuple(one)} the first time and {tuple(other)} the next: "
                        "seed what "
                        "is random, and keep no state between calls",
                        expected=list(one),
                        found=list(other),
                    )
            if len(again) != len(found[0]):
                raise Violation(
                    f"with {n} bars it yields {len(found[0])} spans the first time and {len(again)} the next: keep no "
                    "state between calls",
                    expected=len(found[0]),
                    found=len(again),
                )


def sessions(n: int) -> Sessions:
    """Return `n` weekdays from 2000 on."""
    return read_only(np.busday_offset("2000-01-03", np.arange(n), roll="forward"))


def spans(plugin: Plugin, n: int, start: int = 0, groups: int = 6, tests: int = 2) -> list[Span]:
    """Return the spans for `n` sessions; none, if it says that there are too few.

    Parameters
    ----------
    start : int
        The first bar that may be predicted.
    groups, tests : int
        What a combinatorial splitter is asked for.

    Raises
    ------
    Violation
        If it fails otherwise, or yields something else.
    """
    try:
        given = list(_ask(plugin, sessions(n), start, groups, tests))
    except Violation as e:
        if isinstance(e.__cause__, QuorateError):
            return []
        raise
    except QuorateError:
        return []
    except Exception as e:
        raise Violation(
            f"with {n} bars and start={start} it raised {explain(e, plugin)}: yield one Span per fold"
        ) from e
    return [_span(item, k) for k, item in enumerate(given)]


def _ask(plugin: Plugin, dates: Sessions, start: int = 0, groups: int = 6, tests: int = 2) -> Iterable[Any]:
    assert plugin.spec is not None
    if _combinatorial(plugin):
        answer: Iterable[Any] = plugin.spec.resolve()(dates, groups, tests, **plugin.spec.params)
    else:
        answer = call(plugin, dates, start)
    return answer


def _combinatorial(plugin: Plugin) -> bool:
    return isinstance(plugin.spec, SplitterSpec) and plugin.spec.combinatorial


def _only_folds(plugin: Plugin) -> None:
    if _combinatorial(plugin):
        raise NotApplicable("it is combinatorial: its groups are predicted by fits on earlier and on later ones")


def _span(item: Any, k: int) -> Span:
    whole = isinstance(item, tuple | list) and 2 <= len(item) <= 4
    parts = [part for at, part in enumerate(item) if at < 3 or part is not None] if whole else []
    if not whole or not all(isinstance(part, int | np.integer) and not isinstance(part, bool) for part in parts):
        raise Violation(
            f"span {k} is {item!r}: it must be quorate.Span(first, stop, train_from, train_stop), positions of bars "
            "as whole numbers",
            span=k,
            found=repr(item),
        )
    return Span(*(int(part) for part in parts))


def _known(plugin: Plugin, n: int, start: int = 0) -> list[Span]:
    try:
        return spans(plugin, n, start)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e


def _all(plugin: Plugin) -> list[tuple[int, list[Span]]]:
    found = [(n, _known(plugin, n)) for n in _LENGTHS]
    if not _combinatorial(plugin):
        found += [(n, _known(plugin, n, start)) for n, start in _HOLDOUTS]
    known = [(n, given) for n, given in found if given]
    if not known:
        raise NotApplicable("it yields no span: see the rule 'computes'")
    return known


def _example(n: int, k: int, span: Span) -> dict[str, Any]:
    return {"n_bars": n, "span": k, "found": list(span)}
