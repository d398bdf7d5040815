"""Pre-trained weights: what a plugin tells of them, and what they may have seen."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

import quorate
from quorate.errors import PluginError

SHA = "a" * 64


@pytest.mark.parametrize(
    "given, until",
    [
        ({"trained_until": "2020-06-30", "released": "2021-01-01"}, dt.date(2020, 6, 30)),
        ({"released": "2021-01-01"}, dt.date(2021, 1, 1)),
        ({}, None),
    ],
)
def test_weights_have_seen_what_came_until_they_were_trained_or_else_came_out(given, until) -> None:
    assert quorate.Pretrained("w", "MIT", SHA, **given).seen_until == until


@pytest.mark.parametrize(
    "given, told",
    [
        ({"weights": " "}, "weights must be told"),
        ({"licence": ""}, "licence must be told"),
        ({"sha256": "abc"}, "sha256 must be 64 hexadecimal digits; it was 'abc'"),
        ({"trained_until": "June 2020"}, "trained_until must be a day, YYYY-MM-DD, or empty; it was 'June 2020'"),
        ({"released": "2020-13-01"}, "released must be a day"),
    ],
)
def test_what_is_told_must_be_whole(given, told) -> None:
    with pytest.raises(PluginError, match=told):
        quorate.Pretrained(**{"weights": "w", "licence": "MIT", "sha256": SHA, **given})


def test_weights_in_files_are_told_by_what_these_hold(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("b.bin", "a.json")]
    for path in files:
        path.write_text(path.name)
    first = quorate.Pretrained.from_files("w", "MIT", files, released="2021-01-01")
    assert quorate.Pretrained.from_files("w", "MIT", files[::-1], released="2021-01-01") == first
    files[0].write_text("B.bin")
    os.utime(files[0], (1, 1))
    assert quorate.Pretrained.from_files("w", "MIT", files, released="2021-01-01").sha256 != first.sha256
    with pytest.raises(PluginError, match=r"the weights .*gone\.bin cannot be read: No such file"):
        quorate.Pretrained.from_files("w", "MIT", [tmp_path / "gone.bin"])


def test_a_spec_begins_with_what_its_function_tells() -> None:
    def told(params):
        return quorate.Pretrained(f"size {params['size']}", "MIT", SHA)

    spec = quorate.ModelSpec("m", dict, params={"size": 1}, pretrained=told)
    assert spec.begins_with({"size": 2}).weights == "size 2"
    assert spec.begins_with({}).weights == "size 1"
    assert quorate.ModelSpec("m", dict).begins_with({}) is None
    with pytest.raises(PluginError, match=r"model 'm': pretrained must give a Pretrained; it was \{\}"):
        quorate.ModelSpec("m", dict, pretrained=dict).begins_with({})
    with pytest.raises(PluginError, match=r"model 'm': its weights cannot be had: KeyError: 'size'"):
        quorate.ModelSpec("m", dict, pretrained=told).begins_with({})


def test_a_model_of_prices_reads_bars() -> None:
    with pytest.raises(PluginError, match="labels are of a model of prices: they need input='bars'"):
        quorate.ModelSpec("m", dict, labels=("return",))
