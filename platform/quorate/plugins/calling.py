"""The one place where the platform calls what a plugin offers, beside the fits of its models.

Whatever a plugin's function raises, gives or hangs in becomes one `PluginError` that says which plugin it was, of
which version, what it was called on, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from types import MappingProxyType
from typing import Any, TypeVar

from quorate.errors import PluginError, QuorateError, reason_of
from quorate.plugins.guard import Overdue, stopped_after
from quorate.plugins.local import line_in
from quorate.plugins.specs import Spec

T = TypeVar("T")
SECONDS = 600.0
_OPTION = re.compile(
    r", or (?:set|leave them out with) data\.(?P<set>\w+) = [^\s,;]+"
    r"|; if lines stand above the header, leave them out with data\.(?P<lines>\w+)"
)

_seconds: ContextVar[float] = ContextVar("seconds", default=SECONDS)


class CallError(PluginError):
    """What came of a call, said once; a call around it passes it on."""


@contextmanager
def seconds_per_call(seconds: float) -> Iterator[None]:
    """Stop a call of a plugin that takes longer; a call that does not come back to Python cannot be stopped."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def call(
    spec: Spec,
    on: str | Callable[[], str],
    arguments: Sequence[Any],
    options: Mapping[str, Any] = MappingProxyType({}),
    read: Callable[[Any], T] = lambda answer: answer,
    function: Callable[..., Any] | None = None,
) -> T:
    """Call a plugin's function and return what `read` makes of its answer.

    Parameters
    ----------
    spec : Spec
        The plugin.
    on : str or callable
        What it is called on, for the message, e.g. ``700 bars of AAA``; a callable is asked once there is something
        to tell: the name of bars is a hash of them all.
    arguments, options
        By position, and by name.
    read : callable
        Checks the answer and turns it into what the platform works with; what it raises is the plugin's fault.
    function : callable, optional
        What is called instead of the spec's function: something that it returned before.

    Raises
    ------
    PluginError
        If the function raises something, does not end in time, or answers with what `read` refuses.
    QuorateError
        Of the class that the function itself raised, with a note on where.
    """
    try:
        target = function or spec.resolve()
        with stopped_after(_seconds.get()):
            answer = target(*arguments, **options)
            return read(answer)
    except Overdue as e:
        raise CallError(
            f"{spec} did not finish on {_told(on)} within {_seconds.get():g} s (execution.fit_seconds){_line(spec, e)}"
            f"{origin_of(spec)}"
        ) from e
    except CallError:
        raise
    except PluginError as e:
        told = f"{e} (on {_told(on)})" if f"{spec}" in str(e) else f"{spec} failed on {_told(on)}: {e}"
        raise CallError(f"{told}{origin_of(spec)}") from e
    except QuorateError as e:
        if spec.kind == "source":  # of files and their rows it says all itself
            e.args = (without_foreign_options(spec, str(e)), *e.args[1:])
        else:
            e.add_note(f"in {spec} on {_told(on)}{origin_of(spec)}")
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # also sys.exit(), which would end the run without a word
        reason = f"{reason_of(e)}{_remedy(e)}"
        raise CallError(f"{spec} failed on {_told(on)}{_line(spec, e)}: {reason}{origin_of(spec)}") from e


def _told(on: str | Callable[[], str]) -> str:
    return on if isinstance(on, str) else on()


def without_foreign_options(spec: Spec, told: str) -> str:
    """Return what was told of bars without advice to set ``data`` options that the source has not."""

    def keep(found: re.Match[str]) -> str:
        known = signature(spec.resolve()).parameters
        open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
        return found[0] if open_ended or (found["set"] or found["lines"]) in known else ""

    return _OPTION.sub(keep, told)


def origin_of(spec: Spec) -> str:
    """Return ``" [distribution version (module)]"``, the file and its hash, or nothing, if nobody knows."""
    provider = spec.provider
    if provider is None or provider.inline is not None:
        return ""
    return f" [{provider}{f', sha256 {provider.local.sha256[:8]}' if provider.local else ''}]"


def _remedy(error: BaseException) -> str:
    """Return what to do where an input was written into; NumPy says of an array alone that it is read-only."""
    wrote = "read-only" in reason_of(error) or type(error).__name__ == "FrozenInstanceError"
    return (
        ": evidence and inputs are read-only, others read them, too; work on a copy, e.g. array.copy()" if wrote else ""
    )


def _line(spec: Spec, error: BaseException) -> str:
    return line_in(error, spec.provider.local) if spec.provider is not None else ""
