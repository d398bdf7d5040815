"""One caller of plugins: whatever any kind raises, gives or hangs in is one error that says whose it is."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import quorate
from quorate.plugins.calling import call, seconds_per_call
from quorate.plugins.registry import Registry
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.walkforward.layout import prepare
from quorate.walkforward.series import decide_all


def spec_of(function, kind=quorate.LabelSpec):
    spec = kind("mine", function, task="regression")
    registry = Registry.load()
    registry.add_inline(spec)
    return registry.get("label", "mine")


def test_a_thread_of_its_own_is_stopped_too():
    told = []

    def work():
        with seconds_per_call(0.2):
            try:
                call(spec_of(lambda: [None for _ in iter(int, 1)]), "bars", ())
            except quorate.PluginError as e:
                told.append(str(e))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert told == ["label 'mine' did not finish on bars within 0.2 s (execution.fit_seconds)"]


def test_what_ends_in_time_is_left_alone_and_so_is_an_alarm_of_the_caller():
    import signal

    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        with seconds_per_call(0.2):
            assert call(spec_of(lambda: 5), "bars", ()) == 5
            time.sleep(0.4)
            assert rung == []
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            assert call(spec_of(lambda: time.sleep(0.1)), "bars", ()) is None
            assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_ends_the_process_is_held_in_calls_alone_however_they_overlap():
    import os

    leave, first, second, told = os._exit, threading.Event(), threading.Event(), []

    def ends():
        first.set()
        second.wait(30)
        os._exit(0)

    def work():
        try:
            call(spec_of(ends), "bars", ())
        except quorate.PluginError as e:
            told.append(str(e))

    thread = threading.Thread(target=work)
    thread.start()
    first.wait(30)
    assert call(spec_of(lambda: 5), "bars", ()) == 5  # begins later, and is over first
    assert os._exit is not leave
    second.set()
    thread.join(60)
    assert os._exit is leave
    assert told == ["label 'mine' failed on bars: SystemExit: 0"]


def test_an_error_of_the_platform_stays_what_it_is_and_says_where_it_arose():
    def short():
        raise quorate.DataError("three bars are too few")

    with pytest.raises(quorate.DataError, match=r"^three bars are too few") as told:
        call(spec_of(short), "3 bars", ())
    assert told.value.__notes__ == ["in label 'mine' on 3 bars"]


def test_a_call_within_a_call_is_told_once():
    inner = spec_of(lambda: 1 / 0)

    def outer():
        return call(inner, "few bars", ())

    with pytest.raises(quorate.PluginError) as told:
        call(spec_of(outer), "many bars", ())
    assert str(told.value) == "label 'mine' failed on few bars: ZeroDivisionError: division by zero"


def test_built_in_plugins_are_named_with_their_version(small):
    spec = Registry.load().get("feature", "return_1")
    with pytest.raises(quorate.PluginError, match=rf"\[quorate {quorate.__version__} \(quorate_plugins.features\)\]"):
        call(spec, "nothing", (), {"nonsense": 1})


def test_an_answer_that_is_refused_says_on_what(small):
    session = open_session(small)
    bars = load_bars(session).take(0, 550)
    walk = prepare(session.recipe, session.registry, bars, [(0, 550)])
    wrong = quorate.StrategySpec("long-flat", lambda score, threshold, **options: score[:1])
    session.registry._plugins["strategy", "long-flat"] = session.registry.find("strategy", "long-flat").__class__(
        "strategy", "long-flat", wrong, None
    )
    with pytest.raises(quorate.PluginError, match=r"strategy 'long-flat' must give weights .* \(on the scores of "):
        decide_all(walk, np.full((len(walk.dataset), len(walk.members)), 0.6))
