"""A run with networks says whether they beat the linear control and the trees beside them, wherever it is shown."""

from __future__ import annotations

import io

import pytest

import quorate
from quorate.report import console
from quorate.report.sections import usual_of
from quorate.report.sections.model import Text
from quorate.report.terminal import render
from quorate.report.written import as_html
from quorate.runs.reproduce import as_then
from support import homes

# Two that are called networks: what one knows is drowned in noise, the other knows more than a line.
PLUGIN = """
import numpy as np
import quorate


class Net:
    def __init__(self, noise=0.0):
        self.noise = noise

    def fit(self, X, y):
        from sklearn.linear_model import Ridge
        self.model_ = Ridge(alpha=1.0).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X) + self.noise * np.sin(1e4 * X[:, 0])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("net", Net, task="regression", family="network")
    yield quorate.ModelSpec("noisy-net", Net, task="regression", params={"noise": 0.02}, family="network")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the run's home is."""
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def report(folder, _leased):
    """The run; nothing writes to its home."""
    (folder / "nets.py").write_text(PLUGIN)
    recipe = {
        **homes.recipe("tiny"),
        "name": "networks",
        "labels": {"name": "return", "horizon": 2},
        "models": {"ridge": {"alpha": 1e4}, "lightgbm": {"n_estimators": 8}},
        "threshold": {},
    }
    return quorate.run(recipe, home=folder / "home", plugins=[folder / "nets.py"])


def printed(report, width, names=()):
    target = console.Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    render(report, target, names)
    return target.file.getvalue()


def test_each_network_has_its_line_and_all_of_them_have_one(report):
    [section] = [one for one in usual_of(report) if one.name == "networks"]
    lines = [block.text for block in section.blocks if isinstance(block, Text)]
    assert lines[0].startswith(("net: better than ridge (DM -", "net: no better than ridge (DM "))
    assert lines[1].startswith("noisy-net: worse than ridge (DM ")
    assert " and lightgbm (DM " in lines[1]
    assert lines[2].startswith("Best of 2 networks: SPA p ")
    assert "against ridge: " in lines[2]
    assert "squared error" in section.sentence


@pytest.mark.parametrize("width", [60, 80])
def test_it_is_read_on_narrow_terminals(report, width):
    text = printed(report, width, ("networks",))
    assert max(map(len, text.splitlines())) <= width
    assert "worse" in text
    assert [line.split()[:2] for line in text.splitlines() if line.startswith(" noisy-net")] == [
        ["noisy-net", "lightgbm"], ["noisy-net", "ridge"],
    ]  # fmt: skip


def test_pages_and_sql_have_it(report, folder):
    page = as_html(report)
    assert "Best of 2 networks: SPA p" in page
    assert "p of all" in page
    found = quorate.sql("select network, rival, dm, verdict, spa_p, networks from networks", home=folder / "home")
    rows = report.results["development"]["networks"]
    assert list(found["dm"]) == [row["dm"] for row in rows]
    assert list(found["rival"]) == ["lightgbm", "ridge"] * 2


def test_a_run_before_there_was_such_a_table_is_reproduced_without_it(report):
    section = report.results["development"]
    before = {name: value for name, value in section.items() if name != "networks"}
    assert "networks" not in as_then(before, section)
    assert as_then(section, section)["networks"] == section["networks"]


def test_it_is_as_the_schema_says(report):
    assert report.typed.results.development.networks[0].loss == "squared error"
