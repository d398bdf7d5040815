"""When to go over to more: each piece of advice with the figure it rests on, and the run that this was measured in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from quorate.errors import plural
from quorate.execution.choose import FEW as FEW_SECONDS
from quorate.execution.resources import cpu_count, gpu_count
from quorate.report.figures import span
from quorate.report.heard import HOUR, MUCH_MEMORY, TWO_HOURS
from quorate.report.report import Report
from quorate.runs.doctor.finding import Finding

Scale = partial(Finding, "scale")
REVIEW, MANY = 10_000, 50_000  # records: bars times symbols
LATEST = 50  # runs that are looked at


def advice(reports: Sequence[Report]) -> Iterator[Finding]:
    """Return what the figures of the latest finished runs call for; nothing, where no figure does."""
    lately = reports[-LATEST:]
    for look in (_training, _memory, _records, _parallel, _assets):
        if found := [(value, report) for report in lately if (value := _figure(look, report)) > 0]:
            yield look(max(found, key=lambda one: one[0])[1])
    if not lately:
        yield Scale("runs", "ok", "no finished run: there is no figure to go by")


def _figure(look: Any, report: Report) -> float:
    """Return by how much a run calls for something; 0, if it does not."""
    value, least = _MEASURES[look](report)
    return float(value) if value > least else 0.0


def _again(report: Report, *sets: str) -> str:
    changes = "".join(f" --set '{one}'" for one in sets)
    return f"quorate run {report.provenance['recipe']['name']}{changes}"


def _fits(report: Report) -> float:
    return float(report.telemetry["stages"].get("fits", 0.0))


def _training(report: Report) -> Finding:
    seconds, took = _fits(report), report.telemetry
    ray = _again(report, 'execution.executor="ray"', 'execution.address="HOST:PORT"')
    more = "two hours" if seconds > TWO_HOURS else "an hour"
    told = f"fits took {span(seconds)}, more than {more}, on {took['executor']} ({plural(took['workers'], 'worker')})"
    if seconds > TWO_HOURS:
        models: Mapping[str, Any] = report.provenance["recipe"]["models"]
        nets = [name for name, options in models.items() if "device" in options]
        if nets and gpu_count():
            ray = _again(report, *(f'models.{name}.device="cuda"' for name in nets))
        elif nets:
            ray += f"; or a machine with a GPU, for {', '.join(nets)}"
    return Scale("training", "note", told, ray, report.run_id)


def _total(report: Report) -> float:
    took = report.telemetry
    return float(took.get("total_memory_mib") or took["peak_memory_mib"])


def _memory(report: Report) -> Finding:
    took, total = report.telemetry, _total(report)
    own, workers = took["peak_memory_mib"], took["workers"]
    told = f"{total / 1024:.1f} GiB at most, {own / 1024:.1f} of it without workers: more than 4 GiB"
    each = (total - own) / max(workers, 1)
    if workers > 1 and each > 0 and own + each <= MUCH_MEMORY:
        fewer = max(int((MUCH_MEMORY - own) / each), 1)
        return Scale("memory", "note", told, _again(report, f"execution.workers={fewer}"), report.run_id)
    remedy = "fewer symbols, or a later data.since: it is not the number of workers that takes it"
    if workers > 1 and own <= MUCH_MEMORY:
        remedy = _again(report, "execution.workers=1")
    return Scale("memory", "note", told, remedy, report.run_id)


def _count(report: Report) -> int:
    data = report.provenance["data"]
    return int(data["bars"]) * len(data["symbols"])


def _records(report: Report) -> Finding:
    count, took = _count(report), report.telemetry
    took_text = f"{span(took['seconds'])} and {_total(report) / 1024:.1f} GiB"
    told = f"{count:,} bars of all symbols took {took_text}"
    if count > MANY:
        remedy = _again(report, 'execution.executor="ray"', 'execution.address="HOST:PORT"')
        return Scale("records", "note", f"{told}: more than {MANY:,}", remedy, report.run_id)
    remedy = f"quorate report {report.run_id} --section timings: which stage takes the time and the memory"
    return Scale("records", "note", f"{told}: more than {REVIEW:,}", remedy, report.run_id)


def _alone(report: Report) -> float:
    """Return the processor seconds of fits that ran one after the other where several could have."""
    took = report.telemetry
    several = len(took["fit_cpu_seconds"]) > 1 and took["workers"] == 1 and cpu_count() > 1
    return float(sum(took["fit_cpu_seconds"].values())) if several else 0.0


def _parallel(report: Report) -> Finding:
    models = plural(len(report.telemetry["fit_cpu_seconds"]), "model")
    told = f"fits of {models} took {_alone(report):.1f} CPU s one after the other; {cpu_count()} processors may be used"
    remedy = _again(report, 'execution.executor="auto"', "execution.workers=0")
    return Scale("parallel models", "note", told, remedy, report.run_id)


def _assets(report: Report) -> Finding:
    symbols, took = len(report.provenance["data"]["symbols"]), report.telemetry
    told = f"{symbols:,} symbols: features are computed by symbol, and {plural(took['fits'], 'fit')} ran on "
    told += f"{plural(took['workers'], 'worker')}, as many as there are at a time"
    return Scale("symbols", "ok", told, "", report.run_id)


# Of each look the figure of a run, and beyond what it calls for something.
_MEASURES: dict[Any, Any] = {
    _training: lambda report: (_fits(report), HOUR),
    _memory: lambda report: (_total(report), MUCH_MEMORY),
    _records: lambda report: (_count(report), REVIEW),
    _parallel: lambda report: (_alone(report), FEW_SECONDS),
    _assets: lambda report: (len(report.provenance["data"]["symbols"]), 1),
}
