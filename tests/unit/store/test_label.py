"""What people say of a run: what a tag may be, and what is left of a run when that file is changed."""

import os

import pytest

from quorate.errors import IntegrityError, RecipeError
from quorate.store import Home
from quorate.store.label import FILE, Label, default_name, read_label, write_label


@pytest.fixture
def run(tmp_path):
    return Home(tmp_path / "home").new_run("mine")


def test_a_run_without_a_label_has_none_said_of_it(run):
    assert read_label(run) == Label()


def test_what_is_written_is_read(run):
    label = Label("Best so far", ("good", "ärger"), "look at the costs")
    write_label(run, label)
    assert read_label(run) == label
    assert [path.name for path in run.path.iterdir()] == [FILE]


def test_tags_are_added_once_in_order_and_removed():
    label = Label().changed(add=["b", "a ", "b"], note=" said ", name="N")
    assert label == Label("N", ("b", "a"), "said")
    assert label.changed(remove=["b"], note="") == Label("N", ("a",), "")
    assert label.changed(name="").name == ""


@pytest.mark.parametrize(
    "change,said",
    [
        ({"add": ["x" * 61]}, "at most 60 characters"),
        ({"add": [" "]}, "it was empty"),
        ({"add": ["a\x1b[31m"]}, "control characters"),
        ({"add": ["two\nlines"]}, "control characters"),
        ({"note": "a\tb"}, "control characters"),
        ({"note": "x" * 1001}, "at most 1,000"),
        ({"name": "x" * 61}, "at most 60"),
        ({"remove": ["absent"]}, "no tag 'absent' to remove"),
    ],
)
def test_what_is_no_label_is_refused(change, said):
    with pytest.raises(RecipeError, match=said):
        Label().changed(**change)


def test_sixty_characters_are_a_tag():
    assert Label().changed(add=["x" * 60]).tags == ("x" * 60,)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"name": "", "tags": "ab", "note": ""}', '{"name": "\\u001b", "tags": [], "note": ""}']
)
def test_a_changed_label_is_an_integrity_error(run, text):
    (run.path / FILE).write_text(text)
    with pytest.raises(IntegrityError, match=r"label\.json cannot be read"):
        read_label(run)


def test_a_link_is_not_followed(run, tmp_path):
    (tmp_path / "other").write_text("kept")
    os.symlink(tmp_path / "other", run.path / FILE)
    for act in (lambda: read_label(run), lambda: write_label(run, Label("x"))):
        with pytest.raises(IntegrityError, match="a link"):
            act()
    assert (tmp_path / "other").read_text() == "kept"
    assert run.state == "damaged"


def test_a_run_that_noted_no_changes_is_called_by_its_recipe(run):
    assert default_name(run, "mine") == "mine"
