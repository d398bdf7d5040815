"""A finished sweep, as it was written: what reads it needs neither plugins nor bars."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError, RecipeError, near_misses, one_of
from quorate.store import Home, Run
from quorate.store.documents import seal_of
from quorate.store.plain import check_plain

if TYPE_CHECKING:
    import pandas as pd

BEST = "best_params.json"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


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


def params_of(given: str, home: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the parameters that a sweep kept, by model.

    Parameters
    ----------
    given : str
        A ``best_params.json``, or the sweep's id, a part of it, or ``latest``.

    Raises
    ------
    RecipeError
        If the file is not what a sweep writes.
    StoreError
        If there is no such sweep, or it is not finished.
    IntegrityError
        If it was changed.
    """
    path = Path(given)
    if not given.strip() or path.is_dir():
        raise RecipeError(f"--params takes a sweep's id, 'latest', or its {BEST}; it was {given!r}")
    if path.suffix != ".json" and not path.is_file():
        return load_sweep(given, home=home).best_params
    check_plain(path, links=True)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise RecipeError(f"cannot read the parameters in {path}: {e}") from e
    if not isinstance(table, dict) or not all(isinstance(params, dict) for params in table.values()):
        raise RecipeError(f"{path} must hold a table of parameters for each model, as a sweep's {BEST} does")
    return table


def overrides_of(params: Mapping[str, Mapping[str, Any]], models: Collection[str]) -> list[str]:
    """Return parameters as overrides of a recipe.

    Parameters
    ----------
    models : collection of str
        Those of the recipe: what was found for another one must not join it unasked.

    Raises
    ------
    RecipeError
        For another model, or what no recipe can hold.
    """
    found = []
    for model, values in params.items():
        if model not in models:
            raise RecipeError(
                f"the parameters are those of model {model!r}, and this recipe has {one_of(models)}"
                f"{near_misses(model, models)}: take those of a sweep of this recipe"
            )
        for name, value in values.items():
            where = f"the parameter {name!r} of model {model!r}"
            if not _NAME.fullmatch(name) or name == "plugin":
                raise RecipeError(f"{where} is no name of a parameter")
            if not _is_plain(value):
                raise RecipeError(
                    f"{where} must be a number, a text, true or false, or a list of these; it was {value!r}"
                )
            found.append(f"models.{model}.{name}={json.dumps(value)}")
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
