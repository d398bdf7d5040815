"""A training that is watched: its log, told while it goes on, and its checkpoints, from which it goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, RecipeError, StoreError, one_of
from quorate.execution.progress import Progress
from quorate.execution.watch import Watch, told_of
from quorate.pipeline.presets import preset
from quorate.pipeline.request import Request
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.store.checkpoints import FOLDER, REGISTRY, Checkpoints
from quorate.store.files import io_reason

LOG = "train.log"
POLLS = 0.2  # seconds between two looks at the log


def wanted(request: Request) -> int:
    """Return how many of the best checkpoints are kept beside the latest; 0: there are none."""
    return request.checkpoints or (preset(request.preset).checkpoints if request.preset else 0)


def watch_of(request: Request, folder: Path, spec: ModelSpec, registry: Registry, what: Mapping[str, Any]) -> Watch:
    """Return who hears of a training that is written into a folder, which is made.

    Parameters
    ----------
    what : mapping
        What is trained.

    Raises
    ------
    QuorateError
        If there is nothing to go on with, or something that would be lost.
    """
    top = wanted(request)
    if (request.workers or 1) > 1:
        if request.checkpoints or request.resume:
            asked = "--resume" if request.resume else "--checkpoints"
            raise RecipeError(f"{asked}: a training by {request.workers} processes has no checkpoints: leave one out")
        return Watch({})
    if not spec.watched:
        if request.checkpoints or request.resume:
            names = [name for name in registry.at_hand("model") if registry.get(ModelSpec, name).watched]
            asked = "--resume" if request.resume else "--checkpoints"
            raise RecipeError(f"{asked}: the model {spec.name!r} has no checkpoints; those that have: {one_of(names)}")
        return Watch({})
    kept = Checkpoints(folder / FOLDER, what)
    try:
        there = kept.registry()
    except IntegrityError as e:
        raise IntegrityError(f"{e}, and train anew") from None
    if request.resume:
        if there is None:
            raise RecipeError(f"--resume: there are no checkpoints in {folder}: train with --checkpoints N first")
        if other := kept.other():
            raise RecipeError(
                f"--resume: the checkpoints in {folder} are of another training: {'; '.join(other)}: ask for it as it "
                "was asked for, or train anew without --resume"
            )
        top = request.checkpoints or there["top"]
    elif top and there is not None and not there["checkpoints"][-1]["ended"] and not kept.other():
        raise RecipeError(
            f"{folder / FOLDER} holds this training, stopped after epoch {there['checkpoints'][-1]['epoch']}: "
            f"--resume goes on with it; to train anew, remove {folder / FOLDER}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not request.resume:
            (folder / LOG).unlink(missing_ok=True)
    except OSError as e:
        raise StoreError(io_reason(e, folder)) from e
    here = folder.absolute()  # the process that trains may stand in another folder
    return Watch(what, here / FOLDER if top else None, top=top, log=here / LOG, fresh=not request.resume)


def latest_in(parent: Path) -> Path:
    """Return the folder of the latest training with checkpoints: this one, or one in it.

    Raises
    ------
    RecipeError
        If there is none.
    """
    found = [*parent.glob(f"{FOLDER}/{REGISTRY}")] or [*parent.glob(f"*/{FOLDER}/{REGISTRY}")]
    if not found:
        raise RecipeError(f"--resume: there are no checkpoints in {parent}: train with --checkpoints N first")
    return max(found, key=lambda path: path.stat().st_mtime_ns).parent.parent


@contextmanager
def followed(watch: Watch, progress: Progress | None) -> Iterator[None]:
    """Tell each epoch while it is trained, wherever that is, as its line is in the log."""
    log = watch.log
    if log is None or progress is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_follow, args=(log, progress, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _follow(log: Path, progress: Progress, over: threading.Event) -> None:
    seen = _lines(log)
    while True:
        ended = over.wait(POLLS)
        lines = _lines(log)
        if lines and lines != seen:
            # A cut log is one that is gone on with.
            for line in lines[len(seen) if lines[: len(seen)] == seen else -1 :]:
                progress.epoch(told_of(line))
            seen = lines
        if ended:
            return


def _lines(log: Path) -> list[str]:
    with suppress(OSError):
        return [line for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    return []
