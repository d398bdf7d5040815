"""A new plugin to start from: one file, or a package that can be installed and published.

Templates are whole plugins. In a package the part below ``@quorate.hookimpl`` becomes its
``__init__.py``, what is above it a module that is imported when it is first used.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from quorate.errors import RecipeError, near_misses, one_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS
from quorate.store.files import write_text

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 60  # as a recipe's name

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_LIBRARIES = ("numpy", "pandas")
# The recipe's key that names the plugin of a kind.
_NAMED_BY = {
    "label": "labels.name",
    "splitter": "folds.splitter",
    "ensembler": "ensemble.method",
    "strategy": "strategy.name",
    "cost": "costs.model",
    "source": "data.source",
    "sampler": "tuning.sampler",
}


def new(kind: str, name: str, folder: Path = Path(), package: bool = False) -> list[Path]:
    """Write a working plugin to start from, and return the files.

    It is a single file, of TOML for a recipe; or a package with an entry point, its tests, and instructions.

    Raises
    ------
    RecipeError
        For a kind or name that cannot be, or if what would be written is there already.
    StoreError
        If it cannot be written; nothing is left behind.
    """
    _check(kind, name, folder, package)
    target = folder / (name if package else file_name(kind, name))
    if target.exists() or target.is_symlink():
        raise RecipeError(
            f"{target} is there already, and is left as it is: choose another name, another --folder, or move it away"
        )
    if package:
        return _write_package(target, _package_files(kind, name))
    write_text(target, _single_file(kind, name))
    return [target]


def file_name(kind: str, name: str) -> str:
    """Return the name of the single file."""
    return f"{name}.toml" if kind == "recipe" else f"{module_name(name)}.py"


def module_name(name: str) -> str:
    """Return the name by which Python imports it."""
    return name.replace("-", "_")


def commands(kind: str, name: str, path: Path, package: bool) -> list[str]:
    """Return what to type next; `path` is the single file or the package's folder."""
    at = shlex.quote(str(path))
    if package:
        return [f"cd {at}", "pip install -e '.[dev]'", "pytest", f"quorate check {kind}:{name}", _run(kind, name)]
    if kind == "recipe":
        run = at if path.is_absolute() or at.startswith("'") else f"./{at}"
        return [f"quorate recipe show {run}", f"quorate run {run}"]
    return [f"quorate check {at}", _run(kind, name, at)]


def _run(kind: str, name: str, file: str = "") -> str:
    """Return the command that runs it: a model, feature, gate or metric joins by being given as a file."""
    if kind == "recipe":
        return f"quorate run {name}"
    words = [f"quorate {'sweep' if kind == 'sampler' else 'run'} planted", *([f"--plugin {file}"] if file else [])]
    if kind in _NAMED_BY:
        words.append(f"--set {_NAMED_BY[kind]}={name}")
    elif kind == "transform":
        words.append(f"--set 'features.transforms.*={name}'")
    elif kind == "weight":
        words.append(f"--set labels.weights={name}")
    elif kind == "alert" or (kind in ("model", "gate") and not file):
        words.append(f"--set '{kind}s.{name}={{}}'")
    return " ".join(words)


def _asked(kind: str, name: str) -> dict[str, Any]:
    """Return the part of a recipe that asks for the plugin."""
    if kind in _NAMED_BY:
        table, key = _NAMED_BY[kind].split(".")
        return {table: {key: name}}
    tables: dict[str, dict[str, Any]] = {
        "model": {"models": {name: {}}},
        "gate": {"gates": {name: {}}},
        "alert": {"alerts": {name: {}}},
        "weight": {"labels": {"weights": [name]}},
        "feature": {"features": {"use": [name, "return_*"]}},
        "transform": {"features": {"use": ["return_1", "return_5", "zscore_20"], "transforms": {"*": name}}},
    }
    return tables.get(kind, {})


def _check(kind: str, name: str, folder: Path, package: bool) -> None:
    if kind not in KINDS:
        raise RecipeError(f"KIND must be one of {one_of(KINDS)}; it was {kind!r}{near_misses(kind, KINDS)}")
    if not _NAME.fullmatch(name) or len(name) > LONGEST or (package and not name[-1].isalnum()):
        better = re.sub(r"[^a-z0-9_]+", "-", name.lower()).lstrip("-_0123456789")[:LONGEST].rstrip("-_")
        rule = f"lower case letters, digits, '-' and '_', starting with a letter, at most {LONGEST} characters"
        last = "; the last one of a package is a letter or digit" if package else ""
        meant = f"; did you mean {better!r}?" if better else ""
        raise RecipeError(f"NAME must be {rule}{last}; it was {name!r}{meant}")
    if folder.exists() and not folder.is_dir():
        raise RecipeError(f"--folder must be a folder; {folder} is a file")
    for plugin in Registry.load():
        if (plugin.kind, plugin.name) == (kind, name):
            raise RecipeError(
                f"there is a {kind} {name!r} already, from {plugin.provider}: choose another name, e.g. my-{name}"
            )
    if (kind != "recipe" or package) and _hides(module_name(name)):
        raise RecipeError(
            f"NAME {name!r} would be the module {module_name(name)!r}, which Python or an installed library has "
            f"already: choose another, e.g. my-{name}"
        )


