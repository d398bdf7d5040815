"""Completion in a shell: what the word under the cursor may become.

``quorate completion SHELL`` prints a script that has the shell ask this program at each press of Tab. What is asked
is answered from the commands themselves, from the home and from the registry; whatever goes wrong there, nothing is
offered and nothing printed. No answer is evaluated by the shell, nor would be on the command line: a home may come
from anywhere.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Annotated, Any, NamedTuple

import typer

from quorate.cli._base import command
from quorate.cli._help import brief
from quorate.errors import RecipeError, near_misses, one_of, visible

ASKED = "_QUORATE_COMPLETE"  # the shell that asks; the words up to the cursor follow as arguments

SCRIPTS = {
    "bash": """\
_quorate() {
    mapfile -t COMPREPLY < <(_QUORATE_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _quorate quorate
""",
    "zsh": """\
#compdef quorate
_quorate() {
    local -a found
    found=("${(@f)$(_QUORATE_COMPLETE=zsh "${words[1]}" "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        _describe 'quorate' found -U
    else
        _files
    fi
}
compdef _quorate quorate
""",
    "fish": """\
function _quorate
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l found (env _QUORATE_COMPLETE=fish $program $words "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c quorate -f -a '(_quorate)'
""",
}

_SAFE = re.compile(r"[\w.,:@%+=/-]+")  # what a command line takes as it is: names of folders may hold commands

Offer = tuple[str, str]  # a word, and what it is


class Asked(NamedTuple):
    """What a source of words is asked.

    Parameters
    ----------
    word : str
        What is typed of it.
    given : mapping of str to list of str
        Values of options that stand before it, by the option's name in Python.
    """

    word: str
    given: Mapping[str, Sequence[str]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(completion)


@command
def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print what makes a shell complete commands, options, recipes, runs and plugins; for its start-up file."""
    if shell not in SCRIPTS:
        raise RecipeError(f"completion is for {one_of(SCRIPTS)}; it was {shell!r}{near_misses(shell, SCRIPTS)}")
    print(SCRIPTS[shell], end="")


def answer(root: Any, shell: str, words: Sequence[str]) -> None:
    """Print what the last of some words may become, one a line, in the form of a shell; nothing, if that fails."""
    offers: Iterable[Offer] = ()
    if shell == "bash":  # it takes --option=value for three words
        words = [word for word in words[:-1] if word != "="] + [word if word != "=" else "" for word in words[-1:]]
    with suppress(Exception, SystemExit), open(os.devnull, "w") as out, redirect_stdout(out), redirect_stderr(out):
        offers = list(dict(offers_for(root, words or [""])).items())
    lines = [_line(shell, word, text) for word, text in offers if _SAFE.fullmatch(word)]
    with suppress(OSError, ValueError):
        print("\n".join(lines), end="\n" if lines else "")
        sys.stdout.flush()


def _line(shell: str, word: str, text: str) -> str:
    said = " ".join(visible(text).split())
    if shell == "zsh":
        word = word.replace(":", "\\:")
    return {"zsh": f"{word}:{said}" if said else word, "fish": f"{word}\t{said}" if said else word}.get(shell, word)


def offers_for(root: Any, words: Sequence[str]) -> Iterable[Offer]:
    """Return what the last of some words, those after the program's name, may become."""
    *before, word = words
    one, positions, given, waiting = _walked(root, before)
    name, equals, typed = word.partition("=")
    if waiting is None and equals and name.startswith("--"):  # --option=value
        option = _option(one, name)
        return [(f"{name}={w}", t) for w, t in _values(one, option, Asked(typed, given))] if option is not None else []
    if waiting is not None:
        return _values(one, waiting, Asked(word, given))
    if word.startswith("-"):
        options = [(opt, p.help or "") for p in _params(one) for opt in p.opts if opt.startswith("--")]
        return [offer for offer in (*options, ("--help", "Show this message and exit.")) if offer[0].startswith(word)]
    below = getattr(one, "commands", {})
    found = [(name, brief(inner)) for name, inner in below.items() if name.startswith(word) and not positions]
    arguments = [p for p in _params(one) if p.param_type_name == "argument"]
    if arguments and (positions < len(arguments) or arguments[-1].nargs == -1):
        argument = arguments[min(positions, len(arguments) - 1)]
        found += _values(_implied(one), argument, Asked(word, given))
    return found


def _walked(root: Any, words: Sequence[str]) -> tuple[Any, int, dict[str, list[str]], Any]:
    """Return the command that some words lead to, how many arguments it has, options given, and one without value."""
    one, positions, waiting, plain = root, 0, None, False
    given: dict[str, list[str]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if waiting is not None:
            given.setdefault(waiting.name, []).append(word)
            waiting = None
        elif word == "--":
            plain = True
        elif word.startswith("-") and not plain:
            option = _option(one, name)
            if option is None or option.is_flag:
                continue
            if equals:
                given.setdefault(option.name, []).append(value)
            else:
                waiting = option
        elif not positions and word in getattr(one, "commands", {}):
            one = one.commands[word]
        else:
            one, positions = _implied(one), positions + 1
    return one, positions, given, waiting


def _implied(one: Any) -> Any:
    """Return the command that is meant where a group is given arguments: ``sweep RECIPE`` is ``sweep start RECIPE``."""
    return getattr(one, "commands", {}).get(getattr(one, "implied", None), one)


def _params(one: Any) -> list[Any]:
    return list({p.name: p for p in (*one.params, *_implied(one).params)}.values())


def _option(one: Any, name: str) -> Any:
    return next((p for p in _params(one) if name in p.opts and p.param_type_name == "option"), None)


def _values(one: Any, parameter: Any, asked: Asked) -> list[Offer]:
    """Return what a parameter may be; nothing for files and free texts, which the shell or nobody completes."""
    key = parameter.metavar if parameter.param_type_name == "argument" else f"--{parameter.name}"
    source = SOURCES.get((one.name, key)) or SOURCES.get(key)
    return source(asked) if source is not None else []


def _starting(asked: Asked, offers: Iterable[Offer]) -> list[Offer]:
    return [(word, text) for word, text in offers if word.startswith(asked.word)]


def _one_of(*words: str) -> Callable[[Asked], list[Offer]]:
    return lambda asked: _starting(asked, [(word, "") for word in words])


def _stored(*kinds: str) -> Callable[[Asked], list[Offer]]:
    """Return what offers the runs or sweeps of the home, newest first; a part of an id or a name finds the newest."""

    def offers(asked: Asked) -> list[Offer]:
        from quorate.store import Home

        every = Home(next(reversed(asked.given.get("home", [])), None)).runs_and_sweeps()
        runs = [run for run in every if run.kind in kinds]
        ids = [run.id for run in reversed(runs) if not run.id.startswith("-")]  # which would be an option
        latest = [("latest", f"the latest {' or '.join(kinds)}")] if ids else []
        if found := _starting(asked, [*latest, *((one, "") for one in ids)]):
            return found
        return [(one, "") for one in ids if asked.word in one][:1] or _named(asked.word, runs)

    return offers


def _named(word: str, runs: Sequence[Any]) -> list[Offer]:
    from quorate.errors import QuorateError
    from quorate.store.label import read_label

    for run in reversed(runs):
        with suppress(QuorateError, OSError):
            if (name := read_label(run).name).startswith(word) and name:
                return [(run.id, name)]
    return []


def _plugins(*kinds: str) -> Callable[[Asked], list[Offer]]:
    def offers(asked: Asked) -> list[Offer]:
        from quorate.plugins.registry import Registry

        wanted = kinds or tuple(asked.given.get("kind", ()))
        return _starting(
            asked,
            [(p.name, p.spec.description if p.spec else "") for p in Registry.load() if not wanted or p.kind in wanted],
        )

    return offers


def _kinds(asked: Asked) -> list[Offer]:
    from quorate.plugins.specs import KINDS

    return _one_of(*KINDS)(asked)


def _terms(asked: Asked) -> list[Offer]:
    from quorate.report.glossary import GLOSSARY

    known = [(name.replace(" ", "-"), term.meaning) for name, term in GLOSSARY.items()]
    return _starting(asked, known) or [one for one in known if one[0].lower().startswith(asked.word.lower())]


def _sections(asked: Asked) -> list[Offer]:
    from quorate.report.sections import NAMES

    before, comma, _ = asked.word.rpartition(",")
    taken = before.split(",")
    return _starting(asked, [(f"{before}{comma}{name}", "") for name in (*NAMES, "all") if name not in taken])


SOURCES: dict[Any, Callable[[Asked], list[Offer]]] = {
    "RUN": _stored("run"),
    "RUN RUN...": _stored("run"),
    "SWEEP": _stored("sweep"),
    "[SWEEP]...": _stored("sweep"),
    ("watch", "RUN"): _stored("run", "sweep"),
    "RECIPE": _plugins("recipe"),
    "SHELL": _one_of(*SCRIPTS),
    ("ui", "--theme"): _one_of("dark", "light"),
    "KIND": _kinds,
    ("show", "NAME"): _plugins(),
    ("check", "TARGET"): _plugins(),
    ("explain-term", None): _terms,
    ("runs", "--recipe"): _plugins("recipe"),
    ("runs", "--sort"): _one_of("begun", "sharpe", "verdict"),
    ("runs", "--verdict"): _one_of("PASS", "FAIL", "INSUFFICIENT"),
    ("export", "--form"): _one_of("parquet", "csv"),
    ("explain", "--by"): _one_of("feature", "group"),
    "--kind": _kinds,
    "--section": _sections,
    "--models": _plugins("model"),
    "--architecture": _plugins("model"),
    "--model_type": _plugins("model"),
    ("run", "--params"): _stored("sweep"),
}
