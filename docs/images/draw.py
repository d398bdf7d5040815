"""Draw report.svg from the latest nasdaq run: ``quorate run nasdaq``, then ``python docs/images/draw.py``."""

import io
import re
from pathlib import Path

from rich.console import Console

import quorate
from quorate.report.terminal import render

WIDTH = 124

console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, force_terminal=True)
console.print("[bold green]$[/bold green] quorate run nasdaq")
render(quorate.load_report("nasdaq"), console)
svg = console.export_svg(title="quorate", clear=True)
# Fonts are the reader's own; nothing is fetched to look at a picture.
svg = re.sub(r"<!--.*?-->", "", svg)
svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
Path(__file__).with_name("report.svg").write_text(svg, encoding="utf-8")
