"""The glossary in a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from quorate.report import console


def render(terms: Mapping[str, Mapping[str, str]]) -> None:
    """Print one term in three lines, or the names of all."""
    target = console.out()
    if len(terms) > 1:
        target.print(console.Text(", ".join(sorted(terms, key=str.lower))))
        target.print(console.Text("one of them: quorate explain-term WORD", style="bright_black"))
        return
    for name, term in terms.items():
        target.print(console.Text(name, style="bold"))
        rows = [("means", term["meaning"]), ("reckoned", term["formula"]), ("source", term["source"])]
        target.print(console.facts(rows))
