"""Bars from S3 and its like, and from web servers: what is fetched, what is not, and what is said."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import quorate
from quorate_data import _objects
from quorate_data.files import csv, parquet

TEXT = "Date,Open,High,Low,Close\n" + "".join(f"2020-01-{day:02},10,12,9,11\n" for day in (2, 3, 6, 7, 8))
KEYS = {"access_key_id": "ours", "secret_access_key": "zq8#Kw1!pV", "region": "us-east-1"}


class Answers(BaseHTTPRequestHandler):
    """Answers what the test has given for a path: status, headers, body, and how much of that is sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.heard.append(dict(self.headers))
        given = self.server.given.get(path, (404, {}, b"", None))
        status, headers, body, sent = given.pop(0) if isinstance(given, list) and len(given) > 1 else (
            given[0] if isinstance(given, list) else given
        )  # fmt: skip
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:sent])
        self.close_connection = True

    do_HEAD = do_GET

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.given, server.asked, server.heard = {}, [], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def s3():
    """A server whose bucket has 1,000 objects and a few others; and what it was asked."""
    obstore = pytest.importorskip("obstore")
    moto = pytest.importorskip("moto.server")
    from obstore.store import from_url

    asked: list[str] = []
    heard = logging.Handler()
    heard.emit = lambda record: asked.append(re.sub(r"\x1b\[\d*m", "", record.getMessage()))
    log = logging.getLogger("werkzeug")
    log.addHandler(heard)
    log.propagate = False
    log.setLevel(logging.INFO)
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    options = {**KEYS, "endpoint": "http://{}:{}".format(*server.get_host_and_port())}
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket("bucket", "us-east-1")
    for i in range(1000):
        backend.put_object("bucket", f"many/{i:04}.txt", b"")
    store = from_url("s3://bucket", config=options, client_options={"allow_http": True})
    for name in ("daily/AAA.csv", "daily/BBB.csv", "daily/notes.txt", "daily/old/CCC.csv"):
        obstore.put(store, name, TEXT.encode())
    yield store, options, asked
    server.stop()
    log.removeHandler(heard)


def fetched(asked):
    return [line.split()[1] for line in (one.partition('"')[2] for one in asked) if re.match(r"GET /bucket/", line)]


@pytest.mark.parametrize(
    ("path", "symbols"),
    [
        ("daily/*.csv", ("AAA", "BBB")),
        ("daily", ("AAA", "BBB")),
        ("daily/", ("AAA", "BBB")),
        ("daily/BBB.csv", ("BBB",)),
        ("daily/[!B]*.csv", ("AAA",)),
        ("**/*.csv", ("AAA", "BBB", "CCC")),
        ("daily/?BB.csv", ("BBB",)),
    ],
)
def test_a_path_of_objects_is_read_as_one_of_files(s3, tmp_path, path, symbols):
    bars = csv(f"s3://bucket/{path}", storage_options=s3[1], home=tmp_path)
    assert bars.symbols == symbols
    assert len(bars) == 5


