"""An assistant at work: what it may read, what it may do only where that is allowed, and what it is told."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import quorate
from quorate.errors import RecipeError
from quorate.serving import mcp_reading
from support.homes import recipe

pytest.importorskip("mcp")

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from quorate.serving.mcp_server import Server, allowed_of

EASY = {
    "preset": "headline",
    "sharpe": {"threshold": -50.0},
    "max-drawdown": {"threshold": 0.99},
    "win-rate": {"threshold": 0.01},
    "sample-size": {"trades": 1, "least_trades": 1, "bars": 20},
}
FILE = """
name = "tiny"
data = { source = "simulated", n_bars = 520, signal = 0.4 }
holdout = { bars = 100 }
features = { use = ["return_1", "return_5", "zscore_20"] }
folds = { initial = 250, test = 60 }
models = { logistic = {}, ridge = {} }
threshold = { min_bars = 60 }
execution = { executor = "serial" }
"""

Call = Callable[..., Awaitable[tuple[bool, str]]]


def talk(server: Any, talking: Callable[[Call, Client], Awaitable[None]]) -> None:
    """Have a client of the package talk with a server; `call` returns whether a tool failed, and what it said."""

    async def main() -> None:
        async with Client(server) as client:

            async def call(name: str, progress: Any = None, **arguments: Any) -> tuple[bool, str]:
                found = await client.call_tool(name, arguments, progress_callback=progress)
                return bool(found.is_error), "".join(one.text for one in found.content)

            await talking(call, client)

    anyio.run(main)


def hashed(home: Path) -> dict[str, str]:
    """Return the hash of every file of a home."""
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "recipes"
    (place / "more").mkdir(parents=True)
    (place / "tiny.toml").write_text(FILE)
    (place / "more" / "other.toml").write_text('extends = "../tiny.toml"\nseed = 8\n')
    (tmp_path / "outside.toml").write_text(FILE)
    return place


@pytest.fixture
def registered(home: Path) -> Path:
    """The test's home with a registered version."""
    quorate.promote(quorate.run(recipe("tiny") | {"gates": EASY}, home=home).run_id, home=home)
    return home


READS: dict[str, tuple[dict[str, Any], str]] = {
    "list_runs": ({"recipe": "tiny", "limit": 1}, '"verdict": "PASS"'),
    "show_report": ({"sections": ["verdict"]}, "tiny: PASS"),
    "compare": ({"runs": ["latest", "latest"]}, "B earned the same as A on every bar"),
    "registry_list": ({}, '"stage": "candidate"'),
    "registry_show": ({"version": "tiny@1"}, '"recipe_digest"'),
    "portfolio": ({"versions": ["tiny"]}, "1 ensemble as one"),
    "list_recipes": ({}, "here: tiny.toml, more/other.toml"),
    "validate": ({"recipe": "more/other.toml"}, "seed = 8"),
    "plan": ({"recipe": "tiny.toml"}, "nothing was fitted or stored"),
    "explain_term": ({"word": "Sharpe"}, "Sharpe (1994)"),
    "tables": ({}, "runs: One row per run"),
    "query": ({"statement": "select recipe, verdict from runs"}, '{"recipe": "tiny", "verdict": "PASS"}'),
}


