"""Draw report.svg and window.svg from the latest nasdaq run: ``quorate run nasdaq``, then this script."""

import asyncio
import io
import re
from pathlib import Path

from rich.console import Console

import quorate
from quorate.report.terminal import render

WIDTH = 124


def plain(svg: str) -> str:
    """Return a picture with the reader's own fonts: nothing is fetched to look at it."""
    svg = re.sub(r"<!--.*?-->", "", svg)
    return re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")


console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, force_terminal=True)
console.print("[bold green]$[/bold green] quorate run nasdaq")
render(quorate.load_report("nasdaq"), console)
svg = console.export_svg(title="quorate", clear=True)
Path(__file__).with_name("report.svg").write_text(plain(svg), encoding="utf-8")


async def window() -> str:
    """Return the window at the equity of the run."""
    from quorate.cli._ui import doors_of
    from quorate.report.browser import Browser
    from quorate.store import Home

    run = Home().find("nasdaq").id
    app = Browser(Home(), doors_of(Home()), run)
    async with app.run_test(size=(WIDTH, 32)) as pilot:
        await pilot.pause(2)
        await pilot.press("e", "home")
        await pilot.pause(1)
        await pilot.press(*["f"] * 73)
        await pilot.pause(1)
        return app.export_screenshot(title="quorate ui")


Path(__file__).with_name("window.svg").write_text(plain(asyncio.run(window())), encoding="utf-8")
