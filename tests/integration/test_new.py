"""What ``quorate new`` writes: it is there, it is sound, and it does something in a run."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli import scaffold
from quorate.cli._app import app
from quorate.errors import RecipeError, StoreError
from quorate.plugins.specs import KINDS
from quorate.report import console
from quorate.report.sections import NAMES
from quorate.report.terminal import render
from quorate.runs.session import open_session
from quorate.testing import check

SINGLE = [kind for kind in KINDS if kind != "recipe"]
ASKED = {
    "label": {"labels": {"name": "own-label"}},
    "weight": {"labels": {"weights": "own-weight"}},
    "alert": {"alerts": {"own-alert": {}}},
    "transform": {"features": {"use": ["return_1", "rsi_5"], "transforms": {"*": "own-transform"}}},
    "splitter": {"folds": {"splitter": "own-splitter", "initial": 300}},
    "ensembler": {"ensemble": {"method": "own-ensembler"}},
    "strategy": {"strategy": {"name": "own-strategy"}},
    "cost": {"costs": {"model": "own-cost"}},
    "source": {"data": {"source": "own-source", "n_bars": 700}},
    "sampler": {"tuning": {"sampler": "own-sampler", "trials": 3, "folds": 2}},
}


def cli(*words):
    return CliRunner().invoke(app, ["new", *map(str, words)])


def run_command(kind, path, package=False):
    """Return the recipe, plugins and overrides of the command that it says to type."""
    words = shlex.split(scaffold.commands(kind, f"own-{kind}", path, package)[-1])
    assert words[:2] == ["quorate", "sweep" if kind == "sampler" else "run"]
    options = list(zip(words[3::2], words[4::2], strict=True))
    return words[2], [v for k, v in options if k == "--plugin"], [v for k, v in options if k == "--set"]


@pytest.mark.parametrize("kind", SINGLE)
def test_every_rule_holds_for_what_is_written(kind, tmp_path):
    [path] = scaffold.new(kind, f"own-{kind}", tmp_path)
    outcomes = check(path)
    wrong = [(o.rule, o.state, o.message) for o in outcomes if o.state not in ("passed", "not-applicable")]
    assert not wrong
    assert {(o.kind, o.plugin) for o in outcomes if o.kind != "plugin"} == {(kind, f"own-{kind}")}


def test_a_sampler_takes_part_in_a_sweep(tmp_path, small):
    [path] = scaffold.new("sampler", "own-sampler", tmp_path)
    found = quorate.sweep({**small, "models": {"logistic": {}}, **ASKED["sampler"]}, plugins=[path])
    assert ("sampler", "own-sampler") in [(p["kind"], p["name"]) for p in found.document["plugins"]]
    assert found.document["recipe"]["tuning"]["sampler_options"] == {"warm_up": 8, "share": 0.5}
    assert len(found.trials) == 3


@pytest.mark.parametrize("kind", [kind for kind in SINGLE if kind != "sampler"])
def test_it_takes_part_in_a_run(kind, tmp_path, small, capsys):
    [path] = scaffold.new(kind, f"own-{kind}", tmp_path)
    report = quorate.run({**small, "models": {"logistic": {}}, **ASKED.get(kind, {})}, plugins=[path])
    assert (kind, f"own-{kind}") in [(p["kind"], p["name"]) for p in report.provenance["plugins"]]
    render(report, console.out(), NAMES)
    shown = capsys.readouterr().out
    assert kind != "cost" or "own-cost with per_share 0.005, least 0.0001, most 0.01, slippage 0.0002" in " ".join(
        shown.split()
    )
    assert kind not in ("model", "gate") or f"own-{kind}" in shown


def test_the_recipe_runs(tmp_path):
    [path] = scaffold.new("recipe", "own-recipe", tmp_path)
    assert path == tmp_path / "own-recipe.toml"
    report = quorate.run(path)
    assert report.provenance["recipe"]["name"] == "own-recipe"


@pytest.mark.parametrize("kind", SINGLE)
def test_the_command_that_it_says_to_type_asks_for_it(kind, tmp_path):
    [path] = scaffold.new(kind, f"own-{kind}", tmp_path)
    recipe, plugins, overrides = run_command(kind, path)
    session = open_session(recipe, plugins=plugins, overrides=overrides)
    assert f"own-{kind}" in session.registry.names(kind)
    assert kind == "metric" or f"own-{kind}" in str(session.recipe)
    assert f"quorate check {path.name}" in path.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_for_an_installed_package_asks_for_it(kind, tmp_path, monkeypatch):
    scaffold.new(kind, f"own-{kind}", tmp_path, package=True)
    source = tmp_path / f"own-{kind}" / "src"
    installed = source / f"own_{kind}-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: own-{kind}\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text(f"[quorate]\nown-{kind} = own_{kind}\n")
    monkeypatch.syspath_prepend(source)
    recipe, plugins, overrides = run_command(kind, tmp_path / f"own-{kind}", package=True)
    assert not plugins
    session = open_session(recipe, overrides=overrides)
    assert session.registry.find(kind, f"own-{kind}").provider.distribution == f"own-{kind}"
    assert kind == "metric" or f"own-{kind}" in str(session.recipe)


@pytest.mark.parametrize("package", [False, True], ids=["file", "package"])
def test_nothing_is_overwritten(package, tmp_path):
    first = scaffold.new("model", "own-model", tmp_path, package)
    first[0].write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecipeError, match=r"own.model.* is there already, and is left as it is"):
        scaffold.new("feature", "own-model", tmp_path, package)
    assert first[0].read_text() == "mine"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_broken_link_and_an_empty_folder_are_left_as_they_are(tmp_path):
    (tmp_path / "own_model.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "own-model").mkdir()
    for package in (False, True):
        with pytest.raises(RecipeError, match="is there already"):
            scaffold.new("model", "own-model", tmp_path, package)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["own-model", "own_model.py"]


def test_a_package_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    whole = scaffold.write_text

    def full(path: Path, text: str) -> None:
        if "tests" in path.parts:
            raise StoreError("the disk is full")
        whole(path, text)

    monkeypatch.setattr(scaffold, "write_text", full)
    with pytest.raises(StoreError, match="full"):
        scaffold.new("model", "own-model", tmp_path / "in", package=True)
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize(
    "name,file",
    [("own", "own.py"), ("own-model-2", "own_model_2.py"), ("o_w-n", "o_w_n.py"), ("x" * 60, "x" * 60 + ".py")],
)
def test_names_become_modules(name, file, tmp_path):
    [path] = scaffold.new("model", name, tmp_path)
    assert path.name == file
    assert path.stem.isidentifier()
    registry = quorate.plugins.registry.Registry.load([path])
    assert registry.given("model") == [name]


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_holds_what_it_says(kind, tmp_path):
    files = scaffold.new(kind, "own-one", tmp_path, package=True)
    home = tmp_path / "own-one"
    assert sorted(files) == sorted(p for p in home.rglob("*") if p.is_file())
    project = tomllib.loads((home / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"quorate": {"own-one": "own_one"}}
    assert "quorate" in project["dependencies"]
    assert "pytest" in project["optional-dependencies"]["dev"]
    for path in files:
        assert "{{" not in path.read_text()
        if path.suffix == ".py":
            compile(path.read_text(), path, "exec")
    light = (home / "src" / "own_one" / "__init__.py").read_text()
    assert [line for line in light.splitlines() if line.startswith(("import", "from"))] == ["import quorate"]
    assert f'"own_one.{kind}:' in light


@pytest.mark.full
@pytest.mark.parametrize("kind", ["model", "feature", "sampler", "recipe"])
def test_a_package_builds_and_its_own_tests_pass(kind, tmp_path):
    scaffold.new(kind, "own-one", tmp_path, package=True)
    home, wheels = tmp_path / "own-one", tmp_path / "wheels"
    pip = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(wheels), str(home)]
    _python(pip, tmp_path)
    [wheel] = wheels.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    told = _python(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"], home, environment)
    assert " passed" in told
    listed = json.loads(
        _python(["-c", "from quorate.cli import main; main()", "plugins", "--kind", kind, "--json"], home, environment)
    )
    assert ("own-one", "ok") in [(p["name"], p["state"]) for p in listed]


def _python(words, folder, environment=None):
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "words,says",
    [
        (("modle", "own"), "KIND must be one of alert, cost, ensembler, .* did you mean 'model'"),
        (("models", "own"), "did you mean 'model'"),
        (("model", "My Model!"), "NAME must be lower case letters, .* did you mean 'my-model'"),
        (("model", "2nd"), "did you mean 'nd'"),
        (("model", ""), "NAME must be .*it was ''$"),
        (("model", "x" * 61), "at most 60 characters"),
        (("model", "own-", "--package"), "letter or digit; it was 'own-'; did you mean 'own'"),
        (("model", "logistic"), "there is a model 'logistic' already, from quorate .* e.g. my-logistic"),
        (("model", "random"), "the module 'random', which Python or .* e.g. my-random"),
        (("model", "numpy"), "the module 'numpy'"),
        (("feature", "lambda"), "the module 'lambda'"),
        (("feature", "own", "--folder", __file__), "--folder must be a folder"),
    ],
)
def test_what_cannot_be_is_said_at_once(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli(*words)
    assert done.exit_code == 2
    assert not done.stdout
    assert re.search(says, done.stderr.strip(), re.DOTALL), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_says_what_was_written_and_what_to_type_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("model", "own-model")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "wrote own_model.py\n\nnext:\n\n  quorate check own_model.py\n  quorate run planted --plugin own_model.py\n"
    )
    done = cli("gate", "own-gate", "--package", "--folder", "my plugins")
    assert "  cd 'my plugins/own-gate'\n  pip install -e '.[dev]'\n  pytest\n" in done.stdout
    assert "wrote my plugins/own-gate/src/own_gate/__init__.py\n" in done.stdout
    done = cli("recipe", "own-recipe", "--json")
    assert json.loads(done.stdout) == {"files": ["own-recipe.toml"]}
