"""The rules of what is around a plugin: they name what depends on it, and let pass what does not."""

from __future__ import annotations

import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quorate.plugins.provider import Plugin
from quorate.testing import plugins_of
from quorate.testing._base import NotApplicable, Violation, explain, rules
from quorate.testing.checks import plugins_surroundings as s
from quorate.testing.tools.answers import difference
from quorate.testing.tools.clock import MOMENTS, clock_at, said_now
from quorate.testing.tools.compare import numbers
from quorate.testing.tools.constants import in_proportion
from quorate.testing.tools.identity import Identities
from quorate.testing.tools.threads import disturbed

FEATURE = """
import numpy as np
import quorate
{head}

def one(close):
    value = close * 1.0
    {body}
    return value


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("one", one)
"""


@pytest.fixture
def feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def write(body: str, head: str = "") -> Plugin:
        path = tmp_path / "mine.py"
        path.write_text(FEATURE.format(body=body, head=head))
        [plugin] = plugins_of(path)
        return plugin

    return write


def said(check, plugin: Plugin) -> str:
    try:
        check(plugin)
    except NotApplicable:
        return ""
    except Violation as e:
        return e.message
    return ""


@pytest.mark.parametrize(
    ("head", "body", "what"),
    [
        ("import datetime", "value *= datetime.datetime.now().hour + 1", "the clock says"),
        ("from datetime import date", "value *= date.today().weekday() + 1", "line 8 reads it"),
        ("import time", "value *= time.localtime().tm_year", "the clock says"),
        ("", "value *= np.datetime64('today').astype(int)", "the clock says"),
        ("import pandas as pd", "value *= pd.Timestamp.now().day", "the clock says"),
        ("import pandas as pd", "value *= pd.Timestamp('now').day", "the clock says"),
        ("import os", "value *= os.cpu_count()", "with 3 processors"),
        ("import os\nSIZE = float(os.environ.get('SIZE', '1'))", "value *= SIZE", "SIZE (line 5)"),
        ("import time", "value *= time.localtime(0).tm_hour + 1", "local time"),
        ("", "value *= hash('a') % 997 + 1", "another hash"),
        ("", "value *= list({'a', 'bb', 'ccc'}).index('bb') + 1", "texts of a set"),
        ("", "value *= len(next(iter({'a', 'bb'} | {'ccc'})))", "texts of a set"),
        ("NAMES = frozenset(['a', 'bb', 'ccc'])", "value *= len([*NAMES][0])", "texts of a set"),
    ],
)
def test_what_is_read_from_around_is_named(feature, head: str, body: str, what: str) -> None:
    assert what in said(s.check_plugin_surroundings, feature(body, head))


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("import time", "started = time.time(); value += 0 * (time.time() - started > 900)"),
        ("import datetime", "assert isinstance(datetime.datetime.now(), datetime.date)"),
        ("import os", "print(os.environ.get('LEVEL'), os.cpu_count())"),
        ("", "value *= len({'a', 'b'})"),
        ("", "assert isinstance({1}, set); value *= [*{3, 1, 2}][0] + len(sorted({'b', 'a'})[0])"),
    ],
)
def test_what_changes_nothing_may_be_read(feature, head: str, body: str) -> None:
    assert not said(s.check_plugin_surroundings, feature(body, head))


def test_a_file_that_only_this_folder_has_is_named(feature, tmp_path: Path) -> None:
    (tmp_path / "factor.txt").write_text("2.0")
    assert "another working folder" in said(
        s.check_plugin_surroundings, feature("value *= float(open('factor.txt').read())")
    )


def test_files_are_named_with_the_line_and_those_that_are_removed_are_not(feature, tmp_path: Path) -> None:
    left = tmp_path / "left.txt"
    assert "'a.txt' behind (line 8)" in said(s.check_plugin_leaves_no_files, feature("open('a.txt', 'w').close()"))
    assert "left.txt" in said(s.check_plugin_leaves_no_files, feature(f"open({str(left)!r}, 'w').close()"))
    gone = feature("with tempfile.TemporaryFile() as f: f.write(b'x')", "import tempfile")
    assert not said(s.check_plugin_leaves_no_files, gone)


