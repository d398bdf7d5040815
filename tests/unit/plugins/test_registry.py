"""The registry: where plugins come from, and what is said when one is wrong."""

import importlib.metadata
import pickle
import re
import subprocess
import sys
import textwrap

import pytest

import quorate
from quorate.execution.progress import Progress
from quorate.plugins import hooks, registry
from quorate.plugins.local import LocalSource, import_local
from quorate.plugins.provider import Reference, load_reference
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import KINDS

BUILT_IN = [p for p in Registry.load() if p.provider.distribution == "quorate"]
OWN = {"quorate_plugins", "quorate_strategies", "quorate_data"}
TINY = {
    "name": "tiny",
    "data": {"source": "simulated", "n_bars": 700},
    "holdout": {"fraction": 0.2},
    "features": {"use": ["return_1", "return_5", "rsi_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "threshold": {"min_bars": 50},
}


class Heard(Progress):
    def __init__(self):
        self.warnings = []

    def warn(self, message):
        self.warnings.append(message)


@pytest.fixture
def plugin(tmp_path):
    def plugin(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return plugin


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution with one plugin module on the path, as an installer would."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def install(distribution, text, version="1.2.3"):
        module = distribution.replace("-", "_")
        (folder / f"{module}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[quorate]\nextra = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    yield install
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)


def model_plugin(name, function="sklearn.dummy:DummyClassifier", more=""):
    return f"""
        import quorate

        @quorate.hookimpl
        def quorate_models():
            yield quorate.ModelSpec({name!r}, {function!r}{more})
    """


# --- built-ins


def test_every_built_in_comes_by_an_entry_point_of_the_package():
    assert {p.state for p in BUILT_IN} == {"ok"}
    assert {p.provider.version for p in BUILT_IN} == {quorate.__version__}
    assert {p.provider.module.split(".")[0] for p in BUILT_IN} == OWN


def test_the_core_offers_nothing_by_itself():
    assert list(Registry()) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_hook_and_a_built_in(kind):
    assert kind in hooks.HOOKS.values()
    assert [p.name for p in BUILT_IN if p.kind == kind]


def test_every_built_in_can_be_imported_and_says_what_it_is():
    for plugin in BUILT_IN:
        assert callable(plugin.spec.resolve()), plugin
        assert plugin.spec.description, plugin


def test_the_hook_table_lists_exactly_the_hooks():
    assert set(hooks.HOOKS) == {n for n in vars(hooks.Hooks) if n.startswith("quorate_")}


# --- names


def test_a_name_that_two_provide_is_an_error_naming_both(plugin):
    file = plugin(model_plugin("logistic"))
    registry = Registry.load([file])
    with pytest.raises(quorate.PluginError) as error:
        registry.check()
    for part in ("model 'logistic'", f"quorate {quorate.__version__} (quorate_plugins.models)", str(file.resolve())):
        assert part in str(error.value)


def test_all_who_provide_the_same_name_are_named(plugin):
    files = [plugin(model_plugin("same", more=f", description='{i}'"), f"p{i}.py") for i in range(3)]
    with pytest.raises(quorate.PluginError) as error:
        Registry.load(files).check()
    assert all(str(file.resolve()) in str(error.value) for file in files)


def test_a_conflict_stops_a_run_that_does_not_even_use_the_name(plugin, tmp_path):
    with pytest.raises(quorate.PluginError, match="model 'ridge' is provided by both"):
        quorate.run(TINY, home=tmp_path / "home", plugins=[plugin(model_plugin("ridge"))])


def test_one_name_may_serve_two_kinds(plugin):
    file = plugin("""
        import quorate

        @quorate.hookimpl
        def quorate_strategies():
            yield quorate.StrategySpec("logistic", lambda score, threshold: score)
    """)
    Registry.load([file]).check()


def test_the_same_file_given_twice_counts_once(plugin):
    file = plugin(model_plugin("mine"))
    registry = Registry.load([file, file])
    registry.check()
    assert registry.given("model") == ["mine"]


def test_an_unknown_name_is_told_with_its_near_misses():
    with pytest.raises(quorate.PluginError, match=r"unknown model 'lightgmb'.*catboost.*did you mean 'lightgbm'"):
        Registry.load().find("model", "lightgmb")


# --- installed plugins


def test_an_installed_plugin_says_where_it_is_from(install):
    install("acme-models", model_plugin("acme"))
    provider = Registry.load().find("model", "acme").provider
    assert (provider.distribution, provider.version, provider.module) == ("acme-models", "1.2.3", "acme_models")


BROKEN = {
    "error": ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "missing-import": ("import no_such_module_here", "ModuleNotFoundError: No module named 'no_such_module_here'"),
    "syntax": ("def f(:\n", "SyntaxError"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "no-hook": ("x = 1", "no hook is implemented"),
    "misspelt": ("import quorate\n@quorate.hookimpl\ndef quorate_model(): yield 1", "did you mean 'quorate_models'"),
}


@pytest.mark.parametrize("text,reason", BROKEN.values(), ids=BROKEN)
def test_an_installed_plugin_that_fails_is_listed_as_broken_and_the_others_work(install, text, reason):
    install("acme-broken", text)
    install("acme-sound", model_plugin("acme"))
    registry = Registry.load()
    [broken] = registry.broken
    assert (broken.state, broken.provider.distribution) == ("broken", "acme-broken")
    assert reason in broken.reason
    assert broken in list(registry)
    assert registry.get("model", "acme").name == "acme"
    assert registry.get("model", "logistic").name == "logistic"


def test_an_installed_plugin_that_fails_half_way_offers_nothing(install):
    text = textwrap.dedent(model_plugin("acme")) + textwrap.dedent("""
        @quorate.hookimpl
        def quorate_sources():
            raise KeyError("late")
    """)
    install("acme-half", text)
    registry = Registry.load()
    assert "acme" not in registry.names("model")
    assert [b.reason for b in registry.broken] == [
        "acme-half 1.2.3 (acme_half): quorate_sources failed: KeyError: 'late'"
    ]


def test_an_unknown_name_in_a_recipe_mentions_the_broken_plugin_that_may_have_had_it(install, tmp_path):
    install("acme-broken", "raise RuntimeError('no licence')")
    with pytest.raises(quorate.RecipeError, match=r"(?s)models\.acme: unknown model 'acme'.*acme-broken.*no licence"):
        quorate.run({**TINY, "models": {"acme": {}}}, home=tmp_path / "home")


# --- missing libraries


def test_a_missing_library_disables_its_plugin_and_nothing_else(plugin):
    registry = Registry.load([plugin(model_plugin("mine", more=", requires=('no-such-lib', 'numpy')"))])
    found = registry.find("model", "mine")
    assert (found.state, found.reason) == ("disabled", "needs no-such-lib, which is not installed")
    assert "mine" not in registry.names("model")
    with pytest.raises(quorate.PluginError, match="'mine' is not usable: needs no-such-lib"):
        registry.get("model", "mine")
    assert registry.get("model", "logistic").name == "logistic"


def test_a_library_that_an_extra_has_is_told_with_it(monkeypatch):
    there = registry._has_distribution
    monkeypatch.setattr(registry, "_has_distribution", lambda name: name != "cmaes" and there(name))
    found = Registry.load().find("sampler", "cma-es")
    assert found.reason == "needs cmaes, which is not installed: pip install 'quorate[cma-es]'"


def test_either_of_two_libraries_is_enough(plugin):
    registry = Registry.load([plugin(model_plugin("mine", more=", requires=('no-such-lib|numpy',)"))])
    assert registry.find("model", "mine").state == "ok"


# --- single files


HOOK = "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    {}\n    yield 1"
WRONG = {
    "misspelt-hook": (
        "import quorate\n@quorate.hookimpl\ndef quorate_model():\n    yield 1",
        r"there is no hook 'quorate_model'.*did you mean 'quorate_models'",
    ),
    "misspelt-hook-unmarked": (
        "def quorate_modles():\n    yield 1",
        r"there is no hook 'quorate_modles'.*did you mean 'quorate_models'",
    ),
    "unmarked-hook": (
        "def quorate_models():\n    yield 1",
        r"quorate_models is not marked: put @quorate\.hookimpl above it",
    ),
    "no-hook": ("x = 1", r"no hook is implemented.*quorate_features"),
    "empty": ("", "no hook is implemented"),
    "returns-a-spec": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    return quorate.ModelSpec('m', 'a:b')",
        r"quorate_models must yield specs; it returned ModelSpec: use yield",
    ),
    "returns-nothing": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    quorate.ModelSpec('m', 'a:b')",
        r"quorate_models must yield specs; it returned NoneType",
    ),
    "another-spec": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    yield quorate.FeatureSpec('m', 'a:b')",
        r"quorate_models must yield ModelSpec; it yielded FeatureSpec",
    ),
    "no-spec": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    yield 'my-model'",
        r"quorate_models must yield ModelSpec; it yielded str",
    ),
    "bad-name": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    yield quorate.ModelSpec('My Model', 'a:b')",
        r"line 4.*ModelSpec name must be lower case letters.*'My Model'",
    ),
    "bad-path": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    yield quorate.ModelSpec('m', 'sklearn')",
        r"must be 'module:attribute'; it was 'sklearn'",
    ),
    "unknown-field": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    yield quorate.ModelSpec('m', 'a:b', tasks='x')",
        r"quorate_models failed, line 4: TypeError.*tasks",
    ),
    "raising-hook": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n    yield 1 / 0",
        r"quorate_models failed, line 4: ZeroDivisionError",
    ),
    "hook-with-arguments": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models(config):\n    yield 1",
        r"a hook takes no arguments.*config",
    ),
    "outputs-of-any-task": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n"
        "    yield quorate.ModelSpec('m', 'a:b', task='any', outputs=('p',))",
        r"task='any': outputs must be a function of the parameters",
    ),
    "requires-as-text": (
        "import quorate\n@quorate.hookimpl\ndef quorate_models(): yield quorate.ModelSpec('m', 'a:b', requires='x')",
        r"requires must be a tuple, e\.g\. \('x',\)",
    ),
    "import-error": ("\nimport no_such_module_here", r", line 2 failed to import: ModuleNotFoundError.*no_such_module"),
    "error": ("a = 1\nb = a / 0", r", line 2 failed to import: ZeroDivisionError"),
    "syntax-error": ("a = 1\nb = 2\nc = :", r", line 3 failed to import: SyntaxError"),
    "exit": ("raise SystemExit('no')", r", line 1 failed to import: SystemExit: no"),
    "own-end": ("class End(BaseException): pass\nraise End('now')", r", line 2 failed to import: End: now"),
    "no-text": (
        "class Mute(Exception):\n    def __str__(self): return 1 / 0\nraise Mute",
        r", line 3 failed to import: Mute: it has no text that can be read",
    ),
    "at-once": ("import os\nos._exit(0)", r", line 2 failed to import: SystemExit: 0"),
    "text-that-exits": (
        "class Mute(Exception):\n    def __str__(self): raise SystemExit(0)\nraise Mute",
        r", line 3 failed to import: Mute: it has no text that can be read",
    ),
    "exit-in-a-hook": (HOOK.format("import sys; sys.exit(0)"), r"quorate_models failed, line 4: SystemExit: 0"),
    "cancelled-in-a-hook": (
        HOOK.format("import asyncio; raise asyncio.CancelledError"),
        r"quorate_models failed, line 4: CancelledError",
    ),
}


