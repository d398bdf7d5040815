"""What an assistant may read: runs, reports, comparisons, versions, recipes, and answers to SQL; nothing is written."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from quorate.errors import RecipeError, StoreError, plural
from quorate.execution.progress import Progress
from quorate.serving.mcp_recipes import Recipes
from quorate.store import Home

MOST = 20_000  # characters of one answer
ROWS = 1000  # of an answer to SQL
RUNS = 50  # that are listed as resources

Run = Annotated[str, Field(description="A run's id, an unambiguous part of it, or 'latest'.")]
Recipe = Annotated[
    str, Field(description="Name of a built-in recipe, or a .toml file in the folder that the server was started in.")
]
Offset = Annotated[int, Field(ge=0, description="Where to go on in an answer that was cut.")]
Version = Annotated[str, Field(description="NAME@3, NAME@latest, NAME@champion, or NAME alone.")]


class Reading:
    """The tools that only read.

    Parameters
    ----------
    home : Path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.
    recipes : Recipes
        What may be named as one.
    """

    def __init__(self, home: Path | None, recipes: Recipes) -> None:
        self.home = home
        self.recipes = recipes
        self.alone = threading.Lock()  # a limit of memory is one of the whole process, and what it starts inherits it

    def list_runs(
        self,
        recipe: Annotated[str | None, Field(description="Only runs of the recipe of this name.")] = None,
        verdict: Literal["PASS", "FAIL", "INSUFFICIENT"] | None = None,
        find: Annotated[
            list[str], Field(description="Only runs with all of these words in id, name, data or tags.")
        ] = [],  # noqa: B006
        sort: Literal["begun", "sharpe", "verdict"] = "begun",
        limit: Annotated[int, Field(ge=1, le=200, description="The newest, or the best.")] = 20,
        offset: Offset = 0,
    ) -> str:
        """List stored runs: id, recipe, data, verdict, whether the holdout was opened, Sharpe ratio."""
        from quorate.report.views.runs import chosen, listed

        every = listed(Home(self.home).runs())
        rows = chosen(every, recipe=recipe, verdict=verdict, find=find, sort=sort, limit=limit)
        told = f"{len(rows):,} of {plural(len(every), 'run')}"
        return cut(told + "\n" + "\n".join(json.dumps(row) for row in rows), offset)

    def show_report(
        self,
        run: Run = "latest",
        sections: Annotated[
            list[str],
            Field(description="Sections, as gates, performance, trades; none: the usual ones; all: every one."),
        ] = [],  # noqa: B006
        offset: Offset = 0,
    ) -> str:
        """Return the report of a run: what was decided and why, gates with their evidence, figures."""
        from quorate.report.sections import named
        from quorate.report.written import as_text
        from quorate.runs.loaded import load_report

        names = named(",".join(sections)) if sections else ()
        return cut(as_text(load_report(run, home=self.home), names), offset)

    def report_markdown(self, run: str) -> str:
        """Return the whole report of a run as Markdown."""
        from quorate.runs.loaded import load_report

        return load_report(run, home=self.home).to_markdown()

    def finished(self) -> list[tuple[str, str]]:
        """Return the newest finished runs: id, and recipe with verdict."""
        from quorate.report.views.runs import chosen, listed

        rows = chosen(listed([run for run in Home(self.home).runs() if run.state == "finished"]), limit=RUNS)
        return [(row["run"], f"{row['recipe']}: {row['verdict']}") for row in reversed(rows)]

    def compare(
        self,
        runs: Annotated[
            list[str], Field(min_length=2, description="Ids of runs; the others are held against the first.")
        ],
        offset: Offset = 0,
    ) -> str:
        """Compare runs with the first: metrics and how sure differences are, gates that flip, recipes."""
        from quorate.report.views.compare import as_text
        from quorate.runs.compare import compare

        return cut(as_text(compare(*runs, home=self.home).document), offset)

    def registry_list(
        self,
        name: Annotated[str | None, Field(description="Only versions of this ensemble.")] = None,
        as_of: Annotated[str | None, Field(description="A day: what was registered by then, in which stage.")] = None,
        offset: Offset = 0,
    ) -> str:
        """List registered versions of what was promoted, and the stage of each."""
        from quorate.runs.registering import ModelRegistry

        rows = ModelRegistry(self.home).versions(name, as_of).to_dict("records")
        return cut("\n".join(map(json.dumps, rows)) or "no version is registered yet", offset)

    def registry_show(self, version: Version, offset: Offset = 0) -> str:
        """Show what a registered version is: its run, models, weights, data and evidence."""
        from quorate.runs.registering import ModelRegistry

        found = ModelRegistry(self.home).get(version).to_dict()
        document = {key: value for key, value in found["document"].items() if key not in ("files", "models")}
        return cut(_json({**found, "document": document}), offset)

    def portfolio(
        self,
        versions: Annotated[list[str], Field(min_length=1, description="Registered versions: NAME@3, or NAME.")],
        weights: Literal["equal", "inverse-vol", "risk-parity"] = "equal",
        risk_budget: Annotated[float | None, Field(gt=0, description="Volatility per year at most, e.g. 0.1.")] = None,
        offset: Offset = 0,
    ) -> str:
        """Look at registered ensembles as one portfolio: correlation, contributions to risk, joint drawdown."""
        from quorate.report.console import as_text
        from quorate.report.views.portfolio import render
        from quorate.runs.portfolio import portfolio

        found = portfolio(versions, weights=weights, risk_budget=risk_budget, home=self.home)
        return cut(as_text(lambda: render(found.document)), offset)

    def list_recipes(self, offset: Offset = 0) -> str:
        """List the built-in recipes, and the .toml files in the folder that the server was started in."""
        own = ", ".join(self.recipes.here()) or "none"
        return cut(f"built in: {', '.join(self.recipes.built_in())}\nhere: {own}", offset)

    def validate(self, recipe: Recipe, offset: Offset = 0) -> str:
        """Check a recipe, and return it with every default written out; no bars are read."""
        from quorate.recipe.resolve import to_toml
        from quorate.runs.session import open_session

        heard = Heard()
        session = open_session(self.recipes.get(recipe), home=self.home, progress=heard)
        told = "".join(f"# warning: {line}\n" for line in heard.warnings)
        return cut(f"# {recipe} is valid\n{told}{to_toml(session.recipe, session.registry)}", offset)

    def plan(self, recipe: Recipe, offset: Offset = 0) -> str:
        """Read the bars of a recipe and say what a run would fit on which folds, and what looks wrong; fits nothing."""
        from quorate.report.console import as_text
        from quorate.report.views.plan import render
        from quorate.runs.plan import plan

        heard = Heard()
        found = plan(self.recipes.get(recipe), home=self.home, progress=heard)
        warnings = "".join(f"warning: {line}\n" for line in heard.warnings)
        return cut(warnings + as_text(lambda: render(found.to_dict())), offset)

    def explanation(self, run: Run = "latest", offset: Offset = 0) -> str:
        """Say which features a run's forecasts rest on, if that was found out before."""
        from quorate.runs.explain.explanation import find_explanation

        stored = Home(self.home).find(run)
        found = find_explanation(stored)
        if found is None:
            raise StoreError(
                f"run {stored.id} was not explained yet, and that fits its members again: the tool explain does, where "
                f"the server was started with --allow run; or quorate explain {stored.id}"
            )
        return cut(explained(found.to_dict()), offset)

    def explain_term(self, word: Annotated[str, Field(description="A word of a report, e.g. Sharpe.")]) -> str:
        """Say what a word of a report means, how it is reckoned, and where it comes from."""
        from quorate.report.console import as_text
        from quorate.report.glossary import find
        from quorate.report.views.glossary import render

        name, term = find(word)
        return cut(as_text(lambda: render({name: term._asdict()})), 0)

    def tables(self, offset: Offset = 0) -> str:
        """List the views that SQL can ask, each with its columns."""
        from quorate.report.sql_columns import listed

        lines = []
        for view in listed():
            columns: Any = view["columns"]
            lines.append(f"{view['view']}: {view['about']}")
            lines += [f"  {one['column']} {one['type']}: {one['meaning']}" for one in columns]
        return cut("\n".join(lines), offset)

    def query(
        self,
        statement: Annotated[str, Field(description="One statement of DuckDB's SQL that reads the views.")],
        limit: Annotated[int, Field(ge=1, le=ROWS, description="Rows at most.")] = 100,
        offset: Offset = 0,
    ) -> str:
        """Answer a statement of SQL over all runs; it can only read."""
        from quorate.execution.resources import memory_limit
        from quorate.report.views.sql import as_json
        from quorate.runs.sql import asking
        from quorate.store.sql import MEMORY

        heard: list[str] = []
        try:
            with (
                self.alone,
                memory_limit(MEMORY + (1 << 30)),
                asking(statement, self.home, warn=heard.append) as answer,
            ):
                rows = list(answer.rows(limit + 1))
                text = "".join(as_json(answer.columns, rows[:limit]))
        except MemoryError:
            raise RecipeError("the answer does not fit into memory: ask for less") from None
        told = [f"warning: {line}\n" for line in heard]
        if len(rows) > limit:
            told.append(
                f"the first {plural(limit, 'row')}, and there are more: use LIMIT and OFFSET in the statement\n"
            )
        return cut("".join(told) + text, offset)


class Heard(Progress):
    """Keeps the warnings that it hears."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message)


def explained(document: Mapping[str, Any]) -> str:
    """Return what an explanation says, as the terminal shows it."""
    from quorate.report.console import as_text
    from quorate.report.views.explanation import render

    return as_text(lambda: render(document, "feature", 20))


def cut(text: str, offset: int) -> str:
    """Return a text from an offset on, as much of it as one answer holds, and how to get the rest.

    Raises
    ------
    RecipeError
        If it is not so long.
    """
    if offset and offset >= len(text):
        raise RecipeError(f"offset must be below the length of the answer, {len(text):,} characters; it was {offset:,}")
    end = offset + MOST
    if end >= len(text):
        return text[offset:]
    return f"{text[offset:end]}\n[characters {offset:,} to {end:,} of {len(text):,}: the rest with offset={end}]"


def texts_of(error: BaseException) -> str:
    """Return an error of ours with its notes."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, allow_nan=False)
