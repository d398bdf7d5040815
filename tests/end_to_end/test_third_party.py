"""A package as somebody outside would publish it: its wheel and quorate's in an environment of their own."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

import pluggy
import pytest

pytestmark = pytest.mark.full

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "third_party_plugin"
PACKAGE = "quorate-analogues"


class Environment:
    """A virtual environment, and a folder far from the repository in which its commands run."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "environment" / "bin"
        self.away = folder / "away"
        self.away.mkdir()
        self.site = Path(sysconfig.get_path("purelib", "venv", {"base": str(self.bin.parent)}))

    def call(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment; nothing of this process's surroundings reaches it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("QUORATE", "PYTHON", "PYTEST", "VIRTUAL_ENV"))}
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.away,
            env={**kept, "QUORATE_HOME": str(self.away / "home"), **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def quorate(self, *arguments: str, **more: str) -> Any:
        """Return what a command of quorate prints as JSON."""
        done = self.call("quorate", *arguments, "--json", **more)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)


def build(project: Path, to: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(to)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("third-party")
    wheels = folder / "wheels"
    build(ROOT, wheels)
    build(EXAMPLE, wheels)
    environment = Environment(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment.bin.parent)], check=True)
    into = [sys.executable, "-m", "pip", "--python", str(environment.bin / "python"), "install", "--quiet"]
    subprocess.run([*into, "--no-deps", "--no-index", *map(str, wheels.glob("*.whl"))], check=True)
    # The libraries of the environment that runs the tests, after its own: a plain path, so that hooks by
    # which quorate may be installed there from the repository are not followed.
    folders = [*site.getsitepackages(), str(Path(pluggy.__file__).parents[1])]
    libraries = "\n".join(dict.fromkeys(folders))
    (environment.site / "libraries.pth").write_text(f"{libraries}\n", encoding="utf-8")
    return environment


def test_the_wheels_are_what_is_imported(installed: Environment) -> None:
    code = """
import importlib.metadata, json, quorate, quorate_analogues
points = importlib.metadata.entry_points(group="quorate")
found = [[p.dist.name, p.name, str(p.dist.locate_file(""))] for p in points]
print(json.dumps([quorate.__file__, quorate_analogues.__file__, found]))
"""
    done = installed.call("python", "-c", code)
    assert done.returncode == 0, done.stderr
    *files, points = json.loads(done.stdout)
    assert all(Path(file).is_relative_to(installed.site) for file in files)
    assert {Path(place) for *_, place in points} == {installed.site}
    assert set(Counter((distribution, name) for distribution, name, _ in points).values()) == {1}
    assert (PACKAGE, "analogues") in {(distribution, name) for distribution, name, _ in points}


def test_its_plugins_are_listed_with_distribution_and_version(installed: Environment) -> None:
    rows = [row for row in installed.quorate("plugins") if row["origin"].startswith(PACKAGE)]
    assert {(row["kind"], row["name"]) for row in rows} == {
        ("model", "analogues"),
        ("feature", "since_shock_2"),
        ("feature", "since_shock_3"),
        ("recipe", "analogues"),
    }
    assert {(row["version"], row["state"], row["origin"]) for row in rows} == {
        ("0.3.0", "ok", "quorate-analogues: quorate_analogues")
    }
    assert all(row["state"] == "ok" for row in installed.quorate("plugins"))


def test_all_rules_hold(installed: Environment) -> None:
    found = installed.quorate("check", PACKAGE)
    assert found["sound"]
    states = Counter((row["kind"], row["plugin"], row["state"]) for row in found["rules"] if row["kind"] != "plugin")
    for kind, plugin in (("model", "analogues"), ("feature", "since_shock_2"), ("recipe", "analogues")):
        assert states[kind, plugin, "passed"] >= 3
    assert {state for *_, state in states} <= {"passed", "not-applicable"}


def test_a_run_is_the_same_under_both_executors_and_can_be_reproduced(installed: Environment) -> None:
    serial = installed.quorate("run", "analogues", "--set", "execution.executor=serial")
    ray = installed.quorate("run", "analogues", "--set", "execution.executor=ray", "--set", "execution.workers=2")
    assert (serial["telemetry"]["executor"], ray["telemetry"]["executor"]) == ("serial", "ray")
    assert ray["telemetry"]["workers"] == 2
    assert serial["provenance"]["results_digest"] == ray["provenance"]["results_digest"]
    assert serial["results"] == ray["results"]
    used = {(p["kind"], p["name"]) for p in serial["provenance"]["plugins"] if p["provider"] == PACKAGE}
    assert used == {("model", "analogues"), ("feature", "since_shock_2")}
    again = installed.quorate("reproduce", serial["provenance"]["run"])
    assert again["identical"]
    assert again["predictions"] > 0


def test_limiting_what_is_loaded_hides_it(installed: Environment) -> None:
    def names(**more: str) -> set[tuple[str, str]]:
        return {(row["kind"], row["name"]) for row in installed.quorate("plugins", **more)}

    for hidden in ("", "quorate"):
        assert ("model", "analogues") not in names(QUORATE_LOAD_PLUGINS=hidden)
        assert ("model", "logistic") in names(QUORATE_LOAD_PLUGINS=hidden)
    for shown in (PACKAGE, "quorate_analogues", "analogues"):
        assert names(QUORATE_LOAD_PLUGINS=shown) == names()


@pytest.mark.parametrize("name,near", [("analogues", ""), ("analogs-ridge", "did you mean 'ridge'?")])
def test_a_recipe_that_asks_for_what_is_hidden_fails_and_says_why(installed: Environment, name: str, near: str) -> None:
    recipe = installed.away / "hidden.toml"
    recipe.write_text(f'data.source = "simulated"\n[models.{name}]\n', encoding="utf-8")
    done = installed.call("quorate", "run", str(recipe), QUORATE_LOAD_PLUGINS="")
    assert done.returncode == 2
    assert f"models.{name}: unknown model '{name}': it must be one of catboost" in done.stderr
    assert near in done.stderr
    assert "QUORATE_LOAD_PLUGINS leaves out quorate-analogues" in done.stderr
    assert "Traceback" not in done.stderr


def test_tracing_tells_who_is_asked_for_what(installed: Environment) -> None:
    done = installed.call("quorate", "plugins", QUORATE_TRACE_PLUGINS="1")
    lines = [line for line in done.stderr.splitlines() if "quorate-analogues 0.3.0 (quorate_analogues)" in line]
    assert [line.split(" (")[0] for line in lines] == [
        f"{hook} of {PACKAGE} 0.3.0" for hook in ("quorate_models", "quorate_features", "quorate_recipes")
    ]
    assert "since_shock_2, since_shock_3" in lines[1]
    assert "quorate_models of" not in done.stdout


def test_its_own_tests_pass(installed: Environment) -> None:
    copy = installed.away / "package"
    shutil.copytree(EXAMPLE / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE / "pyproject.toml", copy)
    done = installed.call("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(copy))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert " passed" in done.stdout


def test_the_tests_of_the_repository_leave_the_package_s_own_alone(request: pytest.FixtureRequest) -> None:
    assert request.config.getini("testpaths") == ["tests"]
    assert not any(EXAMPLE in Path(item.path).parents for item in request.session.items)
