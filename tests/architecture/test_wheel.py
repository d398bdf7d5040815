"""The wheel: what is installed on a user's machine is what lies in the four folders, and nothing else."""

import configparser
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "platform": "quorate",
    "plugins": "quorate_plugins",
    "strategies": "quorate_strategies",
    "data": "quorate_data",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of the sources, without a network, and open it."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]):
        shutil.copy(ROOT / name, copy / name)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(copy / "dist")]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [path] = (copy / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def metadata(wheel, name):
    return wheel.read(f"quorate-{PROJECT['version']}.dist-info/{name}").decode()


def test_the_wheel_holds_the_four_packages_and_nothing_else_at_the_top(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {*FOLDERS.values(), f"quorate-{PROJECT['version']}.dist-info"}


@pytest.mark.parametrize("folder,package", FOLDERS.items(), ids=FOLDERS)
def test_every_source_file_is_in_the_wheel_as_it_is(wheel, folder, package):
    sources = [
        p
        for p in (ROOT / folder / package).rglob("*")
        if p.suffix in (".py", ".pyi", ".toml", ".typed", ".json", ".txt", ".tcss")
    ]
    expected = {p.relative_to(ROOT / folder).as_posix(): p.read_bytes() for p in sources}
    found = {n: wheel.read(n) for n in wheel.namelist() if n.startswith(f"{package}/")}
    assert found == expected


def test_recipes_and_type_markers_are_in_the_wheel(wheel):
    names = set(wheel.namelist())
    assert {f"{package}/py.typed" for package in FOLDERS.values()} <= names
    recipes = {n for n in names if n.startswith("quorate_strategies/recipes/")}
    assert recipes == {
        f"quorate_strategies/recipes/{n}.toml"
        for n in ("grid", "indices", "nasdaq", "noise", "panel", "planted", "sp500")
    }


def test_the_wheel_declares_the_command_and_the_entry_points(wheel):
    points = configparser.ConfigParser()
    points.read_string(metadata(wheel, "entry_points.txt"))
    assert dict(points["console_scripts"]) == {"quorate": "quorate.cli:entry"}
    assert dict(points["quorate"]) == PROJECT["entry-points"]["quorate"]
    assert {module.split(".")[0] for module in points["quorate"].values()} == set(FOLDERS.values()) - {"quorate"}


def test_every_entry_point_is_a_module_of_the_wheel(wheel):
    for module in PROJECT["entry-points"]["quorate"].values():
        path = module.replace(".", "/")
        assert {f"{path}.py", f"{path}/__init__.py"} & set(wheel.namelist()), module


def test_the_wheel_carries_its_licence_and_is_for_any_platform(wheel):
    assert "Apache License" in metadata(wheel, "licenses/LICENSE")
    assert "License-Expression: Apache-2.0" in metadata(wheel, "METADATA")
    assert "Tag: py3-none-any" in metadata(wheel, "WHEEL")


def test_the_version_is_said_once(wheel):
    import quorate

    assert f"\nVersion: {quorate.__version__}\n" in metadata(wheel, "METADATA")
