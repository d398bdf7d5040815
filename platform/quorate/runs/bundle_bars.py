"""The bars of a bundle's run: from the bundle, from where the verifier says, or from the source of its recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from quorate.bars.held_out import at_times_of_others
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, QuorateError, RecipeError
from quorate.execution.progress import Progress
from quorate.recipe.bar_files import source_of
from quorate.recipe.environment import names_in
from quorate.recipe.schema import READ
from quorate.recipe.schema.data import Data
from quorate.report.report import Report
from quorate.runs.loading import load_bars
from quorate.runs.session import Session
from quorate.store import Home


def bars_of(report: Report, session: Session, given: str | Path | None, ask_source: bool, trusted: bool) -> Bars | str:
    """Return the bars, whose fingerprint is the run's; as text, why there are none.

    Raises
    ------
    IntegrityError
        If the bundle has others than it says.
    QuorateError
        If they cannot be read.
    """
    fingerprint = report.provenance["data"]["fingerprint"]
    home = session.home
    if given is None and (home.path / "bars" / f"{fingerprint}.parquet").is_file():
        try:
            return home.bars(fingerprint)
        except QuorateError as e:
            reason = str(e).rpartition("was changed: ")[2]
            raise IntegrityError(f"the bars in the bundle are not those of the run: {reason}") from e
    if given is not None and (Path(given) / "bars" / f"{fingerprint}.parquet").is_file():
        return Home(given).bars(fingerprint)
    recipe = session.recipe
    read = [getattr(recipe, table) for table in READ]
    if (ask_source or given is not None) and not trusted and (names := names_in(read)):
        return (
            f"the recipe's source would be given environment variables ({', '.join(names)}), which it could send "
            "anywhere: look at the recipe, and say --trust if you trust it"
        )
    if given is not None:
        path = Path(given)
        return _held(report, _read(report, session, path), f"the bars in {path}")
    if ask_source:
        return _held(report, _read(report, session, None), "the bars that its source gives now")
    return (
        f"the bundle has no bars, only their fingerprint {fingerprint[:12]}: give them with --bars (a file or folder "
        "of bars, or a home that keeps them), or ask the recipe's source with --ask-source"
    )


def _held(report: Report, bars: Bars, what: str) -> Bars | str:
    told = report.provenance["data"]
    if bars.fingerprint == told["fingerprint"]:
        return bars
    here = f"{len(bars):,} bars of {', '.join(bars.symbols[:3])} from {bars.sessions[0]} to {bars.sessions[-1]}"
    then = f"{told['bars']:,} of {', '.join(told['symbols'][:3])} from {told['first']} to {told['last']}"
    return (
        f"{what} are not those of the run: their fingerprint is {bars.fingerprint[:12]}, and must be "
        f"{told['fingerprint'][:12]}; they are {here}, and the run read {then}, on the calendar {told['calendar']!r}"
    )


def _read(report: Report, session: Session, path: Path | None) -> Bars:
    """Read bars from files, or where the recipe says, as far as the run read them."""
    recipe, told = session.recipe, report.provenance["data"]
    data = recipe.data
    if path is not None:
        if not path.exists():
            raise RecipeError(f"there is no file, folder or home {path} to read the bars from (--bars)")
        options = {"path": str(path.absolute())}
        if "path" in data.options:
            options = {**data.options, **options}
        elif source_of(path) == "csv" or told["calendar"]:
            options["calendar"] = told["calendar"]
        source = data.source if "path" in data.options else source_of(path)
        kept = {name: value for name, value in data.model_dump().items() if name not in data.options}
        data = Data.model_validate({**kept, **options, "source": source})
    asked = replace(session, recipe=recipe.model_copy(update={"data": data}), warnings=[], progress=Progress())
    bars = at_times_of_others(load_bars(asked), recipe.holdout.held_out)
    last = np.datetime64(told["last"], "D")
    stop = int(np.searchsorted(bars.sessions, last, side="right"))
    return bars if stop == len(bars) else bars.until(stop)