def test_settings_that_are_left_are_named(feature) -> None:
    assert "NumPy's error handling" in said(s.check_plugin_settings_kept, feature("np.seterr(all='ignore')"))
    assert "'KIT' in the environment" in said(
        s.check_plugin_settings_kept, feature("pass", "import os\nos.environ['KIT'] = '1'")
    )
    assert "when its file is loaded" in said(s.check_plugin_settings_kept, feature("pass", "np.random.seed(3)"))
    assert not said(
        s.check_plugin_settings_kept, feature("np.random.default_rng(3)\n    with np.errstate(all='ignore'): pass")
    )


def test_identities_are_given_again_only_when_their_owners_are_gone(feature) -> None:
    numbers = Identities()
    one, other = np.zeros(2), np.zeros(2)
    first = numbers.id(one)
    assert (numbers.id(other) != first, numbers.id(one)) == (True, first)
    del one
    assert numbers.id(np.ones(2)) == first
    stale = feature("return KEPT.setdefault(id(close), value)", "KEPT = {}")
    owner = feature("return KEPT.setdefault(id(close), (close, value))[1]", "KEPT = {}")
    assert "keyed by id()" in said(s.check_plugin_memory, stale)
    assert not said(s.check_plugin_memory, owner)


@pytest.mark.parametrize("body", ["np.empty(close.shape)", "np.empty_like(close)"])
def test_memory_that_was_never_written_is_named(feature, body: str) -> None:
    assert "np.empty" in said(s.check_plugin_memory, feature(f"return {body}"))
    assert not said(s.check_plugin_memory, feature(f"value = {body}; value[:] = close"))


def test_threads_come_in_another_order_and_what_is_in_order_stays() -> None:
    ended: list[list[int]] = []
    for seed in range(4):
        with disturbed(seed, __file__), ThreadPoolExecutor(4) as pool:
            jobs = {pool.submit(int, k): k for k in range(6)}
            ended.append([jobs[job] for job in as_completed(jobs)])
            assert list(pool.map(int, range(6))) == list(range(6))
    assert len({tuple(order) for order in ended}) > 1
    assert threading.Thread.start.__module__ == "threading"


def test_a_clock_is_another_one_for_a_while_and_goes_on() -> None:
    read: list[int] = []
    with clock_at(MOMENTS[0], lambda: read.append(1)):
        began = time.time()
        now = datetime.datetime.now(datetime.UTC)
        assert (now.year, now.month, now.day) == (2024, 2, 29)
        assert pd.Timestamp.now(tz="UTC").date() == now.date()
        assert isinstance(now, datetime.datetime)
        time.sleep(0.01)
        assert time.time() > began
    assert read
    assert datetime.datetime.now().year != 2024
    assert said_now("pd.Timestamp('now')", "2024-02-29") == 'pd.Timestamp("2024-02-29")'


def test_two_values_that_differ_print_differently() -> None:
    assert numbers(1.0, 2.0) == ("1", "2")
    one, other = numbers(0.1, np.nextafter(0.1, 1))
    assert one != other
    assert difference({"x": np.array([1.0, 2.0])}, {"x": np.array([1.0, 2.0 + 1e-13])}) is None
    assert difference({"x": np.array([1.0, 2.0])}, {"x": np.array([1.0, 2.5])}) == ("x[1]", "2", "2.5")


@pytest.mark.parametrize(
    ("body", "found"), [("100 * close", (100, 8)), ("close[100:] * 1.0", None), ("close + 100", None)]
)
def test_a_number_to_which_a_result_is_in_proportion_is_found(
    feature, body: str, found: tuple[float, int] | None
) -> None:
    def measured(plugin: Plugin) -> list[float]:
        assert plugin.spec is not None
        return [float(plugin.spec.resolve()(np.full(300, v)).sum()) for v in (1.0, 2.0)]

    result = in_proportion(feature(f"return {body}"), (100,), measured)
    assert result == found


def test_a_librarys_bare_message_is_explained(feature) -> None:
    plugin = feature("pass")
    assert "NaN or infinity" in explain(np.linalg.LinAlgError("SVD did not converge"), plugin)
    assert explain(ValueError("three members are needed"), plugin) == "ValueError: three members are needed"


def test_what_breaks_in_another_order_of_threads_says_nothing_else() -> None:
    own = [rule for rule in rules("model") if not rule.shared and rule.name not in s.ANSWERS]
    assert all({"threads", "memory"} <= set(rule.after) for rule in own)
