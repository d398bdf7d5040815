"""The sampler that asks a language model: what it asks, what it takes of an answer, and what it does without one."""

from __future__ import annotations

import json
import os
import random
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.plugins.registry import Registry
from quorate.plugins.space import Choice, Float, Int
from quorate.testing import runner
from quorate.testing.tools import watching
from quorate_plugins.samplers import by_llm, chat
from quorate_plugins.samplers.by_llm import llm
from quorate_plugins.samplers.by_optuna import tpe
from support.chat import KEY, Stub, completion, said

SPACE = {
    "bins": Choice((8, 64)),
    "depth": Int(1, 9),
    "kind": Choice(("plain", "forest")),
    "rate": Float(1e-4, 1.0, log=True),
}
GOOD = {"bins": "64", "depth": 3, "kind": "forest", "rate": 0.1}
TAKEN = {"bins": 64, "depth": 3, "kind": "forest", "rate": 0.1}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    made = Stub()
    made.answer = lambda asked: said(GOOD)
    monkeypatch.setenv("OPENAI_BASE_URL", made.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(by_llm, "_proposed", {})
    yield made
    made.server.shutdown()
    made.server.server_close()


def trials(n: int) -> tuple[quorate.EarlierTrial, ...]:
    return tuple(
        quorate.EarlierTrial(k, TAKEN | {"rate": 0.5 / (k + 2)}, "raced" if k % 3 == 1 else "complete", k / 10, 4)
        for k in range(-1, n)
    )


def ask(number: int = 0, known: Any = (), running: Any = (), seed: int = 5, **options: Any) -> dict[str, Any]:
    return llm(SPACE, known, running, number, seed, **{"model": "some-model", **options})


def by_tpe(number: int, known: Any = (), running: Any = (), seed: int = 5) -> dict[str, Any]:
    drawn = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    return tpe(SPACE, known, running, number, drawn)


def test_what_a_model_proposes_is_tried(stub: Stub) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ask() == TAKEN
    assert stub.paths == ["/v1/chat/completions"]
    assert stub.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_it_is_told_the_space_as_a_schema_the_latest_trials_and_the_guidance(stub: Stub) -> None:
    stub.answer = lambda asked: said(GOOD | {"depth": 8})
    known, running = trials(130), (quorate.EarlierTrial(130, GOOD | {"bins": 8, "depth": 9}),)
    ask(131, known[::-1], running, guidance="shallow trees", temperature=0.5)
    [asked] = stub.requests
    assert (asked["model"], asked["temperature"]) == ("some-model", 0.5)
    form = asked["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["strict"] is True
    one = form["json_schema"]["schema"]["properties"]["candidates"]["items"]
    assert one["required"] == sorted(SPACE)
    assert one["additionalProperties"] is False
    assert one["properties"] == {
        "bins": {"type": "string", "enum": ["8", "64"]},
        "depth": {"type": "integer", "minimum": 1, "maximum": 9},
        "kind": {"type": "string", "enum": ["plain", "forest"]},
        "rate": {
            "type": "number",
            "minimum": 1e-4,
            "maximum": 1.0,
            "description": "its order of magnitude counts (log scale)",
        },
    }
    told = json.loads(asked["messages"][1]["content"])
    assert [trial["trial"] for trial in told["trials"]] == list(range(30, 130))
    assert told["trials"][0] == {
        "trial": 30,
        "state": "complete",
        "loss": 3.0,
        "parameters": {**GOOD, "rate": 0.5 / 32},
    }
    assert told["running"] == [{**GOOD, "bins": "8", "depth": 9}]
    assert told["guidance"] == "shallow trees"
    assert told["propose"] == 4


def test_it_is_told_of_several_objectives_of_undefined_ones_and_of_conditions(stub: Stub) -> None:
    known = (
        quorate.EarlierTrial(0, TAKEN, "complete", float("nan"), 4, (0.5, -1.5)),
        quorate.EarlierTrial(1, TAKEN, "complete", float("inf"), 4),
    )
    space = SPACE | {"depth": Int(1, 9, when={"kind": ("forest",)})}
    stub.answer = lambda asked: said(GOOD | {"depth": 8})
    llm(space, known, (), 2, 5, model="some-model")
    told = json.loads(stub.requests[0]["messages"][1]["content"])
    assert [trial["loss"] for trial in told["trials"]] == [[0.5, -1.5], None]
    one = stub.requests[0]["response_format"]["json_schema"]["schema"]["properties"]["candidates"]["items"]
    assert one["properties"]["depth"]["description"] == 'it counts only where kind is one of ["forest"]'


def test_one_answer_serves_a_generation_and_what_becomes_known_is_asked_about_anew(stub: Stub) -> None:
    sets = [GOOD | {"depth": k} for k in range(1, 6)]
    stub.answer = lambda asked: said(*sets)
    first = [ask(number) for number in (0, 0, 1, 2, 3)]  # a sweep asks for its first trial twice
    assert [params["depth"] for params in first] == [1, 1, 2, 3, 4]
    assert len(stub.requests) == 1
    assert ask(4, running=[quorate.EarlierTrial(0, TAKEN | {"depth": 5})]) != TAKEN | {"depth": 5}
    assert len(stub.requests) == 2
    ask(4, trials(2))
    ask(4, trials(2), seed=6)
    ask(4, trials(2), guidance="another")
    assert len(stub.requests) == 5
    first[0]["depth"] = 99
    assert ask(4, trials(2), guidance="another") == TAKEN | {"depth": 1}


@pytest.mark.parametrize(
    "candidate",
    [
        GOOD | {"depth": 10},
        GOOD | {"depth": 0},
        GOOD | {"depth": 2.5},
        GOOD | {"depth": True},
        GOOD | {"depth": "3"},
        GOOD | {"rate": 0.0},
        GOOD | {"rate": float("nan")},
        GOOD | {"rate": float("inf")},
        GOOD | {"rate": None},
        GOOD | {"bins": "16"},
        GOOD | {"bins": 64},
        GOOD | {"kind": ["plain"]},
        GOOD | {"more": 1},
        {"depth": 3},
        [],
        None,
        GOOD | {"rate": 0.25, "depth": 3},  # tried before
    ],
)
def test_what_is_not_in_the_space_or_was_tried_is_dropped(stub: Stub, candidate: Any) -> None:
    known = (*trials(1), quorate.EarlierTrial(1, TAKEN | {"rate": 0.25}, "complete", 0.1, 4))
    stub.answer = lambda asked: said(candidate, GOOD | {"depth": 7.0})
    assert ask(2, known) == TAKEN | {"depth": 7}
    stub.answer = lambda asked: said(candidate)
    with pytest.warns(quorate.DataWarning, match="tpe took its place: nothing that it proposed can be tried"):
        assert ask(2, known, seed=6) == by_tpe(2, known, seed=6)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (completion("Try a depth of 3."), "its answer is not the JSON that was asked for"),
        (completion("[" * 100_000), "its answer is not the JSON that was asked for"),
        (completion('{"candidates": {"depth": 3}}'), "its answer is not the JSON that was asked for"),
        (completion("{}"), "its answer is not the JSON that was asked for"),
        (completion(None), "its answer is no chat completion"),
        ((200, b"<html>"), "its answer is no chat completion"),
        ((200, b"[]"), "its answer is no chat completion"),
        ((200, b"\xff\xfe\x00"), "its answer is no chat completion"),
        ((500, b"{}"), "it answered with status 500"),
        ((429, b"{}"), "it answered with status 429"),
        ((401, f"no such key: {KEY}".encode()), "it answered with status 401"),
        ((200, b" " * (chat.LARGEST + 1)), "its answer is larger than 1 MiB"),
    ],
)
def test_without_an_answer_tpe_takes_its_place_and_a_warning_says_why(
    stub: Stub, answer: tuple[int, bytes], told: str
) -> None:
    stub.answer = lambda asked: answer
    known = trials(14)
    with pytest.warns(quorate.DataWarning, match=f"tpe took its place: {told}") as heard:
        found = [ask(number, known) for number in (14, 15, 16)]
    assert found == [by_tpe(number, known) for number in (14, 15, 16)]
    assert len(stub.requests) == len(heard) == 1  # one question for as many trials as an answer would have served
    assert not any(KEY in str(one.message) for one in heard)


