"""A small terminal: what a program writes to it is looked at as people would see it."""

from __future__ import annotations

import re
from collections import Counter

_TOKEN = re.compile(r"\x1b\[(\?)?([\d;]*)([A-Za-z])|([^\x1b])", re.DOTALL)


class Terminal:
    """Knows what `quorate.report.screen` writes, and fails on anything else.

    Attributes
    ----------
    controls : Counter
        How often each control sequence came, by its letter; ``2J`` and the like with their number.
    """

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.height = columns, lines
        self.cells = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0
        self.controls: Counter[str] = Counter()
        self.modes: set[str] = set()

    @property
    def text(self) -> list[str]:
        """What is seen, line by line, without blanks at their ends."""
        return ["".join(line).rstrip() for line in self.cells]

    def resize(self, columns: int, lines: int) -> None:
        """Have another size; what was there is cut."""
        kept = [line[:columns] + [" "] * (columns - len(line)) for line in self.cells[:lines]]
        self.columns, self.height = columns, lines
        self.cells = kept + [[" "] * columns for _ in range(lines - len(kept))]

    def feed(self, written: str) -> None:
        """Take what was written."""
        end = 0
        for found in _TOKEN.finditer(written):
            assert found.start() == end, written[end : end + 20]
            end = found.end()
            private, numbers, letter, char = found.groups()
            if char is not None:
                self._put(char)
            elif private:
                (self.modes.add if letter == "h" else self.modes.discard)(numbers)
                assert letter in "hl"
            else:
                self._control(letter, numbers)
        assert end == len(written)

    def _put(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
        else:
            assert char.isprintable()
            assert self.row < self.height, "written below the last line"
            assert self.column < self.columns, "written beyond the last column"
            self.cells[self.row][self.column] = char
            self.column += 1

    def _control(self, letter: str, numbers: str) -> None:
        given = [int(n) for n in numbers.split(";") if n]
        self.controls[letter if letter not in "JK" else numbers + letter] += 1
        if letter == "H":
            self.row, self.column = (given[0] - 1, given[1] - 1) if given else (0, 0)
        elif letter in "JK" and not given:
            rows = range(self.row + 1, self.height) if letter == "J" else ()
            assert self.column < self.columns, "it would erase the last column"
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
            for row in rows:
                self.cells[row] = [" "] * self.columns
        else:
            assert letter == "m", f"{numbers}{letter}"
