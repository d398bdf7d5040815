"""Rules for plugins of every kind: what they answer depends on what they are given, and they leave nothing behind."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, of_kinds, root
from quorate.testing.tools.answers import Answer, answer, difference
from quorate.testing.tools.beside import beside
from quorate.testing.tools.clock import MOMENTS, clock_at, environment, machine, said_now
from quorate.testing.tools.fresh import fresh, text_of
from quorate.testing.tools.identity import demand_no_identity, demand_no_leftovers
from quorate.testing.tools.sets import has_sets, shuffled, with_named_sets
from quorate.testing.tools.threads import busy, disturbed
from quorate.testing.tools.watching import Seen, line_of, watch

KINDS = (
    "model", "feature", "label", "weight", "splitter", "ensembler", "strategy", "metric", "gate", "cost", "sampler",
    "source",
)  # fmt: skip
ANSWERS = ("input-unmodified", "computes", "makes", "fits", "signature", "untouched", "inside")
REPEATED = (*ANSWERS, "deterministic", "repeat", "same-seed-same-result", "fingerprint-honest", "threads", "memory")

_TELLS_TIME = re.compile(r"\b(time|datetime|date|now|today|utcnow)\b")
_TELLS_MACHINE = re.compile(r"cpu_count|sched_getaffinity|gethostname|\bnode\(|getpid|n_jobs")
_TELLS_FOLDER = re.compile(r"getcwd|\bcwd\(|Path\(|open\(|listdir|glob|exists\(|\bload\w*\(|\bread_")
_TELLS_PROCESS = re.compile(r"\b(hash|id|getpid|uuid\d?)\(")
_TELLS_IDENTITY = re.compile(r"\b(id|hash)\(|__array_interface__|\.ctypes\b|data_ptr")
_GIVEN = "Compute from the arguments alone"
_ORDERED = (
    f"the order of a set, hash() and id() are others in each process. {_GIVEN}; sort what comes from a set, and use a "
    "dict or a list where the order matters"
)
_ORDERS = 6
_SETS = (1, 2, 3, 4, 5)
_SLOW = 0.5  # seconds of one answer, from which on fewer moments have to do


@root
@of_kinds(*KINDS)
def check_plugin_memory(plugin: Plugin) -> None:
    """Neither where its input lies in memory nor what lay there before makes a difference."""
    text = text_of(plugin)
    if "empty" in text:
        demand_no_leftovers(plugin)
    if _TELLS_IDENTITY.search(text):
        demand_no_identity(plugin)


@root
@of_kinds(*KINDS)
@after(*ANSWERS)
def check_plugin_threads(plugin: Plugin) -> None:
    """The order in which its threads run, and what else keeps the processors busy, changes nothing."""
    seen = watch(plugin)
    if not seen.threads:
        return
    path = str(plugin.provider.local.path) if plugin.provider.local else ""
    for seed in range(_ORDERS):
        with busy(2) if seed % 2 else nullcontext(), disturbed(seed, path):
            found = answer(plugin)
        if told := difference(seen.answer, found, exact=seen.own_threads):  # libraries add up as their threads end
            more = (
                "" if _repeats(plugin, seen) else ". Its answers differ in any case: seed what is drawn at random, too"
            )
            raise Violation(
                f"{told[0]} is {told[1]}, and {told[2]} when its threads run in another order: a run on a busy machine "
                "gives another result than one on a quiet one. Take what threads give in the order of the tasks "
                "(executor.map, a place in a list for each), not as they end; let no two of them write to one number, "
                f"list or random generator (one per task, seeded by the task's number){more}",
                expected=told[1],
                found=told[2],
            )


@of_kinds(*KINDS)
@after(*ANSWERS)
def check_plugin_leaves_no_files(plugin: Plugin) -> None:
    """It leaves no file behind, in the working folder or elsewhere."""
    for name, line in watch(plugin).files.items():
        raise Violation(
            f"it leaves the file {name!r} behind{f' ({line})' if line else ''}: fits and runs go on side by side, in "
            "folders that are not theirs, so that it is in the way, or one overwrites it for another. Keep what is "
            "needed in memory (of a model: on self); what must be a file, in a tempfile.TemporaryDirectory() that is "
            "removed",
            file=name,
            line=line,
        )


@of_kinds(*KINDS)
@after(*ANSWERS)
def check_plugin_settings_kept(plugin: Plugin) -> None:
    """Neither loading nor asking it changes settings of the process that others share."""
    seen = watch(plugin)
    for found, when in ((seen.loading, "its file is loaded"), (seen.calling, "it is asked")):
        if found is None or (found[0] == "the filters of warnings" and found is seen.loading):
            continue
        name, old, new = found
        told = f"{name} was {old} before {when} and is {new} after: everything else in the process reads it, too"
        if "random generator" in name:
            told = f"it seeds {name}, or draws from it, when {when}: what draws from it later gets other numbers"
        raise Violation(
            f"{told}. Set it for a block only, and put it back (with np.errstate(...), warnings.catch_warnings(), "
            "pd.option_context(...), or try ... finally); draw from a generator of your own, np.random.default_rng(0)",
            setting=name,
        )


@of_kinds(*KINDS)
@after(*REPEATED)
def check_plugin_surroundings(plugin: Plugin) -> None:
    """Neither the clock, the machine, the environment, the working folder nor the process changes its answer."""
    seen, text = watch(plugin), text_of(plugin)
    if seen.lost and plugin.kind == "source":
        raise NotApplicable(f"it reads files by the working folder: {seen.lost}")
    if seen.lost:
        raise Violation(
            f"in another working folder {seen.lost}: a run is started from any folder, and workers have their own. "
            "Find files beside the plugin by Path(__file__).parent, or put what is needed into the file"
        )
    read: list[str] = []

    def note() -> None:
        if (line := line_of(plugin, sys._getframe(1))) is not None:
            read.append(line)

    if _TELLS_TIME.search(text):
        for moment in MOMENTS[:3] if seen.seconds > _SLOW else MOMENTS:
            with clock_at(moment, note):
                found = answer(fresh(plugin, said_now(text, moment)))
            where = f" ({read[0]} reads it)" if read else ""
            _demand(
                plugin, seen.answer, found, f"when the clock says {moment}{where}",
                f"the same data gives another answer on another day. {_GIVEN}; a date comes from the data, not from "
                "today",
            )  # fmt: skip
    for change, how, remedy in _changes(plugin, seen, text):
        with change:
            found = answer(fresh(plugin))
        _demand(plugin, seen.answer, found, how, remedy)
    sets = plugin.provider.local is not None and has_sets(text)
    if sets:
        for order in _SETS[:2] if seen.seconds > _SLOW else _SETS:
            found = answer(fresh(plugin, with_named_sets(text), shuffled(order)))
            _demand(plugin, seen.answer, found, "when the texts of a set come in another order", _ORDERED)
    if plugin.provider.local and plugin.kind not in ("model", "source") and (sets or _TELLS_PROCESS.search(text)):
        sent = pickle.dumps((plugin.provider.local, plugin.kind, plugin.name))
        try:
            found = pickle.loads(beside().ask("quorate.testing.tools.answers:answered", sent))
        except RuntimeError as e:
            raise Violation(f"in a fresh process it failed: {e}. {_GIVEN}") from e
        _demand(
            plugin, seen.answer, found, "in a fresh process, in which texts have another hash",
            _ORDERED,
        )  # fmt: skip


def _repeats(plugin: Plugin, seen: Seen) -> bool:
    return all(difference(seen.answer, answer(plugin)) is None for _ in range(2))


def _changes(plugin: Plugin, seen: Seen, text: str) -> Iterator[tuple[AbstractContextManager[None], str, str]]:
    """Yield what may be changed around a plugin that asks for it, how that reads, and what to do."""
    if _TELLS_MACHINE.search(text):
        for processors in (3, 7):
            yield (
                machine(processors, f"host-{processors}", text),
                f"on a machine of another name with {processors} processors",
                f"another machine gives another result. {_GIVEN}; where work is split, split it the same on every "
                "machine",
            )
    if plugin.kind != "source" and _TELLS_FOLDER.search(text):
        yield (
            nullcontext(),
            "in another working folder",
            "a run is started from any folder. Find files beside the plugin by Path(__file__).parent",
        )
    variables = {} if plugin.kind == "source" else seen.variables
    names = ", ".join(f"{name} ({line})" for name, line in variables.items())
    for value in ("3", "5") if variables else ():
        yield (
            environment(dict.fromkeys(variables, value)),
            f"where the environment says {names} = {value!r}",
            "a variable of the environment is part of no recipe and of no fit's key. Make it an option of the function",
        )
    if _TELLS_TIME.search(text):
        yield (
            environment({"TZ": "Pacific/Kiritimati"}),
            "where the local time is another one",
            f"a machine elsewhere gives another result. {_GIVEN}; name the zone (tz=..., UTC)",
        )


def _demand(plugin: Plugin, expected: Answer, found: Answer, how: str, remedy: str) -> None:
    if plugin.kind == "source":  # it may know more bars tomorrow; those it knows today stay
        expected, found = _common(expected, found)
    if told := difference(expected, found):
        raise Violation(f"{told[0]} is {told[1]}, and {told[2]} {how}: {remedy}", expected=told[1], found=told[2])


def _common(one: Answer, other: Answer) -> tuple[Answer, Answer]:
    both = set(one["bar"].tolist()) & set(other["bar"].tolist())
    keep = [[i for i, bar in enumerate(a["bar"].tolist()) if bar in both] for a in (one, other)]
    first, second = ({name: v[rows] for name, v in a.items()} for a, rows in zip((one, other), keep, strict=True))
    return first, second
