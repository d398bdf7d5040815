"""Pictures; the only module that imports matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from quorate.report.canvas import bounds
from quorate.report.figures import figure as figure_of
from quorate.report.sections.model import Heat, Lines, Points
from quorate.statistics import Floats
from quorate.store.files import replacing

INCHES = (10.0, 5.0)
SIDE = 6.0  # of what is square, in inches


def draw_forecasts(
    path: Path, title: str, dates: NDArray[np.datetime64], actual: Floats, forecast: Floats, last: Floats
) -> None:
    """Draw what came and what was forecast over time, and below by how much it was wrong.

    Parameters
    ----------
    path : Path
        Its ending says what it is: ``.png``, ``.svg``, ``.pdf``.
    dates : ndarray of datetime64[D], (n_forecasts,)
        The day of each price.
    actual, forecast, last : ndarray of float64, (n_forecasts,)
        What came, what was forecast, and the price before: the forecast that nothing changes.
    """
    figure = Figure(figsize=INCHES, layout="constrained")
    prices, errors = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    prices.plot(dates, actual, color="black", linewidth=1.2, label="actual")
    prices.plot(dates, forecast, color="tab:blue", linewidth=1.0, label="forecast")
    prices.set_title(title)
    prices.legend(loc="best", frameon=False)
    errors.plot(dates, 100 * (forecast - actual) / actual, color="tab:blue", linewidth=0.8, label="forecast")
    errors.plot(dates, 100 * (last - actual) / actual, color="tab:gray", linewidth=0.6, label="last price")
    errors.axhline(0.0, color="black", linewidth=0.5)
    errors.set_ylabel("error, %")
    errors.legend(loc="best", frameon=False, fontsize="small")
    _save(figure, path)


def draw_lines(path: Path, title: str, blocks: Sequence[Lines]) -> None:
    """Draw curves below each other, the first the highest, over the same times."""
    figure = Figure(figsize=INCHES, layout="constrained")
    ratios = [3, *[1] * (len(blocks) - 1)]
    axes = figure.subplots(len(blocks), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    for place, (axis, block) in enumerate(zip(axes, blocks, strict=True)):
        for i, (name, values) in enumerate(block.values.items()):
            axis.plot(block.times, values, linewidth=1.2, label=name, color=f"C{i}")
            if block.fill and i == 0:
                axis.fill_between(block.times, values, 0.0, color=f"C{i}", alpha=0.2, linewidth=0)
        if block.log and bounds(block.values)[0] > 0:
            axis.set_yscale("log")
        axis.yaxis.set_major_formatter(lambda value, _, unit=block.unit: figure_of(value, unit))
        axis.yaxis.set_minor_formatter(lambda value, _: "")
        axis.set_ylabel(block.title)
        axis.grid(alpha=0.3)
        if place == 0:
            axis.legend(loc="best", frameon=False)
    axes[0].set_title(title)
    _save(figure, path)


def draw_learning(path: Path, title: str, blocks: Sequence[Lines]) -> None:
    """Draw losses by epoch, a panel for each model, with their ranges and the best epoch."""
    figure = Figure(figsize=(INCHES[0], 1.0 + 3.5 * len(blocks)), layout="constrained")
    for axis, block in zip(figure.subplots(len(blocks), 1, squeeze=False)[:, 0], blocks, strict=True):
        for i, (name, values) in enumerate(block.values.items()):
            axis.plot(block.times, values, linewidth=1.2, label=name, color=f"C{i}")
            if name in block.ranges:
                axis.fill_between(block.times, *block.ranges[name], color=f"C{i}", alpha=0.2, linewidth=0)
        if block.mark is not None:
            axis.axvline(block.mark, color="black", linestyle="--", linewidth=0.8, label=block.marked)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_title(block.title, fontsize="medium")
        axis.set_xlabel(block.across)
        axis.grid(alpha=0.3)
        axis.legend(loc="best", frameon=False)
    figure.suptitle(title)
    _save(figure, path)


def draw_points(path: Path, title: str, block: Points) -> None:
    """Draw points, and the diagonal on which both of their numbers are the same."""
    figure = Figure(figsize=(SIDE, SIDE), layout="constrained")
    axis = figure.subplots()
    axis.axline((block.x[0], block.x[0]), slope=1.0, color="tab:gray", linestyle="--", linewidth=1.0)
    axis.plot(block.x, block.y, marker="o", color="C0")
    for scale, name in ((axis.xaxis, block.names[0]), (axis.yaxis, block.names[1])):
        scale.set_major_formatter(lambda value, _: figure_of(value, block.unit))
        scale.set_label_text(name)
    axis.grid(alpha=0.3)
    axis.set_title(title)
    _save(figure, path)


Cloud = Mapping[str, Sequence[tuple[float, float]]]


def draw_cloud(path: Path, title: str, cloud: Cloud, names: Sequence[str]) -> None:
    """Draw points by what they are: each group in a colour and a mark of its own."""
    figure = Figure(figsize=(SIDE, SIDE), layout="constrained")
    axis = figure.subplots()
    for i, (name, points) in enumerate(cloud.items()):
        if points:
            x, y = zip(*points, strict=True)
            axis.plot(x, y, label=name, marker="o^sD"[i % 4], color=f"C{i}", linestyle="none", markersize=5)
    axis.set_xlabel(names[0])
    axis.set_ylabel(names[1])
    axis.grid(alpha=0.3)
    axis.legend(loc="best", frameon=False)
    axis.set_title(title)
    _save(figure, path)


def draw_heat(path: Path, title: str, block: Heat) -> None:
    """Draw a grid of figures, each with its number."""
    values = np.array(block.values, dtype=np.float64)
    figure = Figure(figsize=(INCHES[0], 1.2 + 0.35 * len(block.rows)), layout="constrained")
    axis = figure.subplots()
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    signed = bool((values[np.isfinite(values)] < 0).any())
    axis.imshow(values, cmap="RdYlGn" if signed else "Blues", vmin=-most if signed else 0, vmax=most, aspect="auto")
    axis.set_xticks(range(len(block.columns)), block.columns)
    axis.set_yticks(range(len(block.rows)), block.rows)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if not signed and value > most / 2 else "black"
            text = block.said(float(value))
            axis.text(column, row, text, ha="center", va="center", fontsize=7 if signed else 11, color=ink)
    axis.set_title(title)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=120)
