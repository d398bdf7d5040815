"""The house: who may import whom, what the quick commands load, and the folders that are no packages."""

import ast
import inspect
import os
import shutil
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import tomli_w

import quorate

ROOT = Path(__file__).parents[2]
HOUSE = {
    "quorate": ROOT / "platform",
    "quorate_plugins": ROOT / "plugins",
    "quorate_strategies": ROOT / "strategies",
    "quorate_data": ROOT / "data",
}
SOURCES = sorted(p for package, root in HOUSE.items() for p in (root / package).rglob("*.py"))
HEAVY = {"arch", "bottleneck", "catboost", "duckdb", "exchange_calendars", "lightgbm", "matplotlib", "numba", "numpy",
         "pandas", "pyarrow", "ray", "scipy", "sklearn", "statsmodels", "torch", "vectorbt", "xgboost"}  # fmt: skip
OF_PANDAS = {"pyarrow"}  # which pandas imports wherever it is installed


def name_of(path):
    return str(path.relative_to(ROOT))


@cache
def parsed(path):
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Return every module that a file imports, anywhere in it, and by name where it imports from one."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import in line {node.lineno}"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@cache
def tops(path):
    return {module.split(".")[0] for module in imported(path)}


def run_fresh(code, cwd, *arguments):
    """Run code in a new process that finds the packages as installed."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OMP_WAIT_POLICY", "QUORATE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(cwd, *arguments):
    """Return the top-level modules in memory after a command of the command line."""
    code = (
        "import sys; from quorate.cli import main\n"
        "sys.stdout, real = open('out.txt', 'w'), sys.stdout\n"
        "try: main()\n"
        "except SystemExit as e: assert e.code in (None, 0, 10, 11), e.code\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}), file=real)"
    )
    modules = set(run_fresh(code, cwd, *arguments).split())
    assert (cwd / "out.txt").read_text().strip()
    return modules


def test_the_scan_sees_the_whole_house():
    assert len(SOURCES) > 50
    assert {path.relative_to(ROOT).parts[1] for path in SOURCES} == set(HOUSE)
    assert "numpy" in tops(ROOT / "platform/quorate/rolling.py")


# --- what is loaded when


def test_help_loads_the_command_line_and_nothing_else(tmp_path):
    loaded = loaded_by(tmp_path, "--help")
    assert "typer" in loaded
    assert not loaded & (
        HEAVY | {"pydantic", "pluggy", "rich", "quorate_plugins", "quorate_strategies", "quorate_data"}
    )


@pytest.mark.parametrize("command", ["tune", "train", "evaluate"])
def test_help_of_a_command_loads_no_plugins_nor_anything_heavy(tmp_path, command):
    loaded = loaded_by(tmp_path, command, "--help")
    assert not loaded & (HEAVY | {"pluggy", "quorate_plugins", "safetensors", "yaml"})


@pytest.mark.parametrize("arguments", [["plugins"], ["plugins", "--json"], ["recipe", "list"]], ids=" ".join)
def test_listing_plugins_loads_no_numpy_nor_anything_heavier(tmp_path, arguments):
    loaded = loaded_by(tmp_path, *arguments)
    assert {"quorate_plugins", "quorate_strategies", "quorate_data"} <= loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("arguments", [["runs"], ["gate"], ["report"], ["report", "--json"]], ids=" ".join)
def test_stored_documents_are_read_without_plugins_and_numbers(tmp_path, finished, arguments):
    tables = {"duckdb"} if arguments == ["report"] else set()  # equity and thresholds are drawn from tables
    loaded = loaded_by(tmp_path, *arguments, "--home", str(finished.path))
    assert loaded & (HEAVY | {"quorate_plugins", "quorate_strategies", "quorate_data"}) == tables


def test_what_would_be_fitted_is_told_without_what_fits_and_judges(tmp_path):
    loaded = loaded_by(tmp_path, "run", "nasdaq", "--dry-run")
    assert loaded & HEAVY - OF_PANDAS == {"numpy", "pandas"}


def test_a_run_loads_what_trades_and_judges_and_no_library_of_a_model(tmp_path, home, small):
    (tmp_path / "small.toml").write_text(tomli_w.dumps(small))
    loaded = loaded_by(tmp_path, "run", "small.toml", "--home", str(home))
    assert {"vectorbt", "statsmodels"} <= loaded
    own = {"duckdb", "numba", "numpy", "pandas", "scipy", "sklearn", "statsmodels", "vectorbt"}
    assert not loaded & HEAVY - OF_PANDAS - own


def test_importing_the_package_loads_nothing_but_itself(tmp_path):
    code = "import sys; before = set(sys.modules); import quorate; print(*sorted(set(sys.modules) - before))"
    loaded = set(run_fresh(code, tmp_path).split())
    assert {m for m in loaded if m.startswith("quorate")} == {"quorate"}
    assert not {m.split(".")[0] for m in loaded} - {"quorate", "lazy_loader"} - sys.stdlib_module_names


def test_importing_the_package_makes_waiting_openmp_threads_sleep(tmp_path):
    code = "import quorate, os, sys; print(os.environ['OMP_WAIT_POLICY'], *({'numpy', 'torch'} & set(sys.modules)))"
    assert run_fresh(code, tmp_path).split() == ["PASSIVE"]


def test_a_wait_policy_that_the_user_set_is_kept(tmp_path):
    code = "import os; os.environ['OMP_WAIT_POLICY'] = 'ACTIVE'; import quorate; print(os.environ['OMP_WAIT_POLICY'])"
    assert run_fresh(code, tmp_path).split() == ["ACTIVE"]


# --- who imports whom: import-linter knows the rules (pyproject.toml); here is what it cannot see

# Calibration of members is the core's; bounds of an option are said in the signature of a strategy or gate.
USERS = {
    **{library: {"plugins"} for library in ("torch", "xgboost", "lightgbm", "catboost")},
    "sklearn": {"plugins", "platform/quorate/ensemble/calibration.py"},
    "typer": {"platform"},
    "pydantic": {"platform", "plugins", "strategies"},
}


def test_libraries_of_plugins_stay_with_plugins_and_those_of_the_core_with_the_core():
    for library, users in USERS.items():
        found = [path for path in SOURCES if library in tops(path)]
        assert {path.relative_to(ROOT).parts[0] for path in found} == {user.split("/")[0] for user in users}, library
        for user in users:
            if user.endswith(".py"):
                assert [name_of(path) for path in found if name_of(path).startswith(user.split("/")[0])] == [user]


def test_a_heavy_library_is_imported_when_it_is_used_not_when_its_module_is():
    for library in ("ray", "vectorbt", "duckdb", "mlflow"):
        users = [path for path in SOURCES if library in tops(path)]
        assert users, library
        for path in users:
            top_level = [n for n in parsed(path).body if isinstance(n, ast.Import | ast.ImportFrom)]
            names = {a.name for n in top_level for a in n.names} | {getattr(n, "module", "") for n in top_level}
            assert not {n for n in names if n.split(".")[0] == library}, name_of(path)


def test_plugin_packages_use_only_public_names_of_the_core():
    for path in [p for p in SOURCES if not p.is_relative_to(ROOT / "platform")]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "quorate":
                assert node.attr in quorate.__all__, f"{name_of(path)} uses quorate.{node.attr} in line {node.lineno}"


def linted(root):
    tool = shutil.which("lint-imports", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert tool, "import-linter is not installed"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(root / p.name) for p in HOUSE.values())}
    done = subprocess.run(
        [tool, "--no-cache", "--config", str(root / "pyproject.toml")],
        capture_output=True, text=True, cwd=root, env=environment, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_import_contracts_are_kept():
    assert "0 broken" in linted(ROOT)


def test_a_contract_is_broken_by_each_way_to_break_one(tmp_path):
    for root in HOUSE.values():
        shutil.copytree(root, tmp_path / root.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = {
        "platform/quorate/bars/panel.py": "import quorate.runs.run",  # from the ground up to a floor above
        "platform/quorate/trading/costs.py": "import vectorbt",
        "platform/quorate/plugins/space.py": "import numpy",
        "platform/quorate/thirteenth/__init__.py": '"""A room that no contract knows."""',
        "plugins/quorate_plugins/costs.py": "import quorate.bars.panel",
        "data/quorate_data/bundled.py": "import quorate_plugins",
        "strategies/quorate_strategies/sizing.py": "import ray",
        "platform/quorate/evidence/judging.py": "import duckdb",
        "platform/quorate/walkforward/part.py": "import rich",
        "platform/quorate/ensemble/combine.py": "import optuna",
        "platform/quorate/report/words.py": "import matplotlib",
        "platform/quorate/store/files.py": "import safetensors",
        "platform/quorate/recipe/text.py": "import yaml",
        "platform/quorate/report/canvas.py": "import textual",
        "platform/quorate/execution/state.py": "import onnxruntime",
        "platform/quorate/runs/plan.py": "import mcp",
        "platform/quorate/serving/replay.py": "import mlflow",
        "platform/quorate/runs/sql.py": "import fastapi",
    }
    for name, line in planted.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + "\n" + line + "\n")
    told = linted(tmp_path)
    assert "Contracts: 0 kept, 17 broken." in told
    for place in ("bars.panel ->", "thirteenth", "costs -> quorate.bars.panel", "bundled -> quorate_plugins"):
        assert place in told


# --- size and documentation


def functions(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node):
    """Return a function's lines without its docstring."""
    documented = ast.get_docstring(node, clean=False) is not None
    described = node.body[0].end_lineno - node.body[0].lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - described


