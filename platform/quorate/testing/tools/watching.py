"""What a plugin does beside answering: files it leaves, variables it reads, settings it changes, threads it starts."""

from __future__ import annotations

import decimal
import functools
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType, GeneratorType
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from quorate.plugins.provider import Plugin
from quorate.plugins.specs import ModelSpec
from quorate.testing._base import NotApplicable
from quorate.testing.tools.answers import Answer, answer
from quorate.testing.tools.fresh import fresh
from quorate.testing.tools.loading import BEGUN
from quorate.testing.tools.model_settings import PANDAS, Setting, changed, put_back, settings

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
_CACHES = ("__pycache__", ".cache", ".config", ".nbi", ".nbc", ".pyc")  # of libraries, kept for the next time
_DEPTH = 60
_USUAL: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


@dataclass
class Seen:
    """What was seen while a plugin's file was loaded and asked, with the lines where it happened.

    `lost` says why it gave no answer in an empty folder, though it did in the present one.
    """

    answer: Answer = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    threads: int = 0
    own_threads: bool = False
    lost: str = ""
    seconds: float = 0.0
    loading: tuple[str, Any, Any] | None = None
    calling: tuple[str, Any, Any] | None = None


_watcher: list[tuple[Plugin, Seen]] = []
_seen: dict[tuple[str, str, str, str], Seen] = {}
_hooked: list[bool] = []


def watch(plugin: Plugin) -> Seen:
    """Return what was seen; all rules that ask share it."""
    task = plugin.spec.task if isinstance(plugin.spec, ModelSpec) else ""
    key = (plugin.provider.module, plugin.kind, plugin.name, task)
    if plugin.provider.inline is not None or key not in _seen:
        _seen[key] = _watch(plugin)
    return _seen[key]


def _watch(plugin: Plugin) -> Seen:
    answer(plugin)  # what libraries do when they are loaded is behind us
    seen = Seen()
    before = everything()
    try:
        with _noted(plugin, seen), away() as folder:
            _as_begun()
            begun = everything()
            loaded = _measured(fresh(plugin), seen)
            seen.loading = changed(begun, everything())
            put_back(begun)
            since = time.monotonic()
            try:
                seen.answer = answer(loaded)
            except NotApplicable as e:
                seen.lost = f"{e.__cause__}"
            seen.seconds = time.monotonic() - since
            left = {str(path): seen.files.get(str(path), "") for path in sorted(folder.rglob("*")) if _counts(path)}
        elsewhere = {name: line for name, line in seen.files.items() if Path(name).exists() and _counts(Path(name))}
        seen.files = {Path(name).name: line for name, line in {**left, **elsewhere}.items()}
    finally:
        put_back(before)
    return seen


def _as_begun() -> None:
    """Undo what the first loading of a plugin may have set: it would hide that the next one sets it, too."""
    np.seterr(**_USUAL)
    decimal.setcontext(decimal.DefaultContext.copy())
    sys.setswitchinterval(0.005)
    socket.setdefaulttimeout(None)
    for name in PANDAS:
        pd.reset_option(name)
    np.random.seed(20_071)
    random.seed(20_071)
    for name in [name for name in os.environ if name not in BEGUN]:
        del os.environ[name]
    os.environ.update(BEGUN)


def _measured(plugin: Plugin, seen: Seen) -> Plugin:
    """Return the plugin with a function that notes which settings it changes; of a model another rule says that."""
    if plugin.kind == "model" or plugin.spec is None:
        return plugin
    function = plugin.spec.resolve()

    @functools.wraps(function)
    def measured(*arguments: Any, **options: Any) -> Any:
        with np.errstate(**_USUAL):
            before = everything()
            try:
                found = function(*arguments, **options)
                return list(found) if isinstance(found, GeneratorType) else found
            finally:
                seen.calling = seen.calling or changed(before, everything())

    return replace(plugin, spec=replace(plugin.spec, function=measured))


def _counts(path: Path) -> bool:
    device = path.parts[:2] in (("/", "dev"), ("/", "proc"))
    return not device and not any(part.endswith(_CACHES) for part in path.parts)


def everything() -> dict[str, Any]:
    """Return the settings of the process, and the states of its random generators."""
    state: Any = np.random.get_state()
    return {
        **settings(),
        "NumPy's global random generator": Setting((state[0], bytes(state[1]), *state[2:]), lambda _: None),
        "Python's global random generator": Setting(random.getstate()),
    }


def line_of(plugin: Plugin, frame: FrameType | None) -> str | None:
    """Return ``line N`` of the plugin's file that leads to a frame; None where none does, or an import lies between."""
    path = str(plugin.provider.local.path) if plugin.provider.local else ""
    for _ in range(_DEPTH):
        if frame is None or frame.f_code.co_filename.startswith("<frozen importlib"):
            return None
        if frame.f_code.co_filename == path:
            return f"line {frame.f_lineno}"
        frame = frame.f_back
    return None


def _starts(plugin: Plugin, frame: FrameType | None) -> bool:
    """Say whether the plugin's own line starts a thread, by the standard library alone."""
    while frame is not None and "site-packages" not in frame.f_code.co_filename:
        if plugin.provider.local and frame.f_code.co_filename == str(plugin.provider.local.path):
            return True
        frame = frame.f_back
    return False


@contextmanager
def away() -> Iterator[Path]:
    """Work in an empty folder."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(here)


@contextmanager
def _noted(plugin: Plugin, seen: Seen) -> Iterator[None]:
    if not _hooked:  # it stays for good, and listens only while somebody watches
        sys.addaudithook(_hear)
        _hooked.append(True)
    read = os._Environ.__getitem__

    def reading(self: Any, name: Any) -> Any:
        frame = sys._getframe(1)
        for _ in range(4):  # os.environ.get and os.getenv lie between
            if frame is None or line_of(plugin, frame) == f"line {frame.f_lineno}":
                break
            frame = frame.f_back  # type: ignore[assignment]
        if frame is not None and plugin.provider.local and frame.f_code.co_filename == str(plugin.provider.local.path):
            seen.variables.setdefault(str(name), f"line {frame.f_lineno}")
        return read(self, name)

    start = threading.Thread.start

    def starting(thread: threading.Thread) -> None:
        seen.threads += 1
        seen.own_threads = seen.own_threads or _starts(plugin, sys._getframe(1))
        start(thread)

    _watcher.append((plugin, seen))
    try:
        with patch.object(os._Environ, "__getitem__", reading), patch.object(threading.Thread, "start", starting):
            yield
    finally:
        _watcher.clear()


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Note a file that is opened to be written, and the plugin's line that leads there."""
    if not _watcher or event not in ("open", "os.mkdir", "sqlite3.connect"):
        return
    plugin, seen = _watcher[-1]
    path = arguments[0]
    if isinstance(path, int) or not isinstance(path, str | bytes | os.PathLike):
        return
    if event == "open":
        if os.path.isdir(path):  # a file without a name lies there
            return
        mode, flags = arguments[1], arguments[2]
        if not (isinstance(mode, str) and set(mode) & set("wax+")) and not (isinstance(flags, int) and flags & _WRITES):
            return
    line = line_of(plugin, sys._getframe(1))
    if line is not None:
        seen.files.setdefault(os.path.abspath(os.fsdecode(path)), line)
