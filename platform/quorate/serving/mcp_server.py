"""Quorate as a server of the Model Context Protocol: tools that read, and those that are allowed to do more."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import CallToolResult, InputRequiredResult, Resource, ToolAnnotations
from pydantic import Field, ValidationError

from quorate import __version__
from quorate.errors import QuorateError, RecipeError, near_misses, one_of, reason_of, visible
from quorate.serving.mcp_jobs import command
from quorate.serving.mcp_reading import Offset, Reading, Recipe, Run, cut, explained, texts_of
from quorate.serving.mcp_recipes import Recipes

ALLOWED = ("run", "audit", "promote")  # what may be allowed; an override is never
OF = {"run": ("run", "resume", "explain", "power"), "audit": ("audit",), "promote": ("promote",)}
READING = (
    *("list_runs", "show_report", "compare", "registry_list", "registry_show", "portfolio", "list_recipes"),
    *("validate", "plan", "explanation", "explain_term", "tables", "query"),
)
REPORTS = "quorate://report/"
ENDED = (0, 10, 11, 12)  # a verdict is no failure
SAYS = """Quorate backtests ensembles of models on market data and judges by gates whether one has earned promotion.
PASS, FAIL and INSUFFICIENT are verdicts on evidence: do not speak of a run as good beyond what its report says. Every
run is one more trial, which the gates count; promote opens the holdout, which can be looked at once without a price."""


def allowed_of(given: Iterable[str]) -> frozenset[str]:
    """Return what is allowed.

    Raises
    ------
    RecipeError
        If it is none that can be.
    """
    for name in given:
        if name == "override":
            raise RecipeError("an override is never allowed here: a person says it, with quorate override")
        if name not in ALLOWED:
            raise RecipeError(f"--allow must be one of {one_of(ALLOWED)}; it was {name!r}{near_misses(name, ALLOWED)}")
    return frozenset(given)


class Server(MCPServer[Any]):
    """The server: its tools and resources are bound to one home, and to one folder of recipes.

    Parameters
    ----------
    home : Path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.
    folder : Path, optional
        Where recipes may be; default: the working folder.
    allow : iterable of str
        Of `ALLOWED`; without any no file of the home changes.
    """

    def __init__(self, home: Path | None = None, folder: Path | None = None, allow: Iterable[str] = ()) -> None:
        super().__init__(
            "quorate",
            title="Quorate",
            version=__version__,
            instructions=SAYS,
            log_level="CRITICAL",
            subscriptions=False,
        )
        self.allowed = allowed_of(allow)
        self._home = home
        self._recipes = Recipes(folder or Path.cwd(), "run" in self.allowed)
        self._reading = Reading(home, self._recipes)
        self._working = anyio.Lock()  # one at a time: each takes all processors
        reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        writes = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False)
        for name in READING:
            self.add_tool(getattr(self._reading, name), name=name, annotations=reads, structured_output=False)
        for what, names in OF.items():
            for name in names if what in self.allowed else ():
                self.add_tool(getattr(self, f"_{name}"), name=name, annotations=writes, structured_output=False)
        self.resource(f"{REPORTS}{{run}}", name="report", mime_type="text/markdown")(self._report)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; whatever goes wrong is a `ToolError` in the platform's words."""
        known = {tool.name: tool.input_schema for tool in await self.list_tools()}
        if name not in known:
            raise ToolError(self._unknown(name, known))
        taken = known[name].get("properties", {})
        for one in arguments:
            if one not in taken:
                raise ToolError(
                    f"{name} takes no argument {one!r}: it must be {one_of(taken)}{near_misses(one, taken)}"
                )
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as e:
            raise ToolError(_told(e, name)) from None

    async def list_resources(self) -> list[Resource]:
        """Return the reports of the newest finished runs."""
        found = await anyio.to_thread.run_sync(self._reading.finished)
        return [
            Resource(uri=REPORTS + quote(run), name=run, title=title, mime_type="text/markdown") for run, title in found
        ]

    def _report(self, run: str) -> str:
        """Return the report of a run, an id or part of one, or ``latest``, as Markdown."""
        try:
            return self._reading.report_markdown(run)
        except QuorateError as e:
            raise ResourceError(visible(texts_of(e))) from None

    def _unknown(self, name: str, known: Mapping[str, Any]) -> str:
        for what, names in OF.items():
            if name in names:
                return f"{name} is not allowed: who starts the server allows it, with quorate mcp --allow {what}"
        if name == "override":
            return "an override is never allowed here: a person says it, with quorate override"
        return f"there is no tool {name!r}: it must be {one_of(known)}{near_misses(name, known)}"

    async def _run(self, recipe: Recipe, context: Context[Any, Any]) -> str:
        """Run a recipe up to its holdout and judge it: one more trial. Cancelled, it can be resumed."""
        return await self._judged(["run", self._recipes.get(recipe)], context)

    async def _resume(self, run: Run, context: Context[Any, Any]) -> str:
        """Finish a run that was interrupted; its results are those of a run that was not."""
        return await self._judged(["resume", _word(run)], context)

    async def _promote(self, run: Run, context: Context[Any, Any]) -> str:
        """Audit a run's pipeline, open its holdout and judge it there, which counts; what passes is registered."""
        return await self._judged(["promote", _word(run)], context)

    async def _explain(self, run: Run, context: Context[Any, Any], offset: Offset = 0) -> str:
        """Say which features a run's forecasts rest on, and whether beyond chance; fits its members again."""
        return cut(explained(await self._worked(["explain", _word(run)], context)), offset)

    async def _power(
        self,
        recipe: Recipe,
        context: Context[Any, Any],
        draws: Annotated[int, Field(ge=10, le=1000, description="Surrogates of the bars per strength of edge.")] = 60,
        offset: Offset = 0,
    ) -> str:
        """Say what a recipe could prove on bars like these, before anything is fitted: the smallest edge seen."""
        from quorate.report.console import as_text
        from quorate.report.views.prove import render

        found = await self._worked(["plan", self._recipes.get(recipe), "--draws", str(draws)], context)
        return cut(as_text(lambda: render(found)), offset)

    async def _audit(self, recipe: Recipe, context: Context[Any, Any], offset: Offset = 0) -> str:
        """Look for leaks in a recipe's pipeline: the future cut off and scrambled, markets without anything to find."""
        from quorate.report.console import as_text
        from quorate.report.views.audit import render

        found = await self._worked(["audit", self._recipes.get(recipe)], context)
        return cut(as_text(lambda: render(found)), offset)

    async def _judged(self, args: list[str], context: Context[Any, Any]) -> str:
        """Do what ends with a report, and return it in brief."""
        from quorate.report.sections import BRIEF

        document = await self._worked(args, context)
        run = str(document["provenance"]["run"])
        text = await anyio.to_thread.run_sync(self._reading.show_report, run, list(BRIEF))
        return f"run {run}\n{text}\nshow_report has the rest of it"

    async def _worked(self, args: list[str], context: Context[Any, Any]) -> dict[str, Any]:
        """Run a command, telling its progress, and return the document that it prints."""
        lines = 0

        async def hear(line: str) -> None:
            nonlocal lines
            lines += 1
            await context.report_progress(lines, None, visible(line))

        async with self._working:
            done = await command([*args, "--json"], hear, self._home, self._reading.alone, ENDED)
        if not done.output:
            raise QuorateError(f"quorate {args[0]} ended with code {done.code} and said nothing")
        found: dict[str, Any] = json.loads(done.output)
        return found


def _word(run: str) -> str:
    """Return the name of a run, which must be no option of a command."""
    if run.startswith("-") or not run:
        raise RecipeError(f"run must be a run's id, a part of it, or 'latest'; it was {run!r}")
    return run


def _told(error: ToolError, name: str) -> str:
    """Return what went wrong in a tool, in the platform's words."""
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        return "\n".join(_argument(name, one) for one in cause.errors(include_url=False))
    if isinstance(cause, QuorateError):
        return visible(texts_of(cause))
    if cause is None:
        return visible(error)
    return f"{visible(reason_of(cause))}: a fault of quorate itself, or a file of the home is damaged"


def _argument(name: str, one: Mapping[str, Any]) -> str:
    where = ".".join(map(str, one["loc"]))
    if one["type"] == "missing":
        return f"{name} needs the argument {where!r}"
    said = str(one["msg"])
    return f"{name}: argument {where!r}: {said[:1].lower()}{said[1:]}; it was {one['input']!r}"


def serve(home: Path | None, allow: Iterable[str]) -> None:
    """Serve on the standard input and output, until the input ends or Ctrl-C."""
    signal.signal(signal.SIGINT, _interrupt)  # that of asyncio would wait for one more line of the input
    Server(home, allow=allow).run("stdio")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
