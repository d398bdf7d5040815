"""The interactive window: its views, by keys alone, on homes of every kind."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from quorate.report.browser.catalogue import Catalogue
from quorate.report.browser.curves import CurvesView
from quorate.report.browser.listing import Listing
from quorate.report.browser.panes import TradesPane
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import word
from quorate.store import Home, Run
from support.window import BARS, FAILED, PASSED, STOPPED, SWEEP, TORN, Window, walk


def test_every_view_is_reached_and_left_by_keys_alone(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        await window.press("end", "enter")
        assert window.crumbs == [PASSED.partition("-")[2], "verdict"]
        seen = []
        for _ in range(19):
            seen.append(window.crumbs[-1].split(" ")[0])
            await window.press("n")
        assert seen[:3] == ["verdict", "performance", "equity"]
        assert seen[-2:] == ["timeline", "recipe"]
        await window.press("g")
        assert window.focus == "gates"
        await window.press("escape")
        assert window.focus == "side"
        await window.press("escape")
        assert window.crumbs == ["4 runs"]
        await window.press("up", "space", "space", "c")
        assert window.crumbs == ["2 compared"]
        await window.press("f", "q", "2", "enter")
        assert window.crumbs == [f"{SWEEP.partition('-')[2]}", "overview"]
        await window.press("n", "enter", "down", "s", "escape", "escape", "3")
        assert "› 0" in window.lines()[0]
        await window.press("4", "question_mark")
        assert "Commands that were begun here" in window.text()
        await window.press("escape", "q")
        assert window.crumbs[0].startswith("4 runs")
        await window.press("q")
        assert not window.app.is_running

    walk(drawn, steps)


def test_the_window_opens_at_a_run(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        assert window.crumbs == [FAILED.partition("-")[2], "verdict"]
        assert "planted  FAIL" in window.text()

    walk(drawn, steps, run=FAILED)


def test_lists_are_narrowed_down_and_say_which_command_does_so(drawn: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORATE_HOME", str(drawn.path))

    async def steps(window: Window) -> None:
        await window.press("slash")
        await window.write('tag:"second try" pla')
        await window.press("enter")
        assert "› 1 of 4 runs" in window.text()
        assert "$ quorate runs --tag 'second try' --find pla" in window.text()
        await window.press("slash")
        for _ in range(30):
            await window.pilot.press("backspace")
        await window.write("verdict:f")
        assert "$ quorate runs --verdict FAIL" in window.text()
        await window.press("enter", "s")
        assert "$ quorate runs --verdict FAIL --sort sharpe" in window.text()
        await window.press("escape")
        assert window.crumbs == ["4 runs"]

    walk(drawn, steps)


def test_the_cursor_of_the_curves_reads_what_is_stored(drawn: Home) -> None:
    run = Run(drawn, PASSED)
    report = Report(run.report(), run)
    name = "{name}/{strategy}".format(**report.results["holdout"]["series"][0])
    table = report.stored("equity").iloc[BARS:].reset_index(drop=True)

    async def steps(window: Window) -> None:
        await window.press("end", "e", "home", *["right"] * 7)
        told = f"{table['time'][7]:%Y-%m-%d}  equity  ensemble {figure(table[name][7], 'currency')}"
        assert told in window.text()
        view = window.app.screen.query_one(CurvesView)
        for place in (0, 100, BARS - 1):
            view.action_move(place - view.place)
            values = [table[name][place], table["buy-and-hold/hold"][place]]
            assert [figure(value, "currency") for value in values] == [
                figure(found[view.place], "currency") for found in view.panes[0].values.values()
            ]
        await window.press("i", "i", "y")
        assert window.app.clipboard.startswith(f"{table['time'][BARS - 1]:%Y-%m-%d}  ensemble ")
        await window.press("h")
        assert window.crumbs[-1] == "equity (development)"

    walk(drawn, steps)


def test_trades_are_ordered_and_lead_to_the_curves(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        await window.press("end", "t")
        pane = window.app.screen.query_one(TradesPane)
        listing = pane.query_one(Listing)
        assert listing.things[0]["entered"] == max(trade["entered"] for trade in listing.things)
        for _ in range(20):  # there are fewer orders
            if pane.order != "return":
                await window.press("s")
        earned = [trade["return"] for trade in listing.things]
        assert earned == sorted(earned, reverse=True)
        assert "return▾" in window.text()
        await window.press("r", "down", "enter")
        view = window.app.screen.query_one(CurvesView)
        assert str(view.times[view.place])[:10] == listing.thing["entered"]
        assert window.app.focused is view

    walk(drawn, steps)


def test_gates_show_their_evidence(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        await window.press("down", "down", "g")
        first = window.app.screen.query_one("#gates", Listing).thing
        assert f"{first['gate']}  {word(first)}" in window.text()
        assert str(first["uncertainty"]) in window.text()
        await window.press("end")
        last = window.app.screen.query_one("#gates", Listing).thing
        assert last["gate"] != first["gate"]
        assert f"{last['gate']}  {word(last)}" in window.text()
        assert f"must be {last['condition']}" in window.text()
        assert "{" not in window.text()

    walk(drawn, steps)


def test_a_trial_is_told_where_it_lies(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        await window.press("2", "enter", "n", "enter", "s")
        listing = window.app.screen.query_one("#trials", Listing)
        best = max(trial["values"][0] for trial in listing.things if trial["values"][0] is not None)
        assert listing.things[0]["values"][0] == best
        await window.press("down")
        for name in listing.thing["params"]:
            assert name in window.text()
        assert "█" in window.text()

    walk(drawn, steps, size=(120, 50))


@pytest.mark.parametrize("run", [TORN, STOPPED])
def test_what_is_damaged_or_unfinished_is_said(drawn: Home, run: str) -> None:
    async def steps(window: Window) -> None:
        if run == TORN:
            assert "unreadable" in window.text()
            await window.press("enter")
            assert "Unterminated string" in window.text()
        else:
            await window.press("down", "enter")
            assert "interrupted" in window.text()
            assert "resume" in window.text()
        await window.press("n", "n", "p", "escape")
        assert window.crumbs == ["4 runs"]

    walk(drawn, steps)


def test_tables_that_are_gone_or_changed_are_said(own: Home) -> None:
    for path in own.path.rglob("equity.parquet"):
        path.write_bytes(b"no table")
    for path in own.path.rglob("trades.parquet"):
        path.unlink()

    async def steps(window: Window) -> None:
        await window.press("end", "e")
        assert "cannot be shown" in window.text()
        await window.press("t")
        assert "cannot be shown" in window.text()
        await window.press("escape", "escape")

    walk(own, steps)


def test_what_another_process_does_to_the_home_is_seen(own: Home) -> None:
    async def steps(window: Window) -> None:
        await window.press("end", "enter")
        shutil.rmtree(Run(own, PASSED).path)
        label = {"name": "renamed", "tags": ["new"], "note": ""}
        (Run(own, FAILED).path / "label.json").write_text(json.dumps(label), encoding="utf-8")
        window.app.catalogue.soon()
        await window.until(lambda: "not there any more" in window.text())
        await window.press("escape", "escape")
        await window.until(lambda: "3 runs" in window.text())
        assert "renamed" in window.text()
        shutil.rmtree(own.path)
        window.app.catalogue.soon()
        await window.until(lambda: "no runs in" in window.text())
        await window.press("enter", "a", "c", "2", "3", "4", "1")

    walk(own, steps)


def test_any_size_will_do(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        for keys in ((), ("end", "enter"), ("e",), ("g",), ("t",), ("escape", "escape", "2", "enter", "n", "enter")):
            await window.press(*keys)
            for size in ((20, 6), (200, 60)):
                await window.pilot.resize_terminal(*size)
                await window.settle()
                assert len(window.lines()) == size[1]

    walk(drawn, steps)


def test_the_mouse_works(drawn: Home) -> None:
    async def steps(window: Window) -> None:
        await window.pilot.click(Listing, offset=(20, 3))
        await window.settle()
        rows = window.app.screen.query_one(Listing)
        assert rows.thing["run"] == FAILED
        heading = next(line for line in window.lines() if "Sharpe" in line)
        await window.pilot.click(Listing, offset=(heading.index("Sharpe"), 0))
        await window.settle()
        assert "--sort sharpe" in window.text()
        await window.pilot.click(Listing, offset=(20, 2), times=2)
        await window.settle()
        assert window.crumbs[-1] == "verdict"
        await window.pilot.mouse_down("#page", offset=(2, 1))
        await window.pilot.hover("#page", offset=(30, 3))
        await window.pilot.mouse_up("#page", offset=(30, 3))
        await window.press("ctrl+c")
        assert len(window.app.clipboard.splitlines()) == 3

    walk(drawn, steps)


def test_a_listing_of_very_many_is_drawn_by_what_is_seen(drawn: Home) -> None:
    made: list[int] = []

    def cell(number: int) -> str:
        made.append(number)
        return f"{number:,}"

    async def steps(window: Window) -> None:
        listing = Listing(lambda _: [("number", "right", 0, cell)], int)
        await window.app.screen.mount(listing, before="#told")
        listing.focus()
        listing.show(range(1_000_000))
        await window.settle()
        assert len(made) < 1_000
        await window.press("end")
        assert listing.thing == 999_999
        assert "999,999" in window.text()

    walk(drawn, steps)


def test_little_is_sent_where_only_the_cursor_of_a_list_moves(drawn: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.report.browser.catalogue.PAUSE", 60.0)
    sent: list[int] = []

    async def steps(window: Window) -> None:
        display = window.app._display

        def told(screen: Any, picture: Any) -> None:
            if hasattr(picture, "render_segments"):
                sent.append(len(picture.render_segments(window.app.console)))
            display(screen, picture)

        monkeypatch.setattr(window.app, "_display", told)
        await window.press("end", "enter", "escape", "escape")
        whole = max(sent)
        sent.clear()
        await window.press("up")
        assert 0 < sum(sent) < whole / 8

    walk(drawn, steps)


def test_many_runs_are_told_now_and_then_while_they_are_read(drawn: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.report.browser.catalogue.BATCH", 1)
    monkeypatch.setattr("quorate.report.browser.catalogue.OFTEN", 1e6)
    told: list[int] = []
    catalogue = Catalogue(drawn, lambda: told.append(len(catalogue.rows("run"))))
    assert catalogue.look()
    assert told == [1, 4]
