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
from quorate.recipe.schema import TUNED
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
        The report: ``searches`` has, by name, trials, the best of them and verdicts; ``sentences`` say it in words.
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
    def best_params(self) -> dict[str, Any]:
        """What is kept: a model to its parameters, and other keys of the recipe, by dotted name, to their values."""
        found: dict[str, Any] = {}
        for name, search in self.document["searches"].items():
            if not self.document["whole"]:
                found[name] = dict(search["kept_params"])
                continue
            for key, value in search["kept_params"].items():
                section, _, rest = key.partition(".")
                model, _, parameter = rest.partition(".")
                if section == "models":
                    found.setdefault(model, {})[parameter] = value
                else:
                    found[key] = value
        return found

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial: search, number, state, value, folds used, CPU seconds, and a column per parameter.

        Of several objectives there is a column for each, and ``front``: whether no other trial dominates it.
        """
        import pandas as pd

        names = [one["name"] for one in self.document["objectives"]]
        rows = []
        for search, found in self.document["searches"].items():
            for trial in found["trials"]:
                told = {name: v for name, v in trial.items() if name not in ("params", "values")}
                if "values" in trial:
                    del told["value"]
                    told |= dict(zip(names, trial["values"], strict=False))
                    told["front"] = trial["trial"] in found["front"]
                rows.append({"search": search, **told, **trial["params"]})
        return pd.DataFrame(rows)

    @property
    def history(self) -> pd.DataFrame:
        """One row per complete trial, in order: search, trial, value, and the best value so far."""
        import pandas as pd

        rows = []
        for search, found in self.document["searches"].items():
            best = found["own"]["value"]
            up = self.document["objectives"][0]["higher_is_better"]
            for trial in found["trials"]:
                if trial["state"] == "complete" and trial["value"] is not None:
                    known = [value for value in (best, trial["value"]) if value is not None]
                    best = max(known) if up else min(known)
                    rows.append({"search": search, "trial": trial["trial"], "value": trial["value"], "best": best})
        return pd.DataFrame(rows, columns=["search", "trial", "value", "best"])

    @property
    def slices(self) -> pd.DataFrame:
        """One row per complete trial and parameter: search, trial, parameter, what it was, and the value it came to."""
        import pandas as pd

        rows = [
            {"search": search, "trial": trial["trial"], "parameter": name, "setting": setting, "value": trial["value"]}
            for search, found in self.document["searches"].items()
            for trial in found["trials"]
            if trial["state"] == "complete"
            for name, setting in trial["params"].items()
        ]
        return pd.DataFrame(rows, columns=["search", "trial", "parameter", "setting", "value"])

    @property
    def parallel(self) -> pd.DataFrame:
        """One row per complete trial: its value, and each parameter as a share of its range, for parallel coordinates.

        A choice is its place among the values; NaN, where a parameter did not count.
        """
        import pandas as pd

        rows = []
        for search, found in self.document["searches"].items():
            for trial in found["trials"]:
                if trial["state"] == "complete":
                    shares = {name: _share(found["space"][name], setting) for name, setting in trial["params"].items()}
                    rows.append({"search": search, "trial": trial["trial"], "value": trial["value"], **shares})
        return pd.DataFrame(rows)

    @property
    def importance(self) -> pd.DataFrame:
        """One row per search, objective and parameter: its share in what made trials good (PED-ANOVA)."""
        import pandas as pd

        rows = [
            {"search": search, "objective": objective, "parameter": name, "importance": share}
            for search, found in self.document["searches"].items()
            for objective, shares in found["importance"].items()
            for name, share in shares.items()
        ]
        return pd.DataFrame(rows, columns=["search", "objective", "parameter", "importance"])

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per search and objective: what tuned, own and constant came to on rows that no trial saw, p-values.

        ``kept``, ``better`` and ``helped`` are those of the search.
        """
        import pandas as pd

        said = ("kept", "better", "helped")
        return pd.DataFrame(
            [
                {"search": name, **verdict, **{key: found[key] for key in said}}
                for name, found in self.document["searches"].items()
                for verdict in found["verdicts"]
            ]
        ).set_index("search")

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.sweep import render

        return as_html(lambda: render(self.document))

    def __str__(self) -> str:
        return "\n".join(self.document["sentences"])


def load_sweep(name: str = "latest", *, home: str | Path | None = None) -> Sweep:
    """Return a finished sweep, after checking that its report is as it was written."""
    return sealed_sweep(Home(home).find(name, kind="sweep"))


def sealed_sweep(stored: Run) -> Sweep:
    """Return a finished sweep by its folder, after checking that its report is as it was written."""
    document = stored.report()
    if document.pop("seal", None) != seal_of(document):
        raise IntegrityError(f"{stored.path / 'report.json'} was changed after the sweep: it has another seal")
    return Sweep(document, stored)


def _share(one: Mapping[str, Any], setting: Any) -> float:
    """Return where in its range a setting lies, from 0 to 1."""
    if "values" in one:
        place: int = one["values"].index(setting)
        return place / max(len(one["values"]) - 1, 1)
    low, high, at = ((math.log(x) if one["log"] else x) for x in (one["low"], one["high"], setting))
    return float((at - low) / (high - low))


def params_of(given: str, home: str | Path | None = None) -> dict[str, Any]:
    """Return the parameters that a sweep kept, by model, and other keys of the recipe by their dotted names.

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
    if not isinstance(table, dict) or not all(isinstance(one, dict) or "." in name for name, one in table.items()):
        raise RecipeError(f"{path} must hold a table of parameters for each model, as a sweep's {BEST} does")
    return table


def overrides_of(params: Mapping[str, Any], models: Collection[str]) -> list[str]:
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
        if not isinstance(values, Mapping):
            found.append(_of_key(model, values))
            continue
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


def _of_key(key: str, value: Any) -> str:
    """Return an override of a key of the recipe that a sweep can tune."""
    section, *parts = key.split(".")
    if section not in TUNED or not parts or not all(map(_NAME.fullmatch, parts)):
        raise RecipeError(f"{key!r} is no key that a sweep tunes: it must begin with one of {one_of(TUNED)}")
    if not _is_plain(value):
        raise RecipeError(f"{key} must be a number, a text, true or false, or a list of these; it was {value!r}")
    return f"{key}={json.dumps(value)}"


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
