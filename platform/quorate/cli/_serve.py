"""The command that serves what was promoted over HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quorate.cli import options
from quorate.cli._base import command, trusting, working
from quorate.errors import QuorateError, RecipeError, StoreError, visible

if TYPE_CHECKING:
    from quorate.serving.settings import Settings

TOKEN = "QUORATE_TOKEN"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)


TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help=f"A file with the token of clients (else ${TOKEN})."),
]


@command
def serve(
    versions: Annotated[
        list[str] | None,
        typer.Argument(metavar="VERSION", help="NAME@3, NAME@champion, ...; without any: all champions."),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; beyond this machine a token is needed.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0: any that is free.")] = 8000,
    token_file: TokenFile = None,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=PATH]", help="Bars that clients may name: PATH, or what the recipe reads."),
    ] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A name that the server is called by.")] = None,
    record: Annotated[bool, typer.Option(help="Put new forecasts on record before they are given.")] = True,
    watch: Annotated[float, typer.Option(help="Read the registry again every so many seconds; 0: when asked.")] = 0.0,
    rate: Annotated[float, typer.Option(help="Requests of a client a second, at most; 0: any number.")] = 1000.0,
    seconds: Annotated[float, typer.Option(help="Until a request is answered, at most.")] = 30.0,
    body: Annotated[int, typer.Option("--max-bytes", help="Bytes of a request, at most.")] = 1 << 20,
    waiting: Annotated[int, typer.Option(help="Forecasts that may be under way.")] = 64,
    cached: Annotated[int, typer.Option("--cache", help="MiB of answers that are kept for who asks again.")] = 64,
    workers: Annotated[int, typer.Option(help="Processes that forecast, each with all models; 0: the server's.")] = 0,
    log: Annotated[bool, typer.Option("--log", help="Tell of each request on stderr, as JSON.")] = False,
    ray: Annotated[bool, typer.Option("--ray", help="On Ray Serve, as one deployment.")] = False,
    trust: options.Trust = False,
    home: options.Home = None,
) -> None:
    """Serve champions, or these versions, over HTTP: forecasts of the bars that are sent; ends at Ctrl-C."""
    _check(
        port=port,
        watch=watch,
        rate=rate,
        seconds=seconds,
        max_bytes=body,
        waiting=waiting,
        cache=cached,
        workers=workers,
    )
    _need()
    from quorate.serving.limits import Limits, check_token, own_names
    from quorate.serving.settings import Settings
    from quorate.store import Home

    token = read_token(token_file)
    check_token(token, host)
    trusting(home, trust)
    limits = Limits(token, own_names(host, allow_host or ()), body, rate, seconds, log)
    settings = Settings(
        Home(home).path, tuple(versions or ()), sources_of(source or ()), record, limits, cached, waiting, workers
    )
    if ray:
        if watch:
            raise RecipeError("--watch is not for Ray Serve: POST /reload has its replica read the registry again")
        from quorate.serving.ray_app import run_on_ray

        run_on_ray(settings, host, port)
        return
    _serve_here(settings, host, port, watch)


def _serve_here(settings: Settings, host: str, port: int, watch: float) -> None:
    """Serve until the process is told to end."""
    from quorate.serving.server import listen, run

    with listen(host, port) as at, working() as progress:
        app, models = settings.open(progress)
        progress.close()
        labels = [f"{one.label} ({one.version.standing.stage})" for one in models.now.served]
        shadows = "".join(f", beside it {one.label}" for one in models.now.shadows)
        address = f"http://{f'[{host}]' if ':' in host else host}:{at.getsockname()[1]}"

        def began() -> None:
            print(visible(f"serving {', '.join(labels)}{shadows} at {address}"), file=sys.stderr, flush=True)

        run(app, models, at, watch=watch, began=began)


def _check(**given: float) -> None:
    """Raise `RecipeError`, if a number makes no sense."""
    least: Mapping[str, float] = {"seconds": 0.01, "max_bytes": 100, "waiting": 1}
    for name, value in given.items():
        option, low = f"--{name.replace('_', '-')}", least.get(name, 0)
        if not low <= value < float("inf") or (name == "port" and value > 65535):
            rule = "0 to 65535" if name == "port" else f"{low:g} or more"
            raise RecipeError(f"{option} must be {rule}; it was {value:g}")


def _need() -> None:
    """Raise `QuorateError`, if what serving needs is not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "uvicorn", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise QuorateError(f"quorate serve needs {', '.join(missing)}: pip install 'quorate[serve]'")


def read_token(file: Path | None) -> str:
    """Return the token of clients, from a file, or the environment; empty, if there is none."""
    if file is None:
        return os.environ.get(TOKEN, "").strip()
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise StoreError(f"--token-file {file}: {getattr(e, 'strerror', None) or 'it is no text'}") from None
    if not found:
        raise RecipeError(f"--token-file {file} is empty")
    return found


def sources_of(given: Any) -> dict[str, str | None]:
    """Return what clients may name, and where it is read."""
    found: dict[str, str | None] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not name or (equals and not path):
            raise RecipeError(f"--source must be NAME=PATH, or NAME for what the recipe reads; it was {one!r}")
        here = path and "://" not in path
        if here and not Path(path).exists():
            raise RecipeError(f"--source {name}: there is no {path}")
        found[name] = (str(Path(path).absolute()) if here else path) or None
    return found