def test_each_tool_reads_and_no_file_of_the_home_changes(registered: Path, folder: Path) -> None:
    before = hashed(registered)

    async def talking(call: Call, client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {*READS, "explanation"}
        assert all(tool.annotations.read_only_hint and tool.description for tool in tools.values())  # type: ignore[union-attr]
        for name, (arguments, words) in READS.items():
            failed, text = await call(name, **arguments)
            assert not failed, (name, text)
            assert words in text, (name, text)
        failed, text = await call("explanation")
        assert failed
        assert "was not explained yet" in text
        assert len((await client.list_resources()).resources) == 1
        page = (await client.read_resource("quorate://report/latest")).contents[0]
        assert page.mime_type == "text/markdown"
        assert page.text.startswith("# tiny: PASS")  # type: ignore[union-attr]
        with pytest.raises(MCPError, match="there is no run 'nope'"):
            await client.read_resource("quorate://report/nope")

    talk(Server(registered, folder), talking)
    assert hashed(registered) == before


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path, folder: Path) -> None:
    async def talking(call: Call, client: Client) -> None:
        assert await call("list_runs") == (False, "0 of 0 runs\n")
        assert not (await call("plan", recipe="tiny.toml"))[0]
        for name in ("show_report", "explanation"):
            assert "there is no finished run" in (await call(name))[1]
        assert (await client.list_resources()).resources == []

    talk(Server(tmp_path / "none", folder), talking)
    assert not (tmp_path / "none").exists()


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("list_runs", {"limt": 3}, "list_runs takes no argument 'limt': it must be find, limit, .*; did you mean 'limit'?"),
    ("list_runs", {"limit": "all"}, "list_runs: argument 'limit': input should be a valid integer.*; it was 'all'"),
    ("list_runs", {"verdict": "GOOD"}, "argument 'verdict': input should be 'PASS', 'FAIL' or 'INSUFFICIENT'"),
    ("show_report", {"sections": ["gats"]}, "a report has no section 'gats'.*did you mean 'gates'"),
    ("show_report", {"run": "../.."}, r"there is no run '\.\./\.\.'"),
    ("show_report", {"offset": 10**9}, "offset must be below the length of the answer"),
    ("compare", {"runs": ["latest"]}, "at least 2 items"),
    ("compare", {}, "compare needs the argument 'runs'"),
    ("registry_show", {"version": "tiny@9"}, "tiny"),
    ("registry_list", {"as_of": "yesterday"}, "must be a date"),
    ("portfolio", {"versions": ["tiny"], "risk_budget": 0}, "argument 'risk_budget': input should be greater than 0"),
    ("validate", {"recipe": "nasdak"}, "no built-in recipe 'nasdak'; did you mean 'nasdaq'"),
    ("validate", {"recipe": "../outside.toml"}, "recipes and what they name are read from .* only"),
    ("validate", {"recipe": "/etc/passwd.toml"}, "recipes and what they name are read from .* only"),
    ("validate", {"recipe": "tin.toml"}, "there is no recipe 'tin.toml'.*did you mean 'tiny.toml'"),
    ("validate", {"recipe": "wrong.toml"}, "modls"),
    ("validate", {"recipe": "link.toml"}, "recipes and what they name are read from .* only"),
    ("plan", {"recipe": "base.toml"}, "recipes and what they name are read from .* only"),
    ("plan", {"recipe": "code.toml"}, "names plugin files, and to read it would run them: .* --allow run"),
    ("query", {"statement": "copy (select 1) to 'x.csv'"}, "it must be one that reads"),
    ("query", {"statement": "select * from read_csv('/etc/passwd')"}, "read_csv"),
    ("query", {"statement": "select shape from runs"}, "shape"),
    ("explain_term", {"word": "Sharp"}, "did you mean"),
    ("run", {"recipe": "tiny.toml"}, "run is not allowed: .* quorate mcp --allow run"),
    ("audit", {"recipe": "tiny.toml"}, "audit is not allowed: .* quorate mcp --allow audit"),
    ("promote", {"run": "latest"}, "promote is not allowed: .* quorate mcp --allow promote"),
    ("override", {"run": "latest"}, "an override is never allowed here"),
    ("delete_runs", {}, "there is no tool 'delete_runs'"),
]


