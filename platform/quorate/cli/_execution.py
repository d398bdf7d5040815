"""Commands about execution: going on with a run, where and when fits ran, finished fits."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quorate.cli import _backup, options
from quorate.cli._base import command, on_cluster, print_json, show, show_report, trusting, working
from quorate.errors import RecipeError, visible

if TYPE_CHECKING:
    from quorate.execution.cache import FitCache
    from quorate.store.checkpoints import KeptCheckpoints
    from quorate.store.kept import KeptArrays
    from quorate.store.models import KeptModels

NUMBER = r"\d+\.?\d*|\.\d+"
SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

cache_app = typer.Typer(help="Look after finished fits.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for function in (resume, timeline):
        app.command()(function)
    app.add_typer(cache_app, name="cache")
    _backup.register(app)


@command
def resume(
    run: options.Run = "latest",
    sets: options.Sets = None,
    address: options.Rejoin = None,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Finish an interrupted run; no finished fit is repeated."""
    from quorate.cli import _cluster
    from quorate.runs import run as api

    trusting(home, trust)
    with working() as progress:
        report = _cluster.attach(run, home, progress, sets or (), address)
        report = report or api.resume(run, home=home, overrides=on_cluster(sets, address), progress=progress)
    show_report(report, as_json)


@command
def timeline(
    run: options.Run = "latest",
    chrome: Annotated[Path | None, typer.Option(help="Write a trace for chrome://tracing or Perfetto.")] = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show what of a run was computed where and when; unfinished runs too."""
    import json

    from quorate.report.timeline import chrome_trace, make_timeline
    from quorate.report.views.timeline import render, render_trace
    from quorate.store import Home
    from quorate.store.files import regular, write_text
    from quorate.store.log import read_log

    runs = Home(home).runs()
    # The latest of all, finished or not.
    stored = runs[-1] if runs and run == "latest" else Home(home).find(run)
    found = make_timeline(stored.id, read_log(stored.path), running=stored.state == "running")
    if chrome is not None:
        write_text(regular(chrome), json.dumps(chrome_trace(found)) + "\n")
    if as_json:
        print_json(found.to_plain())
    elif chrome is not None:
        render_trace(found, chrome)
    else:
        render(found)


@cache_app.command("list")
@command
def cache_list(home: options.Home = None, as_json: options.Json = False) -> None:
    """Show how many finished fits are kept per model, and the time they save; arrays, models and checkpoints."""
    from quorate.report.views.cache import by_model, render

    cache, arrays, models = _cache(home), _arrays(home), _models(home)
    left = _checkpoints(home)
    entries = cache.entries()
    document = {
        "file": str(cache.path),
        "bytes_on_disk": cache.size,
        "fits": len(entries),
        "models": by_model(entries),
        "arrays": {"folder": str(arrays.folder), "files": len(arrays), "bytes": arrays.size},
        "kept_models": {"folder": str(models.folder), "models": len(models), "bytes": models.size},
        "checkpoints": {"folder": str(left.folder), "trainings": len(left), "bytes": left.size},
    }
    show(document, as_json, render)


@cache_app.command("verify")
@command
def cache_verify(home: options.Home = None, as_json: options.Json = False) -> None:
    """Check all that is kept against its checksums; exits 1 if something was damaged, which is then removed."""
    from quorate.report.views.cache import render_checked

    cache, arrays, models, left = _cache(home), _arrays(home), _models(home), _checkpoints(home)
    total, damaged = cache.verify()
    files, torn = arrays.verify()
    fitted, broken = models.verify()
    trainings, useless = left.verify()
    document = {
        "file": str(cache.path),
        "fits": total,
        "damaged": damaged,
        "arrays": {"folder": str(arrays.folder), "files": files, "damaged": torn},
        "kept_models": {"folder": str(models.folder), "models": fitted, "damaged": broken},
        "checkpoints": {"folder": str(left.folder), "trainings": trainings, "damaged": useless},
    }
    show(document, as_json, render_checked)
    raise typer.Exit(1 if damaged or torn or broken or useless else 0)


@cache_app.command("prune")
@command
def cache_prune(
    older_than: Annotated[str | None, typer.Option(help="Remove what was not used for so long: 30d, 12h, 45m.")] = None,
    max_size: Annotated[
        str | None, typer.Option(help="Then the longest unused, down to this size of each: 2GB, 500MB.")
    ] = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Remove finished fits, kept arrays, fitted models and checkpoints; runs keep their own predictions."""
    from quorate.report.views.cache import render_pruned

    if older_than is None and max_size is None:
        raise RecipeError("cache prune takes --older-than, e.g. 30d, or --max-size, e.g. 2GB, or both")
    cache, arrays, models = _cache(home), _arrays(home), _models(home)
    left, limits = _checkpoints(home), (span_of(older_than), size_of(max_size))
    stale = left.prune(*limits)
    removed, gone, unused = len(cache.prune(*limits)), arrays.prune(*limits), models.prune(*limits)
    document = {
        "file": str(cache.path),
        "removed": removed,
        "left": len(cache.entries()),
        "bytes_on_disk": cache.size,
        "arrays": {
            "folder": str(arrays.folder),
            "removed": gone,
            "left": len(arrays),
            "bytes_on_disk": arrays.size,
        },
        "kept_models": {
            "folder": str(models.folder),
            "removed": unused,
            "left": len(models),
            "bytes_on_disk": models.size,
        },
        "checkpoints": {
            "folder": str(left.folder),
            "removed": stale,
            "left": len(left),
            "bytes_on_disk": left.size,
        },
    }
    show(document, as_json, render_pruned)


def _arrays(home: Path | None) -> KeptArrays:
    from quorate.store import Home
    from quorate.store.kept import KeptArrays

    return KeptArrays(Home(home).path)


def _models(home: Path | None) -> KeptModels:
    from quorate.store import Home
    from quorate.store.models import KeptModels

    return KeptModels(Home(home).path)


def _checkpoints(home: Path | None) -> KeptCheckpoints:
    from quorate.store import Home
    from quorate.store.checkpoints import KeptCheckpoints

    return KeptCheckpoints(Home(home).path)


def _cache(home: Path | None) -> FitCache:
    from quorate.execution.cache import FitCache
    from quorate.store import Home

    return FitCache(Home(home).path / "fits", lambda message: print(f"warning: {visible(message)}", file=sys.stderr))


def span_of(text: str | None) -> float | None:
    """Return the seconds that ``--older-than`` says."""
    if text is None:
        return None
    found = re.fullmatch(rf"({NUMBER})\s*([smhdw])", text.strip())
    if not found:
        raise RecipeError(f"--older-than must be a number and s, m, h, d or w, e.g. 30d; it was {text!r}")
    return float(found[1]) * SPANS[found[2]]


def size_of(text: str | None, option: str = "--max-size") -> int | None:
    """Return the bytes that an option says."""
    if text is None:
        return None
    if text.strip() == "0":
        return 0
    found = re.fullmatch(rf"({NUMBER})\s*(\w+)", text.strip())
    if not found or found[2].upper() not in SIZES:
        raise RecipeError(f"{option} must be a number and B, kB, MB, GB or TB, e.g. 2GB; it was {text!r}")
    return int(float(found[1]) * SIZES[found[2].upper()])
