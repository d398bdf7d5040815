"""Pictures drawn over each other: what is seen, and what that takes."""

from __future__ import annotations

import io
import random
from contextlib import suppress

import pytest
from rich.console import Console as RichConsole
from rich.live import Live

from quorate.report.console import Console, Text
from quorate.report.live import Watched
from quorate.report.screen import Screen
from quorate.store import Home, Run
from support import logs
from support.terminal import Terminal


class Written(io.StringIO):
    encoding = "utf-8"

    def take(self):
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def screen(columns, lines):
    file = Written()
    return Screen(Console(file=file, force_terminal=True, width=columns, height=lines, color_system="256")), file


def replayed(folder, events, step, columns, lines):
    """Yield pictures of a log that grows, one for each `step` seconds of its time, whatever was written in them."""
    run, now, at = Run(Home(folder), "r"), logs.START, 0
    watched = Watched(run, clock=lambda: now)
    while at < len(events):
        now, begin = now + step, at
        while at < len(events) and events[at]["time"] <= now:
            at += 1
        logs.append(run.path, *events[begin:at])
        watched.update()
        yield watched.draw(columns, lines)
    assert watched.heard.computed == sum(event["event"] == "fit" for event in events)


@pytest.mark.parametrize("columns, lines", [(100, 40), (80, 24), (40, 12)])
def test_a_replay_of_64_workers_does_not_flicker(tmp_path, columns, lines):
    shown, file = screen(columns, lines)
    terminal, heights, sizes, places = Terminal(columns, lines), [], [], []
    for picture in replayed(tmp_path, list(logs.busy(64, 8, 250)), 1.0, columns, lines):
        shown.show(picture)
        written = file.take()
        terminal.feed(written)
        # What is seen is the picture, and it never takes more lines than there are, nor fewer than before.
        expected = [line.rstrip() for line in picture.plain.split("\n")]
        assert terminal.text == expected + [""] * (lines - len(expected))
        heights.append(len(expected))
        places.append([i for i, line in enumerate(expected) if line.startswith(("elapsed", "workers", "model-0"))])
        sizes.append(len(written.encode()))
    assert len(sizes) > 80
    assert heights[:-1] == sorted(heights[:-1])  # the last one is of the end, and has other things to say
    assert len({str(place) for place in places[:-1]}) == 1
    # Nothing is cleared but what is below the first picture and the last one.
    assert not {"2J", "3J", "1J", "2K", "1K"} & set(terminal.controls)
    assert terminal.controls["J"] <= 2
    assert max(sizes[5:-1]) < 2500
    assert sum(sizes) / len(sizes) < 1800


def test_a_replay_takes_less_than_half_of_what_rewriting_takes(tmp_path):
    shown, ours = screen(100, 40)
    theirs = Written()
    live = Live(
        console=RichConsole(file=theirs, force_terminal=True, width=100, height=40, color_system="256"),
        auto_refresh=False,
    )
    with live:
        for picture in replayed(tmp_path, list(logs.busy(64, 8, 60)), 0.5, 100, 40):
            shown.show(picture)
            live.update(picture, refresh=True)
    assert len(ours.getvalue()) < len(theirs.getvalue()) / 2


def test_nothing_is_written_of_what_is_there_already():
    shown, file = screen(20, 5)
    shown.show(Text("one\ntwo"))
    file.take()
    shown.show(Text("one\ntwo"))
    assert file.take() == ""
    shown.show(Text("one\nto"))
    assert file.take() == "\x1b[?2026h\x1b[2;2Ho\x1b[K\x1b[?2026l"
    shown.show(Text("one\nso"))
    assert file.take() == "\x1b[?2026h\x1b[2;1Hs\x1b[?2026l"


def test_any_picture_follows_any_other():
    rng = random.Random(7)
    shown, file = screen(12, 6)
    terminal = Terminal(12, 6)
    for _ in range(400):
        lines = []
        for _ in range(rng.randrange(9)):
            line = Text()
            for _ in range(rng.randrange(4)):
                line.append(rng.choice(["a", "ab", "abc ", "b"]), rng.choice(["", "red", "bold"]))
            lines.append(line)
        shown.show(Text("\n").join(lines))
        terminal.feed(file.take())
        expected = [line.plain.rstrip() for line in lines][:6]
        assert terminal.text == expected + [""] * (6 - len(expected))


def test_another_style_of_the_same_letters_is_written():
    shown, file = screen(20, 5)
    shown.show(Text("done 5", "red"))
    file.take()
    shown.show(Text("done 5", "green"))
    assert "\x1b[32mdone 5" in file.take()


def test_a_terminal_of_another_size_is_drawn_anew(monkeypatch):
    shown, file = screen(20, 5)
    terminal = Terminal(20, 5)
    shown.show(Text("a line of some length\nand more".replace(" of", ""), no_wrap=True))
    terminal.feed(file.take())
    terminal.resize(8, 3)
    monkeypatch.setattr(Screen, "size", (8, 3))
    shown.show(Text("narrow\nand low\nyes"))
    terminal.feed(file.take())
    assert terminal.text == ["narrow", "and low", "yes"]
    terminal.resize(30, 6)
    monkeypatch.setattr(Screen, "size", (30, 6))
    shown.show(Text("wide"))
    terminal.feed(file.take())
    assert terminal.text == ["wide", "", "", "", "", ""]


def test_the_terminal_is_given_back_whatever_happens():
    shown, file = screen(20, 5)
    terminal = Terminal(20, 5)
    with suppress(KeyboardInterrupt), shown.taken():
        terminal.feed(file.take())
        assert "1049" in terminal.modes
        raise KeyboardInterrupt
    assert file.take().endswith("\x1b[?25h\x1b[?1049l")


def test_what_a_terminal_cannot_write_stops_nothing():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Screen(Console(file=file, force_terminal=True, width=20, height=5)).show(
        Text("caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    )
    assert b"caf?" in file.buffer.getvalue()
