"""Every command of the tutorial, in its order, does what the page says."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from support.command import call

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def bare(text: str) -> str:
    return " ".join(text.split())


def test_the_commands_of_the_tutorial_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed, count = "", 0
    for kind, text in blocks():
        if kind == "python":
            Path(text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
        elif kind == "sh":
            printed = ""
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                expected = re.search(r"# exits (\d+)", line)
                if words[0] == "python":
                    runpy.run_path(words[1])
                    continue
                result = call(*words[1:])
                assert result.exit_code == (int(expected[1]) if expected else 0), f"{line}\n{result.output}"
                printed, count = printed + result.stdout, count + 1
        elif kind == "text":
            for line in text.splitlines():
                assert bare(line) in bare(printed), line
        elif kind == "toml":
            recipe = Path("my_bars.toml").read_text(encoding="utf-8")
            assert [line for line in text.splitlines() if line not in recipe.splitlines()] == []
    assert count == 10
    assert Path("report.html").stat().st_size > 10_000


def test_what_the_tutorial_names_beside_its_commands_exists() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [link for link in re.findall(r"\]\(([\w./-]+)\)", page) if not (PAGE.parent / link).exists()] == []
    for line in re.findall(r"^- `quorate ([^`]+)`", page, re.MULTILINE):
        command, *options = shlex.split(line)
        told = call(command, "--help").stdout
        assert [option for option in options if option.startswith("--") and option not in told] == []
