"""Work that takes long or writes, done by the command line in a process of its own: its progress, its end, its stop."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.text import TextReceiveStream

from quorate.errors import QuorateError

STOPPING = 60.0  # seconds that a job may take to end in order after it was interrupted
HEARD = 200  # lines of what it told that are kept, for its error


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, and what it wrote to the standard output."""

    code: int
    output: str


async def command(
    args: Sequence[str],
    hear: Callable[[str], Awaitable[None]],
    home: Path | None,
    starting: threading.Lock,
    codes: Sequence[int] = (0,),
) -> Done:
    """Run a command of ``quorate`` and return how it ended; interrupted in order, where the caller is cancelled.

    Parameters
    ----------
    args : sequence of str
        The command and its arguments, as they are typed.
    hear : coroutine function
        Is told each line of its progress.
    home : Path, optional
        Given as ``--home``.
    starting : Lock
        Is held while it starts: limits of this process are not to be those of the job.
    codes : sequence of int
        With which it ended as it should.

    Raises
    ------
    QuorateError
        If it ended otherwise, with what it said.
    """
    whole = [sys.executable, "-m", "quorate", *args, *(["--home", str(home)] if home else [])]
    said: list[str] = []
    written: list[str] = []

    async def keep(line: str) -> None:
        said.append(line)
        del said[:-HEARD]
        await hear(line)

    await anyio.to_thread.run_sync(starting.acquire)
    try:
        begun = await anyio.open_process(whole, stdin=subprocess.DEVNULL, start_new_session=True)
    finally:
        starting.release()
    async with begun as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_collect, process.stdout, written)
                group.start_soon(_lines, process.stderr, keep)
            code = await process.wait()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _stop(process)
            raise
    if code not in codes:
        raise QuorateError(_reason(said, code))
    return Done(code, "".join(written))


async def _collect(stream: ByteReceiveStream, written: list[str]) -> None:
    written.extend([text async for text in TextReceiveStream(stream, errors="replace")])


async def _lines(stream: ByteReceiveStream, hear: Callable[[str], Awaitable[None]]) -> None:
    begun = ""
    async for text in TextReceiveStream(stream, errors="replace"):
        *whole, begun = (begun + text).split("\n")
        for line in filter(str.strip, whole):
            await hear(line)
    if begun.strip():
        await hear(begun)


async def _ignore(line: str) -> None:
    """Hear nothing: nobody waits for it any more."""


async def _stop(process: Process) -> None:
    """Interrupt it as Ctrl-C does, so that what was finished is kept; end it, if that takes too long."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    with anyio.move_on_after(STOPPING):
        async with anyio.create_task_group() as group:  # a full pipe would hold it up
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    group.start_soon(_lines, stream, _ignore)
            await process.wait()
    if process.returncode is None:
        process.kill()


def _reason(said: Sequence[str], code: int) -> str:
    """Return the errors that a command told, and the lines that belong to them."""
    first = next((k for k, line in enumerate(said) if line.startswith("error: ")), None)
    if first is None:
        return "\n".join(said[-3:]) or f"it ended with code {code}, and said nothing"
    return "\n".join(said[first:]).removeprefix("error: ")
