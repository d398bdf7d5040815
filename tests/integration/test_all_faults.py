"""All that is wrong with files of bars is told at once."""

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.store.parquet import write_parquet
from quorate_data import files
from quorate_data.files import csv, parquet
from support.bar_files import NAMES, quiet, table, walk
from support.command import call, message_of


def faulty(path, name="high"):
    """Write a file of 400 bars with a fault of each kind, and return its path."""
    lines = table(names=NAMES).splitlines()
    cells = [line.split(",") for line in lines]
    cells[4][0] = "2018-13-45"
    for line in range(50, 58):
        cells[line][1] = "x"
    cells[8][4] = "n.b."
    cells[11][2], cells[11][3] = cells[11][3], cells[11][2]
    cells[23][4] = "-1"
    cells[25][5] = "-5"
    cells[20] = list(cells[19])
    path.write_text("\n".join(",".join(row) for row in cells) + "\n")
    return path


SAID = [
    "bars.csv: 14 lines cannot be used as they are",
    "a time stamp must be written as the others: line 5 ('2018-13-45')",
    "open must be a number: line 51 ('x'), line 52 ('x'), line 53 ('x'), line 54 ('x'), line 55 ('x') and 3 more",
    "close must be a number: line 9 ('n.b.')",
    "close must be positive: line 24 (-1)",
    "volume must not be negative: line 26 (-5)",
    "high must not be below the low: line 12 (",
    "a symbol has one bar at a time: line 21 (as line 20)",
    'correct them in the file; bars with impossible prices are left out by data.invalid = "drop"',
]


def test_each_kind_is_told_with_its_lines_what_they_were_and_what_they_must_be(tmp_path):
    path = faulty(tmp_path / "bars.csv")
    message = message_of(call("data", "check", path), 1)
    assert [part for part in SAID if part not in message] == []
    assert len(message.splitlines()) == len(SAID)
    assert message_of(call("init", path), 1) == message
    mended = [
        line
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if n not in {5, 9, 12, 21, 24, 26, *range(51, 59)}
    ]
    path.write_text("\n".join(mended) + "\n")
    assert len(quiet(lambda: csv(path))) == 400 - 14


def test_what_may_be_left_out_is_no_fault_where_it_is_left_out(tmp_path):
    with pytest.raises(quorate.DataError) as told:
        csv(faulty(tmp_path / "bars.csv"), invalid="drop")
    assert "11 lines cannot" in str(told.value)
    assert "close must be a number" in str(told.value)
    assert "positive" not in str(told.value)


def test_rows_of_parquet_are_told_as_well(tmp_path):
    frame = walk().astype(object)
    frame.insert(0, "time", pd.bdate_range("2018-01-02", periods=400).strftime("%Y-%m-%d").astype(object))
    frame.loc[2, "time"] = "soon"
    frame.loc[7, "low"] = "none"
    write_parquet(frame.astype(str), tmp_path / "bars.parquet")
    with pytest.raises(quorate.DataError, match=r"bars\.parquet: 2 rows cannot") as told:
        parquet(tmp_path / "bars.parquet")
    assert "written as the others: row 3 ('soon')" in str(told.value)
    assert "low must be a number: row 8 ('none')" in str(told.value)


def test_faults_of_several_files_are_told_together_and_those_of_many_are_counted(tmp_path):
    (tmp_path / "sound.csv").write_text(table(names=NAMES))
    for k in range(4):
        faulty(tmp_path / f"bad{k}.csv")
    for k in range(3):
        (tmp_path / f"none{k}.csv").write_text("a,b\n1,2\n")
    with pytest.raises(quorate.DataError) as told:
        csv(tmp_path)
    message = str(told.value)
    assert message.startswith("7 files have faults:\n")
    assert message.count("there is no column for 'time'") == 3
    assert message.count("14 lines cannot be used") == 2
    assert "\nand 2 more\n" in message
    assert "sound.csv" not in message
    for k in range(4):
        (tmp_path / f"bad{k}.csv").unlink()
    for k in range(2):
        (tmp_path / f"none{k}.csv").unlink()
    with pytest.raises(quorate.DataError, match=r"^[^\n]*none2\.csv: there is no column for 'time'[^\n]*$"):
        csv(tmp_path)