def test_a_slow_endpoint_is_not_waited_for(stub: Stub) -> None:
    over = threading.Event()
    stub.slowly = lambda handler: over.wait(30)
    with pytest.warns(quorate.DataWarning, match="it took too long"):
        assert ask(timeout=0.2) == by_tpe(0)

    def drips(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.05):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    stub.slowly = drips
    with pytest.warns(quorate.DataWarning, match="it took too long"):
        assert ask(seed=6, timeout=0.3) == by_tpe(0, seed=6)
    over.set()


def test_nobody_there_is_told(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.server.shutdown()
    stub.server.server_close()
    with pytest.warns(quorate.DataWarning, match="it could not be reached"):
        assert ask() == by_tpe(0)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://nobody..example/v1")
    with pytest.warns(quorate.DataWarning, match="it could not be reached"):
        assert ask() == by_tpe(0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(stub: Stub, status: int) -> None:
    other = Stub()
    stub.answer, stub.more = lambda asked: (status, b""), {"Location": f"{other.url}/chat/completions"}
    with pytest.warns(quorate.DataWarning, match=f"status {status}"):
        assert ask() == by_tpe(0)
    other.server.shutdown()
    assert other.requests == []


def test_what_is_here_is_asked_without_a_proxy(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Stub()
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask() == TAKEN
    proxy.server.shutdown()
    assert proxy.requests == []


def test_questions_and_answers_are_kept_and_the_key_is_not(stub: Stub, tmp_path: Any) -> None:
    path = tmp_path / "asked.jsonl"
    stub.answer = lambda asked: completion(json.dumps({"candidates": [GOOD, {"key": KEY}, GOOD | {"kind": KEY}]}))
    ask(log=str(path))
    stub.answer = lambda asked: (500, KEY.encode())
    with pytest.warns(quorate.DataWarning, match="status 500") as heard:
        ask(seed=6, log=str(path))
    text = path.read_text()
    first, second = map(json.loads, text.splitlines())
    assert first["request"] == stub.requests[0]
    assert json.loads(first["answer"])["candidates"][0] == GOOD
    assert (first["trial"], first["taken"], len(first["refused"]), first["error"]) == (0, 1, 2, "")
    assert (second["answer"], second["taken"], second["error"]) == (None, 0, "it answered with status 500")
    assert KEY not in text
    assert "Authorization" not in text
    assert not any(KEY in str(one.message) for one in heard)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["asked.txt", "missing/asked.jsonl", "link.jsonl", "folder.jsonl", "pipe.jsonl"])
def test_a_log_is_a_file_of_its_own(stub: Stub, tmp_path: Any, name: str) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(quorate.RecipeError, match=r"tuning\.sampler_options\.log = ") as error:
        ask(log=str(tmp_path / name))
    assert KEY not in str(error.value)
    assert (tmp_path / "elsewhere").read_text() == ""


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("http://10.0.0.5/v1", KEY, r"everybody on the way can read the key.*allow_insecure"),
        ("http://127.0.0.1.example/v1", KEY, "everybody on the way"),
        ("https://api.example/v1", "", "wants a key: put it into the variable OPENAI_API_KEY"),
        ("", "", "endpoint at api.openai.com wants a key"),
        ("api.example/v1", KEY, "must be the URL of an API"),
        ("file:///etc/passwd", KEY, "must be the URL of an API"),
        ("https://[", KEY, "must be the URL of an API"),
        ("https://host:port/v1", KEY, "must be the URL of an API"),
        (f"https://user:{KEY}@api.example/v1", "", "a key belongs into OPENAI_API_KEY"),
        (f"https://api.example/v1?key={KEY}", "", "a key belongs into OPENAI_API_KEY"),
        ("https://api.example/v1", f"{KEY}\r\nHost: other", "OPENAI_API_KEY must be one word"),
        ("https://api.example/v1", f"{KEY}é", "OPENAI_API_KEY must be one word"),
    ],
)
def test_an_endpoint_that_may_not_be_asked_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str, told: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(quorate.RecipeError, match=told) as error:
        ask()
    assert KEY not in str(error.value)


