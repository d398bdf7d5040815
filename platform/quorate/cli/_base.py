"""What all commands share: how errors and results are told.

Results go to stdout, all else to stderr. Exit codes: 0 the command did its work, 1 it failed, 2 the
recipe or the command line is wrong, 130 interrupted; `gate` and `promote`: 0 pass, 10 fail,
11 insufficient, 12 integrity; `monitor`: 13 doubt, 14 withdraw. All of them, by command, stand in docs/operations.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from quorate.errors import IntegrityError, Interrupted, QuorateError, RecipeError, reason_of, visible

EXIT = {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11, "KEEP": 0, "TOO EARLY": 0, "DOUBT": 13, "WITHDRAW": 14}
INTEGRITY = 12
INTERRUPTED = 130
JUDGING = ("gate", "promote", "monitor")

shown = {"traceback": False}


@contextmanager
def printing() -> Iterator[None]:
    """Print results; that nobody reads them to the end, as with `| head`, does not change how the command ends."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as e:
        what = e.filename or "cannot write the result"
        raise QuorateError(f"{what}: {e.strerror or e}") from e


@contextmanager
def working() -> Iterator[Any]:
    """Show progress; what a plugin prints meanwhile is no result and goes to stderr."""
    from quorate.execution.resources import process_start
    from quorate.report.progress import make_progress

    progress = make_progress()
    progress.since = process_start()
    try:
        with redirect_stdout(sys.stderr):
            yield progress
    finally:
        with suppress(OSError):  # the terminal may be gone
            progress.close()


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Turn errors into messages and exit codes."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            with printing():
                function(*args, **kwargs)
        except QuorateError as error:
            from quorate.cli._mistaken import meant_another

            e = meant_another(function, kwargs, error)
            if shown["traceback"]:
                import traceback

                traceback.print_exception(error)
            for line in (f"error: {e}", *getattr(e, "__notes__", ())):
                print(_indented(visible(line)), file=sys.stderr)
            raise typer.Exit(_exit_code(e, function.__name__)) from None
        except KeyboardInterrupt as e:
            with suppress(OSError):  # the terminal may be gone
                print(visible(e) if isinstance(e, Interrupted) else "interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except SystemExit as e:  # a command ends with typer.Exit: whoever asks for this is a plugin
            print(f"error: something that was called asked to end the program ({visible(e)})", file=sys.stderr)
            raise typer.Exit(1) from None
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as e:
            if shown["traceback"]:
                raise
            print(
                f"error: {visible(reason_of(e))}: a fault of quorate itself, or a file of the home is damaged; "
                "quorate --traceback ... shows where",
                file=sys.stderr,
            )
            raise typer.Exit(1) from None

    return guarded


def _indented(text: str) -> str:
    """Return a message whose lines after the first one are indented: none of them begins another message."""
    first, *more = text.split("\n")
    return "\n".join([first, *(line if line[:1].isspace() or not line else f"  {line}" for line in more)])


def _exit_code(error: QuorateError, command: str) -> int:
    if isinstance(error, IntegrityError) and command in JUDGING:
        return INTEGRITY
    return 2 if isinstance(error, RecipeError) else 1


def on_cluster(sets: list[str] | None, address: str | None) -> list[str]:
    """Return the changes to a recipe, with the cluster it is to run on."""
    more = [f'execution.address="{address}"', 'execution.executor="ray"'] if address else []
    return [*(sets or ()), *more]


def trusting(home: Path | None, agreed: bool) -> None:
    """Note that a home is trusted, where the user says so."""
    if agreed:
        from quorate.runs.stored import trust_home

        trust_home(home)


def show_report(report: Any, as_json: bool, sections: Sequence[str] = (), paging: bool = False) -> None:
    """Print a report: these sections of it, or the usual ones; `paging`: through a pager, where it is long."""
    with printing():
        if as_json:
            override = {"override": report.override} if report.override else {}
            print_json({**report.document, **override})
        else:
            from quorate.report.pager import paged
            from quorate.report.terminal import render

            with paged() if paging else nullcontext():
                render(report, names=sections)


def show(document: Any, as_json: bool, render: Callable[[Any], None]) -> None:
    """Print plain data as JSON, or have it drawn."""
    with printing():
        if as_json:
            print_json(document)
        else:
            render(document)


def print_json(value: Any) -> None:
    """Print plain data, and nothing else."""
    import json

    print(json.dumps(value, indent=1, allow_nan=False))


def check_page(html: Path | None, static: bool, opened: bool) -> None:
    """Raise `RecipeError`, if it is said how a page is written, or that it is shown, but not where it is written."""
    for option, given, says in (("--static", static, "how a page is written"), ("--open", opened, "to show a page")):
        if given and html is None:
            raise RecipeError(f"{option} says {says}: give --html FILE, too")


def in_browser(page: Path) -> None:
    """Show a page in a browser of this machine, or say where it is."""
    import webbrowser

    # Without a screen a browser of text would take the terminal.
    seen = sys.platform == "darwin" or any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if not (seen and webbrowser.open(page.absolute().as_uri())):
        print(f"no browser was found here: open {page.absolute()}", file=sys.stderr)