def test_what_is_the_same_is_not_fetched_again_and_what_is_other_is(s3, tmp_path):
    import obstore

    store, options, asked = s3
    obstore.put(store, "changing/AAA.csv", TEXT.encode())
    obstore.put(store, "changing/BBB.csv", TEXT.encode())
    asked.clear()
    first = csv("s3://bucket/changing/*.csv", storage_options=options, home=tmp_path)
    assert len(fetched(asked)) == 2
    assert csv("s3://bucket/changing/*.csv", storage_options=options, home=tmp_path).fingerprint == first.fingerprint
    assert len(fetched(asked)) == 2
    assert [one["url"] for one in first.read] == ["s3://bucket/changing/AAA.csv", "s3://bucket/changing/BBB.csv"]
    assert first.read[0]["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert first.read[0]["bytes"] == len(TEXT)
    obstore.put(store, "changing/BBB.csv", TEXT.replace("11\n", "11.5\n").encode())
    other = csv("s3://bucket/changing/*.csv", storage_options=options, home=tmp_path)
    assert fetched(asked)[2:] == ["/bucket/changing/BBB.csv"]
    assert other.close[0].tolist() == [11, 11.5]
    assert other.read[0] == first.read[0]
    assert other.read[1]["etag"] != first.read[1]["etag"]


def test_a_kept_file_that_was_damaged_is_fetched_again(s3, tmp_path):
    _, options, _ = s3
    csv("s3://bucket/daily/AAA.csv", storage_options=options, home=tmp_path)
    (kept,) = (path for path in (tmp_path / "fetched").rglob("AAA.csv"))
    kept.write_text(TEXT.replace("2020-01-08", "2020-01-09"))
    bars = csv("s3://bucket/daily/AAA.csv", storage_options=options, home=tmp_path)
    assert str(bars.sessions[-1]) == "2020-01-08"


def test_a_thousand_objects_are_listed_and_one_is_fetched(s3, tmp_path):
    _, options, asked = s3
    asked.clear()
    with pytest.raises(quorate.DataError, match=r"many/0500\.txt: the file is empty"):
        csv("s3://bucket/many/*500.txt", storage_options=options, home=tmp_path)
    assert fetched(asked) == ["/bucket/many/0500.txt"]
    assert sum("list-type=2" in line for line in asked) <= 2


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("s3://bucket/daily/AAB.csv", "there is no such object or folder; did you mean 'daily/AAA.csv'"),
        ("s3://bucket/dayly/*.csv", "no object matches this pattern"),
        ("s3://bucket/many", "holds no .csv or .csv.gz object"),
        ("s3://bukket/daily/*.csv", "there is no bucket 'bukket'"),
        ("s3://bukket/daily/AAA.csv", "there is no bucket 'bukket'"),
        ("ftp://bucket/AAA.csv", "it began with ftp://"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(s3, tmp_path, path, told):
    with pytest.raises(quorate.DataError) as caught:
        csv(path, storage_options=s3[1], home=tmp_path)
    assert str(caught.value).startswith(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.csv"))


def test_faults_are_told_of_the_object(s3, tmp_path):
    import obstore

    store, options, _ = s3
    obstore.put(store, "faults/AAA.csv", TEXT.replace("12,9", "8,x").encode())
    with pytest.raises(quorate.DataError, match=r"^s3://bucket/faults/AAA\.csv"):
        csv("s3://bucket/faults/*.csv", storage_options=options, home=tmp_path)


def test_an_unknown_option_and_one_without_use_are_refused(s3, tmp_path):
    with pytest.raises(quorate.DataError, match="'nosuch' is not valid"):
        csv("s3://bucket/daily", storage_options={**s3[1], "nosuch": "x"}, home=tmp_path)
    with pytest.raises(quorate.DataError, match=r"data\.path has none"):
        csv("daily.csv", storage_options={"region": "x"})


def listing(*names):
    entries = "".join(
        f'<Contents><Key>{name}</Key><LastModified>2026-01-02T00:00:00Z</LastModified><ETag>"{name}"</ETag>'
        f"<Size>{len(TEXT)}</Size></Contents>"
        for name in names
    )
    return (200, {}, f'<?xml version="1.0"?><ListBucketResult>{entries}</ListBucketResult>'.encode(), None)


def held(tag, sent=None):
    """Return an object that is there, of which so many bytes are sent."""
    return (200, {"ETag": tag, "Last-Modified": "Fri, 02 Jan 2026 00:00:00 GMT"}, TEXT.encode(), sent)


def test_denied_access_is_said_in_a_line(web, tmp_path):
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    web.given = {"/bucket": (403, {}, denied, None), "/bucket/AAA.csv": (403, {}, b"", None)}
    for path in ("*.csv", "AAA.csv"):
        with pytest.raises(quorate.DataError, match="access is denied") as caught:
            csv(f"s3://bucket/{path}", storage_options={**KEYS, "endpoint": web.url}, home=tmp_path)
        assert "\n" not in str(caught.value)
        assert "storage_options" in str(caught.value)
        assert KEYS["secret_access_key"] not in str(caught.value)


def test_a_connection_that_is_cut_loses_nothing_of_the_other_files(web, tmp_path):
    options = {**KEYS, "endpoint": web.url}
    web.given = {
        "/bucket": listing("AAA.csv", "BBB.csv"),
        "/bucket/AAA.csv": held('"AAA.csv"'),
        "/bucket/BBB.csv": held('"BBB.csv"', 40),
    }
    with pytest.raises(quorate.DataError, match=r"^s3://bucket/BBB\.csv: .* what came of 1 others is kept") as caught:
        csv("s3://bucket/*.csv", storage_options=options, home=tmp_path)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*.csv")] == ["AAA.csv"]
    web.given["/bucket/BBB.csv"] = held('"BBB.csv"')
    web.asked.clear()
    assert csv("s3://bucket/*.csv", storage_options=options, home=tmp_path).symbols == ("AAA", "BBB")
    assert [one for one in web.asked if "AAA" in one] == []


def test_a_file_of_the_web_is_read_and_not_fetched_twice(web, tmp_path):
    web.given = {"/bars/AAA.csv": held('"one"')}
    url = f"{web.url}/bars/AAA.csv"
    bars = csv(url, home=tmp_path)
    assert (bars.symbols, len(bars), bars.read[0]["url"]) == (("AAA",), 5, url)
    csv(url, home=tmp_path)
    assert web.asked == ["HEAD /bars/AAA.csv", "GET /bars/AAA.csv", "HEAD /bars/AAA.csv"]
    web.given = {"/bars/AAA.csv": held('"two"')}
    csv([url], home=tmp_path)
    assert web.asked[-1] == "GET /bars/AAA.csv"


def test_a_key_in_an_address_is_sent_and_told_nowhere(web, tmp_path):
    web.given = {"/AAA.csv": held('"one"')}
    url = f"{web.url.replace('//', '//me:zq8Kw1@')}/AAA.csv?token=wq77Zp"
    bars = csv(url, storage_options={"headers": {"X-Key": "mine"}}, home=tmp_path)
    assert web.asked[0] == "HEAD /AAA.csv?token=wq77Zp"
    assert web.heard[0]["Authorization"] == "Basic bWU6enE4S3cx"
    assert web.heard[0]["X-Key"] == "mine"
    assert bars.read[0]["url"] == f"{web.url}/AAA.csv"
    assert not re.search("zq8Kw1|wq77Zp", str(bars.read))


def test_a_server_that_gives_but_does_not_tell_is_asked_for_the_file(web, tmp_path):
    web.given = {"/AAA.csv": [(405, {}, b"", None), (200, {}, TEXT.encode(), None)]}
    assert len(csv(f"{web.url}/AAA.csv", home=tmp_path)) == 5


def test_a_busy_server_is_asked_again(web, tmp_path, monkeypatch):
    monkeypatch.setattr(_objects, "WAIT", 0.01)
    web.given = {"/AAA.csv": [(503, {}, b"", None), (429, {"Retry-After": "0"}, b"", None), held('"one"')]}
    assert len(csv(f"{web.url}/AAA.csv", home=tmp_path)) == 5
    web.given = {"/AAA.csv": (503, {}, b"", None)}
    with pytest.raises(quorate.DataError, match="the server says 503 Service Unavailable"):
        csv(f"{web.url}/AAA.csv", home=tmp_path)


@pytest.mark.parametrize(
    ("path", "given", "told"),
    [
        ("/AAA.csv", (404, {}, b"", None), "the server says 404"),
        ("/AAA.csv", (403, {}, b"", None), "the server says 403"),
        ("/AAA.csv", held('"one"', 40), "ended"),
        ("/*.csv", held('"one"'), "no pattern"),
    ],
)
def test_what_the_web_does_not_give_is_said_in_a_line(web, tmp_path, path, given, told):
    web.given = {"/AAA.csv": given}
    with pytest.raises(quorate.DataError, match=told) as caught:
        csv(f"{web.url}{path}", home=tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.csv"))


def test_a_server_that_is_not_there_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(_objects, "WAIT", 0.01)
    with pytest.raises(quorate.DataError, match="cannot be reached: Connection refused"):
        csv("http://127.0.0.1:1/AAA.csv", home=tmp_path)


def test_parquet_comes_from_the_web_too(web, tmp_path):
    import pandas as pd

    from quorate.store.parquet import write_parquet

    frame = pd.DataFrame({"date": pd.bdate_range("2020-01-06", periods=5), **dict.fromkeys(("open", "close"), 10.0),
                          "high": 12.0, "low": 9.0})  # fmt: skip
    write_parquet(frame, tmp_path / "AAA.parquet")
    web.given = {"/AAA.parquet": (200, {"ETag": '"x"'}, (tmp_path / "AAA.parquet").read_bytes(), None)}
    assert parquet(f"{web.url}/AAA.parquet", home=tmp_path / "home").symbols == ("AAA",)
