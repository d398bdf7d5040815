"""Rules of alerts: one is delivered, or it is raised why not, in time, and nothing secret is told."""

from __future__ import annotations

import inspect
import time
from contextlib import ExitStack
from dataclasses import asdict

from quorate.plugins.guard import Overdue, stopped_after
from quorate.plugins.provider import Plugin
from quorate.testing._base import NotApplicable, Violation, after, explain
from quorate.testing.tools import alerts as tools
from quorate.testing.tools.alerts import ALERTS, FILES, FOLDERS, SECRET, SERVERS, URLS, Server, names_of

PATIENCE, MORE = 1.0, 3.0  # seconds that a plugin is given as its timeout, and that it may take beyond it


def check_alert_signature(plugin: Plugin) -> None:
    """It takes the alert by position, then options, and does its work when it is called."""
    assert plugin.spec is not None
    function = plugin.spec.resolve()
    try:
        told = inspect.signature(function)
        told.bind_partial(None, **plugin.spec.params)
    except (TypeError, ValueError) as e:
        raise Violation(f"it cannot be called as function(alert, **options): {e}") from e
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise Violation("it yields or awaits, so that calling it does nothing: it must do its work and return None")


@after("signature")
def check_alert_untouched(plugin: Plugin) -> None:
    """The alert is left as it was: others are told it, too."""
    for alert in ALERTS:
        given = type(alert)(**asdict(alert))
        with tools.answering() as server, tools.folder() as place:
            tools.send(plugin, given, tools.options_for(plugin, _for(plugin, server), place))
        for name, before in asdict(alert).items():
            if (now := getattr(given, name, None)) != before:
                raise Violation(
                    f"it changes alert.{name}, from {before!r} to {now!r}: work on a copy, "
                    "e.g. dataclasses.asdict(alert)",
                    expected=before,
                    found=str(now),
                )


@after("signature", "untouched")
def check_alert_delivers(plugin: Plugin) -> None:
    """Any alert is delivered, to a server or a file that takes it, and None is returned."""
    mail = bool(names_of(plugin, SERVERS))
    for alert in ALERTS:
        with ExitStack() as stack:
            server = stack.enter_context(tools.mailbox() if mail else tools.answering())
            place = stack.enter_context(tools.folder())
            sent = tools.send(plugin, alert, tools.options_for(plugin, server, place))
            told = f"of {alert.event!r}"
            if sent.error is not None:
                if mail:
                    raise NotApplicable("the mail server of this rule has no encryption")
                raise Violation(f"{told}, it raised {explain(sent.error, plugin)}", event=alert.event)
            if sent.answer is not None:
                raise Violation(
                    f"{told}, it returned {sent.answer!r}: it must return None, and raise where it fails, as nobody "
                    "looks at what comes back",
                    event=alert.event,
                )
            files = names_of(plugin, (*FILES, *FOLDERS))
            if (mail or names_of(plugin, URLS)) and not server.got:
                raise Violation(f"{told}, it returned as if it was delivered, and nothing was sent", event=alert.event)
            if files and not any(one.stat().st_size for one in place.rglob("*") if one.is_file()):
                raise Violation(f"{told}, it returned as if it was delivered, and nothing was written to {files[0]}")


@after("signature", "untouched")
def check_alert_raises(plugin: Plugin) -> None:
    """What is not delivered is raised: nobody listens, or the server refuses it."""
    _talks(plugin)
    cases = [(tools.nobody(), "nobody listens")]
    if names_of(plugin, URLS):
        cases += [(tools.answering(500), "the server says 500"), (tools.answering(404), "the server says 404")]
    for case, when in cases:
        with case as server, tools.folder() as place:
            if tools.send(plugin, ALERTS[0], tools.options_for(plugin, server, place, PATIENCE)).error is None:
                raise Violation(
                    f"where {when} it returns as if the alert was delivered: raise it, so that it is noted, e.g. "
                    "response.raise_for_status()",
                    when=when,
                )


@after("signature", "untouched")
def check_alert_ends_in_time(plugin: Plugin) -> None:
    """A server that never answers is waited for no longer than the option `timeout` says."""
    _talks(plugin)
    with tools.silent() as server, tools.folder() as place:
        options = tools.options_for(plugin, server, place, PATIENCE)
        begun = time.monotonic()
        try:
            with stopped_after(PATIENCE + MORE):
                tools.send(plugin, ALERTS[0], options)
        except Overdue as e:
            has = "its timeout is" if "timeout" in options else "it has no option timeout, which is taken for"
            raise Violation(
                f"a server that never answers held it for more than {time.monotonic() - begun:.1f} s, and {has} "
                f"{PATIENCE:g} s: give every connection the time that is left, e.g. urlopen(..., timeout=timeout), and "
                "let tries together take no longer",
                expected=PATIENCE,
            ) from e


@after("signature", "untouched")
def check_alert_tells_no_secret(plugin: Plugin) -> None:
    """Nothing of its options that is secret stands in what it raises, prints, logs or writes."""
    for case in (tools.nobody, lambda: tools.answering(403), lambda: tools.mailbox(b"AUTH")):
        with case() as server, tools.folder() as place:
            options = tools.options_for(plugin, server, place, PATIENCE)
            if SECRET not in str(options):
                raise NotApplicable("none of its options holds a secret")
            sent = tools.send(plugin, ALERTS[0], options)
            files = "".join(one.read_text("utf-8", "replace") for one in place.rglob("*") if one.is_file())
            for what, text in (("raises", str(sent.error)), ("says", sent.said), ("writes", files)):
                if SECRET in text:
                    raise Violation(
                        f"it {what} {text.strip()[:200].replace(SECRET, '<the secret>')!r}: an address may have a "
                        "token in it, and libraries put addresses into their errors. Raise words of your own: raise "
                        'quorate.PluginError("it could not be reached") from None',
                        where=what,
                    )


def _talks(plugin: Plugin) -> None:
    if not names_of(plugin, (*URLS, *SERVERS)):
        raise NotApplicable("it has no option for an address (url, server)")


def _for(plugin: Plugin, server: Server) -> Server:
    """Return a server that a plugin's mails do not wait for."""
    return Server(9) if names_of(plugin, SERVERS) else server
