"""What every spec has."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from quorate.errors import PluginError, near_misses, one_of

Lazy = str | Callable[..., Any]

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Spec:
    """What every spec has.

    Parameters
    ----------
    name : str
        Lower case letters, digits, ``-`` and ``_``; unique within its kind.
    function : str or callable
        ``"module:attribute"`` or a callable; see the kind for its signature.
    params : mapping
        Default keyword arguments of `function`; a recipe may override them.
    requires : tuple of str
        Distributions that must be installed; ``"a|b"`` accepts either. If one is missing the
        plugin is disabled with a message.
    description : str
        One line for ``quorate plugins``.
    known_gaps : mapping
        Rules of ``quorate check`` that the plugin does not keep, each with the reason. What concerns
        the future cannot be excused.
    """

    kind: ClassVar[str] = ""

    name: str
    function: Lazy
    params: Mapping[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    description: str = ""
    known_gaps: Mapping[str, str] = field(default_factory=dict)
    provider: Any = field(default=None, init=False, compare=False, repr=False)  # the registry notes who offers it

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(
                f"{type(self).__name__} name must be lower case letters, digits, '-' and '_', "
                f"starting with a letter; it was {self.name!r}"
            )
        if isinstance(self.function, str):
            if not _PATH.fullmatch(self.function):
                raise PluginError(
                    f"{self}: a function given as text must be 'module:attribute'; it was {self.function!r}"
                )
        elif not callable(self.function):
            raise PluginError(f"{self}: function must be 'module:attribute' or a callable")
        if isinstance(self.requires, str):
            raise PluginError(f"{self}: requires must be a tuple, e.g. ({self.requires!r},)")

    def resolve(self) -> Callable[..., Any]:
        """Import and return the function.

        Raises
        ------
        PluginError
            If the module or the attribute cannot be imported.
        """
        if not isinstance(self.function, str):
            return self.function
        module, _, attribute = self.function.partition(":")
        try:
            target = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as e:
            raise PluginError(f"{self}: cannot import {self.function!r}: {e}") from e
        if not callable(target):
            raise PluginError(f"{self}: {self.function!r} is not callable")
        return target  # type: ignore[no-any-return]


def check_one_of(spec: Spec, attribute: str, allowed: tuple[str, ...]) -> None:
    """Raise `PluginError`, unless an attribute is one of these words."""
    check_known(spec, attribute, getattr(spec, attribute), allowed)


def check_known(spec: Spec, attribute: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise `PluginError`, unless a word of an attribute is one of these."""
    if value not in allowed:
        raise PluginError(
            f"{spec}: {attribute} must be one of {one_of(allowed)}; it was {value!r}{near_misses(str(value), allowed)}"
        )
