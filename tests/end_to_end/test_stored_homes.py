"""A home that an earlier version wrote: its runs, ledger and fits are read, gone on with, computed again to the bit.

``stored/home-before-rooms.tar.xz`` holds a promoted run with a plugin file, another under the preset ``standard``, one
that was interrupted after three fits, and the ledger of all. Names and digests below are those of that version.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

import quorate
from quorate.evidence.ledger.verify import verify
from quorate.execution import machine
from quorate.store import Home

ARCHIVE = Path(__file__).parent / "stored" / "home-before-rooms.tar.xz"
DIGESTS = ["bc3768a4c740b12d", "e3658083f365710d"]
PROMOTED, OTHER, STOPPED = "before-926b", "other-af1e", "stopped-a4da"


@pytest.fixture
def stored(tmp_path, monkeypatch):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "home"))
    return Home()


@pytest.fixture
def same_machine(stored):
    """Bytes are the same for the same libraries and type of processor; elsewhere other things are promised."""
    begun = stored.find(PROMOTED).begun()
    here = {**machine.libraries(), **machine.machine()}
    return not machine.differing({**begun["libraries"], **begun["machine"]}, here)


def test_reports_gates_and_the_ledger_are_whole(stored):
    reports = [quorate.load_report(name) for name in (PROMOTED, OTHER)]
    assert [r.verdict for r in reports] == ["FAIL", "FAIL"]
    assert [r.digest[:16] for r in reports] == DIGESTS
    assert [len(r.gates) for r in reports] == [8, 27]
    assert [len(r.predictions) for r in reports] == [240, 240]
    assert stored.find(STOPPED).state == "interrupted"
    found = verify(stored)
    assert (found.sound, found.entries, found.runs) == (True, 24, 6)


@pytest.mark.parametrize("name", [PROMOTED, OTHER])
def test_a_run_is_computed_again(stored, same_machine, name):
    again = quorate.reproduce(name)
    assert again.identical or not same_machine
    assert again.predictions > 0
    assert same_machine or again.versions


def test_an_interrupted_run_is_finished_and_repeats_no_fit(stored, same_machine):
    report = quorate.resume()
    assert report.run_id.endswith(STOPPED)
    assert report.telemetry["cached"] == 12 or not same_machine  # three of its own, nine of other runs
    assert quorate.reproduce(report.run_id).identical
    assert verify(stored).sound


def test_the_same_recipe_again_fits_nothing(stored, same_machine):
    before = quorate.load_report(OTHER)
    recipe = {k: v for k, v in before.provenance["recipe"].items() if k not in ("execution", "gates")}
    again = quorate.run({**recipe, "gates": {"preset": "standard"}})
    assert again.telemetry["fits"] == again.telemetry["cached"] or not same_machine
    assert again.provenance["recipe_digest"] == before.provenance["recipe_digest"]
    if same_machine:
        digests = [r.results["development"]["digests"] for r in (before, again)]
        assert digests[0] == digests[1]
