"""`alerts.jsonl`: one line for each, whoever writes beside, and whatever is torn."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from quorate.errors import IntegrityError, StoreError
from quorate.store.alerts import NAME, keep_alert, keep_delivery, read_alerts
from quorate.testing.tools.alerts import ALERTS

EACH, WRITERS = 60, 4


def _write(home: Path, who: int) -> None:
    for number in range(EACH):
        alert = replace(ALERTS[1], what=f"{who}-{number}", text="lines\n" * 400)
        keep_delivery(home, keep_alert(home, alert), "log", "now", "" if number % 2 else "it could not")


def test_programs_that_write_at_once_never_mix_their_lines(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(tmp_path, who)) for who in range(WRITERS)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    lines = (tmp_path / NAME).read_bytes().splitlines()
    assert len([json.loads(line) for line in lines]) == 2 * EACH * WRITERS
    found = read_alerts(tmp_path)
    assert {one["what"] for one in found} == {f"{who}-{n}" for who in range(WRITERS) for n in range(EACH)}
    assert {tuple(d["delivered"] for d in one["deliveries"]) for one in found} == {(True,), (False,)}


def test_an_alert_is_read_as_it_was_told_with_what_became_of_it(tmp_path):
    assert read_alerts(tmp_path) == []
    own = keep_alert(tmp_path, ALERTS[1])
    keep_delivery(tmp_path, own, "webhook", "2026-11-30T18:00:02+00:00", "it could not be reached")
    keep_delivery(tmp_path, "of-another-file", "webhook", "now", "")
    [one] = read_alerts(tmp_path)
    told = {
        "to": "webhook",
        "time": "2026-11-30T18:00:02+00:00",
        "delivered": False,
        "reason": "it could not be reached",
    }
    assert one == {"id": own, **asdict(ALERTS[1]), "deliveries": [told]}
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", [b'{"id": "a", "event', b"[1, 2]\n", b"\xff\xfe\n", b"[" * 5000 + b"\n", b"\n\n"])
def test_half_a_line_spoils_no_other(torn, tmp_path):
    keep_alert(tmp_path, ALERTS[0])
    with (tmp_path / NAME).open("ab") as file:
        file.write(torn)
    keep_alert(tmp_path, ALERTS[1])
    assert [one["subject"] for one in read_alerts(tmp_path)] == [alert.subject for alert in ALERTS]


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / NAME).symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError):
        keep_alert(tmp_path, ALERTS[0])
    with pytest.raises(IntegrityError):
        read_alerts(tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
