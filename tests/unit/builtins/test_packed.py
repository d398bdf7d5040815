"""Files as they are kept: packed, in other encodings, with sums below their bars, or no tables at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import quorate
from quorate_data.files import csv

DAYS = pd.bdate_range("2022-01-03", periods=40)
ROWS = [f"{day:%Y-%m-%d},{10 + i / 8},{11 + i / 8},{9 + i / 8},{10.5 + i / 8},{100 + i}" for i, day in enumerate(DAYS)]
TEXT = "date,open,high,low,close,volume\n" + "\n".join(ROWS) + "\n"


def zipped(**members: str) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return found.getvalue()


def zst(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


def read(path: Path, content: bytes, **options: object) -> quorate.Bars:
    path.write_bytes(content)
    return csv(str(path), calendar="weekdays", **options)


PLAIN = TEXT.encode()
FORMS = {
    "abc.csv.gz": lambda: gzip.compress(PLAIN),
    "abc.csv.bz2": lambda: bz2.compress(PLAIN),
    "abc.csv.xz": lambda: lzma.compress(PLAIN),
    "abc.csv.zst": lambda: zst(PLAIN),
    "abc.csv.zip": lambda: zipped(**{"other.csv": TEXT}),
    "abc.zip": lambda: zipped(**{"abc.csv": TEXT}),
    "abc.csv": lambda: TEXT.encode("utf-16"),
    "abc.txt": lambda: TEXT.encode("utf-32"),
    "abc.tsv": lambda: TEXT.replace(",", "\t").encode("utf-8-sig"),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_file_is_read_as_the_plain_one(tmp_path: Path, name: str) -> None:
    plain = read(tmp_path / "plain.csv", PLAIN, symbol="abc")
    bars = read(tmp_path / name, FORMS[name]())
    assert bars.symbols == ("abc",)
    assert bars.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.bz2", bz2.compress(PLAIN)[:-9], "ended before the end-of-stream"),
        ("a.csv.xz", lzma.compress(PLAIN)[:-9], "ended before the end-of-stream"),
        ("a.csv.gz", PLAIN, "not a gzip file, as its name says"),
        ("a.zip", b"PK\x03\x04 and no more", "not a zip file"),
        ("a.csv", bz2.compress(PLAIN), "a bzip2 file, which is read under a name that ends in .csv.bz2"),
        ("a.csv", b"\n<!DOCTYPE html><html>not found</html>", "a web page, and no table"),
        ("a.csv", b'[{"open": 1}]', "JSON, which is not read"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(quorate.DataError, match=said):
        read(tmp_path / name, content)


def test_a_file_that_was_cut_off_is_no_shorter_one(tmp_path: Path) -> None:
    with pytest.raises(quorate.DataError, match="it ends before what was packed does"):
        read(tmp_path / "a.csv.zst", zst(PLAIN)[:-9])
    assert len(read(tmp_path / "b.csv.zst", zst(PLAIN[:700]) + zst(PLAIN[700:]))) == len(DAYS)


def test_an_archive_of_several_files_names_them(tmp_path: Path) -> None:
    with pytest.raises(quorate.DataError, match=r"a single file; it has 'a.csv', 'b.csv': unpack it"):
        read(tmp_path / "two.zip", zipped(**{"a.csv": TEXT, "b.csv": TEXT}))
    assert len(read(tmp_path / "one.zip", zipped(**{"a.csv": TEXT, "__MACOSX/._a.csv": "x"}))) == len(DAYS)


@pytest.mark.parametrize("word", ["Total", "Sum", "average", "Grand total:", "Max."])
def test_sums_below_the_bars_are_left_out_and_told(tmp_path: Path, word: str) -> None:
    with pytest.warns(quorate.DataWarning, match="left out, as it is no row of bars"):
        bars = read(tmp_path / "a.csv", (TEXT + f"{word},400,440,360,420,99999\n").encode())
    assert len(bars) == len(DAYS)
    with pytest.raises(quorate.DataError, match="'Somewhen' cannot be read"):
        read(tmp_path / "a.csv", (TEXT + "Somewhen,400,440,360,420,99999\n").encode())


def test_names_of_other_languages_are_known(tmp_path: Path) -> None:
    plain = read(tmp_path / "abc.csv", PLAIN)
    for names in (
        "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen",
        "Fecha;Apertura;Máximo;Mínimo;Cierre;Volumen",
        "Date;Ouverture;Haut;Bas;Clôture;Volume",
        "Data;Apertura;Massimo;Minimo;Chiusura;Volume",
        "Data;Abertura;Máximo;Mínimo;Fechamento;Volume",
        "日期;开盘;最高;最低;收盘;成交量",
    ):
        text = "\n".join([names, *ROWS]).replace(",", ";").replace(".", ",")
        assert read(tmp_path / "abc.csv", text.encode()).fingerprint == plain.fingerprint


def test_a_link_that_leads_nowhere_and_a_pipe_are_named(tmp_path: Path) -> None:
    (tmp_path / "dead.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(quorate.DataError, match="a link that leads nowhere"):
        csv(str(tmp_path / "dead.csv"))
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(quorate.DataError, match="neither a file nor a folder"):
        csv(str(tmp_path / "pipe.csv"))
