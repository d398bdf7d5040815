"""A home that an earlier version wrote: its runs, ledger and fits are read, gone on with, computed again to the bit.

``stored/home-before-rooms.tar.xz`` holds a promoted run with a plugin file, another under the preset ``standard``, one
that was interrupted after three fits, and the ledger of all. Names and digests below are those of that version.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

import quorate
from quorate.evidence.ledger.verify import verify
from quorate.execution import key as keys
from quorate.execution import machine
from quorate.store import Home
from quorate.walkforward import members

ARCHIVE = Path(__file__).parent / "stored" / "home-before-rooms.tar.xz"
DIGESTS = ["bc3768a4c740b12d", "e3658083f365710d"]
CODE = {
    "quorate_plugins.models.linear": "882d9d136607cfebf62e2f2dec13a353504f713dadd9393ede60ef04c52a48c1",
    "quorate_plugins.models.baselines": "b3256b7b96b8cfc0ca1b440a1218346ed8ffe5150b68e773fdf5b81951880b2e",
}
RESAMPLED = re.compile(
    r"\w+\.(members\.gain\.(seed|block|low|high|share-above-zero)"
    r"|gates(\[\d+\]\..+)?|verdict): "
)
PROMOTED, OTHER, STOPPED = "before-926b", "other-af1e", "stopped-a4da"


@pytest.fixture
def stored(tmp_path, monkeypatch):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "home"))
    quorate.trust_home()
    return Home()


@pytest.fixture
def code_of_then(monkeypatch):
    """Keys hold a digest of the models' text, which has changed since; all else in them must be what it was."""
    digest, keyed = keys.code_digest, keys.with_keys

    def then(factory, plugin, local=None):
        return CODE.get(factory.__module__) or digest(factory, plugin, local)

    def with_keys(tasks, data):
        now = keyed(tasks, data)
        with monkeypatch.context() as patch:
            patch.setattr(keys, "code_digest", then)
            return [replace(task, code=one.code) for task, one in zip(keyed(tasks, data), now, strict=True)]

    monkeypatch.setattr(members, "with_keys", with_keys)


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
    with pytest.raises(quorate.StoreError, match="before there was a table 'grid'"):
        _ = reports[0].grid
    assert stored.find(STOPPED).state == "interrupted"
    found = verify(stored)
    assert (found.sound, found.entries, found.runs) == (True, 24, 6)


@pytest.mark.parametrize("name", [PROMOTED, OTHER])
def test_a_run_is_computed_again(stored, same_machine, name):
    again = quorate.reproduce(name)
    assert again.predictions > 0
    assert again.differing == 0 or not same_machine
    # Since then what is resampled is drawn anew, and seeded by the bars, and gates allow for dependence; that is told,
    # and nothing else differs.
    assert all(RESAMPLED.match(line) for line in again.differences) or not same_machine
    assert "what is resampled: seeded by the recipe -> by the bars" in again.versions
    assert len(again.versions) <= 2 or not same_machine


@pytest.mark.usefixtures("code_of_then")
def test_an_interrupted_run_is_finished_and_repeats_no_fit(stored, same_machine):
    report = quorate.resume()
    assert report.run_id.endswith(STOPPED)
    assert report.telemetry["cached"] == 12 or not same_machine  # three of its own, nine of other runs
    assert quorate.reproduce(report.run_id).identical
    assert verify(stored).sound


@pytest.mark.usefixtures("code_of_then")
def test_the_same_recipe_again_fits_nothing(stored, same_machine):
    before = quorate.load_report(OTHER)
    recipe = {k: v for k, v in before.provenance["recipe"].items() if k not in ("execution", "gates")}
    gates = {"preset": "standard", "alpha": False, "selection": False, "dsr": {}}  # those that it had then
    again = quorate.run({**recipe, "gates": gates})
    assert again.telemetry["fits"] == again.telemetry["cached"] or not same_machine
    assert again.provenance["recipe_digest"] == before.provenance["recipe_digest"]
    if same_machine:
        digests = [r.results["development"]["digests"] for r in (before, again)]
        assert digests[0] == digests[1]
