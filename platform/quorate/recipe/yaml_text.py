"""YAML, read and written; the only module that imports its library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def load(text: str) -> Any:
    """Return what a YAML text holds: plain values only, and no references, which can grow without end.

    Raises
    ------
    ValueError
        If it is something else.
    """
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError(f"line {self.peek_event().start_mark.line + 1}: references (*name) are not taken")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{getattr(e, 'problem', None) or 'it is no YAML'}") from None


def dump(table: Mapping[str, Any]) -> str:
    """Return a table of plain values as YAML, in its own order."""
    import yaml

    return str(yaml.safe_dump(dict(table), sort_keys=False, allow_unicode=True))
