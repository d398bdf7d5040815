"""Reading a report: in whole lines, through a pager, and wherever letters or pipes give out."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

import quorate
from quorate.report.plain import text_of
from quorate.report.sections import NAMES, sections_of
from quorate.report.sections.model import Facts, Heat, Lines, Table, Text
from support.command import call

COMMAND = [sys.executable, "-m", "quorate"]


def numbers(text):
    """The numbers of a text, in order."""
    return re.findall(r"[-+]?\d[\d,]*\.?\d*%?", text)


def test_whole_lines_say_every_number_of_every_section_and_draw_nothing(finished):
    report = quorate.load_report(home=finished.path)
    sections = sections_of(report)
    text = text_of(sections)
    assert text.isascii()
    assert max(map(len, text.splitlines())) > 200  # a line is not cut
    for section in sections:
        whole = text_of([section])
        told = []
        for block in section.blocks:
            if isinstance(block, Table):
                told += [cell.text for rows in block.groups for row in rows for cell in row]
            elif isinstance(block, Facts):
                told += [said for _, said in block.rows]
            elif isinstance(block, Text):
                told.append(block.text)
            elif isinstance(block, Heat):
                told += [block.said(value) for values in block.values for value in values]
            elif isinstance(block, Lines):
                assert all(f"{block.title}, {name}: first " in whole for name in block.values)
        assert all(one in whole for one in told), section.name
    assert call("report", "--plain", "--section", "all", "--home", finished.path).stdout == text
    few = call("report", "--plain", "--brief", "--home", finished.path).stdout
    assert few == text_of(sections_of(report, ("verdict",)))
    assert len(NAMES) > 10


def in_terminal(arguments, lines, **environment):
    """Return what a command shows in a terminal of so many lines, and how it ends."""
    main, side = pty.openpty()
    env = {**os.environ, "LINES": str(lines), "COLUMNS": "100", "TERM": "xterm-256color", **environment}
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdin=side, stdout=side, stderr=side, env=env)
    os.close(side)
    found, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([main], [], [], 0.2)[0]:
            try:
                piece = os.read(main, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            found += piece
        elif process.poll() is not None:
            break
    os.close(main)
    return found.decode(), process.wait(timeout=30)


def test_what_is_longer_than_the_terminal_goes_through_a_pager(finished):
    report = ("report", "--home", finished.path)
    long, code = in_terminal(report, 10, PAGER="sed 's/^/PAGED /'")
    assert code == 0
    assert long.count("PAGED ") > 20
    assert "\x1b[" in long  # in colour
    short, code = in_terminal(report, 1000, PAGER="sed 's/^/PAGED /'")
    assert (code, short.count("PAGED ")) == (0, 0)
    assert [line.removeprefix("PAGED ") for line in long.splitlines()] == short.splitlines()


@pytest.mark.parametrize("pager", ["no-such-pager", "", "head -1", "false"])
def test_a_pager_that_is_not_there_or_leaves_early_costs_nothing(finished, pager):
    text, code = in_terminal(("report", "--home", finished.path), 10, PAGER=pager)
    assert code == 0
    assert "Traceback" not in text
    assert ("how sure" in text.lower()) == (pager in ("no-such-pager", ""))


def test_nothing_is_paged_where_nobody_reads(finished):
    done = subprocess.run(
        [*COMMAND, "report", "--home", finished.path], env={**os.environ, "PAGER": "false"}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "Performance" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii"])
@pytest.mark.parametrize("more", [(), ("--plain",)])
def test_a_terminal_with_few_letters_shows_all_of_it(finished, encoding, more):
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    arguments = [*COMMAND, "report", "--section", "all", "--home", finished.path, *more]
    done = subprocess.run(arguments, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Performance" in done.stdout.decode(encoding)


@pytest.mark.parametrize("command", [("report", "--html"), ("report", "--markdown"), ("timeline", "--chrome")])
def test_a_link_a_device_or_a_pipe_is_left_alone(finished, tmp_path, command):
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("mine")
    link.symlink_to(file)
    for path in (pipe, link):
        found = call(*command, path, "--home", finished.path)
        assert (found.exit_code, found.stdout) == (1, "")
        assert f"cannot write {path}: it is no regular file; give another name" in found.stderr
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert file.read_text() == "mine"


def test_a_report_whose_tables_were_changed_is_shown_and_says_so(finished, tmp_path):
    [table] = finished.path.glob("runs/*/development/equity.parquet")
    table.write_bytes(table.read_bytes()[:200])
    shown = call("report", "--plain", "--section", "all", "--home", finished.path)
    assert shown.exit_code == 0
    assert shown.stdout.count("This cannot be shown:") == 5  # all that is drawn or reckoned from it
    usual = call("report", "--home", finished.path)
    assert (usual.exit_code, usual.stdout.count("This cannot be shown:")) == (0, 1)
    assert "was changed after the run: it has another hash" in shown.stdout
    assert call("report", "--html", tmp_path / "a.html", "--home", finished.path).exit_code == 0
    table.unlink()
    assert "is not whole" in call("report", "--plain", "--section", "all", "--home", finished.path).stdout