def test_a_network_that_one_trusts_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.5/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = chat.Endpoint.of_environment(allow_insecure=True)
    assert found.url == "http://10.0.0.5/v1"
    assert KEY not in repr(found)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://[::1]:11434/v1/")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert chat.Endpoint.of_environment(allow_insecure=False) == chat.Endpoint("http://[::1]:11434/v1", "")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"candidates": 0}, "candidates must be 1 or more"),
        ({"history": -1}, "history must be 0 or more"),
        ({"temperature": -0.1}, "temperature must be 0 or more"),
        ({"timeout": 0.0}, "timeout must be above 0"),
    ],
)
def test_options_that_cannot_be_are_refused(stub: Stub, options: dict[str, Any], told: str) -> None:
    with pytest.raises(quorate.RecipeError, match=rf"tuning\.sampler_options\.{told}"):
        ask(**options)
    assert stub.requests == []


def test_studies_do_not_pile_up(stub: Stub) -> None:
    for seed in range(by_llm.STUDIES + 5):
        ask(seed=seed)
    assert len(by_llm._proposed) <= by_llm.STUDIES


def test_it_keeps_every_rule_but_those_that_it_names(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_seen", {})  # what is seen here is of a plugin with an option of its own
    rng = random.Random(1)

    def drawn(schema: dict[str, Any]) -> Any:
        if "enum" in schema:
            return rng.choice(schema["enum"])
        whole = schema["type"] == "integer"
        return (rng.randint if whole else rng.uniform)(schema["minimum"], schema["maximum"])

    def answer(asked: dict[str, Any]) -> tuple[int, bytes]:
        items = asked["response_format"]["json_schema"]["schema"]["properties"]["candidates"]["items"]["properties"]
        return said(*({name: drawn(one) for name, one in items.items()} for _ in range(4)))

    stub.answer = answer
    plugin = Registry.load(environment=False).find("sampler", "llm")
    assert plugin.spec is not None
    plugin = replace(plugin, spec=replace(plugin.spec, params={"model": "some-model"}))
    said_of = {rule.name: runner.ask(rule, plugin) for rule in runner.rules("sampler")}
    states = {name: outcome.state for name, outcome in said_of.items()}
    assert {name for name, state in states.items() if state == "excused"} <= set(plugin.spec.known_gaps)
    assert "failed" not in states.values(), {n: o.message for n, o in said_of.items() if o.state == "failed"}
    assert states["repeat"] == "excused"
    assert states["inside"] == states["untouched"] == "passed"
