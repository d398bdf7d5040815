"""Pictures on a terminal, each drawn over the one before: only what changed is written, nothing is cleared."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from quorate.report.console import Console, Text

# Another screen, so that what was on this one is there again afterwards; no cursor; from its upper left corner on.
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[J", "\x1b[?25h\x1b[?1049l"
# A terminal that knows these shows what is between them at once, others ignore them.
TOGETHER, DONE = "\x1b[?2026h", "\x1b[?2026l"


class Screen:
    """A terminal that shows one picture after the other.

    Parameters
    ----------
    target : Console
        The terminal.
    """

    def __init__(self, target: Console) -> None:
        self._target = target
        self._lines: list[Text] = []
        self._size: tuple[int, int] = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        with suppress(OSError, ValueError, AttributeError):
            columns, lines = os.get_terminal_size(self._target.file.fileno())
            if columns > 0 and lines > 0:
                return columns, lines
        return self._target.width, self._target.height

    @contextmanager
    def taken(self) -> Iterator[Screen]:
        """Have the terminal meanwhile; it is given back however that ends, and while the program is stopped."""

        def stopped(number: int, frame: FrameType | None) -> None:
            self._write(LEAVE)
            os.kill(os.getpid(), signal.SIGSTOP)
            self._begin()

        with _silent_keys():
            before = signal.signal(signal.SIGTSTP, stopped)
            self._begin()
            try:
                yield self
            finally:
                signal.signal(signal.SIGTSTP, before)
                with suppress(OSError):  # the terminal may be gone
                    self._write(f"\x1b[{len(self._lines) + 1};1H{LEAVE}")

    def _begin(self) -> None:
        self._lines, self._size = [], (0, 0)
        self._write(ENTER)

    def show(self, picture: Text) -> None:
        """Show a picture; of lines that are there already nothing is written."""
        size, lines = self.size, list(picture.split("\n", allow_blank=True))
        lines = lines[: size[1]]
        anew, before = size != self._size, self._lines
        parts = []
        for row, line in enumerate(lines):
            if anew or row >= len(before):
                parts.append(self._at(row, 0, line, erase=line.cell_len < size[0]))
            elif not _same(line, before[row]):
                parts.append(self._changed(row, before[row], line))
        if anew or len(lines) < len(before):
            parts += [f"\x1b[{len(lines) + 1};1H\x1b[J"] if len(lines) < size[1] else []
        self._lines, self._size = lines, size
        if parts:
            self._write(TOGETHER + "".join(parts) + DONE)

    def _changed(self, row: int, before: Text, line: Text) -> str:
        """Return what makes one line of the other: from the first that differs to the last that does."""
        same = _alike(before.plain, line.plain)
        if not _same(before[:same], line[:same]):
            same = 0
        end = len(line)
        if before.cell_len == line.cell_len:
            alike = _alike(before.plain[:same:-1], line.plain[:same:-1])
            if alike and _same(before[len(before) - alike :], line[end - alike :]):
                end -= alike
        return self._at(row, line[:same].cell_len, line[same:end], erase=line.cell_len < before.cell_len)

    def _at(self, row: int, column: int, text: Text, erase: bool) -> str:
        """Return what writes a text at a place, and erases the rest of its line."""
        with self._target.capture() as captured:
            self._target.print(text, end="", soft_wrap=True)
        return f"\x1b[{row + 1};{column + 1}H{captured.get()}" + ("\x1b[K" if erase else "")

    def _write(self, text: str) -> None:
        coding = self._target.encoding
        self._target.file.write(text.encode(coding, "replace").decode(coding))
        self._target.file.flush()


def _same(one: Text, other: Text) -> bool:
    return one == other and one.style == other.style  # to rich the style of the whole makes no difference


def _alike(one: str, other: str) -> int:
    """Return with how many equal letters two texts begin."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@contextmanager
def _silent_keys() -> Iterator[None]:
    """Have keys that are pressed not shown: they would stand in the picture."""
    import termios

    try:
        keys = sys.stdin.fileno()
        before = termios.tcgetattr(keys)
    except (OSError, ValueError, AttributeError, termios.error):
        yield
        return
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(keys, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with suppress(OSError, termios.error):
            termios.tcsetattr(keys, termios.TCSANOW, before)
