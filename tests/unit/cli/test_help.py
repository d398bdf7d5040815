"""What --help says: every command in one group, and examples that are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.exceptions import TyperException
from typer.main import get_command
from typer.testing import CliRunner

from quorate.cli._app import app
from quorate.cli._help import EXAMPLES, GROUPS
from support.command import call

ROOT = get_command(app)
REPOSITORY = Path(__file__).parents[3]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def commands(one=ROOT, name=""):
    """Yield every command, those below others too, by its whole name."""
    yield name, one
    for below, inner in getattr(one, "commands", {}).items():
        yield from commands(inner, f"{name} {below}".strip())


def parse(line):
    """Read a command line as the program does, without doing anything; raise what it would complain of."""
    found = re.search(r"quorate .*[^)]", line.partition(" && ")[0])
    words = shlex.split(found[0], comments=True)[1:]
    context = ROOT.make_context("quorate", words)
    one = ROOT
    while getattr(one, "commands", None) and (rest := [*context._protected_args, *context.args]):
        name, one, rest = one.resolve_command(context, rest)
        context = one.make_context(name, rest, parent=context)
    return one


def test_every_command_is_in_one_group():
    placed = [name for names in GROUPS.values() for name in names]
    assert len(placed) == len(set(placed))
    assert set(ROOT.commands) <= set(placed)
    text = call("--help").stdout
    places = [text.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    assert "Further:" not in text
    assert re.search(r"^  promote +Open the holdout", text, re.MULTILINE)


def test_a_command_that_nobody_placed_is_listed_all_the_same(monkeypatch):
    monkeypatch.setitem(GROUPS, "Judge", ())
    text = call("--help").stdout
    assert "Judge:" not in text
    assert re.search(r"^  promote +Open the holdout", text.partition("Further:")[2], re.MULTILINE)


@pytest.mark.parametrize("width", [50, 80])
def test_the_list_of_commands_is_cut_nowhere(width):
    text = CliRunner().invoke(app, ["--help"], terminal_width=width).stdout
    assert "..." not in text.partition("\n")[2]
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("name", sorted(name for name, _ in commands()))
def test_every_command_has_examples_which_are_commands(name):
    lines = EXAMPLES[name]
    text = call(*name.split(), "--help").stdout
    for line in lines:
        assert line in text
    for line in (line for line in lines if "COMMAND" not in line):
        assert parse(line).name
    if name:
        assert any(f"quorate {name.removesuffix(' start')}" in line for line in lines)


def test_there_is_no_example_of_a_command_that_is_gone():
    assert {name for name in EXAMPLES if name != "init"} <= {name for name, _ in commands()}


@pytest.mark.parametrize(
    "line, told",
    [
        ("quorate run nasdaq --no-such", "--no-such"),
        ("quorate runs tags latest", "tags"),
        ("quorate explain --top many", "--top"),
        ("quorate override latest", "--reason"),
        ("quorate gate one two", "two"),
    ],
)
def test_an_example_that_is_no_command_is_noticed(line, told):
    with pytest.raises(TyperException) as error:
        parse(line)
    assert told in error.value.format_message()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_pages_show_are_commands(page):
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in _lines(block):
            parse(line)


def _lines(block):
    whole = block.replace("\\\n", " ")
    return [line for line in whole.splitlines() if re.match(r"(source <\()?quorate ", line)]
