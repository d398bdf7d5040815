"""What a server answers: forecasts as the models here give them, on record first, and by the version that is meant."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from httpx import Response

import quorate
from quorate.bars.digest import history_digest
from quorate.bars.panel import FIELDS, Bars
from quorate.errors import IntegrityError, StoreError
from quorate.runs.served import most_served
from quorate.serving.answers import Answers, Latest, Record, recorder
from quorate.serving.app import make_app
from quorate.serving.forecaster import Forecast, Forecaster
from quorate.serving.limits import Limits
from quorate.serving.models import Models
from quorate.serving.record import ForwardRecord
from quorate.store.trust import trust
from support.homes import Homes

LATER = "2002-01-02"  # after all bars that were judged


@pytest.fixture(scope="module")
def made(_homes: Homes) -> Path:
    """A home that no test changes."""
    trust(_homes.served)
    return _homes.served


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def models(made: Path) -> Models:
    """Versions that no test changes."""
    return Models(made, ["tiny@champion", "tiny@3", "bad@1"])


@contextmanager
def _client(models: Models, limits: Limits | None = None, **given: Any) -> Iterator[TestClient]:
    app = make_app(models, limits=limits or Limits(rate=0), **given)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(models: Models) -> Iterator[TestClient]:
    with _client(models) as found:
        yield found


def _bars(bars: Bars, *places: int) -> list[dict[str, Any]]:
    return [
        {"time": f"{bars.times[at]}Z", **{name: float(getattr(bars, name)[at, 0]) for name in FIELDS}} for at in places
    ]


def _later(close: float = 100.0, time: str = LATER) -> list[dict[str, Any]]:
    return [{"time": time, "open": close, "high": close, "low": close, "close": close, "volume": 1.0}]


def _told(answer: Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    return str(answer.json()["error"]["message"])


def test_an_answer_is_what_the_models_forecast_here(client: TestClient, models: Models) -> None:
    one = models.now.find("tiny")
    bars = one.known
    here = Forecaster.at(one.forecaster, bars.take(0, len(bars))).to_dict()
    answer = client.post("/predict", json={"version": "tiny", "bars": _bars(bars, -1)})
    found = answer.json()
    assert {name: found[name] for name in here} == here
    assert (found["version"], found["stage"], found["verdict"]) == ("tiny@1", "champion", "PASS")
    assert "override" not in found
    symbol = found["symbols"][0]
    assert set(symbol) == {"symbol", "weight", "forecast", "score", "members"}
    columns = {name: [row[name] for row in _bars(bars, -3, -2, -1)] for name in ("time", *FIELDS)}
    again = client.post("/predict", json={"version": "tiny@1", "bars": columns}).json()
    assert again["symbols"] == found["symbols"]
    assert again["bars"] != found["bars"]


def test_an_answer_of_a_run_that_failed_says_so(client: TestClient) -> None:
    found = client.post("/predict", json={"version": "bad", "bars": _later()}).json()
    assert (found["verdict"], found["override"]) == ("FAIL", "paper trading only")


def test_which_version_is_meant(client: TestClient, models: Models) -> None:
    for asked, found in {"tiny": 1, "tiny@1": 1, "tiny@champion": 1, "tiny@3": 3}.items():
        assert client.post("/predict", json={"version": asked, "bars": _later()}).json()["version"] == f"tiny@{found}"
    for asked in ("tiny@2", "tiny@latest", "bad@champion", "", "tinny"):
        told = _told(client.post("/predict", json={"version": asked, "bars": _later()}), 404)
        assert "must be one of bad@1, tiny@1, tiny@3" in told
    assert "version must be one of" in _told(client.post("/predict", json={"bars": _later()}), 422)
    with _client(Models(models.home.path, ["tiny@3"])) as alone:
        assert alone.post("/predict", json={"bars": _later()}).json()["version"] == "tiny@3"


def test_bars_that_cannot_be_gone_on_with_are_refused(client: TestClient, models: Models) -> None:
    known = models.now.find("tiny").known
    early = client.post("/predict", json={"version": "tiny", "bars": _bars(known, 5)})
    assert "bars cannot be forecast from: " in _told(early, 422)
    huge = client.post("/predict", json={"version": "tiny", "bars": _later(1e99)})
    assert huge.status_code in (200, 422), huge.text
    assert "bars must be given, or source" in _told(client.post("/predict", json={"version": "tiny"}), 422)
    far = client.post("/predict", json={"version": "tiny", "bars": _later(time="2005-01-03")}).json()
    assert "bars seem to be missing" in far["warning"]


def test_several_are_answered_in_order_and_one_that_is_wrong_refuses_all(client: TestClient) -> None:
    asked = [{"version": "tiny@3", "bars": _later()}, {"version": "tiny", "bars": _later(101.0)}]
    found = client.post("/batch", json={"requests": asked}).json()["answers"]
    assert [one["version"] for one in found] == ["tiny@3", "tiny@1"]
    asked[1]["bars"] = _later(-1.0)
    refused = client.post("/batch", json={"requests": asked}).json()["error"]
    assert refused["field"] == "requests[1].bars[0].open"
    assert refused["message"].startswith("requests[1].bars[0].open must be above 0; it was -1.0")


def test_errors_have_one_form(client: TestClient) -> None:
    assert "no such page" in _told(client.get("/nothing"), 404)
    assert "another way" in _told(client.get("/predict"), 405)
    assert "must be application/json" in _told(client.post("/predict", content="{}"), 415)
    told = _told(client.post("/predict", content="{", headers={"content-type": "application/json"}), 400)
    assert "must be JSON" in told
    with _client(client.app.state.answers.models, Limits(body=50)) as small:  # type: ignore[attr-defined]
        assert "50 bytes at most" in _told(small.post("/predict", json={"bars": _later()}), 413)


def test_what_is_served_describes_itself(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    told = client.get("/models").json()
    one = told["versions"][0]
    assert (one["version"], one["stage"], one["bars_until"]) == ("tiny@1", "champion", "2001-12-28T21:00:00.000000Z")
    assert one["evidence"]["holdout"]["verdict"] == "PASS"
    assert told["shadows"] == ["tiny@2"]
    openapi = client.get("/openapi.json").json()
    assert {"/predict", "/batch", "/models", "/health", "/metrics", "/reload"} <= set(openapi["paths"])
    text = json.dumps(openapi)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in openapi["components"]["schemas"]
    page = client.get("/docs")
    assert "POST /predict" in page.text
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    from quorate.serving.app import EXAMPLES
    from quorate.serving.requests import Ask

    for example in EXAMPLES.values():
        Ask.model_validate_json(json.dumps(example["value"]))


def test_what_is_asked_again_is_known(client: TestClient) -> None:
    def count(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    one = client.post("/predict", json={"version": "tiny", "bars": _later(77.0)})
    same = client.post("/predict", json={"bars": _later(77.0), "version": "tiny"})  # other letters, the same bars
    assert client.post("/predict", json={"version": "tiny", "bars": _later(77.0)}).content == one.content
    assert same.content == one.content
    assert count('quorate_forecasts_total{version="tiny@1"}') == 1
    assert count("quorate_cache_hits_total") == 2
    assert count('quorate_requests_total{route="/predict",status="200"}') == 3
    assert count("quorate_answers_per_second") == pytest.approx(3 / 60)


def test_little_is_kept_where_there_is_little_room() -> None:
    kept = Latest[str, int](10)
    for k in range(5):
        kept.put(f"{k}", k, 4)
    assert [kept.get(f"{k}") for k in range(5)] == [None, None, None, 3, 4]
    kept.get("3")
    kept.put("5", 5, 4)
    assert (kept.get("3"), kept.get("4")) == (3, None)
    kept.put("long", 6, 11)
    assert kept.get("long") is None


@pytest.fixture
def file(_homes: Homes) -> Path:
    return _homes.bars_file


def test_sources_are_read_by_the_names_that_are_offered(models: Models, file: Path) -> None:
    given = {"now": None, "file": str(file), "gone": str(file.with_name("gone.csv"))}
    with _client(models, sources=given) as client:
        found = [client.post("/predict", json={"version": "tiny", "source": name}).json() for name in ("now", "file")]
        assert found[0] == found[1]
        known = models.now.find("tiny").known
        sent = client.post("/predict", json={"version": "tiny", "bars": _bars(known, -1)}).json()
        assert found[0]["symbols"] == sent["symbols"]
        gone = client.post("/predict", json={"version": "tiny", "source": "gone"})
        assert str(file.parent) not in _told(gone, 503)
        other = client.post("/predict", json={"version": "tiny", "source": str(file)})
        assert "source must be one that is offered, file, gone, now" in _told(other, 422)


def test_bars_alone_are_not_enough_for_what_reads_more(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(models.now.served[0]), "bars_alone", "it reads covariates, too: ask with source")
    with _client(models) as client:
        told = _told(client.post("/predict", json={"version": "tiny", "bars": _later()}), 422)
    assert told == "bars cannot be taken: it reads covariates, too: ask with source"


def _recording(to: list[tuple[str, str]], broken: Callable[[str], bool] = lambda label: False) -> Record:
    def record(version: Any, forecast: Forecast, bars: str) -> None:
        if broken(version.standing.label):
            raise OSError(28, "No space left on device")
        to.append((version.standing.label, forecast.time))

    return record


def test_a_new_forecast_is_on_record_before_it_is_given_also_that_of_a_shadow(models: Models) -> None:
    record: list[tuple[str, str]] = []
    with _client(models, record=_recording(record)) as client:
        answer = client.post("/predict", json={"version": "tiny", "bars": _later(55.0)}).json()
        assert ("tiny@1", answer["time"]) in record
        client.post("/predict", json={"version": "tiny", "bars": _later(55.0)})
        client.post("/predict", json={"version": "tiny", "bars": _bars(models.now.find("tiny").known, -1)})
    assert sorted(record) == [("tiny@1", answer["time"]), ("tiny@2", answer["time"])]


def test_without_room_on_record_there_is_no_answer(models: Models, capsys: pytest.CaptureFixture[str]) -> None:
    full = True
    with _client(models, record=_recording([], lambda label: full)) as client:
        ask = {"version": "tiny", "bars": _later(56.0)}
        assert "cannot be put on record" in _told(client.post("/predict", json=ask), 503)
        full = False
        assert client.post("/predict", json=ask).status_code == 200
    assert "No space left on device" in capsys.readouterr().err


def test_a_shadow_that_fails_breaks_no_answer(models: Models, capsys: pytest.CaptureFixture[str]) -> None:
    with _client(models, record=_recording([], lambda label: label == "tiny@2")) as client:
        assert client.post("/predict", json={"version": "tiny", "bars": _later(57.0)}).status_code == 200
        assert client.post("/predict", json={"version": "tiny@3", "bars": _later(57.0)}).status_code == 200
        client.app.state.answers.close()  # type: ignore[attr-defined]
        assert "quorate_shadow_failures_total 1.0" in client.get("/metrics").text
    assert "a shadow of tiny@1 has no forecast" in capsys.readouterr().err


def test_what_is_forecast_of_later_bars_is_on_record_with_the_digest_of_all_prices(home: Path) -> None:
    (home / "serving.json").unlink(missing_ok=True)
    models = Models(home, ["tiny@champion"])
    one = models.now.find("tiny")
    with _client(models, record=recorder(models.home)) as client:
        first = client.post("/predict", json={"bars": _later()}).json()
        client.post("/predict", json={"bars": _later()})  # known already: on record once
        client.post("/predict", json={"bars": _bars(one.known, len(one.known) - 1)})  # no later bar
    [entry], shadows = (ForwardRecord(home).entries("tiny", version) for version in (1, 2))
    assert (entry["name"], entry["version"], entry["served_by"]) == ("tiny", 1, "quorate serve")
    assert entry["symbols"][0]["weight"] == first["symbols"][0]["weight"]
    frame = one.known.to_frame()
    last = dict.fromkeys(("open", "high", "low", "close"), 100.0) | {"volume": 1.0}
    more = frame.tail(1).assign(time=pd.Timestamp(first["time"]), **last)
    whole = Bars.from_frame(pd.concat([frame, more], ignore_index=True), one.known.calendar)
    assert [one["bars"] for one in (entry, *shadows)] == [history_digest(whole)] * 2  # as monitor computes it
    assert 1 <= (most_served(models.home) or 0) <= 3


def test_workers_forecast_the_same_bits_and_one_that_ends_is_replaced(models: Models) -> None:
    here = models.now.find("tiny")
    with closing(Models(models.home.path, ["tiny@1"], workers=2)) as elsewhere, _client(elsewhere) as client:
        there = elsewhere.now.find("tiny")
        assert there.known.fingerprint == here.known.fingerprint
        body = {"version": "tiny@1", "bars": _bars(here.known, -3, -2)}
        with _client(models) as own:
            assert client.post("/predict", json=body).json() == own.post("/predict", json=body).json()
        early = client.post("/predict", json={"bars": _bars(here.known, 5)})
        assert "bars cannot be forecast from: " in _told(early, 422)
        processes = {child.pid for child in multiprocessing.active_children()}
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        ended = [client.post("/predict", json={"bars": _later(70.0 + k)}) for k in range(2)]
        assert {_told(one, 503).partition(":")[0] for one in ended} == {"the process that was to forecast has ended"}
        assert client.post("/predict", json={"bars": _later(70.0)}).status_code == 200
        assert client.post("/predict", json={"bars": _later(71.0)}).status_code == 200
        assert not processes & {child.pid for child in multiprocessing.active_children()}


def test_no_forecast_waits_for_a_source_that_is_read(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(self: Any, path: str | None) -> Bars:
        begun.set()
        go.wait(60)
        return self.known  # type: ignore[no-any-return]

    monkeypatch.setattr("quorate.serving.models.Served.read", slow)
    with _client(models, sources={"live": None}) as client:
        ask = threading.Thread(
            target=client.post, args=("/predict",), kwargs={"json": {"version": "tiny", "source": "live"}}
        )
        ask.start()
        assert begun.wait(60)
        answer: list[Response] = []
        other = threading.Thread(
            target=lambda: answer.append(client.post("/predict", json={"version": "tiny", "bars": _later(61.0)}))
        )
        other.start()
        other.join(30)
        go.set()
        ask.join()
        assert [one.status_code for one in answer] == [200]


def test_more_than_may_wait_are_told_to_come_again(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(self: Answers, *given: Any) -> bytes:
        begun.set()
        go.wait(60)
        return b"{}"

    monkeypatch.setattr(Answers, "_make", slow)
    answers: list[Response] = []
    with _client(models, waiting=1) as client:

        def ask() -> None:
            answers.append(client.post("/predict", json={"version": "tiny", "bars": _later(58.0)}))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert begun.wait(60)
        other = client.post("/predict", json={"version": "tiny", "bars": _later(59.0)})
        assert "waited for already" in _told(other, 503)
        assert other.headers["retry-after"] == "1"
        go.set()
        for thread in threads:
            thread.join()
    assert [one.status_code for one in answers] == [200, 200, 200]  # one forecast is made for all who ask the same


def test_a_new_champion_takes_the_place_of_the_old_one(home: Path) -> None:
    registry = quorate.ModelRegistry(home)
    models = Models(home)
    with _client(models) as client:
        before = client.post("/predict", json={"version": "tiny", "bars": _later()}).json()
        assert client.post("/reload").json() == {"versions": ["tiny@1"], "loaded": [], "gone": [], "failed": {}}
        registry.stage("tiny@3", "champion")
        assert client.post("/predict", json={"version": "tiny", "bars": _later()}).json() == before
        assert client.post("/reload").json()["loaded"] == ["tiny@3"]
        now = client.post("/predict", json={"version": "tiny", "bars": _later()}).json()
        assert (now["version"], now["stage"]) == ("tiny@3", "champion")
        assert now["symbols"] != before["symbols"]
        registry.stage("tiny@3", "retired")
        told = _told(client.post("/reload"), 409)
        assert "there is no champion" in told
        assert client.post("/predict", json={"version": "tiny", "bars": _later()}).status_code == 200


def _damage(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()  # it is a second name of a file of the home
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_a_version_that_was_changed_is_not_served_and_no_longer(home: Path) -> None:
    models = Models(home, ["tiny@1", "tiny@3"])
    with _client(models) as client:
        _damage(next((home / "registry" / "tiny" / "3" / "models").glob("*.safetensors")))
        found = client.post("/reload")
        assert found.status_code == 409
        assert found.json()["gone"] == ["tiny@3"]
        assert "is not as it was registered, and is not served" in found.json()["failed"]["tiny@3"]
        _told(client.post("/predict", json={"version": "tiny@3", "bars": _later()}), 404)
        assert client.post("/predict", json={"version": "tiny@1", "bars": _later()}).status_code == 200
        _damage(home / "registry" / "tiny" / "1" / "version.json")
        client.post("/reload")
        assert client.get("/health").status_code == 503
    with pytest.raises(IntegrityError, match="is not as it was registered"):
        Models(home, ["tiny@3"])


def test_what_is_not_registered_is_not_served(home: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="did you mean 'tiny'"):
        Models(home, ["tini"])
    with pytest.raises(StoreError, match="has the versions"):
        Models(home, ["tiny@9"])
    quorate.ModelRegistry(home).stage("tiny@1", "retired")
    with pytest.raises(StoreError, match=r"there is no champion in .*: quorate registry stage bad@1 champion"):
        Models(home)
    other = shutil.copytree(home, tmp_path / "other")
    with pytest.raises(StoreError, match="--trust"):
        Models(other)


def _mutated(body: bytes, random: random.Random) -> bytes:
    """Return a request with a few mistakes: other bytes, parts that are gone or doubled, or other values."""
    odd = [
        None,
        True,
        -1,
        0,
        1e300,
        1e90,
        1e-90,
        10**400,
        "",
        "x" * 300,
        "\x00\ud800",
        [],
        {},
        [[]],
        float("nan"),
        "2024-13-45",
    ]
    if random.random() < 0.5:
        document = json.loads(body)
        place: Any = document
        while isinstance(place, dict | list) and place:
            key = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if random.random() < 0.4 or not isinstance(place[key], dict | list):
                place[key] = random.choice(odd)
                break
            place = place[key]
        return json.dumps(document).encode()
    found = bytearray(body)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(found))
        part = found[at : at + random.randint(1, 30)]
        found[at : at + len(part)] = random.choice([b"", bytes([random.randrange(256)]), part * 2, b"1e999", b"NaN"])
    return bytes(found)


@pytest.mark.parametrize("n", [60, pytest.param(1000, marks=pytest.mark.full)])
def test_nothing_that_is_sent_is_a_fault_of_the_server(client: TestClient, models: Models, n: int) -> None:
    chance = random.Random(20)
    good = _bars(models.now.find("tiny").known, -3, -2, -1)
    rows = {"version": "tiny", "bars": good}
    columns = {"version": "tiny", "bars": {name: [row[name] for row in good] for name in good[0]}}
    for k in range(n):
        several = k % 3 == 2
        body = json.dumps({"requests": [rows, columns]} if several else (rows, columns)[k % 3]).encode()
        body = _mutated(body, chance)
        path = "/batch" if several else "/predict"
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400, 404, 422), (body, answer.text)
        if answer.status_code != 200:
            assert answer.json()["error"]["message"].isprintable(), (body, answer.text)
    assert client.post("/predict", json=rows).status_code == 200
