"""The doors by which a plugin comes in, and what happens at each to one that is wrong.

An installed package: `test_third_party` does it with a real one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.plugins.registry import Registry
from quorate.runs.reproduce import reproduce
from quorate.runs.session import open_session

RECIPE = {
    "name": "doors",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 100},
    "features": {"use": ["return_1", "return_5", "rsi_5"]},
    "folds": {"initial": 300, "test": 150},
    "models": {"logistic": {}},
    "threshold": {"min_bars": 60},
}
TOML = """
name = "doors"
plugins = ["mine"]
data = { source = "simulated", n_bars = 700, signal = 0.4 }
holdout.bars = 100
features.use = ["return_1", "return_5", "rsi_5"]
folds = { initial = 300, test = 150 }
threshold.min_bars = 60
models.logistic = {}
"""
MODEL = """
import numpy as np
import quorate

class Shares:
    def __init__(self, add=0.0):
        self.add = add

    def fit(self, X, y):
        self.p_ = float(np.mean(y)) + self.add
        return self

    def predict_proba(self, X):
        return self.p_ + 0.01 * np.tanh(X[:, 0])

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("{name}", Shares)
"""
FEATURE = """
import quorate

@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("{name}", lambda close: quorate.rolling.zscore(close, 7), lookback=7)
"""
GATE = """
import quorate

