"""Rules for a plugin of any kind: that it is found, loads quickly, and says what its function takes."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator

from quorate.errors import PluginError, near_misses, one_of
from quorate.plugins.options import LEADING, RESERVED, passed_by_name
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation
from quorate.testing.tools.loading import HEAVY, loaded_by

_LIST = """
import sys
from pathlib import Path
from quorate.plugins import hooks
from quorate.plugins.local import LocalSource, import_local
import importlib
name, path = sys.argv[1:]
source = LocalSource(Path(path), sys.stdin.read())
module = import_local(source) if path else importlib.import_module(name)
for hook in hooks.HOOKS:
    if hasattr(module, hook):
        list(getattr(module, hook)())
print(chr(10).join(sorted({m.split(".")[0] for m in sys.modules})), file=sys.__stdout__)
"""


def check_plugin_resolves(plugin: Plugin) -> None:
    """Its function or factory can be imported and called."""
    assert plugin.spec is not None
    try:
        plugin.spec.resolve()
    except PluginError as e:
        raise Violation(
            f"{e}: a lazy function is 'module:attribute' of a module that is installed with the plugin; one that is "
            "defined in the plugin's own file is given as it is, without quotes"
        ) from e


def check_plugin_options(plugin: Plugin) -> None:
    """The options in its spec are options of its function."""
    spec = plugin.spec
    assert spec is not None
    function = spec.resolve()
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as e:
        raise NotApplicable("the function does not tell its signature") from e
    leading = len(getattr(spec, "inputs", ())) if plugin.kind == "feature" else LEADING[plugin.kind]
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    reserved = passed_by_name(spec)
    named = [p for p in parameters.values() if p.kind is not p.VAR_POSITIONAL and p.name not in reserved]
    accepted = [p.name for p in named[leading:]]
    for name in spec.params:
        if name not in accepted:
            raise Violation(
                f"params sets {name!r}, which the function does not take: it must be one of "
                f"{one_of(accepted)}{near_misses(name, accepted)}",
                option=name,
            )
    positional = [p for p in named if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    if len(positional) < leading and not takes_any:
        raise Violation(f"the function must take {leading} arguments from the platform; it takes {len(positional)}")
    for p in named[leading:]:
        needed = p.default is p.empty and p.name not in spec.params and p.name not in RESERVED
        if needed and plugin.kind not in ("source", "splitter", "cost", "sampler", "alert"):
            raise Violation(
                f"the option {p.name!r} has no default: give one in the function's signature or in the spec's params",
                option=p.name,
            )


def check_plugin_light_import(plugin: Plugin) -> None:
    """Importing its module and listing what it offers loads no heavy library."""
    provider = plugin.provider
    if provider.inline is not None:
        raise NotApplicable("an inline plugin is not imported")
    seen = loaded_by(provider.local)
    loaded = sorted(_loaded_afresh(plugin) if seen is None else seen)
    if not loaded:
        return
    text = provider.local.text if provider.local else inspect.getsource(sys.modules[provider.module])
    lines = {name: line for name, line in _imports(text) if name in loaded}
    name = next(iter(lines), loaded[0])
    where = f" (line {lines[name]})" if name in lines else ""
    raise Violation(
        f"importing it loads {name}{where}, which takes long and is not needed to list plugins: import it inside the "
        f'function or `fit`, and give a factory of that library as text, e.g. "{name}.module:Class"; name the '
        "distribution in requires",
        library=name,
        line=lines.get(name),
    )


def _loaded_afresh(plugin: Plugin) -> set[str]:
    provider = plugin.provider
    path = str(provider.local.path) if provider.local else ""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _LIST, provider.module, path],
        input=provider.local.text if provider.local else "",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Violation(f"it cannot be imported in a fresh process: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return set(done.stdout.split()) & set(HEAVY)


def _imports(text: str) -> Iterator[tuple[str, int]]:
    """Yield the library and line of every import that runs when the module is imported."""
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0], node.lineno
        waiting.extend(ast.iter_child_nodes(node))