def _hides(module: str) -> bool:
    """Whether a file of that name would get in the way of another import, or could not be imported at all."""
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or module in ("conftest", "setup"):
        return True
    here = Path().resolve()
    spec = PathFinder.find_spec(module, [p for p in sys.path if p and Path(p).resolve() != here])
    return spec is not None and spec.origin is not None


def _single_file(kind: str, name: str) -> str:
    file = file_name(kind, name)
    lines = commands(kind, name, Path(file), package=False)
    if kind == "recipe":
        return _fill(_template("recipe.toml"), {"name": name, "command": lines[-1], "target": f"./{file}"})
    use = "Is it sound, and what does it do in a run?\n\n" + "\n".join(f"    {line}" for line in lines)
    return _fill(_template(f"{kind}.py"), {"name": name, "use": use})


def _package_files(kind: str, name: str) -> dict[str, str]:
    """Return the files of a package by their path in its folder."""
    module = module_name(name)
    home = f"src/{module}"
    use = f"`__init__.py` offers it; the tests, and `quorate check {kind}:{name}`, say whether it is sound."
    words = {"name": name, "kind": kind, "module": module, "use": use, "command": _run(kind, name)}
    body, hook = _split(_template(f"{kind}.py"))
    libraries = [*(lib for lib in _LIBRARIES if f"import {lib}" in body), "quorate"]
    words["dependencies"] = ", ".join(f'"{lib}"' for lib in libraries)
    words["how"], words["where"] = _how(kind, name), f"What it does is in `{home}/{kind}.py`."
    words["recipe"], words["seen"] = _tested(kind, name)
    words["ran"] = "found = quorate.sweep(RECIPE)" if kind == "sampler" else "report = quorate.run(RECIPE)"
    files = {
        "pyproject.toml": _fill(_template("pyproject.toml"), words),
        "README.md": _fill(_template("README.md"), words),
        ".gitignore": _template("gitignore"),
        f"{home}/__init__.py": _fill(_template("init.py"), words) + _fill(hook, words, f"{module}.{kind}"),
        f"{home}/{kind}.py": _fill(body, words),
        f"tests/test_{module}.py": _fill(_template("test.py"), words),
    }
    if kind == "recipe":
        files[f"{home}/{name}.toml"] = _fill(_template("recipe.toml"), {**words, "target": name})
    return files


def _tested(kind: str, name: str) -> tuple[str, str]:
    """Return the recipe that a package's tests run, and where the plugin is seen in the report; both as code."""
    if kind == "recipe":
        return f'"{name}"', f'report.provenance["recipe"]["name"] == "{name}"'
    recipe: dict[str, Any] = {
        "name": "test",
        "data": {"source": "simulated", "n_bars": 1200},
        "features": {"use": ["return_1", "return_5", "zscore_20"]},
        "folds": {"initial": 500, "test": 250},
        "models": {"logistic": {}},
        **_asked(kind, name),
    }
    if kind == "sampler":
        recipe["tuning"] |= {"trials": 4, "folds": 2}
    lines = "".join(f'    "{table}": {json.dumps(value)},\n' for table, value in recipe.items())
    told = "found.document" if kind == "sampler" else "report.provenance"
    used = f'[(p["kind"], p["name"]) for p in {told}["plugins"]]'
    return f"{{\n{lines}}}", f'("{kind}", "{name}") in {used}'


def _how(kind: str, name: str) -> str:
    import tomli_w

    asked = _asked(kind, name)
    if kind == "recipe":
        return "It is found by its name:"
    if not asked:
        return "Every run computes it, see `quorate report --json`, and a gate may ask for it by its name:"
    return f"In a recipe:\n\n```toml\n{tomli_w.dumps(asked).strip()}\n```\n\nor, for one run:"


def _split(text: str) -> tuple[str, str]:
    """Return what a plugin does, and how it is offered: the hook with the comment above it."""
    lines = text.splitlines(keepends=True)
    at = lines.index("@quorate.hookimpl\n")
    while lines[at - 1].startswith("#"):
        at -= 1
    body, hook = "".join(lines[:at]).rstrip() + "\n", "\n" + "".join(lines[at:])
    if "quorate." not in body:
        body = body.replace("import quorate\n", "", 1).replace("\n\n\n\n", "\n\n\n")
    return body, hook


def _fill(text: str, words: Mapping[str, str], module: str = "") -> str:
    """Fill the slots of a template; a slot that is no word is a function, of the same file or of `module`."""
    return _SLOT.sub(lambda slot: words.get(slot[1], f'"{module}:{slot[1]}"' if module else slot[1]), text)


def _template(name: str) -> str:
    return (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")


def _write_package(target: Path, files: Mapping[str, str]) -> list[Path]:
    """Write all of the files, or none: beside the target first, then in its place."""
    beside = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        for path, text in files.items():
            write_text(beside / path, text)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return [target / path for path in files]
