"""What can be done with a run, a sweep or a recipe: for each a key, and the command that does it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

FINISHED = ("finished",)
ENDED = ("interrupted", "failed", "submitted")
ANY = (*FINISHED, *ENDED, "running", "damaged", "unreadable")


@dataclass(frozen=True)
class Field:
    """What is asked before a command begins.

    Parameters
    ----------
    name : str
        Told beside the place to write in.
    option : str
        Of the command; "" for an argument. What is left empty is not given.
    hint : str
        Shown where nothing is written yet.
    several : bool
        Whether words that spaces part are options of their own; quotes keep words together.
    given : str
        What is written there at first; ``{run}`` and ``{recipe}`` are filled in.
    needed : bool
        Whether there must be something.
    """

    name: str
    option: str = ""
    hint: str = ""
    several: bool = False
    given: str = ""
    needed: bool = False

    def words(self, text: str) -> list[str]:
        """Return what it adds to the command.

        Raises
        ------
        ValueError
            If a quote is not closed.
        """
        text = text.strip()
        if not text:
            return []
        values = shlex.split(text) if self.several else [text]
        return [word for value in values for word in ([self.option, value] if self.option else [value])]


@dataclass(frozen=True)
class Deed:
    """One thing that can be done.

    Parameters
    ----------
    key : str
        The key that begins it.
    name : str
        In a word or two.
    words : tuple of str
        Of its command; ``{run}`` is the run's id.
    states : tuple of str
        In which states of a run it can be done.
    on : {"run", "sweep", "recipe"}
        What it is done with.
    question : str
        What is asked first; empty: nothing is, and it begins at once.
    fields : tuple of Field
        What is to be written first.
    """

    key: str
    name: str
    words: tuple[str, ...]
    says: str
    states: tuple[str, ...] = FINISHED
    on: Literal["run", "sweep", "recipe"] = "run"
    question: str = ""
    fields: tuple[Field, ...] = field(default=())

    def command(self, run: str, recipe: str, home: str, written: Mapping[str, str] | None = None) -> list[str]:
        """Return the words of its command after ``quorate``.

        Parameters
        ----------
        home : str
            The home's path; "" for the one that is found without an option.
        written : mapping of str to str
            What was written into its fields; default: what stands there at first.

        Raises
        ------
        ValueError
            If something is not written as it must be.
        """
        written = written if written is not None else self.given(run, recipe)
        found = [word.format(run=run, recipe=recipe) for word in self.words]
        for one in self.fields:
            text = written.get(one.name, "")
            if one.needed and not text.strip():
                raise ValueError(f"{one.name} is needed")
            found += one.words(text)
        return [*found, *(["--home", home] if home else [])]

    def given(self, run: str, recipe: str) -> dict[str, str]:
        """Return what stands in its fields at first."""
        return {one.name: one.given.format(run=run, recipe=recipe) for one in self.fields}


SETS = Field("changes", "--set", "models.ridge.alpha=2 costs.fees=0.001", several=True)
DEEDS = (
    Deed("R", "Resume", ("resume", "{run}"), "goes on with it; no finished fit is done again", ENDED),
    Deed(
        "P", "Promote", ("promote", "{run}"), "opens the holdout and judges it",
        question="Opening the holdout is counted: every later recipe that is judged on these days is judged more "
        "strictly. It cannot be taken back.",
    ),
    Deed(
        "X", "Explain", ("explain", "{run}"), "says which features the forecasts rest on; fits its members again",
        question="The members are fitted again, for each feature without what it tells. This can take as long as "
        "the run did.",
    ),
    Deed(
        "D", "Do it again", ("reproduce", "{run}"), "computes it again, and says whether every number is identical",
        question="All is computed again, without what was kept. This takes as long as the run did.",
    ),
    Deed("F", "Forecast", ("predict", "{run}"), "fits the members on all that is known, and says what to hold next"),
    Deed(
        "T", "Tag", ("runs", "tag", "{run}"), "says what the run is; nothing that is sealed changes", ANY,
        fields=(
            Field("add tags", "--add", "costs 'second try'", several=True),
            Field("remove tags", "--remove", several=True),
            Field("note", "--note", "a remark"),
            Field("name", "--name", "what to call the run"),
        ),
    ),
    Deed(
        "E", "Export", ("export", "{run}"), "writes its tables into a folder",
        fields=(
            Field("folder", "--to", given="{run}", needed=True),
            Field("format", "--format", "parquet, or csv", given="parquet"),
        ),
    ),
    Deed(
        "O", "Open page", ("report", "{run}", "--open"), "writes the report as a page, and opens it in a browser",
        fields=(
            Field("file", "--html", given="{run}.html", needed=True),
            Field("Markdown", "--markdown", "a file, to have that, too"),
            Field("pictures", "--png", "a folder, to have these, too"),
        ),
    ),
    Deed(
        "C", "Trades", ("trades", "{run}"), "writes its trades as CSV",
        fields=(
            Field("file", "--csv", given="{run}-trades.csv", needed=True),
            Field("series", "--series", "default: the judged one"),
        ),
    ),
    Deed(
        "L", "Trace", ("timeline", "{run}"), "writes what ran where and when, as a trace", (*FINISHED, *ENDED),
        fields=(Field("file", "--chrome", given="{run}-trace.json", needed=True),),
    ),
    Deed(
        "V", "Override", ("override", "{run}"), "uses it in spite of its verdict",
        question="The reason goes into the ledger, and stays there.",
        fields=(Field("reason", "--reason", "why it is used all the same", needed=True),),
    ),
    Deed(
        "N", "New run", ("run",), "runs a recipe", ANY, "recipe",
        fields=(Field("recipe", given="{recipe}", hint="its name, or a .toml file", needed=True), SETS),
    ),
    Deed(
        "S", "Sweep", ("sweep",), "tunes the models of a recipe", ANY, "recipe",
        fields=(
            Field("recipe", given="{recipe}", hint="its name, or a .toml file", needed=True),
            Field("trials", "--trials", "of each model"),
            SETS,
        ),
    ),
    Deed(
        "A", "Audit", ("audit",), "looks for leaks in the pipeline of a recipe", ANY, "recipe",
        fields=(Field("recipe", given="{recipe}", hint="its name, or a .toml file", needed=True), SETS),
    ),
)  # fmt: skip
SWEEP_DEEDS = (
    Deed("R", "Resume", ("sweep", "resume", "{run}"), "goes on with it", ENDED, "sweep"),
    Deed(
        "P", "Validate", ("sweep", "validate", "{run}"), "opens the holdout for what was found", FINISHED, "sweep",
        question="Opening the holdout is counted: every later recipe that is judged on these days is judged more "
        "strictly. It cannot be taken back.",
    ),
    Deed(
        "N", "Run it", ("run",), "runs the recipe with what was found", FINISHED, "sweep",
        fields=(
            Field("recipe", given="{recipe}", hint="its name, or a .toml file", needed=True),
            Field("parameters", "--params", given="{run}", needed=True),
        ),
    ),
    *(deed for deed in DEEDS if deed.on == "recipe" and deed.key != "N"),
)  # fmt: skip


def on_comparison(runs: Sequence[str]) -> list[Deed]:
    """Return what can be done with runs beside each other."""
    written = Field("file", "--html", given="compared.html", needed=True)
    return [
        Deed("O", "Open page", ("compare", *runs, "--open"), "writes it as a page, and opens it", fields=(written,)),
    ]


def possible(state: str, kind: str = "run") -> list[Deed]:
    """Return what can be done with a run, or a sweep, in a state; "" where there is none."""
    every = SWEEP_DEEDS if kind == "sweep" else DEEDS
    return [deed for deed in every if deed.on == "recipe" or state in deed.states]
