"""What code a plugin consists of: its module and those of its own that it imports."""

from __future__ import annotations

import ast
import importlib
import sys
from functools import partial

import pytest

from quorate.plugins import code as sources
from quorate.plugins.code import code_digest, modules_of, version_of
from quorate.plugins.local import LocalSource, import_local


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package beside the installed ones: main imports helper, helper imports deep.inner, nobody imports other."""
    folder = tmp_path / "ownpack"
    files = {
        "__init__.py": "",
        "main.py": "def make():\n    from ownpack import helper\n    import json, numpy\n    return helper\n",
        "helper.py": "from .deep.inner import value\n",
        "deep/__init__.py": "",
        "deep/inner.py": "value = 1\n",
        "hooks.py": "spec = 1\n",
        "other.py": "unused = 1\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "ownpack"]:
        del sys.modules[name]


def digest(anew=False):
    if anew:
        for name in [name for name in sys.modules if name.split(".")[0] == "ownpack"]:
            del sys.modules[name]
    return code_digest(importlib.import_module("ownpack.main").make, "ownpack.hooks")


@pytest.mark.parametrize(
    "name, counts",
    [("main", True), ("helper", True), ("deep/inner", True), ("deep/__init__", True), ("__init__", True),
     ("hooks", True), ("other", False)],
)  # fmt: skip
def test_an_edit_counts_exactly_where_the_plugin_imports_it(package, name, counts):
    before = digest()
    path = package / f"{name}.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert (digest(anew=True) != before) == counts


def test_of_a_loaded_module_counts_what_was_loaded(package):
    before = digest()
    path = package / "main.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert digest() == before
    importlib.reload(sys.modules["ownpack.main"])
    assert digest() != before


def test_reading_the_imports_imports_nothing(package):
    digest()
    assert "ownpack.main" in sys.modules
    assert not {"ownpack.helper", "ownpack.deep.inner"} & set(sys.modules)


def test_the_helpers_of_a_plugin_file_count_too(package):
    text = "import ownpack.helper\n"

    def of(text):
        return code_digest(partial(dict), "plugin_file", LocalSource(package / "plugin.py", text))

    before = of(text)
    assert of(text + "#") != before
    (package / "deep" / "inner.py").write_text("value = 2\n")
    assert of(text) != before


def test_of_a_plugin_file_counts_what_was_loaded_and_not_what_is_there_now(tmp_path):
    path = tmp_path / "plugin.py"
    path.write_text("def make():\n    return 1\n")
    local = LocalSource.read(path)
    module = import_local(local)
    before = code_digest(module.make, local.module_name, local)
    path.write_text("def make():\n    return 2\n")
    assert code_digest(module.make, local.module_name, local) == before
    assert code_digest(module.make, local.module_name, LocalSource.read(path)) != before


def test_installed_packages_count_by_their_version():
    from sklearn.linear_model import Ridge

    assert code_digest(Ridge, "someones") == code_digest(partial(Ridge, alpha=2), "someones") == code_digest(dict, "x")
    assert version_of(partial(Ridge)).startswith("sklearn 1.")
    assert code_digest(Ridge, "sklearn.linear_model") != code_digest(Ridge, "someones")


def test_the_modules_of_requirements_are_those_to_import():
    found = modules_of(["scikit-learn", "xgboost|xgboost-cpu", "no-such-thing", "scikit-learn", "torch"])
    assert found == ("sklearn", "xgboost", "torch")


def test_of_the_files_of_a_distribution_only_packages_at_the_top_are_modules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files = ("../../bin/tool", "two_parts/__init__.py", "two_parts/inner/__init__.py", "other/__init__.py",
             "_own/__init__.py", "module.py", "data/__init__.pyi", "two_parts-1.dist-info/RECORD")  # fmt: skip
    for name, listed in (("two-parts", "RECORD"), ("some", "RECORD"), ("egg", "SOURCES.txt")):
        folder = tmp_path / (f"{name.replace('-', '_')}-1.{'dist-info' if listed == 'RECORD' else 'egg-info'}")
        folder.mkdir()
        metadata = "METADATA" if listed == "RECORD" else "PKG-INFO"
        (folder / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        mark = ",sha256=x,1" if listed == "RECORD" else ""
        (folder / listed).write_text("".join(f"{file}{mark}\n" for file in files))
    for file in files[1:]:  # a list that only names them is not believed by every reader of lists
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert modules_of(["two-parts"]) == ("two_parts",)
    assert modules_of(["some"]) == modules_of(["egg"]) == ("other", "two_parts")


def test_what_is_installed_elsewhere_than_beside_the_interpreter_counts_by_its_version_too(package):
    make = importlib.import_module("ownpack.main").make
    assert code_digest(make, "another.hooks") != code_digest(len, "another.hooks")
    (package.parent / "ownpack-1.0.dist-info").mkdir()
    sources._installed.cache_clear()
    assert code_digest(make, "another.hooks") == code_digest(len, "another.hooks")


def test_a_parser_that_is_disturbed_by_another_thread_is_asked_again(package, monkeypatch):
    expected = digest()
    parse, asked = ast.parse, []

    def disturbed(text):
        asked.append(text)
        if len(asked) % 2:
            raise SystemError("AST constructor recursion depth mismatch (before=45, after=57)")
        return parse(text)

    monkeypatch.setattr(ast, "parse", disturbed)
    sources._named.cache_clear()
    assert digest() == expected
    assert asked
