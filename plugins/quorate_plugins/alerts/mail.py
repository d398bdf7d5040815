"""Alerts by mail."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import quorate
from quorate_plugins.web import is_loopback


def email(
    alert: quorate.Alert,
    to: str,
    server: str,
    port: int = 587,
    user: str = "",
    password: str = "",
    sender: str = "",
    timeout: float = 20.0,
) -> None:
    """Send an alert as a mail, encrypted (STARTTLS) to any server that is not this machine; certificates are verified.

    Parameters
    ----------
    to : str
        Who gets it; several, separated by commas.
    server : str
        The mail server's name.
    port : int
        Of its submission service.
    user : str
        By which one logs in there; empty: one does not.
    password : str
        Comes from the environment, ``"${SMTP_PASSWORD}"``.
    sender : str
        Whom the mail is from; empty: the user, or, where that is no address, the first of `to`.
    timeout : float, seconds
        For each step of the exchange.
    """
    receivers = [one.strip() for one in to.split(",") if one.strip()]
    if not receivers or not all("@" in one for one in receivers):
        raise quorate.PluginError("to must be an address, or several separated by commas")
    if not timeout > 0:
        raise quorate.PluginError(f"timeout must be above 0; it was {timeout}")
    origin = sender or (user if "@" in user else receivers[0])
    try:
        mail = _mail(alert, origin, receivers)
        with smtplib.SMTP(server, port, timeout=timeout) as link:
            link.ehlo()
            if link.has_extn("starttls"):
                link.starttls(context=ssl.create_default_context())
                link.ehlo()
            elif not is_loopback(server):
                raise quorate.PluginError("the server offers no encryption (STARTTLS): use another, or another port")
            if user:
                link.login(user, password)
            refused = link.send_message(mail, origin, receivers)
        if refused:
            raise quorate.PluginError(f"the server refused {len(refused)} of {len(receivers)} receivers")
    except (OSError, smtplib.SMTPException, ValueError) as e:
        raise quorate.PluginError(_reason(e)) from None  # what libraries say has names, and answers of the server


def _mail(alert: quorate.Alert, sender: str, receivers: list[str]) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = alert.subject, sender, ", ".join(receivers)
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="quorate.invalid")
    mail.set_content(f"{alert.text}\n\n{alert.event}, {alert.time}\n")
    return mail


def _reason(error: Exception) -> str:
    """Return what went wrong, in words that tell neither names nor what a server answered."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"user and password were not accepted (code {error.smtp_code})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "all receivers were refused"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server refused it (code {error.smtp_code})"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "there was no answer in time, or the server closed the connection"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the server takes no log in"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the server's certificate is not valid"
    if isinstance(error, TimeoutError):
        return "there was no answer in time"
    if isinstance(error, socket.gaierror):
        return "there is no server of that name"
    return f"it could not be sent ({type(error).__name__})"
