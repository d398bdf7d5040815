"""What [data] takes from the environment reaches the source, and nothing that is told or stored."""

import base64
import inspect
import json
import os
import string
import tomllib
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.plugins.registry import Registry
from quorate.plugins.specs import SourceSpec
from quorate.recipe.environment import _WORDS, SHOWN, is_value, mask, substitute, tell
from quorate.recipe.load import validate
from quorate.recipe.resolve import to_plain, to_toml
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session

REGISTRY = Registry.load()
TINY = {
    "name": "tiny",
    "features": {"use": ["return_1", "return_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "threshold": {"min_bars": 50},
}
OPTIONS = {"password": "${QT_SECRET}"}


def parts(secret, text):
    """Return the runs of letters and digits of a secret that a text has."""
    plain, where = ("".join(c for c in t.casefold() if c.isalnum()) for t in (secret, text))
    return {plain[i : i + SHOWN] for i in range(len(plain) - SHOWN + 1) if plain[i : i + SHOWN] in where}


def test_a_variable_is_filled_in_wherever_a_text_holds_it(monkeypatch):
    monkeypatch.setenv("QT_A", "one")
    monkeypatch.setenv("QT_B", "two")
    value = {"a": "${QT_A}/${QT_B}.csv", "b": ["${QT_A}", 3], "c": {"d": "$QT_A"}}
    assert substitute(value) == {"a": "one/two.csv", "b": ["one", 3], "c": {"d": "$QT_A"}}


def test_a_missing_variable_names_the_key_and_no_value(monkeypatch):
    monkeypatch.setenv("QT_SECRET", "hunter2")
    monkeypatch.delenv("QT_SECRTE", raising=False)
    with pytest.raises(quorate.RecipeError) as error:
        substitute({"path": "${QT_SECRET}:${QT_SECRTE}"}, "data")
    assert "data.path needs the environment variable QT_SECRTE, which is not set" in str(error.value)
    assert "did you mean 'QT_SECRET'" in str(error.value)
    assert "hunter2" not in str(error.value)


# --- what may be told


CHANGED = {
    "as it is": lambda s: s,
    "upper case": str.upper,
    "quoted for a URL": lambda s: quote(s, safe=""),
    "quoted twice": lambda s: quote(quote(s, safe=""), safe=""),
    "as Python writes it": repr,
    "as bytes": lambda s: repr(s.encode()),
    "truncated": lambda s: s[:6] + "...",
    "the end of it": lambda s: s[-6:],
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 beside a user": lambda s: base64.b64encode(b"me:" + s.encode()).decode(),
    "backwards": lambda s: s[::-1],
    "doubled slashes": lambda s: s.replace("/", "//"),
    "hexadecimal": lambda s: s.encode().hex(),
    "spaced": lambda s: " ".join(s),
    "as JSON": json.dumps,
    "as ASCII": ascii,
    "for HTML": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "a list of bytes": lambda s: str(list(s.encode())),
    "UTF-16": lambda s: s.encode("utf-16-le").hex(),
    "read as Latin-1": lambda s: s.encode().decode("latin-1"),
    "behind a key": lambda s: f"data.{s}",
    "as a variable": lambda s: f"${{{s}}}",
}
SECRETS = st.text(string.ascii_letters + string.digits + "/'\\\n%+~._- ü", min_size=8, max_size=30).filter(
    lambda s: sum(c.isalnum() for c in s[:6]) >= SHOWN and sum(c.isalnum() for c in s[-6:]) >= SHOWN
)


@pytest.mark.parametrize("how", CHANGED.values(), ids=CHANGED)
def test_a_text_with_something_of_a_value_is_not_told(how):
    @given(SECRETS)
    @settings(max_examples=40, deadline=None)
    def check(secret):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("QT_SECRET", secret)
            told = tell(f"login failed for <{how(secret)}>, code 17", OPTIONS)
            # A value that is a path, and stands there as a whole, is told by its name.
            assert told is None or (("/" in secret) and not parts(secret, told.replace("QT_SECRET", "")))

    check()


@pytest.mark.parametrize("how", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("secret", ["eht path", "000'PATH", "path 1a2", "x9 data z7", "ab/column-cd"])
def test_a_value_of_which_a_word_is_everywhere_is_not_told(monkeypatch, how, secret):
    monkeypatch.setenv("QT_SECRET", secret)
    told = tell(f"login failed for <{how(secret)}>, code 17", OPTIONS)
    assert told is None or (("/" in secret) and not parts(secret, told.replace("QT_SECRET", "")))


@given(st.text(min_size=1, max_size=40).filter(lambda s: "\0" not in s and s.strip() and s.isprintable()))
@settings(max_examples=60, deadline=None)
def test_any_value_at_all_is_seen(secret):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QT_SECRET", secret)
        assert tell(f"refused: <<{secret}>>", OPTIONS) is None or "/" in secret or secret.casefold() in _WORDS


@pytest.mark.parametrize("value", ["the server", "x", "server"])
def test_a_word_that_equals_a_value_is_not_replaced(monkeypatch, value):
    monkeypatch.setenv("QT_SECRET", value)
    assert tell("the server at x closed the connection, line 12", OPTIONS) is None  # it would tell which word it is


@pytest.mark.parametrize(
    "value", ["close", "open data", "stock-market-open-home", "data.secret99", "!@#$%^&*()_+", "пароль"]
)
@pytest.mark.parametrize("how", [str, repr, json.dumps, ascii, lambda s: repr(s.encode())])
def test_a_value_of_common_words_or_of_signs_is_not_told(monkeypatch, value, how):
    monkeypatch.setenv("QT_SECRET", value)
    assert tell(f"<<{how(value)}>>", OPTIONS) is None


def test_what_has_nothing_of_a_value_is_told_as_it_is(monkeypatch):
    monkeypatch.setenv("QT_SECRET", "9f86d081884c7d65")
    text = "2 of 900 bars are wrong: see data.invalid"
    assert tell(text, OPTIONS) == text
    assert tell(text, {"password": "none here"}) == text


@pytest.mark.parametrize("typed", ["${QT_DIR}/SPY.csv", "${QT_DIR}//./SPY.csv", "~/${QT_DIR}/SPY.csv"])
def test_a_path_is_told_as_it_was_typed(monkeypatch, typed):
    monkeypatch.setenv("QT_DIR", "/srv/of-anna/x9")
    path = Path(typed.replace("${QT_DIR}", "/srv/of-anna/x9")).expanduser()
    assert (
        tell(f"{path}, line 3: close must be a number", {"path": typed}) == f"{typed}, line 3: close must be a number"
    )
    told = tell(f"there is no folder {path.parent}", {"path": typed})
    assert told == f"there is no folder {os.path.normpath(typed.rpartition('/SPY.csv')[0])}"
    assert "${QT_DIR}/.." in tell(f"there is no folder {path.parent.parent}", {"path": typed})


def test_a_name_that_comes_from_a_value_is_known(monkeypatch):
    monkeypatch.setenv("QT_SECRET", "/srv/anna/HUNTER22.csv")
    assert all(is_value(name, OPTIONS) for name in ("HUNTER22", "hunter22", "HUNTER22.csv", "anna", "srvanna"))
    assert not any(is_value(name, OPTIONS) for name in ("SPY", "ES", "us-equity"))


@pytest.mark.parametrize(
    "name, options, known",
    [
        ("AAPL", {"path": "${QT_DIR}", "symbol": "AAPL"}, False),
        ("AAPL", {"path": "${QT_DIR}/AAPL.csv"}, False),
        ("AAPL", {"path": "${QT_DIR}"}, True),
        ("Xaapl", {"path": "${QT_DIR}"}, True),
        ("4141504c", {"path": "${QT_DIR}"}, True),
        ("MSFT", {"path": "${QT_DIR}"}, False),
    ],
)
def test_what_stands_in_the_recipe_is_not_of_the_environment(monkeypatch, name, options, known):
    monkeypatch.setenv("QT_DIR", "/srv/AAPL")
    assert is_value(name, options) is known


# --- through sources


VAULT = """
import quorate
from quorate_data.simulated import simulated

def vault(n_bars: int = 700, password: str = "", url: str = ""):
    assert (password, url) == ("hunter2", "db://me:hunter2@host"), "not filled in"
    return simulated(n_bars=n_bars)

@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("vault", vault)
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def everything_stored(home):
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".py")


def test_a_secret_from_the_environment_reaches_the_source_and_nothing_that_is_stored(
    tmp_path, write, monkeypatch, capfd
):
    monkeypatch.setenv("QT_PASSWORD", "hunter2")
    data = {"source": "vault", "password": "${QT_PASSWORD}", "url": "db://me:${QT_PASSWORD}@host"}
    report = quorate.run({**TINY, "data": data}, home=tmp_path / "home", plugins=[write(VAULT, "vault.py")])
    assert report.provenance["recipe"]["data"]["url"] == "db://me:${QT_PASSWORD}@host"
    assert report.provenance["recipe"]["data"]["password"] == "${QT_PASSWORD}"
    assert b"hunter2" not in everything_stored(tmp_path / "home")
    assert "hunter2" not in "".join(capfd.readouterr())


TELLING = """
import sys
import warnings
import quorate
from quorate_data.simulated import simulated

class Odd(quorate.DataError):
    def __init__(self, one, two):
        super().__init__(f"{one}{two}")

class Unreadable(Exception):
    def __str__(self):
        raise RuntimeError("no text")

def vault(how: str, password: str, number: int = 1):
    if how == "warn":
        warnings.warn(f"{password} is weak", quorate.DataWarning)
    if how == "data-error":
        raise quorate.DataError(f"{password} is wrong")
    if how == "any-error":
        raise ValueError(f"{password} is wrong")
    if how == "chained":
        try:
            raise KeyError(password)
        except KeyError as e:
            raise quorate.DataError("refused") from e
    if how == "note":
        error = quorate.DataError("refused")
        error.add_note(password)
        raise error
    if how == "odd-class":
        raise Odd(password, 1)
    if how == "exit":
        sys.exit(password)
    if how == "unreadable":
        raise Unreadable(password)
    bars = simulated(n_bars=700)
    if how == "symbol":
        return quorate.Bars.from_frame(bars.to_frame().assign(symbol=password[:6]))
    return bars

@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("vault", vault)
"""
WAYS = ["data-error", "any-error", "chained", "note", "odd-class", "exit", "unreadable", "symbol", "wrong-type"]


@pytest.mark.parametrize("how", WAYS)
def test_what_a_source_tells_of_a_secret_is_not_told(tmp_path, write, monkeypatch, how):
    monkeypatch.setenv("QT_PASSWORD", "hunter2zebra")
    more = {"number": "${QT_PASSWORD}"} if how == "wrong-type" else {}
    data = {"source": "vault", "how": how, "password": "${QT_PASSWORD}", **more}
    home = tmp_path / "home"
    with pytest.raises(quorate.QuorateError) as error:
        quorate.run({**TINY, "data": data}, home=home, plugins=[write(TELLING, "vault.py")])
    told = "".join(traceback.format_exception(error.value))
    assert not parts("hunter2zebra", told)
    assert not parts("hunter2zebra", everything_stored(home).decode(errors="replace") if home.exists() else "")
    if how not in ("chained", "note", "unreadable"):
        assert "data.password" in told or "data.symbol" in told


def test_a_warning_with_a_secret_is_kept_without_it(tmp_path, write, monkeypatch):
    monkeypatch.setenv("QT_PASSWORD", "hunter2zebra")
    data = {"source": "vault", "how": "warn", "password": "${QT_PASSWORD}"}
    session = open_session({**TINY, "data": data}, home=tmp_path, plugins=[write(TELLING, "vault.py")])
    load_bars(session)
    assert "source 'vault' warned, and what it said may not be told" in session.warnings


def sources_and_options():
    for name in ("csv", "parquet", "simulated", "nasdaq", "sp500"):
        if name in REGISTRY.names("source"):
            for option in inspect.signature(REGISTRY.get(SourceSpec, name).resolve()).parameters:
                yield name, option


@pytest.mark.parametrize("source, option", list(sources_and_options()))
@pytest.mark.parametrize("shape", ["text", "list", "table", "path"])
def test_no_option_of_a_source_tells_a_value(tmp_path, monkeypatch, source, option, shape):
    bars = tmp_path / "SPY.csv"
    bars.write_text("Date,Open,High,Low,Close\n2020-01-02,10,12,9,11\n2020-01-03,11,13,10,12\n")
    secret = "q7Wz/kV3x'Lm\\9Rt Yp2"
    monkeypatch.setenv("QT_SECRET", secret)
    value = {"text": "${QT_SECRET}", "list": ["${QT_SECRET}"], "table": {"close": "${QT_SECRET}"}}.get(
        shape, f"{tmp_path}/${{QT_SECRET}}/./x.csv"
    )
    given = {"path": str(bars)} if source in ("csv", "parquet") else {}
    try:
        session = open_session({**TINY, "data": {"source": source, **given, option: value}}, home=tmp_path / "home")
        bars = load_bars(session)
        told = repr(bars) + repr(bars.calendar) + "".join(session.warnings) + json.dumps(to_plain(session.recipe))
    except quorate.QuorateError as e:
        told = "".join(traceback.format_exception(e))
    assert not parts(secret, told.replace("QT_SECRET", ""))


# --- secrets that were written into the recipe


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "db_passwd",
        "secret",
        "api_key",
        "apikey",
        "access_token",
        "Credentials",
        "auth",
        "pwd",
        "access_key",
        "passphrase",
        "bearer",
        "private_key",
        "AWS_SECRET_ACCESS_KEY",
        "authorization",
        "sharedkey",
    ],
)
def test_a_literal_secret_is_masked_in_every_form_of_the_recipe(key):
    recipe = validate(
        {**TINY, "data": {"source": "x", key: "hunter2", "nested": {key: ["hunter2"]}, "user": "me"}}, "x"
    )
    plain = to_plain(recipe)
    assert plain["data"] == {"source": "x", "quality": "warn", key: "***", "nested": {key: ["***"]}, "user": "me"}
    assert tomllib.loads(to_toml(recipe, REGISTRY))["data"] == plain["data"]
    assert "hunter2" not in json.dumps(plain) + to_toml(recipe, REGISTRY)


@pytest.mark.parametrize(
    "text, masked",
    [
        ("db://me:hunter2@host/bars", "db://me:***@host/bars"),
        ("db://me:hun/ter@2@host/bars", "db://me:***@host/bars"),
        ("https://hunter2@host/bars", "https://***@host/bars"),
        ("postgres://me@host/bars", "postgres://me@host/bars"),
        ("https://host/?a=1&token=hunter2&b=2", "https://host/?a=1&token=***&b=2"),
        ("host=h password=hunter2 dbname=x", "host=h password=*** dbname=x"),
        ("redis://hunter2@host", "redis://***@host"),
        ("host=h password='hunter 2' dbname=x", "host=h password='***' dbname=x"),
        ("https://host/?sig=hunter2&api-key=hunter2", "https://host/?sig=***&api-key=***"),
        ("https://host/?token=${QT_X}hunter2", "https://host/?token=${QT_X}***"),
        ("db://me:${QT_X}@host/?token=hunter2", "db://me:${QT_X}@host/?token=***"),
        ("prices/author=smith/x.csv", "prices/author=smith/x.csv"),
    ],
)
def test_secrets_in_addresses_are_masked(text, masked):
    assert mask({"url": text}) == {"url": masked}


def test_numbers_and_what_stands_beside_a_variable_are_masked_too():
    given = {"password": 19283746, "token": "${QT_X}hunter2", "passed": 3, "authors": "me", "login": {"pw": ["a"]}}
    expected = {"password": "***", "token": "${QT_X}***", "passed": 3, "authors": "me", "login": {"pw": ["***"]}}
    assert mask(given) == expected


def test_a_number_that_is_secret_is_not_told():
    assert tell("refused: 19283746", {"password": 19283746}) is None
    assert tell("refused: 19283746", {"port": 19283746}) == "refused: 19283746"


def test_what_fails_does_not_tell_a_literal_secret(tmp_path, write):
    data = {"source": "vault", "how": "data-error", "password": "hunter2zebra"}
    with pytest.raises(quorate.DataError) as error:
        quorate.run({**TINY, "data": data}, home=tmp_path / "home", plugins=[write(TELLING, "vault.py")])
    assert not parts("hunter2zebra", "".join(traceback.format_exception(error.value)))


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("iVw\n8%Up", repr("iVw\n8%Up")),  # the letter of the line break stands between its own
        ("ü0\\a\n0ü0", repr("ü0\\a\n0ü0")),
        ("V26XN-dh52eq7s2bphz.loW", "hz.loW"),  # with a word that is everywhere as a part of it
        ("data.source", "data.source"),  # called as a key is
        ("my-data.path-is-long", "'my-data.path-is-long'"),
        ("source-1a", "data.source-1a"),
        ("close99x", "data.columns.close99x"),
    ],
)
def test_signs_that_are_written_out_hide_nothing(monkeypatch, secret, told):
    monkeypatch.setenv("QT_SECRET", secret)
    assert tell(f"login failed for <{told}>, code 17", OPTIONS) is None
