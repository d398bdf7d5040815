"""Which number in a plugin's text a result is in proportion to: seen by computing it with another one there."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Sequence

from quorate.errors import PluginError
from quorate.plugins.provider import Plugin
from quorate.testing._base import Violation
from quorate.testing.tools.fresh import fresh

Values = Sequence[float]
_ROUNDED = 0.01  # a result may be rounded
FACTOR = 4.0  # another number is so many times as large; what goes with its square root is twice as large


def in_proportion(
    plugin: Plugin, numbers: Collection[float], measured: Callable[[Plugin], Values], compounded: bool = False
) -> tuple[float, int] | None:
    """Return the number, and its line, that all results are in proportion to, or to its square root; None if none is.

    Parameters
    ----------
    numbers : collection of float
        What is looked for in the text.
    measured : callable
        Returns the results.
    compounded : bool
        Whether growth, one plus the result, counts too, where its exponent is in proportion.
    """
    if plugin.provider.local is None:
        return None
    text = plugin.provider.local.text
    before: Values | None = None
    for value, nodes in _found(text, numbers).items():
        before = measured(plugin) if before is None else before
        try:
            after = measured(fresh(plugin, _with_another(text, nodes)))
        except (Violation, PluginError):
            continue
        if _scales(before, after) or (compounded and _scales(_growth(before), _growth(after))):
            return value, nodes[0].lineno
    return None


def _found(text: str, numbers: Collection[float]) -> dict[float, list[ast.Constant]]:
    found: dict[float, list[ast.Constant]] = {}
    for node in ast.walk(ast.parse(text)):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Constant) and isinstance(value, int | float) and not isinstance(value, bool):
            near = next((n for n in numbers if math.isclose(n, value, rel_tol=1e-3)), None)
            if near is not None:
                found.setdefault(value, []).append(node)
    return found


def _with_another(text: str, nodes: Sequence[ast.Constant]) -> str:
    lines = [line.encode() for line in text.splitlines(True)]
    for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        value = node.value
        assert isinstance(value, int | float)
        other = repr(value * FACTOR) if isinstance(value, float) else repr(int(value * FACTOR))
        lines[node.lineno - 1] = line[: node.col_offset] + other.encode() + line[node.end_col_offset :]
    return b"".join(lines).decode()


def _scales(before: Values, after: Values) -> bool:
    ratios = [b / a for a, b in zip(before, after, strict=True) if math.isfinite(a) and a != 0 and math.isfinite(b)]
    powers = (FACTOR, math.sqrt(FACTOR), 1 / FACTOR, 1 / math.sqrt(FACTOR))
    return len(ratios) > 1 and any(all(math.isclose(r, p, rel_tol=_ROUNDED) for r in ratios) for p in powers)


def _growth(values: Values) -> Values:
    return [math.log1p(v) if v > -1 else math.nan for v in values]
