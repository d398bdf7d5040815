"""Sets of texts in another order: in each process they have another one."""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Iterator
from typing import Any

_MAKE_SETS = (
    "__and__", "__or__", "__sub__", "__xor__", "__rand__", "__ror__", "__rsub__", "__rxor__",
    "union", "intersection", "difference", "symmetric_difference", "copy",
)  # fmt: skip


def has_sets(text: str) -> bool:
    """Say whether a file's text makes sets."""
    named = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    written = any(isinstance(node, ast.Set | ast.SetComp) for node in ast.walk(ast.parse(text)))
    return written or bool(named & {"set", "frozenset"})


def with_named_sets(text: str) -> str:
    """Return a file's text in which every set that is written down is made by the name ``set``."""
    return ast.unparse(ast.fix_missing_locations(_Named().visit(ast.parse(text))))


class _Named(ast.NodeTransformer):
    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return _made(ast.List(node.elts, ast.Load()))

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return _made(ast.ListComp(node.elt, node.generators))


def _made(of: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("set", ast.Load()), [of], [])


def _likewise(method: Any, kind: type) -> Any:
    def made(self: Any, *others: Any) -> Any:
        found = method(self, *others)
        return found if found is NotImplemented else kind(found)

    return made


def shuffled(seed: int) -> dict[str, Any]:
    """Return what stands for ``set`` and ``frozenset``: texts come in an order drawn by the seed, all else as ever."""

    def order(items: Iterator[Any]) -> list[Any]:
        found = list(items)
        if not any(isinstance(item, str | bytes) for item in found):
            return found
        return sorted(found, key=lambda item: hashlib.sha256(f"{seed} {item!r}".encode()).digest())

    def of(plain: Any) -> type:
        class Likewise(type):
            def __instancecheck__(cls, thing: Any) -> bool:
                return isinstance(thing, plain)

        class Shuffled(plain, metaclass=Likewise):  # type: ignore[misc]
            def __iter__(self) -> Iterator[Any]:
                return iter(order(plain.__iter__(self)))

        for name in _MAKE_SETS:
            setattr(Shuffled, name, _likewise(getattr(plain, name), Shuffled))
        return Shuffled

    return {"set": of(builtins.set), "frozenset": of(builtins.frozenset)}
