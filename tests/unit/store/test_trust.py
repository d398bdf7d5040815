"""Whose a home is, and which addresses were named: noted outside the homes, which may say anything."""

import json
import shutil

import pytest

import quorate
from quorate.store import Home
from quorate.store.trust import ID, is_trusted, name_address, require, trust, was_named


@pytest.fixture(autouse=True)
def _notes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def made(tmp_path):
    """A home that this user made."""
    Home(tmp_path / "made").claim()
    return tmp_path / "made"


def test_a_home_that_is_made_here_is_trusted(made):
    assert is_trusted(made)
    require(made, "it is run")


def test_a_home_that_is_there_already_is_not_and_is_asked_about_once(tmp_path):
    home = tmp_path / "cloned"
    (home / "runs").mkdir(parents=True)
    Home(home).claim()
    assert not is_trusted(home)
    with pytest.raises(quorate.StoreError, match=r"it is run, and the home .*cloned was not made here by you.*--trust"):
        require(home, "it is run")
    quorate.trust_home(home)
    require(home, "it is run")
    assert is_trusted(home)


def test_a_home_that_was_copied_or_moved_is_asked_about_again(made, tmp_path):
    shutil.copytree(made, tmp_path / "copy")
    assert not is_trusted(tmp_path / "copy")
    made.rename(tmp_path / "moved")
    assert not is_trusted(tmp_path / "moved")


def test_a_home_in_place_of_one_that_was_trusted_is_not(made):
    shutil.rmtree(made)
    made.mkdir()
    (made / ID).write_text(json.dumps({"id": "0" * 32}))
    assert not is_trusted(made)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": null}', '{"id": ""}', "\\xff"])
def test_a_home_without_a_sound_id_is_not_trusted(made, text):
    (made / ID).write_text(text)
    assert not is_trusted(made)


def test_what_cannot_be_noted_is_said(made, tmp_path, monkeypatch):
    (tmp_path / "state").rename(tmp_path / "gone")
    (tmp_path / "state").write_text("a file in the way")
    assert not is_trusted(made)
    with pytest.raises(quorate.StoreError, match=r"cannot note that .*made is trusted"):
        trust(made)
    with pytest.raises(quorate.StoreError, match=r"there is no home at .*nowhere"):
        trust(tmp_path / "nowhere")


def test_addresses_that_were_named_are_remembered():
    assert not was_named("http://127.0.0.1:8265")
    name_address("http://127.0.0.1:8265")
    name_address("https://ray.example.com")
    assert was_named("http://127.0.0.1:8265")
    assert not was_named("http://127.0.0.1:82")


def test_without_a_place_for_notes_nothing_is_trusted_and_nothing_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    Home(tmp_path / "home").claim()
    name_address("http://127.0.0.1:8265")
    assert not is_trusted(tmp_path / "home")
    assert not was_named("http://127.0.0.1:8265")


def test_a_home_that_is_not_there_is_no_matter_of_trust(tmp_path):
    with pytest.raises(quorate.StoreError, match=r"it is run, and there is no home .*none: name it with --home or"):
        require(tmp_path / "none", "it is run")
