"""What every view has: where one is, the command that shows the same, and keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Static

from quorate.errors import visible
from quorate.report.browser.deeds import DEEDS, SWEEP_DEEDS, Deed, possible
from quorate.report.browser.dialogs import Ask, Help, Menu
from quorate.report.browser.jobs import typed

if TYPE_CHECKING:
    from quorate.report.browser.app import Browser

T = TypeVar("T")
ROOMS = (("1", "runs", "Runs"), ("2", "sweeps", "Sweeps"), ("3", "ledger", "Ledger"), ("4", "jobs", "Commands"))
KEYS = dict.fromkeys(deed.key for deed in (*DEEDS, *SWEEP_DEEDS))

MOVES = ("Up", "Down", "Page", "First", "Last", "Scroll", "Focus")  # how keys begin that move a cursor


class Subject(NamedTuple):
    """What something can be done with.

    Parameters
    ----------
    id : str
        Of a run or sweep.
    state : str
        Its state.
    recipe : str
        What ``quorate run`` is given for its recipe.
    kind : {"run", "sweep"}
        Which of the two.
    """

    id: str
    state: str
    recipe: str
    kind: str = "run"


class View(Screen[None]):
    """One view of the window."""

    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [  # type: ignore[misc]
        (0, "narrow"), (72, "middle"), (132, "broad"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back(True)", "Back"),
        Binding("escape", "back", "Back", show=False),
        Binding("a", "menu", "Actions"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("y", "copy", "Copy", show=False),
        Binding("Y", "copy_command", "Copy the command", show=False),
        *(Binding(key, f"app.room('{name}')", word, show=False) for key, name, word in ROOMS),
        *(Binding(key, f"deed('{key}')", "", show=False) for key in KEYS),
    ]
    ROOM: ClassVar[str] = ""
    SAYS: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[str, int] = {}
        self._last: object = None  # what was told last

    def compose(self) -> ComposeResult:
        """Yield where one is, the view itself, its command, and the keys."""
        yield Static(id="crumbs", markup=False)
        yield from self.body()
        yield Static(id="told", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> ComposeResult:
        """Yield the view itself."""
        raise NotImplementedError

    @property
    def browser(self) -> Browser:
        """The window."""
        return cast("Browser", self.app)

    @property
    def crumbs(self) -> Sequence[str]:
        """Where one is, from the room on."""
        return ()

    @property
    def command(self) -> Sequence[str]:
        """The words, after ``quorate``, of the command that shows the same."""
        return ()

    @property
    def whole_command(self) -> Sequence[str]:
        """The command with the home that it is for."""
        return [*self.command, *self.browser.home_option] if self.command else ()

    @property
    def subject(self) -> Subject | None:
        """What something can be done with; None, where there is nothing."""
        return None

    @property
    def copied(self) -> str:
        """What `y` copies."""
        return self.subject.id if self.subject else ""

    def on_screen_resume(self) -> None:
        """Look again, and tell where one is."""
        self.changed()
        self.tell()

    def changed(self) -> None:
        """Take in that something in the home may have changed."""

    def tell(self) -> None:
        """Tell where one is, and the command that shows the same."""
        if not self.is_mounted:
            return
        head = Text(no_wrap=True, overflow="ellipsis")
        for key, name, word in ROOMS:
            style = "bold reverse" if name == self.ROOM else ""
            head.append(f" {key} {word} ", style).append(" ")
        for crumb in self.crumbs:
            head.append(" › ").append(visible(crumb), "bold")
        told = f"$ {typed(self.whole_command)}" if self.whole_command else ""
        if (head, told) != self._last:
            self._last = head, told
            self.query_one("#crumbs", Static).update(head, layout=False)
            command = Text(visible(told), no_wrap=True, overflow="ellipsis")
            self.query_one("#told", Static).update(command, layout=False)

    def beside(self, work: Callable[[], T], then: Callable[[T], object], group: str = "read") -> None:
        """Have something read beside the window, and taken in when it is there; what was asked before is dropped."""
        asked = self._asked[group] = self._asked.get(group, 0) + 1

        def run() -> None:
            found = work()
            if self.app.is_running:
                self.app.call_later(lambda: then(found) if self.is_attached and self._asked[group] == asked else None)

        self.run_worker(run, thread=True, exclusive=True, group=group, exit_on_error=False)

    def action_back(self, leave: bool = False) -> None:
        """Go back to where one came from; `leave`: from the runs, out of the window."""
        if len(self.app.screen_stack) > 1:
            self.dismiss(None)
        elif ROOMS[0][1] != self.ROOM:
            self.browser.action_room(ROOMS[0][1])
        elif leave:
            self.call_later(self.browser.action_quit)

    def action_help(self) -> None:
        """Show all keys."""
        own: dict[str, dict[str, list[str]]] = {"Here": {}, "Moving": {}, "Everywhere": {}}
        for one in self.active_bindings.values():
            binding = one.binding
            if not one.enabled or binding.key in KEYS or not binding.description:
                continue
            moves = binding.description.split()[0] in MOVES
            group = "Moving" if moves else "Everywhere" if binding.description in EVERYWHERE else "Here"
            own[group].setdefault(binding.description, []).append(self.app.get_key_display(binding))
        told = [(deed.key, f"{deed.name}: {deed.says}") for deed in self.possible]
        mouse = [
            ("click", "moves there; twice, or on a heading: opens, orders"),
            ("drag", "selects text; ctrl+c copies it"),
        ]
        groups = [(name, [("  ".join(keys), what) for what, keys in found.items()]) for name, found in own.items()]
        groups += [("What can be done here", told), ("Mouse", mouse)]
        self.app.push_screen(Help(" › ".join([self.ROOM, *self.crumbs]), self.SAYS, [g for g in groups if g[1]]))

    def action_copy(self) -> None:
        """Copy what the cursor stands at."""
        self._copy(self.copied)

    def action_copy_command(self) -> None:
        """Copy the command."""
        if self.whole_command:
            self._copy(typed(self.whole_command))

    def _copy(self, text: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"copied: {text if len(text) < 60 else text[:57] + '...'}", timeout=2, markup=False)

    @property
    def possible(self) -> list[Deed]:
        """What can be done here."""
        found = self.subject
        return possible(found.state, found.kind) if found else []

    def action_menu(self) -> None:
        """Show what can be done here, and do what is chosen."""
        if found := self.subject:
            home = self.browser.home_path

            def command(deed: Deed) -> str:
                try:
                    return typed(deed.command(found.id, found.recipe, home))
                except ValueError:
                    return typed([word.format(run=found.id, recipe=found.recipe) for word in deed.words])

            self.app.push_screen(Menu(found.id, self.possible, command), self._do)
        else:
            self.notify("there is nothing here that something can be done with", timeout=3)

    def action_deed(self, key: str) -> None:
        """Do what this key stands for."""
        if found := [deed for deed in self.possible if deed.key == key]:
            self._do(found[0])
        elif subject := self.subject:
            every = {deed.key: deed for deed in (SWEEP_DEEDS if subject.kind == "sweep" else DEEDS)}
            if key in every:
                self.notify(f"{every[key].name.lower()}: not while it is {subject.state}", timeout=3, markup=False)

    def _do(self, deed: Deed | None) -> None:
        found = self.subject
        if deed is None or found is None:
            return
        home = self.browser.home_path
        if deed.question or deed.fields:
            self.app.push_screen(Ask(deed, found.id, found.recipe, home), self._begin)
        else:
            self._begin(deed.command(found.id, found.recipe, home))

    def _begin(self, words: Sequence[str] | None) -> None:
        if words:
            self.browser.begin(words)


EVERYWHERE = {
    *(one.description for one in View.BINDINGS if isinstance(one, Binding)),
    *("Quit", "Suspend", "Dark or light", "Copy selected text"),
}
