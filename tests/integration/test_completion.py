"""Completion, asked for as shells ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from quorate.cli._app import app
from quorate.cli.completion import SCRIPTS, answer
from quorate.report.glossary import GLOSSARY, find
from quorate.report.sections import NAMES
from quorate.store import Home
from quorate.store.label import Label, write_label
from support.command import call, message_of

PROGRAM = Path(sys.executable).with_name("quorate")
ROOT = get_command(app)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a home with three runs and a sweep, of which completion sees no more than the folders."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "home"))
    place = Home()
    for one in ("20260101T100000.000000-nasdaq-aaaa", "20260102T100000.000000-nasdaq-bbbb", "20260103T1-noise-cccc"):
        (place.path / "runs" / one).mkdir(parents=True)
    (place.path / "sweeps" / "20260104T1-grid-dddd").mkdir(parents=True)
    write_label(place.runs()[0], Label(name="the first one"))
    return place


@pytest.fixture
def asked(capsys):
    """Return what is offered for the last of some words."""

    def ask(*words, shell="bash"):
        answer(ROOT, shell, words)
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.splitlines()

    return ask


def test_commands_options_and_commands_below_them(asked):
    assert asked("ru") == ["run", "runs"]
    assert set(asked("")) == set(ROOT.commands)
    assert asked("run", "nasdaq", "--dr") == ["--dry-run"]
    assert asked("recipe", "") == ["show", "list"]
    assert asked("--traceback", "cach") == ["cache"]
    assert asked("no-such", "thing", "") == []
    assert "--trials" in asked("sweep", "--t")  # of sweep start, which is meant


def test_recipes_plugins_kinds_sections_and_terms(asked):
    assert asked("run", "na") == ["nasdaq"]
    assert asked("sweep", "na") == ["nasdaq"]
    assert asked("sweep", "sh") == ["show"]
    assert asked("run", "nasdaq", "na") == []  # a second recipe is none
    assert asked("plugins", "show", "lightg") == ["lightgbm", "lightgbm-ranker"]
    assert asked("plugins", "show", "--kind", "sampler", "g") == ["grid", "gp"]
    assert asked("plugins", "--kind", "mo") == ["model"]
    assert asked("plugins", "--kind", "=", "mo") == ["model"]  # as bash has --kind=mo
    assert asked("plugins", "--kind=mo", shell="zsh") == ["--kind=model"]
    assert set(asked("plugins", "--kind", "=")) >= {"model", "gate"}
    assert set(asked("report", "--section", "")) == {*NAMES, "all"}
    assert asked("report", "--section", "months,mem") == ["months,members"]
    assert "months,months" not in asked("report", "--section", "months,")
    assert set(asked("explain-term", "")) >= {name for name in GLOSSARY if " " not in name}
    assert asked("explain-term", "win") == ["win-rate"]
    assert asked("sweep", "nasdaq", "--model", "lightg") == ["lightgbm", "lightgbm-ranker"]


def test_what_is_offered_for_a_term_is_a_term(asked):
    for word in asked("explain-term", ""):
        assert find(word)


def test_runs_by_id_part_and_name_and_sweeps(asked, home):
    every = [run.id for run in home.runs()]
    assert asked("report", "") == ["latest", *reversed(every)]
    assert asked("report", "20260102") == [every[1]]
    assert asked("gate", "bbb") == [every[1]]
    assert asked("gate", "nasdaq") == [every[1]]  # the newest that is called so
    assert asked("runs", "tag", "the fi") == [every[0]]
    assert asked("compare", every[0], every[1], "noise") == [every[2]]
    assert asked("sweep", "show", "") == ["latest", "20260104T1-grid-dddd"]
    assert asked("run", "nasdaq", "--params", "2026") == ["20260104T1-grid-dddd"]
    assert asked("report", "--home", str(home.path.parent / "other"), "20") == []
    assert asked("report", "", shell="fish")[0] == "latest\tthe latest run"


def test_a_broken_home_offers_nothing_and_prints_nothing(asked, home):
    (home.runs()[0].path / "label.json").write_text("{")
    assert asked("gate", "no such name") == []
    shutil.rmtree(home.path)
    home.path.write_text("a file")
    assert asked("gate", "") == []
    done = subprocess.run(
        [PROGRAM, "gate", ""],
        env={**os.environ, "_QUORATE_COMPLETE": "bash"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_that_a_home_holds_can_steer_a_shell(asked, home):
    (home.path / "runs" / "20260109-x$(touch hit)`touch hit`;*'\"").mkdir()
    (home.path / "runs" / "20260109-\x1b[31m").mkdir()
    (home.path / "runs" / "--trust").mkdir()
    assert asked("gate", "20260109") == []
    assert "--trust" not in asked("gate", "")
    assert _bash("gate", "20260109") == [""]
    assert not Path("hit").exists()


def test_plugin_files_that_are_named_are_not_executed_by_a_press_of_tab(asked, tmp_path):
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'hit')!r}, 'w')")
    assert asked("run", "--plugin", str(tmp_path / "mine.py"), "na") == ["nasdaq"]
    assert not (tmp_path / "hit").exists()


def _bash(*words):
    """Return what bash offers, once it has read the script: it calls the function as it would after a Tab."""
    typed = " ".join(f'"{word}"' for word in words)
    script = f"""
source <("{PROGRAM}" completion bash)
complete -p quorate >/dev/null || exit 3
COMP_WORDS=(quorate {typed})
COMP_CWORD={len(words)}
_quorate "{PROGRAM}" "{words[-1]}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_asks_and_is_answered(home):
    assert _bash("run", "na") == ["nasdaq"]
    assert _bash("report", "--section", "months,mem") == ["months,members"]
    assert _bash("gate", "") == ["latest", *(run.id for run in reversed(home.runs()))]


@pytest.mark.skipif(not shutil.which("fish"), reason="there is no fish here")
def test_fish_asks_and_is_answered(home):
    script = f"set -gx PATH {PROGRAM.parent} $PATH; quorate completion fish | source; complete -C 'quorate run na'"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nasdaq\t")


@pytest.mark.skipif(not shutil.which("zsh"), reason="there is no zsh here")
def test_zsh_asks_and_is_answered(home):
    script = f"""
path=({PROGRAM.parent} $path)
compdef() {{ :; }}
_describe() {{ print -l -- "${{(@P)2}}"; }}
_files() {{ print files; }}
source <(quorate completion zsh)
words=(quorate run na); CURRENT=3
_quorate
words=(quorate run qq); CURRENT=3
_quorate
"""
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert first.startswith("nasdaq:")
    assert last == "files"


def test_scripts_are_printed_and_other_shells_told():
    for shell, script in SCRIPTS.items():
        assert call("completion", shell).stdout == script
        assert "eval" not in script
    assert "did you mean 'bash'" in message_of(call("completion", "bsh"), 2)


def test_colons_are_told_to_zsh_as_they_are(home, asked):
    (home.path / "runs" / "20260109:x").mkdir()
    assert asked("gate", "20260109", shell="zsh") == ["20260109\\:x"]
    assert asked("gate", "20260109") == ["20260109:x"]