def test_modules_and_functions_stay_short():
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: size for name, size in sizes.items() if size > 350} == {}
    assert statistics.median(sizes.values()) < 160
    lengths = {
        f"{name_of(path)}:{node.lineno} {node.name}": length(node) for path in SOURCES for node in functions(path)
    }
    assert {name: size for name, size in lengths.items() if size >= 60} == {}
    assert statistics.median(lengths.values()) < 10


def test_every_public_name_of_the_package_can_be_imported_and_is_documented():
    for name in set(quorate.__all__) - {"__version__"}:
        assert (inspect.getdoc(getattr(quorate, name)) or "").strip(), name
        assert name in dir(quorate)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No quorate attribute nothing"):
        _ = quorate.nothing


# --- the four folders


@pytest.mark.parametrize("folder,package", [(root.name, package) for package, root in HOUSE.items()])
def test_a_source_folder_holds_its_package_and_no_module(folder, package):
    entries = {p.name for p in (ROOT / folder).iterdir() if p.name != "__pycache__"}
    assert entries == {package}
    assert (ROOT / folder / package / "__init__.py").is_file()
    assert (ROOT / folder / package / "py.typed").is_file()


@pytest.mark.parametrize("first", ["sys", "pandas", "quorate"])
def test_the_platform_module_of_the_standard_library_is_found_from_the_repository(first):
    assert run_fresh(f"import {first}, platform; print(platform.system())", ROOT).strip()


def test_no_test_or_configuration_file_lies_beside_the_sources():
    strays = [name_of(p) for p in SOURCES if p.name.startswith("test_") or p.name == "conftest.py"]
    assert strays == []
