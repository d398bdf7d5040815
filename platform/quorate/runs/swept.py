"""A finished sweep, as it was written: what reads it needs neither plugins nor bars."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError, RecipeError
from quorate.store import Home, Run
from quorate.store.documents import seal_of

if TYPE_CHECKING:
    import pandas as pd

BEST = "best_params.json"


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a sweep found.

    Parameters
    ----------
    document : dict
        The report: ``models`` has, by name, trials, the best of them and the verdict; ``sentences`` say it in words.
    source : Run
        Its folder.
    """

    document: dict[str, Any]
    source: Run

    @property
    def id(self) -> str:
        """The sweep's id."""
        return self.source.id

    @property
    def best_params(self) -> dict[str, dict[str, Any]]:
        """Model to the parameters that are kept: those found, or the recipe's own where they did not help."""
        return {name: dict(found["kept_params"]) for name, found in self.document["models"].items()}

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial: model, number, state, value, folds used, CPU seconds, and a column per parameter."""
        import pandas as pd

        rows = [
            {"model": name, **{k: v for k, v in trial.items() if k != "params"}, **trial["params"]}
            for name, found in self.document["models"].items()
            for trial in found["trials"]
        ]
        return pd.DataFrame(rows)

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per model: mean loss of tuned, own and constant on rows that no trial saw, p-values, what is kept."""
        import pandas as pd

        return pd.DataFrame(
            [{"model": name, **found["verdict"]} for name, found in self.document["models"].items()]
        ).set_index("model")

    def __str__(self) -> str:
        return "\n".join(self.document["sentences"])


def load_sweep(name: str = "latest", *, home: str | Path | None = None) -> Sweep:
    """Return a finished sweep, after checking that its report is as it was written."""
    stored = Home(home).find(name, kind="sweep")
    document = stored.report()
    if document.pop("seal", None) != seal_of(document):
        raise IntegrityError(f"{stored.path / 'report.json'} was changed after the sweep: it has another seal")
    return Sweep(document, stored)


def params_of(given: str, home: str | Path | None = None) -> list[str]:
    """Return the overrides that the parameters of a sweep stand for.

    Parameters
    ----------
    given : str
        A ``best_params.json``, or the sweep's id, a part of it, or ``latest``.

    Raises
    ------
    RecipeError
        If the file is not what a sweep writes.
    StoreError
        If there is no such sweep.
    """
    import tomli_w

    path = Path(given)
    if path.suffix != ".json" and not path.is_file():
        path = Home(home).find(given, kind="sweep").path / BEST
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise RecipeError(f"cannot read the parameters in {path}: {e}") from e
    if not isinstance(table, dict) or not all(isinstance(params, dict) for params in table.values()):
        raise RecipeError(f"{path} must hold a table of parameters for each model, as a sweep's {BEST} does")
    return [
        f"models.{model}.{name}={tomli_w.dumps({'v': value}).removeprefix('v = ').strip()}"
        for model, params in table.items()
        for name, value in params.items()
    ]
