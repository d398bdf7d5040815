"""What a program or a folder has for itself changes no digit of a run, and breaks none."""

from __future__ import annotations

import locale
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate


@contextmanager
def _vectorbt(**settings: Any) -> Iterator[None]:
    import vectorbt as vbt

    before = {name: vbt.settings.portfolio[name] for name in settings}
    vbt.settings.portfolio.update(settings)
    try:
        yield
    finally:
        vbt.settings.portfolio.update(before)


@contextmanager
def _broadcasting() -> Iterator[None]:
    import vectorbt as vbt

    before = dict(vbt.settings.broadcasting)
    vbt.settings.broadcasting.update({"index_from": None, "columns_from": "drop", "align_index": True})
    try:
        yield
    finally:
        vbt.settings.broadcasting.update(before)


@contextmanager
def _engine() -> Iterator[None]:
    import vectorbt as vbt

    before = vbt.settings["engine"]
    vbt.settings["engine"] = "numba"
    try:
        yield
    finally:
        vbt.settings["engine"] = before


@contextmanager
def _errors() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


@contextmanager
def _options() -> Iterator[None]:
    with pd.option_context(
        "future.infer_string",
        False,
        "compute.use_bottleneck",
        False,
        "display.precision",
        2,
        "compute.use_numexpr",
        False,
    ):
        yield


@contextmanager
def _filters() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@contextmanager
def _locale() -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "C")
        yield
    finally:
        locale.setlocale(locale.LC_ALL, before)


SURROUNDINGS: dict[str, Callable[[], Any]] = {
    "vectorbt refuses orders": lambda: _vectorbt(allow_partial=False, raise_reject=True),
    "vectorbt's defaults": lambda: _vectorbt(
        max_size=100.0, size_granularity=1.0, fees=0.01, val_price=-np.inf, order_direction="longonly"
    ),
    "broadcasting": _broadcasting,
    "another engine": _engine,
    "NumPy raises": _errors,
    "pandas options": _options,
    "warnings are errors": _filters,
    "locale": _locale,
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    from support import homes

    return quorate.run(homes.recipe("tiny"), home=tmp_path_factory.mktemp("plain")).digest


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_what_a_program_has_set_changes_nothing(name: str, expected: str, tiny: dict[str, object], home: Path) -> None:
    options = pd.get_option("compute.use_bottleneck"), np.geterr(), list(warnings.filters)
    with SURROUNDINGS[name]():
        inside = pd.get_option("compute.use_bottleneck"), np.geterr(), list(warnings.filters)
        assert quorate.run(tiny).digest == expected
        assert (pd.get_option("compute.use_bottleneck"), np.geterr(), list(warnings.filters)) == inside
    assert (pd.get_option("compute.use_bottleneck"), np.geterr(), list(warnings.filters)) == options


@pytest.mark.own_executor
def test_a_file_of_the_working_folder_may_be_called_as_a_module_of_python_is(
    tmp_path: Path, tiny: dict[str, object], monkeypatch: pytest.MonkeyPatch, expected: str
) -> None:
    for file in ("random.py", "types.py", "numbers.py"):
        (tmp_path / file).write_text("raise RuntimeError('this is mine')\n")
    monkeypatch.chdir(tmp_path)
    assert quorate.run({**tiny, "execution": {"executor": "serial", "cache": False}}).digest == expected


@pytest.mark.full
def test_python_without_docstrings_is_told_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-OO", "-m", "quorate", "run", "noise", "--home", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "run without -OO and PYTHONOPTIMIZE=2, which take its documentation away"
    )
    assert "Traceback" not in done.stderr
