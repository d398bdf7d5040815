"""Arrow files, workbooks and wide files: read as CSV files are, with the same options and the same faults."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

import quorate
from quorate.store.parquet import write_parquet
from quorate_data.excel import excel
from quorate_data.files import arrow, csv, parquet
from support.bar_files import DAYS, FIELDS, NAMES, asked, quiet, same, table, walk
from support.workbooks import write_workbook

# --- Arrow


def write_stream(frame, path):
    whole = pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(str(path), whole.schema) as out:
        out.write_table(whole)


def write_feather(frame, path):
    feather.write_feather(frame, str(path), compression="lz4")


@pytest.mark.parametrize("write_one, name", [(write_stream, "ABC.arrow"), (write_feather, "ABC.feather")])
@pytest.mark.parametrize("stamps", ["naive", "zoned", "text", "index", "dates", "periods"])
def test_arrow_files_and_streams_are_read_whatever_their_stamps_are(tmp_path, write_one, name, stamps):
    when = {
        "zoned": DAYS.tz_localize("Europe/Berlin"),
        "text": DAYS.strftime("%d.%m.%Y"),
        "dates": pd.Series(DAYS.date),
        "periods": DAYS.to_period("D"),
    }.get(stamps, DAYS)
    frame = walk().set_axis(NAMES[1:], axis=1)
    frame = frame.set_axis(pd.Index(DAYS, name="Date")) if stamps == "index" else frame.assign(Date=when)
    write_one(frame, tmp_path / name)
    bars = quiet(lambda: arrow(str(tmp_path)))
    assert bars.symbols == ("ABC",)
    assert bars.fingerprint == csv_of(tmp_path).fingerprint


def csv_of(folder):
    (folder / "csv").mkdir()
    (folder / "csv" / "ABC.csv").write_text(table(names=NAMES))
    return csv(str(folder / "csv"))


def test_long_arrow_files_take_dictionaries_decimals_and_small_floats(tmp_path):
    frame = pd.concat([walk(30, seed=k).assign(time=DAYS[:30], ticker=name) for k, name in enumerate("AB")])
    frame["ticker"] = frame["ticker"].astype("category")
    schema = pa.Table.from_pandas(frame, preserve_index=False)
    for i, kind in ((0, pa.decimal128(12, 4)), (3, pa.float32())):
        schema = schema.set_column(i, FIELDS[i], schema.column(FIELDS[i]).cast(kind))
    feather.write_feather(schema, str(tmp_path / "all.feather"))
    bars = arrow(str(tmp_path / "all.feather"), symbols=["B"])
    np.testing.assert_allclose(bars.open[:, 0], walk(30, seed=1)["open"])


def test_faults_of_arrow_files_are_told_by_row(tmp_path):
    frame = walk().assign(Date=DAYS)
    frame.loc[6, "high"] = 1.0
    write_feather(frame, tmp_path / "ABC.feather")
    asked(str(tmp_path), r"ABC\.feather: high must not be below the low: ABC at 2018-01-10", arrow)
    (tmp_path / "ABC.feather").write_bytes(b"Date,Open\n")
    asked(str(tmp_path), "not a readable Arrow file", arrow)
    (tmp_path / "ABC.feather").write_bytes(b"FEA1....")
    asked(str(tmp_path), "Feather file of version 1", arrow)


# --- workbooks


def cells(frame=None, days=DAYS, names=NAMES):
    frame = walk() if frame is None else frame
    rows = [[day.date(), *map(float, row)] for day, row in zip(days, frame.to_numpy(), strict=True)]
    return [list(names), *rows]


def test_a_sheet_is_read_as_the_same_csv_file(tmp_path):
    titled = [["Prices of ABC"], [], *cells()]
    path = write_workbook(tmp_path / "ABC.xlsx", {"Notes": [], "Prices": titled})
    bars = quiet(lambda: excel(path))
    assert bars.symbols == ("ABC",)
    for name in FIELDS:  # to the last bit
        assert getattr(bars, name)[:, 0].tolist() == walk()[name].tolist()
    assert bars.fingerprint == csv_of(tmp_path).fingerprint


def test_dates_with_times_and_texts_in_cells_are_read(tmp_path):
    when = pd.date_range("2024-01-02", periods=400, freq="7min")
    rows = [
        [t.to_pydatetime(), *(f"{value:,.4f}" for value in row)] for t, row in zip(when, walk().to_numpy(), strict=True)
    ]
    path = write_workbook(tmp_path / "ABC.xlsx", {"S": [["When", *NAMES[1:]], *rows]})
    bars = excel(path, columns={"time": "When"}, calendar="24x7")
    assert (bars.times == when.to_numpy()).all()
    assert same(bars)


def test_sheets_are_asked_for_and_may_be_a_symbol_each(tmp_path):
    path = write_workbook(tmp_path / "all.xlsx", {"BRK.B": cells(), "MSFT": cells(walk(seed=1))})
    message = asked(path, r"several sheets, 'BRK\.B', 'MSFT'", excel)
    assert excel(path, sheet=re.search(r'data\.sheet = "([^"*]+)"', message)[1]).symbols == ("all",)
    assert excel(path, sheet="*").symbols == ("BRK.B", "MSFT")
    asked(path, r"no sheet 'MSFR'; .* did you mean 'MSFT'", excel, sheet="MSFR")
    broken = cells()
    broken[7][2] = "dear"
    path = write_workbook(tmp_path / "all.xlsx", {"A": cells(), "B": broken})
    asked(path, r"all\.xlsx/B, row 8: high must be a number; it was 'dear'", excel, sheet="*")
    (tmp_path / "no.xlsx").write_text("Date,Open")
    asked(str(tmp_path / "no.xlsx"), "not a readable workbook", excel)


# --- wide files


def wide_frame(field, symbols=("A", "B", "C.D")):
    return pd.DataFrame({name: walk(seed=k)[field].to_numpy() for k, name in enumerate(symbols)}, index=DAYS)


def write_wide(kind, frame, path):
    frame = frame.rename_axis("Date")
    if kind is csv:
        frame.to_csv(f"{path}.csv")
        return f"{path.name}.csv"
    if kind is parquet:
        write_parquet(frame.reset_index(), path.with_suffix(".parquet"))
        return f"{path.name}.parquet"
    write_feather(frame.reset_index(), f"{path}.feather")
    return f"{path.name}.feather"


@pytest.mark.parametrize("kind", [csv, parquet, arrow])
def test_a_file_per_field_makes_whole_bars(tmp_path, kind):
    files = {field: write_wide(kind, wide_frame(field), tmp_path / field) for field in FIELDS}
    bars = quiet(lambda: kind(str(tmp_path), fields=files))
    assert bars.symbols == ("A", "B", "C.D")
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(bars, field), wide_frame(field).to_numpy())
    two = {field: files[field] for field in ("close", "volume")}
    with pytest.warns(quorate.DataWarning, match=r"'open', 'high', 'low' of all bars are the close; trade at closes"):
        some = kind(str(tmp_path), fields=two, symbols=["B"])
    assert (some.open == some.close).all()
    assert some.has_volume
    assert some.symbols == ("B",)


def test_sheets_may_be_fields(tmp_path):
    sheets = {f: [["", "A", "B"], *cells(wide_frame(f, "AB"), names=[])[1:]] for f in FIELDS}
    path = write_workbook(tmp_path / "book.xlsx", sheets)
    bars = quiet(lambda: excel(path, fields={field: field for field in FIELDS}))
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(bars, field), wide_frame(field, "AB").to_numpy())


def test_symbols_of_wide_files_begin_and_end_where_they_have_closes(tmp_path):
    frame = wide_frame("close")
    frame.loc[: DAYS[99], "B"] = np.nan
    frame.loc[DAYS[300] :, "C.D"] = np.nan
    path = tmp_path / write_wide(csv, frame, tmp_path / "close")
    with pytest.warns(quorate.DataWarning, match="are the close, and there is no volume"):
        bars = csv(str(path), wide=True)
    np.testing.assert_array_equal(bars.close, frame.to_numpy())
    assert not bars.has_volume


def test_what_is_wrong_with_wide_files_is_told(tmp_path):
    close = write_wide(csv, wide_frame("close"), tmp_path / "close")
    volume = wide_frame("volume").astype(object)
    volume.iloc[4, 1] = "many"
    told = {"close": close, "volume": write_wide(csv, volume, tmp_path / "volume")}
    asked(str(tmp_path), r"volume\.csv, line 6: volume must be a number; it was 'many'", fields=told)
    late = wide_frame("volume").set_axis(DAYS + pd.DateOffset(years=-20))
    told["volume"] = write_wide(csv, late, tmp_path / "volume")
    asked(str(tmp_path), r"volume\.csv: no stamp of A is one of .*close\.csv", fields=told)
    asked(str(tmp_path), r"'vol' is no field of bars.*did you mean 'volume'", fields={"vol": "x"})
    asked(str(tmp_path), r"must say which file has the closes", fields={"volume": "x"})
    asked(str(tmp_path / close), r"data\.adjusted has no use .*data\.wide", wide=True, adjusted=True)
    asked(str(tmp_path / close), r"data\.fields names files of one folder", fields={"close": "close.csv"})
    asked(str(tmp_path), r"no such file.*did you mean 'close\.csv'", fields={"close": "closes.csv"})
    (tmp_path / "close.csv").write_text(table(names=NAMES))
    asked(str(tmp_path / close), r"are fields of bars, not symbols", wide=True)