def test_one_kind_is_told_with_its_remedy_and_all_of_its_lines(tmp_path):
    path = tmp_path / "bars.csv"
    frame = walk()
    frame.loc[[3, 200, 399], "open"] = 0.0
    path.write_text(table(frame, names=NAMES))
    with pytest.raises(quorate.DataError) as told:
        csv(path)
    first, rest = str(told.value).split("\n")
    assert first.endswith('correct them, or leave them out with data.invalid = "drop"')
    assert rest.strip() == "open must be positive: line 5 (0), line 202 (0), line 401 (0)"


def test_all_lines_with_a_field_too_many_are_told(tmp_path):
    path = tmp_path / "bars.csv"
    lines = table(names=NAMES).splitlines()
    lines[4] += ",7"
    lines[30] += ",8,9"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(quorate.DataError, match=r"there are columns, 6: line 5 has 7, line 31 has 8$"):
        csv(path)


def test_stamps_that_are_all_to_be_read_otherwise_hide_no_other_fault(tmp_path):
    path = tmp_path / "bars.csv"
    days = [f"{day:%Y|%m|%d}" for day in pd.bdate_range("2018-01-02", periods=400)]
    lines = table(names=NAMES, stamps=days).splitlines()
    lines[8] = ",".join([*lines[8].split(",")[:4], "n.b.", "1"])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(quorate.DataError) as told:
        csv(path)
    first, rest = str(told.value).split("\n")
    assert "data.date_format" in first
    assert rest.strip() == "close must be a number: line 9 ('n.b.')"


@pytest.mark.parametrize(
    "form,wrong",
    [
        ("%d.%m.%Y", "tomorrow"),
        ("%m/%d/%Y", "13/45/2018"),
        ("%Y%m%d", "2018-1x"),
        ("seconds", "yesterday"),
        ("%b %d, %Y", "?"),
    ],
)
@pytest.mark.parametrize("line", [2, 6])
def test_one_stamp_that_is_unlike_the_others_is_told_and_not_all_of_them(tmp_path, form, wrong, line):
    every = pd.bdate_range("2018-01-02", periods=400)
    days = [f"{int(day.timestamp())}" if form == "seconds" else f"{day:{form}}" for day in every]
    days[line - 2] = f'"{wrong}"'
    path = tmp_path / "bars.csv"
    path.write_text(table(names=NAMES, stamps=[f'"{day}"' if "," in day else day for day in days]))
    with pytest.raises(quorate.DataError) as told:
        csv(path)
    assert f"line {line}" in str(told.value)
    assert repr(wrong) in str(told.value)
    assert "400 of 400" not in str(told.value)


def test_one_number_with_other_marks_is_told_and_not_all_of_them(tmp_path):
    path = tmp_path / "bars.csv"
    lines = table(names=NAMES, quote=True).splitlines()
    cells = lines[8].split(",")
    cells[4] = '"1.234,5"'
    lines[8] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(quorate.DataError, match=r"line 9: close must be a number; it was '1\.234,5' \(1 such"):
        csv(path)


def test_bars_out_of_order_are_told_beside_others_and_sound_files_are_not_looked_at_again(tmp_path, monkeypatch):
    path = tmp_path / "bars.csv"
    lines = table(names=NAMES).splitlines()
    lines[10], lines[11] = lines[11], lines[10]
    lines[30] = lines[30].replace(",", ",-", 1)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(quorate.DataError) as told:
        csv(path)
    assert "open must be positive: line 31 (-" in str(told.value)
    assert "bars must be sorted by time: line 12 (" in str(told.value)
    assert "set data.sort = true" in str(told.value)
    monkeypatch.setattr(files, "all_faults", None)
    path.write_text(table(names=NAMES))
    assert np.isfinite(csv(path).close).all()


def test_in_a_long_file_a_stamp_stands_once_for_each_symbol(tmp_path):
    days = [f"{day:%Y-%m-%d}" for day in pd.bdate_range("2018-01-02", periods=30)]
    frames = [walk(30, seed=k).assign(Date=days, Symbol=name) for k, name in enumerate("AB")]
    whole = pd.concat([*frames, frames[1][3:5]], ignore_index=True)
    whole.loc[40, "low"] = -1.0
    whole.loc[50, "Symbol"] = ""
    whole.to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(quorate.DataError) as told:
        csv(tmp_path / "bars.csv")
    assert "4 lines cannot be used" in str(told.value)
    assert "there must be a symbol: line 52 (nothing)" in str(told.value)
    assert "low must be positive: line 42 (-1)" in str(told.value)
    assert "a symbol has one bar at a time: line 62 (as line 35), line 63 (as line 36)" in str(told.value)