def test_what_is_wrong_is_an_error_in_our_words(registered: Path, folder: Path) -> None:
    (folder / "wrong.toml").write_text(FILE.replace("models", "modls"))
    (folder / "link.toml").symlink_to(folder.parent / "outside.toml")
    (folder / "base.toml").write_text('extends = "../outside.toml"\n')
    (folder / "code.toml").write_text('extends = "tiny.toml"\nplugins = ["code.py"]\n')
    (folder / "code.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    before = hashed(registered)

    async def talking(call: Call, _: Client) -> None:
        import re

        for name, arguments, words in WRONG:
            failed, text = await call(name, **arguments)
            assert failed, (name, arguments, text)
            assert re.search(words, text), (name, arguments, text)
            assert "Traceback" not in text, text
            assert "pydantic" not in text, text

    talk(Server(registered, folder), talking)
    assert hashed(registered) == before
    assert not (folder / "ran").exists()


def test_a_fault_of_the_platform_is_told_without_a_traceback(
    finished: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(quorate.report.written, "as_text", broken)  # type: ignore[attr-defined]

    async def talking(call: Call, _: Client) -> None:
        assert await call("show_report") == (
            True,
            "KeyError: 'lost': a fault of quorate itself, or a file of the home is damaged",
        )

    talk(Server(finished.path, folder), talking)


def test_a_long_answer_is_cut_and_says_how_to_get_the_rest(
    finished: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_reading, "MOST", 1000)

    async def talking(call: Call, _: Client) -> None:
        whole, offset = "", 0
        while True:
            _, text = await call("show_report", sections=["all"], offset=offset)
            body, noted, note = text.partition("\n[characters ")
            whole += body
            if not noted:
                break
            assert note.endswith(f"the rest with offset={offset + 1000}]")
            offset += 1000
        assert len(whole) > 2000
        assert whole == quorate.report.written.as_text(  # type: ignore[attr-defined]
            quorate.load_report(home=finished.path),
            quorate.report.sections.named("all"),  # type: ignore[attr-defined]
        )
        failed, text = await call("query", statement="select * from predictions", limit=3)
        assert not failed
        assert text.startswith("the first 3 rows, and there are more")

    talk(Server(finished.path, folder), talking)


def test_only_what_is_known_can_be_allowed() -> None:
    assert allowed_of(["run", "audit"]) == {"run", "audit"}
    with pytest.raises(RecipeError, match="must be one of audit, promote, run; it was 'runs'; did you mean 'run'"):
        allowed_of(["runs"])
    with pytest.raises(RecipeError, match="an override is never allowed here"):
        allowed_of(["override"])


def test_recipes_of_a_server_that_may_run_name_plugin_files_of_the_folder_alone(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "far.py").write_text("")
    (folder / "far.toml").write_text('extends = "tiny.toml"\nplugins = ["../far.py"]\n')
    (folder / "near.toml").write_text('extends = "tiny.toml"\nplugins = ["near.py"]\n')
    (folder / "near.py").write_text("")

    async def talking(call: Call, _: Client) -> None:
        assert "are read from" in (await call("validate", recipe="far.toml"))[1]
        assert "are read from" not in (await call("validate", recipe="near.toml"))[1]

    talk(Server(tmp_path / "none", folder, ["run"]), talking)


PLUGIN = """
from quorate import FeatureSpec, hookimpl


def night(open, close):
    return open / close - 1


@hookimpl
def quorate_features():
    yield FeatureSpec("night", night, inputs=("open", "close"), lookback=1)
"""


def started(home: Path, folder: Path) -> Any:
    """Return a server as a client starts it: a process that is talked with on its standard input and output."""
    allowed = [word for name in ("run", "audit", "promote") for word in ("--allow", name)]
    args = ["-m", "quorate", "mcp", *allowed, "--home", str(home)]
    return stdio_client(StdioServerParameters(command=sys.executable, args=args, cwd=folder, env=dict(os.environ)))


def test_what_is_allowed_is_done_tells_its_progress_and_can_be_cancelled(home: Path, folder: Path) -> None:
    slow = FILE.replace("n_bars = 520", "n_bars = 521").replace('"tiny"', '"slow"').replace("logistic = {}, ", "")
    (folder / "slow.toml").write_text(slow + 'gates = { preset = "headline" }\n')

    async def talking(call: Call, client: Client) -> None:
        heard: list[str] = []
        with anyio.CancelScope() as scope:

            async def until_fits(at: float, of: float | None, message: str | None) -> None:
                heard.append(str(message))
                if str(message).endswith("] fits"):
                    scope.cancel()

            await call("run", until_fits, recipe="slow.toml")
        assert scope.cancelled_caught, heard
        state = ""
        while "interrupted" not in state:  # it ends in order
            _, state = await call("list_runs")
            await anyio.sleep(0.1)
        failed, text = await call("resume", run="latest")
        assert not failed, text
        assert text.startswith("run ")
        assert "show_report has the rest" in text
        failed, text = await call("promote", run="slow")
        assert not failed, text
        failed, text = await call("promote", run="--help")
        assert failed
        assert "it was '--help'" in text
        failed, text = await call("resume", run="nope")
        assert failed
        assert text.startswith("there is no run 'nope'")

    talk(started(home, folder), talking)
    assert quorate.load_report("slow", home=home).results["holdout"] is not None


def test_ctrl_c_ends_the_server_though_nothing_comes_on_its_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "quorate", "mcp", "--home", str(tmp_path / "none")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        server.stdin.flush()
        assert b"jsonrpc" in server.stdout.readline()  # it serves
        server.send_signal(signal.SIGINT)
        assert server.wait(240) == 130


@pytest.mark.full
def test_audit_and_explain_are_done_where_they_are_allowed(home: Path, folder: Path) -> None:
    async def talking(call: Call, _: Client) -> None:
        for name, arguments, words in (
            ("audit", {"recipe": "tiny.toml"}, "CLEAN"),
            ("run", {"recipe": "tiny.toml"}, "show_report has the rest"),
            ("explain", {"run": "latest"}, "features"),
            ("explanation", {"run": "latest"}, "features"),
        ):
            failed, text = await call(name, **arguments)
            assert not failed, (name, text)
            assert words in text, (name, text)

    talk(started(home, folder), talking)


def test_a_home_from_elsewhere_must_be_trusted_before_its_code_runs(tmp_path: Path, folder: Path) -> None:
    from quorate.store.trust import forget

    home = tmp_path / "home"

    (folder / "night.py").write_text(PLUGIN)
    table = recipe("tiny") | {"models": {"ridge": {}}, "features": {"use": ["night"]}}
    quorate.run(table, home=home, plugins=[folder / "night.py"])
    forget(home)

    async def talking(call: Call, _: Client) -> None:
        assert not (await call("show_report"))[0]
        failed, text = await call("explain", run="latest")
        assert failed
        assert "say so once with --trust" in text

    talk(Server(home, folder, ["run"]), talking)


def test_without_its_package_the_command_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from quorate.cli._app import app

    for name in [name for name in sys.modules if name.split(".")[0] in ("mcp", "mcp_types")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "quorate.serving.mcp_server", raising=False)
    found = CliRunner().invoke(app, ["mcp"])
    assert found.exit_code == 1
    assert found.output.splitlines() == ["error: quorate mcp needs the package mcp: pip install 'quorate[mcp]'"]
