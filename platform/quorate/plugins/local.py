"""Single-file plugins: read once, loaded from their text under a private module name.

The text, not the path, is what a run keeps and what workers receive, so that an edit made while a
run is going on, or after it, changes nothing.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from quorate.errors import PluginError, RecipeError, reason_of
from quorate.plugins.guard import Overdue


@dataclass(frozen=True)
class LocalSource:
    """A plugin file's path and text."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> LocalSource:
        """Read the file, or raise `RecipeError`: whoever named it named none that is there."""
        try:
            text = path.read_text(encoding="utf-8")  # first: a link to itself cannot be resolved
            return cls(path.resolve(), text)
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else e
            raise RecipeError(f"cannot read the plugin file {path}: {reason}") from e

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def module_name(self) -> str:
        """Import name: private, and different for a different text."""
        return f"quorate_local_{self.sha256[:16]}"


def plugin_files(folder: Path) -> list[Path]:
    """Return the plugin files of a folder, sorted by name."""
    return [file for file in sorted(folder.glob("*.py")) if not file.name.startswith("_")]


def import_local(source: LocalSource, names: Mapping[str, Any] = MappingProxyType({})) -> ModuleType:
    """Import a plugin file from its text; the same text is imported once per process.

    Parameters
    ----------
    source : LocalSource
        Path and text.
    names : mapping
        What the module's code finds under these names, as if they were built in.

    Raises
    ------
    PluginError
        If the code cannot be compiled or fails while it is imported.
    """
    name = source.module_name
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(source.path)
    vars(module).update(names)
    # Tracebacks show the text that ran, also where the file is absent or was changed since.
    linecache.cache[str(source.path)] = (len(source.text), None, source.text.splitlines(True), str(source.path))
    sys.modules[name] = module
    try:
        exec(compile(source.text, str(source.path), "exec"), module.__dict__)
    except BaseException as e:
        del sys.modules[name]
        if isinstance(e, KeyboardInterrupt | Overdue):
            raise
        where = f", line {e.lineno}" if isinstance(e, SyntaxError) else line_in(e, source)
        raise PluginError(f"the plugin file {source.path}{where} failed to import: {reason_of(e)}") from e
    return module


def line_in(error: BaseException, source: LocalSource | None) -> str:
    """Return ``", line N"``: where in the plugin file an error arose, or ``""``."""
    path, line = str(source.path) if source else "", ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line
