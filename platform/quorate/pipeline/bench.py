"""How fast a network is trained by one process and by several, and whether they learn the same."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import FitError, RecipeError, one_of
from quorate.execution.choose import address_of_environment
from quorate.execution.course import Course, course_of
from quorate.execution.executor import Remote
from quorate.execution.fit import model_of
from quorate.execution.machine import machine
from quorate.execution.making import make_model
from quorate.execution.progress import Progress
from quorate.execution.ray.train import Pair, check_parallel, train_in_parallel
from quorate.execution.resources import cpu_count, gpu_count
from quorate.execution.surroundings import under_limits
from quorate.execution.task import FitTask
from quorate.plugins.options import DEVICE, options_of, resolve_options
from quorate.plugins.registry import Registry, reference
from quorate.plugins.specs import ModelSpec
from quorate.plugins.specs.learning import TASK
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home

BARS, FEATURES, SEED = 60, 5, 42
# As the training they stand beside, but that nothing ends it before its time, or is drawn: draws differ by process.
FIXED = {"patience": 0, "dropout": 0.0}


@in_usual_surroundings
def bench_training(
    model: str = "gru",
    workers: Sequence[int] = (1, 2),
    *,
    batch_size: int = 64,
    steps: int = 50,
    repeats: int = 3,
    device: str = "cpu",
    plugins: Sequence[Path] = (),
    address: str = "",
    home: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train a network on simulated windows by so many processes each time, and measure it.

    Parameters
    ----------
    model : str
        A network's plugin.
    workers : sequence of int
        How many processes, one after the other.
    batch_size, steps, repeats : int
        Rows of a step, which the processes share; steps of an epoch; epochs that are measured, after one that is not.
    device : {"cpu", "cuda", "auto"}
        Where it is trained.
    address : str
        A Ray cluster for more than one process; one alone trains here.
    home : Path, optional
        Whose cluster may be meant.

    Returns
    -------
    dict
        ``model``, ``batch_size``, ``steps``, ``repeats``, ``bars``, ``features``, ``threads`` of each process,
        ``cpus``, ``cpu``; and ``runs``, for each number of processes ``workers``, ``device``,
        ``samples_per_second``, the median over the epochs, ``slowest`` and ``fastest`` of them, ``efficiency``, per
        process as a share of that of the first run, ``seconds`` of an epoch, and ``loss`` of the last one.

    Raises
    ------
    QuorateError
        If it is no such model, or cannot be trained.
    """
    progress = progress or Progress()
    task = _task(model, batch_size, repeats, device, plugins)
    pair = _windows(steps * batch_size, task)
    cluster = Remote(address or address_of_environment(), Home(home).path)
    if max(workers) > 1:
        check_parallel(model_of(task), max(workers))
    runs: list[dict[str, Any]] = []
    for count in workers:
        progress.note(f"{model} by {count} process{'es' * (count > 1)}: {repeats + 1} epochs of {steps} steps")
        course, placed = _course(task, pair, count, cluster, progress)
        seconds = [float(one) for one in course.epochs["seconds"][1:]]  # the first warms up
        rates = sorted(steps * batch_size / one for one in seconds)
        rate = statistics.median(rates)
        first = runs[0] if runs else {"samples_per_second": rate, "workers": count}
        runs.append(
            {
                "workers": count,
                "device": placed,
                "samples_per_second": rate,
                "slowest": rates[0],
                "fastest": rates[-1],
                "efficiency": rate / count / (first["samples_per_second"] / first["workers"]),
                "seconds": statistics.median(seconds),
                "loss": float(course.epochs["train_loss"][-1]),
            }
        )
    return {
        "model": model,
        "batch_size": batch_size,
        "steps": steps,
        "repeats": repeats,
        "bars": BARS if pair[0].ndim == 3 else 1,
        "features": FEATURES,
        "threads": task.threads,
        "cpus": cpu_count(),
        "cpu": machine()["cpu"],
        "runs": runs,
    }


def _task(model: str, batch_size: int, repeats: int, device: str, plugins: Sequence[Path]) -> FitTask:
    registry = Registry.load(plugins)
    names = [name for name in registry.at_hand("model") if registry.get(ModelSpec, name).parallel]
    if model not in names:
        raise RecipeError(
            f"--model must be a network that several processes can train, {one_of(names)}; it was {model!r}"
        )
    spec = registry.get(ModelSpec, model)
    given = {**FIXED, "batch_size": batch_size, "epochs": repeats + 1, "lookback": BARS, DEVICE: device}
    params = resolve_options(spec, {k: v for k, v in given.items() if k in options_of(spec)}, f"the model {model!r}")
    told = {TASK: "regression"} if spec.task == "any" else {}
    return FitTask(model, 0, reference(registry, "model", model), {**params, **told}, SEED, spec.cpus, False)


def _windows(n: int, task: FitTask) -> Pair:
    """Return windows, or rows, of noise, and labels that follow from them."""
    draw = np.random.default_rng(SEED)
    X = draw.standard_normal((n, BARS, FEATURES)).astype(np.float32)
    y = X[:, -5:, 0].mean(axis=1).astype(np.float64)
    return (X if model_of(task).input == "windows" else X[:, -1]), y


def _course(task: FitTask, pair: Pair, workers: int, cluster: Remote, progress: Progress) -> tuple[Course, str]:
    if workers > 1:
        found = train_in_parallel(task, pair, None, workers, cluster, warn=progress.warn)
        return _known(found.course, task), found.device
    spec = model_of(task)
    asked = task.params.get(DEVICE, "cpu")
    model = make_model(spec.resolve(), replace(task, device="cuda" if gpu_count() else "cpu"), spec)
    try:
        under_limits(task, lambda: model.fit(*pair))
    except ValueError as e:
        raise FitError(f"model {task.model!r}: {e}") from e
    return _known(course_of(spec, model, len(pair[1])), task), getattr(model, "device", asked)


def _known(course: Course | None, task: FitTask) -> Course:
    if course is None:
        raise FitError(f"model {task.model!r} does not tell how long its epochs took: its plugin has no history")
    return course
