"""What stands in front of a view for a moment: a question before a command, what can be done, and help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from quorate.errors import visible
from quorate.report.browser.deeds import Deed
from quorate.report.browser.jobs import typed
from quorate.report.browser.listing import Listing

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A box in the middle, left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave it", show=True)]

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Give an answer, and go; of a key that is pressed twice, the second comes after that."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Ask(Dialog[list[str]]):
    """Ask before a command begins, and show the command; gives its words, or nothing.

    Parameters
    ----------
    deed : Deed
        What is to be done.
    run, recipe, home : str
        As `Deed.command` takes them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "go", "Do it", show=False)]

    def __init__(self, deed: Deed, run: str, recipe: str, home: str) -> None:
        super().__init__()
        self._deed, self._run, self._recipe, self._home = deed, run, recipe, home

    def compose(self) -> ComposeResult:
        """Yield question, fields, the command, and two buttons."""
        deed, given = self._deed, self._deed.given(self._run, self._recipe)
        with Vertical(classes="box"):
            yield Label(f"{deed.name}: {deed.says}", classes="title", markup=False)
            if deed.on != "recipe":
                yield Label(visible(self._run), classes="faint", markup=False)
            if deed.question:
                yield Label(deed.question, classes="question", markup=False)
            if deed.fields:
                with Grid(classes="fields"):
                    for place, one in enumerate(deed.fields):
                        yield Label(one.name, markup=False)
                        yield Input(given[one.name], placeholder=one.hint, id=f"field-{place}", compact=True)
            yield Static(id="command", classes="command")
            with Horizontal(classes="buttons"):
                yield Button("Do it", id="go", variant="primary", compact=True)
                yield Button("Leave it", id="leave", compact=True)

    def on_mount(self) -> None:
        """Show the command, and put the cursor where something is to be written."""
        self._tell()
        self.query(Input).first().focus() if self._deed.fields else self.query_one("#leave").focus()

    def on_input_changed(self) -> None:
        """Show the command as it is now."""
        self._tell()

    def on_input_submitted(self) -> None:
        """Do it."""
        self.action_go()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do it, or leave it."""
        if event.button.id == "go":
            self.action_go()
        else:
            self.dismiss(None)

    def action_go(self) -> None:
        """Give the command, if all is written that must be."""
        try:
            self.dismiss(self._words())
        except ValueError as e:
            self.notify(f"{e}", severity="warning", markup=False)

    def _words(self) -> list[str]:
        written = {one.name: self.query_one(f"#field-{k}", Input).value for k, one in enumerate(self._deed.fields)}
        return self._deed.command(self._run, self._recipe, self._home, written)

    def _tell(self) -> None:
        try:
            text = Text(f"$ {typed(self._words())}")
        except ValueError as e:
            text = Text(f"{e}", style="yellow")
        self.query_one("#command", Static).update(text)


class Menu(Dialog[Deed]):
    """All that can be done with something, with its keys and commands."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,a", "dismiss(None)", "Leave it", show=False)]

    def __init__(self, title: str, deeds: Sequence[Deed], command: Callable[[Deed], str]) -> None:
        super().__init__()
        self._title, self._deeds, self._command = title, deeds, command

    def compose(self) -> ComposeResult:
        """Yield a row for each."""
        columns = [
            ("key", "left", 0, lambda deed: deed.key),
            ("", "left", 0, lambda deed: deed.name),
            ("what it does", "left", 76, lambda deed: deed.says),
            ("command", "left", 0, lambda deed: self._command(deed)),
        ]
        with Vertical(classes="box wide"):
            yield Label(self._title, classes="title", markup=False)
            listing = Listing(lambda _: columns, lambda deed: deed.key)
            listing.styles.height = len(self._deeds) + 1
            yield listing
            yield Label("enter does it, escape leaves", classes="faint")

    def on_mount(self) -> None:
        """Show what can be done."""
        self.query_one(Listing).show(self._deeds)
        self.query_one(Listing).focus()

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        """Give what was chosen."""
        self.dismiss(event.thing)

    def on_key(self, event: object) -> None:
        """Give what has this key."""
        key = getattr(event, "character", None)
        if found := [deed for deed in self._deeds if deed.key == key]:
            self.dismiss(found[0])


class Choice(Dialog[str]):
    """A question with a few answers, each with its key."""

    def __init__(self, question: str, answers: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._question, self._answers = question, answers

    def compose(self) -> ComposeResult:
        """Yield the question, and a button for each answer."""
        with Vertical(classes="box"):
            yield Label(self._question, classes="question", markup=False)
            with Horizontal(classes="buttons"):
                for name, key, text in self._answers:
                    yield Button(f"{text} ({key})", id=f"answer-{name}", compact=True)

    def on_mount(self) -> None:
        """Have enter give the first answer."""
        self.query(Button).first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Give the answer."""
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def on_key(self, event: object) -> None:
        """Give the answer that has this key."""
        key = getattr(event, "character", None)
        for name, one, _ in self._answers:
            if one == key:
                self.dismiss(name)


class Help(Dialog[None]):
    """The keys of a view, in groups."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark", "dismiss(None)", "Leave", show=False),
    ]

    def __init__(self, title: str, says: str, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        super().__init__()
        self._title, self._says, self._groups = title, says, groups

    def compose(self) -> ComposeResult:
        """Yield what the view is for, and its keys."""
        text = Text()
        for name, keys in self._groups:
            text.append(f"\n{name}\n", style="bold")
            for key, what in keys:
                text.append(f"  {key:<18}", style="cyan").append(f"{what}\n")
        with Vertical(classes="box"):
            yield Label(self._title, classes="title", markup=False)
            yield Label(self._says, markup=False)
            with VerticalScroll(can_focus=True):
                yield Static(text)
            yield Label("escape leaves", classes="faint")

    def on_mount(self) -> None:
        """Have the arrows scroll."""
        self.query_one(VerticalScroll).focus()