@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("{name}", lambda evidence: quorate.judge("{name}", 1.0, ">", 0.0))
"""

Write = Callable[..., Path]


class Shares:
    def __init__(self, add: float = 0.0) -> None:
        self.add = add

    def fit(self, X: Any, y: Any) -> Shares:
        self.p_ = float(np.mean(y)) + self.add
        FITTED_IN.add(os.getpid())
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.p_ + 0.01 * np.tanh(X[:, 0])


FITTED_IN: set[int] = set()
SPEC = quorate.ModelSpec("inline-shares", Shares)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(where: str, text: str, name: str = "") -> Path:
        path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{name}", name), encoding="utf-8")
        return path

    return write


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    """A folder of plugin files: sound ones of several kinds, a broken one, and a helper that is no plugin."""
    write("mine/shares.py", MODEL, name="folder-shares")
    write("mine/shape.py", FEATURE, name="folder_shape")
    write("mine/always.py", GATE, name="folder-always")
    write("mine/baseline.py", MODEL.replace("Shares)", "Shares, baseline=True)"), name="folder-baseline")
    write("mine/bad.py", "import no_such_module_here\n")
    write("mine/_helper.py", "raise RuntimeError('not a plugin')\n")
    write("mine/notes.txt", "not a plugin")
    return tmp_path / "mine"


@pytest.fixture
def install(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a distribution with one plugin module on the path, as an installer would."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def install(distribution: str, text: str, name: str = "") -> None:
        module = distribution.replace("-", "_")
        write(f"site/{module}.py", text, name)
        info = f"site/{module}-1.2.3.dist-info"
        write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2.3\n")
        write(f"{info}/entry_points.txt", f"[quorate]\ndoor = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


def has(registry: Registry, kind: str, name: str) -> bool:
    return name in registry.names(kind)


def joined(report: quorate.Report) -> set[str]:
    recipe = report.provenance["recipe"]
    return {*recipe["models"], *recipe["gates"], *report.provenance["features"]}


def run(recipe: Mapping[str, Any] | Path = RECIPE, plugins: Any = ()) -> quorate.Report:
    return quorate.run(recipe, plugins=plugins)


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from quorate.cli import main; main()", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# --- an installed package


@pytest.mark.own_executor
def test_an_installed_package_is_known_but_joins_only_where_it_is_named(install: Callable[..., None]) -> None:
    install("acme-models", MODEL, name="acme-shares")
    assert "acme-shares" not in joined(run())
    report = run({**RECIPE, "models": {"acme-shares": {"add": 0.01}}})
    assert "acme-shares" in joined(report)
    [used] = [p for p in report.provenance["plugins"] if p["name"] == "acme-shares"]
    assert (used["provider"], used["version"], used["module"], used["inline"]) == (
        "acme-models", "1.2.3", "acme_models", False,
    )  # fmt: skip
    assert reproduce(report.run_id).identical


def test_the_built_ins_come_first_whatever_a_package_is_called(install: Callable[..., None]) -> None:
    install("quorate-extras", MODEL, name="extra-shares")
    assert Registry.load().names("model")[-1] == "extra-shares"


def test_a_run_that_needs_no_broken_package_goes_on_with_a_warning_and_equal_results(
    install: Callable[..., None],
) -> None:
    before = run()
    install("acme-broken", "raise RuntimeError('no licence')")
    heard: list[str] = []
    report = quorate.run(RECIPE, progress=listening(heard))
    assert report.digest == before.digest
    assert any("acme-broken" in warning and "no licence" in warning for warning in heard)


# --- one file, by --plugin


@pytest.mark.parametrize("named", [True, False], ids=["in-the-recipe", "by-its-file-alone"])
def test_a_run_goes_on_without_a_model_whose_library_is_missing(write: Write, named: bool) -> None:
    file = write("away.py", MODEL.replace("Shares)", "Shares, requires=('no-such-lib',))"), name="away")
    heard: list[str] = []
    recipe = {**RECIPE, "models": {"logistic": {}, **({"away": {}} if named else {})}}
    report = quorate.run(recipe, plugins=[file], progress=listening(heard))
    assert heard == ["model 'away' is left out: it needs no-such-lib, which is not installed"]
    assert "logistic" in joined(report)
    assert "away" not in joined(report)


@pytest.mark.parametrize("text", [MODEL, FEATURE, GATE], ids=["model", "feature", "gate"])
def test_what_a_given_file_offers_joins_and_the_run_keeps_the_file(write: Write, text: str) -> None:
    file = write("own.py", text, name="own")
    report = run(plugins=[file])
    assert "own" in joined(report)
    file.unlink()
    assert reproduce(report.run_id).identical


def test_a_given_file_that_is_broken_stops_the_command(write: Write) -> None:
    file = write("bad.py", "import no_such_module_here\n")
    done = command("plugins", "--plugin", file)
    assert done.returncode == 1
    assert f"the plugin file {file}, line 1 failed to import" in done.stderr


# --- a folder, by the recipe


def test_a_pattern_takes_features_of_a_folder_and_the_star_alone_does_not(folder: Path) -> None:
    def use(*patterns: str) -> list[str]:
        recipe = {**RECIPE, "features": {"use": list(patterns)}, "plugins": [str(folder)]}
        return open_session(recipe).recipe.features.use

    assert "folder_shape" not in use("*")
    assert use("*") == open_session({**RECIPE, "features": {"use": ["*"]}}).recipe.features.use
    assert use("folder_*") == use("folder_shape") == ["folder_shape"]
    assert "folder_shape" in use("*", "folder_shape")


def test_a_folder_of_the_recipe_is_known_by_name_and_does_not_join(write: Write, folder: Path) -> None:
    recipe = write("doors.toml", TOML)
    heard: list[str] = []
    plain = joined(run())
    assert joined(quorate.run(recipe, progress=listening(heard))) == plain
    [told] = [message for message in heard if "broken" in message]
    assert str(folder / "bad.py") in told
    assert "No module named 'no_such_module_here'" in told
    asked = ["models.folder-shares={}", 'features.use=["return_1","folder_shape"]', "gates.folder-always={}"]
    report = quorate.run(recipe, overrides=asked)
    assert {"folder-shares", "folder_shape", "folder-always"} <= joined(report)
    for file in folder.iterdir():
        file.unlink()
    assert reproduce(report.run_id).identical


def test_a_folder_that_is_given_makes_known_and_lists_what_is_broken(folder: Path) -> None:
    rows = json.loads(command("plugins", "--json", "--plugin", folder).stdout)
    mine = {Path(row["origin"]).name: row for row in rows if str(folder) in row["origin"] and row["state"] == "ok"}
    assert set(mine) == {"always.py", "baseline.py", "shape.py", "shares.py"}
    [broken] = [row for row in rows if row["state"] == "broken"]
    assert broken["name"] == "bad"
    assert "no_such_module_here" in broken["reason"]


def test_a_file_of_a_folder_joins_where_it_is_given_itself(folder: Path) -> None:
    assert "folder-shares" in joined(run(plugins=[folder, folder / "shares.py"]))
    assert "folder-shares" in joined(run(plugins=[folder / "shares.py", folder]))


def test_a_broken_file_of_a_folder_is_an_error_where_it_is_given_itself(write: Write) -> None:
    bad = write("mine/half.py", FEATURE.replace("yield", "1 / 0; yield"), name="half")
    assert [plugin.name for plugin in Registry.load([bad.parent]).broken] == ["half"]
    with pytest.raises(quorate.PluginError, match="quorate_features failed, line 6: ZeroDivisionError"):
        Registry.load([bad.parent, bad])


def test_asking_for_what_a_broken_file_would_offer_tells_its_reason(folder: Path) -> None:
    with pytest.raises(quorate.RecipeError, match=r"(?s)unknown model 'lost'.*bad\.py.*no_such_module_here"):
        run({**RECIPE, "models": {"lost": {}}, "plugins": [str(folder)]})


# --- QUORATE_PLUGINS


def test_the_environment_names_files_and_folders(write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("own.py", MODEL, name="own-shares")
    plain = joined(run())
    monkeypatch.setenv("QUORATE_PLUGINS", os.pathsep.join(map(str, (folder, file, ""))))
    registry = Registry.load()
    assert has(registry, "model", "folder-shares")
    assert has(registry, "model", "own-shares")
    assert [plugin.name for plugin in registry.broken] == ["bad"]
    assert joined(run()) == plain
    report = run({**RECIPE, "models": {"own-shares": {}, "folder-shares": {}}})
    assert {"own-shares", "folder-shares"} <= joined(report)
    monkeypatch.delenv("QUORATE_PLUGINS")
    assert reproduce(report.run_id).identical


def test_a_path_of_the_environment_that_is_not_there_is_listed_as_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.py").write_text("import no_such_module_here")
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / name for name in ("absent", "wrong.py", "empty")]
    monkeypatch.setenv("QUORATE_PLUGINS", os.pathsep.join(map(str, paths)))
    absent, wrong = Registry.load().broken
    assert "cannot read the plugin file" in absent.reason
    assert "absent" in str(absent.provider)
    assert "no_such_module_here" in wrong.reason


# --- inline


class Offers:
    @quorate.hookimpl
    def quorate_models(self) -> Any:
        yield SPEC


def as_module() -> ModuleType:
    module = ModuleType("made_in_a_notebook")
    exec(MODEL.replace("{name}", "inline-shares"), module.__dict__)
    return module


@pytest.mark.parametrize(
    "plugin",
    [SPEC, Offers(), SimpleNamespace(quorate_models=quorate.hookimpl(lambda: [SPEC])), as_module()],
    ids=["spec", "object", "namespace", "module"],
)
def test_an_inline_plugin_joins_and_its_run_says_that_it_cannot_be_computed_again(plugin: Any) -> None:
    report = run(plugins=[plugin])
    assert "inline-shares" in joined(report)
    assert report.predictions["member/inline-shares"].between(0, 1).all()
    [used] = [p for p in report.provenance["plugins"] if p["inline"]]
    assert (used["kind"], used["name"], used["sha256"]) == ("model", "inline-shares", None)
    for again in (reproduce, quorate.promote):
        with pytest.raises(
            quorate.StoreError, match=r"used the inline plugin model 'inline-shares'.*put it into a file"
        ):
            again(report.run_id)


def test_an_inline_model_is_fitted_in_this_process_and_gives_what_a_file_gives(write: Write) -> None:
    FITTED_IN.clear()
    inline = run(plugins=[SPEC])
    assert os.getpid() in FITTED_IN
    file = run(plugins=[write("same.py", MODEL, name="inline-shares")])
    assert inline.results["development"]["digests"] == file.results["development"]["digests"]


@pytest.mark.full
def test_ray_refuses_an_inline_model_and_takes_other_inline_plugins() -> None:
    recipe = {**RECIPE, "execution": {"executor": "ray", "workers": 1}}
    with pytest.raises(
        quorate.PluginError, match="model 'inline-shares' is an inline plugin, which Ray's workers cannot find: put it"
    ):
        run(recipe, plugins=[SPEC])
    feature = quorate.FeatureSpec("inline_z", lambda close: quorate.rolling.zscore(close, 7), lookback=7)
    gate = quorate.GateSpec("inline-gate", lambda evidence: quorate.judge("inline-gate", 1.0, ">", 0.0))
    assert {"inline_z", "inline-gate"} <= joined(run(recipe, plugins=[feature, gate]))


def test_an_inline_object_without_hooks_is_an_error() -> None:
    with pytest.raises(quorate.PluginError, match=r"inline plugin 'inline': no hook is implemented"):
        run(plugins=[SimpleNamespace()])
    with pytest.raises(quorate.PluginError, match=r"there is no hook 'quorate_modles'.*did you mean 'quorate_models'"):
        run(plugins=[SimpleNamespace(quorate_modles=quorate.hookimpl(lambda: [SPEC]))])


# --- QUORATE_LOAD_PLUGINS


@pytest.fixture
def crowd(install: Callable[..., None], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two installed packages and a folder."""
    install("acme-models", MODEL, name="acme-shares")
    install("other_models", MODEL, name="other-shares")
    monkeypatch.setenv("QUORATE_PLUGINS", str(folder))
    return folder


