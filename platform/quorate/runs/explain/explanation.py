"""An explanation: its document, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError, StoreError
from quorate.store import Run
from quorate.store.files import write_json

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
SHOWN = 10  # features, in a notebook
FILE = "explanation.json"


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
        from quorate.report.views.explanation import headline

        return headline(self.document, "feature")

    def _table(self, by: str) -> pd.DataFrame:
        import pandas as pd

        rows = [{"forecaster": one["name"], **row} for one in self.document["forecasters"] for row in one[f"{by}s"]]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(self.document)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.explanation import render

        return as_html(lambda: render(self.to_dict(), "feature", SHOWN))

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
