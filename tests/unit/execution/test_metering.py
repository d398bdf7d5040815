"""What stages take of processors and memory, of all processes."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from quorate.execution import metering, resources
from quorate.execution.metering import Looks, StageMeter, Use
from quorate.execution.progress import Clock, Progress

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
MIB = 1 << 20
BUSY = "import time\nx = b'1' * (96 << 20)\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


@pytest.fixture
def curious(monkeypatch):
    """Looks as often as it is asked to."""
    monkeypatch.setattr(metering, "SHARE", 1e9)
    monkeypatch.setattr(metering, "EVERY", 0.01)


def test_a_stage_is_told_the_time_and_memory_of_what_it_started(curious):
    heard = []

    class Told(Progress):
        def used(self, name, use):
            heard.append((name, use))

    clock = Clock(Told())
    with clock.stage("quiet"):
        pass
    with clock.stage("busy"):
        subprocess.run([sys.executable, "-c", BUSY], check=True)
    with clock.stage("after"):
        pass
    told = clock.telemetry()
    quiet, busy, after = (told["stage_use"][name] for name in ("quiet", "busy", "after"))
    assert busy["cpu_seconds"] >= 0.25
    assert busy["total_memory_mib"] - busy["peak_memory_mib"] > 80
    assert max(quiet["cpu_seconds"], after["cpu_seconds"]) < 0.2
    assert after["total_memory_mib"] < busy["total_memory_mib"] - 80
    assert told["cpu_seconds"] >= sum(use["cpu_seconds"] for use in told["stage_use"].values()) - 0.01
    assert told["total_memory_mib"] == busy["total_memory_mib"]
    assert [name for name, _ in heard] == ["quiet", "busy", "after"]


def test_a_worker_that_still_runs_counts_too(curious):
    worker = subprocess.Popen([sys.executable, "-c", BUSY + "time.sleep(60)"])
    try:
        meter, until = StageMeter(Looks()), time.monotonic() + 30
        while resources.processes_below().get(worker.pid, 0.0) < 0.15 and time.monotonic() < until:
            time.sleep(0.01)
        assert meter.over().cpu_seconds >= 0.1
    finally:
        worker.kill()
        worker.wait()


def test_memory_that_was_let_go_counts_for_its_stage_alone():
    clock = Clock(Progress())
    with clock.stage("much"):
        held = bytearray(200 * MIB)
        held[::4096] = b"1" * len(held[::4096])
        del held
    with clock.stage("little"):
        pass
    use = clock.telemetry()["stage_use"]
    assert use["much"]["peak_memory_mib"] > use["little"]["peak_memory_mib"] + 150


def test_looking_takes_no_more_than_its_share(monkeypatch):
    took = []

    def slow():
        end = time.thread_time() + 0.002
        while time.thread_time() < end:
            pass
        took.append(0.002)
        return {}

    monkeypatch.setattr(metering, "processes_below", slow)
    looks = Looks(passed=1.0)
    for _ in range(1000):
        looks.look()
    assert 1 <= len(took) <= 4  # half a hundredth of little more than a second
    assert looks.pause >= metering.EVERY


def test_stages_of_one_name_are_joined():
    assert Use(1.0, 5, 3).joined(Use(2.0, 4, 4)) == Use(3.0, 5, 4)


def test_where_nothing_is_told_of_processes_this_one_counts(monkeypatch):
    monkeypatch.setattr(metering, "processes_below", dict)
    monkeypatch.setattr(metering, "used_memory", lambda below: 0)
    monkeypatch.setattr(metering, "restart_peak", lambda: False)
    use = StageMeter(Looks()).over()
    assert use.peak_memory == use.own_memory == resources.most_memory()


@pytest.mark.parametrize(
    "files, cpus, memory",
    [
        ({}, 0.0, 0),
        ({"cpu.max": "max 100000", "memory.max": "max"}, 0.0, 0),
        ({"cpu.max": "150000 100000", "memory.max": str(512 * MIB)}, 1.5, 512 * MIB),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000",
          "memory/memory.limit_in_bytes": "9223372036854771712"}, 0.0, 0),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000",
          "memory/memory.limit_in_bytes": str(256 * MIB)}, 2.0, 256 * MIB),
    ],
)  # fmt: skip
def test_limits_of_a_container_are_read(tmp_path, monkeypatch, files, cpus, memory):
    monkeypatch.setattr(resources, "GROUP", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert (resources.cpu_quota(), resources.container_memory()) == (cpus, memory)
    if memory:
        assert resources.total_memory() == memory
        assert resources.available_memory() <= memory


@pytest.mark.parametrize(
    "names",
    [
        ("memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ],
)
def test_what_a_container_has_left_is_its_limit_less_what_it_cannot_give_back(tmp_path, monkeypatch, names):
    monkeypatch.setattr(resources, "GROUP", tmp_path)
    used, stat, inactive = names
    limit = "memory/memory.limit_in_bytes" if "/" in used else "memory.max"
    for name, text in ((limit, 64 * MIB), (used, 40 * MIB), (stat, f"{inactive} {8 * MIB}")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(str(text))
    assert resources.available_memory() == 32 * MIB