ALL = {"acme-shares", "other-shares", "folder-shares"}


@pytest.mark.parametrize(
    "limit,known",
    [
        (None, ALL),
        ("", set()),
        (" , ", set()),
        ("quorate", set()),
        ("acme-models", {"acme-shares"}),
        ("ACME_models, shares", {"acme-shares", "folder-shares"}),
        ("other-models", {"other-shares"}),
        ("door", {"acme-shares", "other-shares"}),
    ],
)
def test_what_is_loaded_can_be_limited(
    crowd: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None, known: set[str]
) -> None:
    if limit is not None:
        monkeypatch.setenv("QUORATE_LOAD_PLUGINS", limit)
    registry = Registry.load()
    assert {name for name in registry.names("model") if name.endswith("-shares")} == known
    assert has(registry, "model", "logistic")
    # A file that is left out is not even read.
    assert [plugin.name for plugin in registry.broken] == (["bad"] if limit is None else [])


@pytest.mark.parametrize("wrong,right", [("acme-modles", "acme-models"), ("shaers", "shares")])
def test_a_misspelt_name_is_an_error_with_its_near_misses(
    crowd: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, right: str
) -> None:
    monkeypatch.setenv("QUORATE_LOAD_PLUGINS", f"{wrong},shape")
    with pytest.raises(
        quorate.PluginError,
        match=f"QUORATE_LOAD_PLUGINS names '{wrong}', which is neither installed nor in QUORATE_PLUGINS: it must be "
        f"(.*)did you mean '{right}'",
    ):
        Registry.load()


