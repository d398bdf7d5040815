"""The built-in alerts: what they send, to whom, and what they say where they cannot."""

from __future__ import annotations

import datetime as dt
import email
import ipaddress
import json
import socketserver
import ssl
import threading
import time
from dataclasses import asdict
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import quorate
from quorate.errors import PluginError
from quorate.testing.tools.alerts import ALERTS, answering, mailbox, nobody, silent
from quorate_plugins.alerts import webhook as by_post
from quorate_plugins.alerts.files import file, log
from quorate_plugins.alerts.mail import email as mail
from quorate_plugins.alerts.webhook import webhook

ALERT = ALERTS[0]
PLANTED = "planted-Zq83Lm10"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(by_post, "WAIT", 0.001)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_webhook_gets_all_of_the_alert(alert):
    with answering(204) as server:
        webhook(alert, server.url)
    [body] = server.got
    assert json.loads(body) == {**asdict(alert), "text": f"{alert.subject}\n{alert.text}"}


@pytest.mark.parametrize("status, tries", [(500, 4), (503, 4), (429, 4), (404, 1), (401, 1), (301, 1)])
def test_what_may_pass_is_tried_again(status, tries):
    with answering(status) as server, pytest.raises(PluginError, match=f"the answer was status {status}") as told:
        webhook(ALERT, server.url)
    assert len(server.got) == tries
    assert ("tried 4 times" in str(told.value)) == (tries == 4)


def test_a_server_that_comes_back_gets_it():
    with answering(503, 429, 200) as server:
        webhook(ALERT, server.url)
    assert len(server.got) == 3


def test_neither_nobody_nor_a_silent_server_holds_it():
    with nobody() as server, pytest.raises(PluginError, match="it could not be reached, tried 4 times"):
        webhook(ALERT, server.url)
    begun = time.monotonic()
    with silent() as server:
        with pytest.raises(PluginError, match="no answer"):
            webhook(ALERT, server.url, timeout=0.3)
        with pytest.raises(PluginError, match="no answer"):
            mail(ALERT, "desk@example.com", "127.0.0.1", server.port, timeout=0.3)
    assert time.monotonic() - begun < 20  # of machines that are busy; for ever without a limit


@pytest.mark.parametrize(
    "url, says",
    [
        ("http://example.com/in", "without https"),
        ("ftp://example.com", "must be an address"),
        ("", "must be an address"),
        ("https://example.com:port/", "must be an address"),
        ("https://exa mple.com/", "must be an address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_untold(url, says):
    with pytest.raises(PluginError, match=says) as told:
        webhook(ALERT, url)
    assert "example" not in str(told.value)


def test_a_certificate_that_nobody_signed_is_no_certificate(tmp_path):
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.path)

        def log_message(self, *_): ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with pytest.raises(PluginError, match="the certificate of the other side is not valid"):
        webhook(ALERT, f"https://127.0.0.1:{server.server_address[1]}/{PLANTED}")
    server.shutdown()
    server.server_close()
    assert got == []


def self_signed(folder: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "own.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    return path


def test_a_mail_has_subject_and_text_and_logs_in():
    with mailbox() as server:
        mail(ALERTS[1], "desk@example.com, other@example.com", "127.0.0.1", server.port, "quant@example.com", PLANTED)
    [body] = server.got
    read = email.message_from_bytes(body, policy=default)
    assert (read["Subject"], read["From"]) == (ALERTS[1].subject, "quant@example.com")
    assert read["To"] == "desk@example.com, other@example.com"
    assert ALERTS[1].text in read.get_content().replace("\r\n", "\n")
    assert PLANTED.encode() not in body


@pytest.mark.parametrize(
    "refusing, says",
    [
        (b"AUTH", r"not accepted \(code 535\)"),
        (b"RCPT", "all receivers were refused"),
        (b"MAIL", r"refused it \(code 535\)"),
    ],
)
def test_a_server_that_refuses_a_mail_is_not_quoted(refusing, says):
    with mailbox(refusing) as server, pytest.raises(PluginError, match=says) as told:
        mail(ALERT, "desk@example.com", "127.0.0.1", server.port, PLANTED, PLANTED)
    assert PLANTED not in str(told.value)
    assert told.value.__suppress_context__
    assert server.got == []


def test_no_password_goes_to_another_machine_unencrypted(monkeypatch):
    from quorate_plugins.alerts import mail as by_mail

    monkeypatch.setattr(by_mail, "is_loopback", lambda host: False)
    with mailbox() as server, pytest.raises(PluginError, match="offers no encryption"):
        mail(ALERT, "desk@example.com", "127.0.0.1", server.port, "me", PLANTED)
    assert server.got == []


@pytest.mark.parametrize("trusted", [True, False])
def test_what_goes_to_a_server_that_can_is_encrypted_and_its_certificate_verified(trusted, tmp_path, monkeypatch):
    context, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(self_signed(tmp_path))
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            can = b"250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
            answers = {
                b"EHLO": can,
                b"DATA": b"354 go on\r\n",
                b"AUTH": b"235 yes\r\n",
                b"STAR": b"220 go on\r\n",
                b"QUIT": b"221 bye\r\n",
            }
            link = self.request
            link.sendall(b"220 here\r\n")
            while line := link.recv(1 << 16):
                seen.append((isinstance(link, ssl.SSLSocket), line))
                link.sendall(answers.get(line[:4].upper(), b"250 yes\r\n"))
                if line.upper().startswith(b"STARTTLS"):
                    try:
                        link = context.wrap_socket(link, server_side=True)
                    except OSError:
                        return

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    if trusted:
        mail(ALERT, "desk@example.com", "127.0.0.1", server.server_address[1], "me", PLANTED)
    else:
        with pytest.raises(PluginError, match="the server's certificate is not valid"):
            mail(ALERT, "desk@example.com", "127.0.0.1", server.server_address[1], "me", PLANTED)
    server.shutdown()
    server.server_close()
    assert any(line.startswith(b"AUTH") for _, line in seen) == trusted
    assert {line[:4].upper() for encrypted, line in seen if not encrypted} == {b"EHLO", b"STAR"}


@pytest.mark.parametrize("to", ["", "desk", "desk@example.com, other"])
def test_a_receiver_is_an_address(to):
    with pytest.raises(PluginError, match="to must be an address"):
        mail(ALERT, to, "127.0.0.1")


def test_files_are_added_to(tmp_path):
    for alert in ALERTS:
        file(alert, str(tmp_path / "deep" / "alerts.txt"))
        log(alert, str(tmp_path / "alerts.jsonl"))
        log(alert)
    text = (tmp_path / "deep" / "alerts.txt").read_text(encoding="utf-8")
    assert all(alert.subject in text and alert.text.splitlines()[0] in text for alert in ALERTS)
    lines = (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [quorate.Alert(**json.loads(line)) for line in lines] == list(ALERTS)


def test_other_files_and_links_are_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "alerts.txt").symlink_to(tmp_path / "mine.txt")
    (tmp_path / "folder.log").mkdir()
    for name, says in (("alerts.txt", "cannot be written"), (".bashrc", "must end with"), ("folder.log", "cannot be")):
        with pytest.raises(PluginError, match=says):
            file(ALERT, str(tmp_path / name))
    with pytest.raises(PluginError, match=r"must end with \.jsonl"):
        log(ALERT, str(tmp_path / "mine.txt"))
    assert (tmp_path / "mine.txt").read_text() == "mine"
