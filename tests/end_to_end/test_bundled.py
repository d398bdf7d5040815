"""The bundled recipes with a known answer: what is planted is found, promoted and reproduced, and noise is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import quorate
from quorate.runs.reproduce import reproduce

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which both were run."""
    home = tmp_path_factory.mktemp("bundled")
    for name in ("planted", "noise"):
        quorate.run(name, home=home)
    return home


def test_a_planted_signal_passes_and_noise_does_not(bundled: Path) -> None:
    planted, noise = (quorate.load_report(name, home=bundled) for name in ("planted", "noise"))
    assert (planted.verdict, noise.verdict) == ("PASS", "FAIL")
    assert not planted.promoted


def test_what_passed_is_promoted(bundled: Path) -> None:
    report = quorate.load_report("planted", home=bundled)
    promoted = quorate.promote("planted", home=bundled)
    assert promoted.promoted
    assert promoted.results["development"] == report.results["development"]


def test_what_failed_is_not_promoted(bundled: Path) -> None:
    assert not quorate.promote("noise", home=bundled).promoted


def test_every_number_is_reproduced(bundled: Path) -> None:
    result = reproduce("planted", home=bundled)
    assert result.identical
    assert result.predictions == len(quorate.load_report("planted", home=bundled).predictions) * 5
