"""What an explanation says, in numbers, tables and words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from quorate.errors import IntegrityError, StoreError
from quorate.runs.explain.importance import LEVEL
from quorate.store import Run
from quorate.store.files import write_json

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
FILE = "explanation.json"
UNITS = ("feature", "group")
STABLE, UNSTABLE = 0.5, 0.2  # mean rank correlation of the folds, from which on and below which
NAMED = 3

By = Literal["feature", "group"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the forecasts of a run rest on, in the walk-forward before the holdout.

    Parameters
    ----------
    document : mapping
        The content of ``explanation.json``: ``forecasters``, the judged ensemble first, each with ``features``
        and ``groups``; ``unexplained`` with reasons; ``loss``, ``span``, ``folds``, ``repeats``, ``warnings``.
    """

    document: Mapping[str, Any]

    @property
    def run(self) -> str:
        """The run's id."""
        return str(self.document["run"])

    @property
    def features(self) -> pd.DataFrame:
        """One row per forecaster and feature, most important first."""
        return self._table("feature")

    @property
    def groups(self) -> pd.DataFrame:
        """One row per forecaster and group of features that were shuffled jointly."""
        return self._table("group")

    @property
    def sentence(self) -> str:
        """Whether any feature matters beyond chance, in plain words."""
        return headline(self.document, "feature")

    def _table(self, by: By) -> pd.DataFrame:
        import pandas as pd

        rows = [{"forecaster": one["name"], **row} for one in self.document["forecasters"] for row in one[f"{by}s"]]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(self.document)

    def __repr__(self) -> str:
        return f"Explanation({self.run}: {self.sentence})"


def find_explanation(stored: Run) -> Explanation | None:
    """Return what a run's folder keeps; None, if it was not explained yet.

    Raises
    ------
    IntegrityError
        If the file is no explanation.
    StoreError
        If a later version wrote it.
    """
    path = stored.path / FILE
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = int(document["schema_version"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise IntegrityError(f"{path} cannot be read ({e}): delete it, and explain the run again") from e
    if version > VERSION:
        raise StoreError(f"{path} has schema version {version}; this quorate reads up to {VERSION}: upgrade quorate")
    return Explanation(document)


def keep(explanation: Explanation, stored: Run) -> None:
    """Keep it in the run's folder."""
    write_json(stored.path / FILE, explanation.document)


def headline(document: Mapping[str, Any], by: By) -> str:
    """Return whether any feature, or group of them, matters beyond chance, in plain words."""
    forecasters = document["forecasters"]
    if forecasters[0]["role"] == "ensemble":
        return said(forecasters[0], by)
    if max(len(one["folds"]) for one in forecasters) < 2:
        return "With one fold nothing can be said about chance."
    # Each member is a chance of its own to find something.
    told = {one["name"]: matters(one[f"{by}s"], LEVEL / len(forecasters)) for one in forecasters}
    found = [f"{name} ({_names(rows)})" for name, rows in told.items() if rows]
    if found:
        return f"What matters beyond chance, by member: {'; '.join(found)}."
    return f"No {by} matters to any member's forecasts beyond chance."


def said(one: Mapping[str, Any], by: By) -> str:
    """Return how many features, or groups, matter beyond chance to a forecaster, and which."""
    rows, found = one[f"{by}s"], matters(one[f"{by}s"])
    if len(one["folds"]) < 2:
        return f"With one fold nothing can be said about chance: it is not known which {by} matters."
    to = " to the ensemble's forecasts" if one["role"] == "ensemble" else ""
    if not found:
        return f"No {by} of {len(rows)} matters{to} beyond chance."
    verb = "matters" if len(found) == 1 else "matter"
    return f"{len(found)} of {len(rows)} {by}s {verb}{to} beyond chance: {_names(found)}."


def matters(rows: Sequence[Mapping[str, Any]], level: float = LEVEL) -> list[str]:
    """Return the names of those that matter beyond chance."""
    return [row["name"] for row in rows if row["p"] is not None and row["p"] < level]


def agreement(value: float | None) -> str:
    """Return whether the folds rank alike, in a word."""
    if value is None:
        return "unknown"
    return "stable" if value >= STABLE else "unstable" if value < UNSTABLE else "partly stable"


def _names(found: Sequence[str]) -> str:
    more = len(found) - NAMED
    return ", ".join(found[:NAMED]) + (f" and {more} more" if more > 0 else "")
