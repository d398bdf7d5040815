"""What code a plugin consists of: its module and those of its own that this imports, read without running any."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from quorate.plugins.local import LocalSource

CORE = "quorate"  # its numbers have a version of their own
TRIES = 20
_PACKAGE = re.compile(r"^([^/,\"\n]+)/__init__\.py,", re.MULTILINE)


def code_digest(factory: Callable[..., Any], plugin: str, local: LocalSource | None = None) -> str:
    """Return a hash of the source text that a model rests on: of its plugin's module and its factory's.

    Followed are imports, also inside functions, as long as they lead to modules of the plugin's package
    or to files that no distribution installed; what is installed has a version instead. Of a module that
    is loaded, the text counts that it had when it was first asked for, as that is what runs.

    Parameters
    ----------
    plugin : str
        The plugin's module.
    local : LocalSource, optional
        The plugin file: the text that was loaded counts, whatever is in the file now.
    """
    while isinstance(factory, partial):
        factory = factory.func
    module = getattr(factory, "__module__", None) or type(factory).__module__
    own = plugin.split(".")[0]
    digest = hashlib.sha256()
    files: dict[str, str] = {}
    if local is not None:
        digest.update(local.text.encode())
        _follow(local.text, "", own, files)
    else:
        _follow(f"import {plugin}", "", own, files)
    path = _file_of(factory)
    if path is not None and (local is None or module != local.module_name) and _counts(path, module, own):
        _add(module, path, own, files)
    for name in sorted(files):
        digest.update(f"{name}\0{files[name]}\0".encode())
    return digest.hexdigest()


def version_of(factory: Callable[..., Any]) -> str:
    """Return the version that the factory's top-level package tells of itself, e.g. ``sklearn 1.9.1``."""
    while isinstance(factory, partial):
        factory = factory.func
    top = (getattr(factory, "__module__", None) or "").split(".")[0]
    version = getattr(sys.modules.get(top), "__version__", None)
    return f"{top} {version}" if isinstance(version, str) else top


def modules_of(requirements: Iterable[str]) -> tuple[str, ...]:
    """Return the modules to import for these requirements of specs; what is not installed is left out."""
    found = {}
    for requirement in requirements:
        for name in requirement.split("|"):
            try:
                packages = _packages(importlib.metadata.distribution(name.strip()))
            except importlib.metadata.PackageNotFoundError:
                continue
            own = name.strip().lower().replace("-", "_")
            found.update(dict.fromkeys([own] if own in packages else sorted(p for p in packages if p[0] != "_")))
            break
    return tuple(found)


def _packages(distribution: importlib.metadata.Distribution) -> set[str]:
    """Return the packages that a distribution installs at the top."""
    # Some list ten thousand files: only the lines that name such a package are looked at.
    if listed := distribution.read_text("RECORD"):
        return set(_PACKAGE.findall(listed))
    return {f.parts[0] for f in distribution.files or () if len(f.parts) == 2 and f.name == "__init__.py"}


def _file_of(factory: Callable[..., Any]) -> Path | None:
    try:
        path = inspect.getsourcefile(
            factory if inspect.isroutine(factory) or inspect.isclass(factory) else type(factory)
        )
    except TypeError:
        return None
    return Path(path) if path else None


def _add(module: str, path: Path, own: str, files: dict[str, str]) -> None:
    if module in files:
        return
    files[module] = _text(module, path)
    _follow(f"import {module}", "", own, files)  # the packages above it
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    _follow(files[module], package, own, files)


_texts: dict[str, tuple[Any, str]] = {}


def _text(module: str, path: Path) -> str:
    loaded = getattr(sys.modules.get(module), "__spec__", None)  # another one after a reload
    known = _texts.get(module)
    if known is not None and loaded is not None and known[0] is loaded:
        return known[1]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    _texts[module] = loaded, text
    return text


def _follow(text: str, package: str, own: str, files: dict[str, str]) -> None:
    for name in dict.fromkeys(_imports(text, package)):
        path = _find(name)
        if path is not None and _counts(path, name, own):
            _add(name, path, own, files)


def _imports(text: str, package: str) -> Iterator[str]:
    """Yield every name that might be a module, and the packages above it, which are imported with it."""
    for name in _named(text, package):
        parts = name.split(".")
        yield from (".".join(parts[: n + 1]) for n in range(len(parts)))


_parsing = threading.Lock()


def _parsed(text: str) -> ast.Module | None:
    # Python 3.11 counts how deep it is in the tree once for all threads, and gives up where the count is not what it
    # was: two runs in threads of one process would fail. Other libraries parse without this lock.
    with _parsing:
        for left in reversed(range(TRIES)):
            try:
                return ast.parse(text)
            except SyntaxError:
                return None
            except SystemError:
                if not left:
                    raise
    return None


@cache  # models of one package share most of their modules
def _named(text: str, package: str) -> tuple[str, ...]:
    """Return the names in import statements: ``from a import b`` may mean ``a.b``."""
    tree = _parsed(text)
    found: list[str] = []
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base:
                found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _find(name: str) -> Path | None:
    """Return a module's source file without importing anything."""
    top, *below = name.split(".")
    if top == CORE or top in sys.stdlib_module_names:
        return None
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *below)
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


@cache
def _installed(folder: Path) -> bool:
    """Whether distributions are installed into the folder, also one of the user's, or one on PYTHONPATH."""
    return next(folder.glob("*.dist-info"), None) is not None


def _counts(path: Path, module: str, own: str) -> bool:
    top = module.split(".")[0]
    if top == CORE:
        return False
    above = module.count(".") + (path.name == "__init__.py")
    return top == own or not _installed(path.parents[min(above, len(path.parents) - 1)])