def test_what_is_left_out_is_told_to_whoever_asks_for_it(crowd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_LOAD_PLUGINS", "acme-models")
    with pytest.raises(
        quorate.RecipeError, match=r"unknown model 'folder-shares'(.|\n)*QUORATE_LOAD_PLUGINS leaves out .*shares"
    ):
        run({**RECIPE, "models": {"folder-shares": {}}})


def test_what_is_given_is_not_limited(write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_LOAD_PLUGINS", "")
    registry = Registry.load([folder, write("own.py", MODEL, name="own-shares")])
    assert has(registry, "model", "folder-shares")
    assert has(registry, "model", "own-shares")


def test_a_run_whose_plugin_was_let_in_by_name_can_be_reproduced(crowd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_LOAD_PLUGINS", "shares")
    report = run({**RECIPE, "models": {"folder-shares": {}}})
    assert reproduce(report.run_id).identical


# --- QUORATE_TRACE_PLUGINS


def test_tracing_prints_every_hook_with_its_provider_to_stderr(write: Write) -> None:
    file = write("own.py", MODEL, name="own-shares")
    done = command("plugins", "--json", "--plugin", file, QUORATE_TRACE_PLUGINS="1")
    assert [row["name"] for row in json.loads(done.stdout) if row["origin"] == str(file)] == ["own-shares"]
    [line] = [line for line in done.stderr.splitlines() if str(file) in line]
    assert line.startswith(f"quorate_models of {file}: own-shares (")
    assert f"quorate_gates of quorate {quorate.__version__} (quorate_plugins.gates): " in done.stderr
    assert "quorate_" not in command("plugins", QUORATE_TRACE_PLUGINS="0").stderr


def listening(heard: list[str]) -> Any:
    from quorate.execution.progress import Progress

    class Heard(Progress):
        def warn(self, message: str) -> None:
            heard.append(message)

    return Heard()