@pytest.mark.parametrize("text,message", WRONG.values(), ids=WRONG)
def test_a_wrong_plugin_file_is_an_error_that_names_file_and_reason(plugin, text, message):
    file = plugin(text)
    with pytest.raises(quorate.PluginError, match=f"(?s){re.escape(str(file.resolve()))}.*{message}"):
        Registry.load([file])


ENDLESS = {
    "import": "while True: pass",
    "waiting": "import time\nwhile True: time.sleep(9)",
    "hook": HOOK.format("while True: pass"),
    "retrying": "import time\nwhile True:\n    try: 1 / 0\n    except: time.sleep(0.1)",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_plugin_that_does_not_finish_importing_is_stopped(plugin, text):
    file = plugin(text)
    with pytest.raises(quorate.PluginError, match=rf"{re.escape(str(file))} did not finish importing within 0.2 s"):
        Registry.load([file], seconds=0.2)


def test_an_empty_name_is_no_plugin(monkeypatch, tmp_path):
    (tmp_path / "mine.py").write_text("raise RuntimeError('this was imported')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(quorate.RecipeError, match="the name of a plugin file is empty"):
        Registry.load([""])


def test_a_link_to_itself_is_no_plugin(tmp_path):
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    with pytest.raises(quorate.RecipeError, match=r"plugin file .*loop\.py"):
        Registry.load([tmp_path / "loop.py"])


@pytest.mark.parametrize("name", ["absent.py", "."], ids=["absent", "a-folder"])
def test_a_plugin_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(quorate.RecipeError, match=f"plugin (file|folder) {re.escape(str(tmp_path / name))}"):
        Registry.load([tmp_path / name])


def test_a_function_that_cannot_be_imported_is_named_when_it_is_used(plugin):
    registry = Registry.load([plugin(model_plugin("mine", "sklearn.dummy:Nothing"))])
    with pytest.raises(quorate.PluginError, match=r"model 'mine': cannot import 'sklearn\.dummy:Nothing'"):
        registry.get("model", "mine").resolve()


def test_a_plugin_file_is_loaded_under_a_private_name_and_an_edited_one_under_another(plugin):
    first = Registry.load([plugin(model_plugin("mine", more=", description='first'"))]).find("model", "mine")
    again = Registry.load([plugin(model_plugin("mine", more=", description='first'"))]).find("model", "mine")
    edited = Registry.load([plugin(model_plugin("mine", more=", description='second'"))]).find("model", "mine")
    assert first.provider.module.startswith("quorate_local_")
    assert first.provider.module == again.provider.module
    assert first.provider.module != edited.provider.module
    assert (first.spec.description, edited.spec.description) == ("first", "second")
    assert "mine" not in sys.modules


def test_a_plugin_file_that_failed_is_imported_anew_the_next_time(plugin):
    source = LocalSource.read(plugin("raise ValueError('once')"))
    for _ in range(2):
        with pytest.raises(quorate.PluginError, match="once"):
            import_local(source)
    assert source.module_name not in sys.modules


# --- references


def load_elsewhere(ref):
    code = (
        "import pickle, sys; from quorate.plugins.provider import load_reference; "
        "spec = load_reference(pickle.load(sys.stdin.buffer)); print(spec.kind, spec.name, spec.resolve()().answer())"
    )
    return subprocess.run([sys.executable, "-c", code], input=pickle.dumps(ref), capture_output=True, check=True)


def test_another_process_loads_a_plugin_file_from_its_text_alone(plugin):
    file = plugin("""
        import quorate

        class Oracle:
            def answer(self):
                return 42

        @quorate.hookimpl
        def quorate_models():
            yield quorate.ModelSpec("other", "a:b")
            yield quorate.ModelSpec("oracle", Oracle)
    """)
    ref = reference(Registry.load([file]), "model", "oracle")
    file.unlink()
    assert load_elsewhere(ref).stdout.split() == [b"model", b"oracle", b"42"]


def test_a_reference_to_an_installed_plugin_is_its_module():
    ref = reference(Registry.load(), "model", "logistic")
    version = importlib.metadata.version("quorate")
    assert ref == Reference("model", "logistic", "quorate_plugins.models", None, None, "quorate", version)
    assert load_reference(ref).name == "logistic"


def test_a_reference_to_what_is_no_longer_there_is_an_error():
    with pytest.raises(quorate.PluginError, match=r"quorate_plugins\.models no longer provides model 'gone'"):
        load_reference(Reference("model", "gone", "quorate_plugins.models"))
