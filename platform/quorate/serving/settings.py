"""A server as it was asked for: plain values, from which each process that serves makes its own application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI

from quorate.execution.progress import Progress
from quorate.serving.answers import CACHED, WAITING, recorder
from quorate.serving.app import make_app
from quorate.serving.limits import Limits
from quorate.serving.models import Models


@dataclass(frozen=True)
class Settings:
    """What is served, and how.

    Parameters
    ----------
    home : path
        Whose versions.
    versions : tuple of str
        Which; none: all champions.
    sources, limits, cached, waiting
        As `quorate.serving.app.make_app` takes them.
    record : bool
        Whether new forecasts are put on record.
    workers : int
        Processes that forecast; 0: the server's own.
    """

    home: Path
    versions: tuple[str, ...] = ()
    sources: Mapping[str, str | None] = field(default_factory=dict)
    record: bool = True
    limits: Limits = field(default_factory=Limits)
    cached: int = CACHED
    waiting: int = WAITING
    workers: int = 0

    def open(self, progress: Progress | None = None) -> tuple[FastAPI, Models]:
        """Load the versions, and return the application with them."""
        models = Models(self.home, self.versions, progress, self.workers)
        app = make_app(
            models,
            sources=self.sources,
            record=recorder(models.home) if self.record else None,
            limits=self.limits,
            cached=self.cached,
            waiting=self.waiting,
        )
        return app, models
