"""What a collection of the store knows of the parts of a source: which were read, together with which, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.runs.importing import Part
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Import, Origin


class KnownParts:
    """What a collection knows of an origin.

    Parameters
    ----------
    collection : Collection
        Need not be there yet.
    origin : Origin
        The source with its options.
    """

    def __init__(self, collection: Collection, origin: Origin) -> None:
        self.facts: dict[str, Mapping[str, Any]] = {}
        self._imports: dict[str, Import] = {}  # of this origin, by id
        self._last: dict[str, Import] = {}  # by the key of a part
        gone: set[str] = set()
        for one in sorted(collection.imports() if collection.exists else (), key=lambda one: one.id):
            if not one.source:
                gone |= {symbol for symbol, brought in one.symbols.items() if brought.gone}
                continue
            gone -= {symbol for symbol, brought in one.symbols.items() if brought.new}
            if one.origin == origin.digest:
                self.facts |= {fact["path"]: fact for fact in one.files}
                self._imports[one.id] = one
                self._last |= dict.fromkeys(one.read, one)
        self.removed = frozenset(gone)  # symbols that were removed by hand, and did not come again

    def earlier(self, parts: Sequence[Part]) -> dict[str, frozenset[str]]:
        """Return the keys of what each import has read, as far as it is still among these parts."""
        there = {part.key for part in parts}
        return {name: frozenset(one.read.keys() & there) for name, one in self._imports.items()}

    def unread(self, parts: Sequence[Part], new: bool) -> list[list[Part]]:
        """Return the parts that are to be read, those together that were read together.

        They were not read yet, or hold something else now; `new`: or what they brought was removed.
        """
        by_key = {part.key: part for part in parts}
        groups: dict[str, list[Part]] = {}
        for part in parts:
            last = self._last.get(part.key)
            if last is None:
                groups[part.key] = [part]
                continue
            removed = new and bool(self.removed & last.symbols.keys())
            if not part.content or last.read[part.key] != part.content or removed:
                groups[last.id] = [by_key[key] for key in last.read if key in by_key and self._last[key] is last]
        return list(groups.values())
