"""SMTP over TLS: only with a certificate that holds, and never in clear instead."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from assets.communications.channels import LoopbackEndpoint, Outgoing, SmtpChannel, SmtpOptions, Unreachable
from tests.dispatch.support import MONDAY


@dataclass
class Keeping:
    """Keeps messages in memory, with how the session was secured."""

    kept: list[tuple[bytes, bool]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.kept.append((envelope.content, session.ssl is not None))
        return "250 kept"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("TLS not tested: no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "3650", "-subj", "/CN=catcher"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@contextmanager
def serving(
    handler: Keeping, certificate: tuple[Path, Path] | None, password: str | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def authenticate(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and data.password == (password or "").encode()
        return AuthResult(success=is_right, handled=False)

    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    controller = Controller(
        handler,
        hostname=host,
        port=port,
        tls_context=context,
        require_starttls=context is not None,
        authenticator=authenticate,
        auth_required=password is not None,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def channel(port: int, host: str = "127.0.0.1", password: str | None = None) -> SmtpChannel:
    options = SmtpOptions(
        security="starttls",
        connect_seconds=5,
        reply_seconds=5,
        final_seconds=5,
        user=None if password is None else "tijdig",
        password=password,
    )
    return SmtpChannel(LoopbackEndpoint(host, port), options)


OUTGOING = Outgoing("x" * 26, MONDAY, "email", "a@b.test", "c@d.test", b"Subject: x\r\n\r\nx\r\n", "", "eml", 1)


def test_a_trusted_server_gets_the_message_encrypted(certificate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    handler = Keeping()
    with serving(handler, certificate) as port:
        way = channel(port)
        assert way.prepare(OUTGOING).send() == "smtp:250 kept"
        way.close()
    assert handler.kept == [(OUTGOING.content, True)]


def test_an_unknown_certificate_is_not_talked_to(certificate):
    handler = Keeping()
    with serving(handler, certificate) as port, pytest.raises(Unreachable, match="certificate"):
        channel(port).prepare(OUTGOING)
    assert handler.kept == []


def test_a_certificate_of_another_name_is_not_talked_to(certificate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    handler = Keeping()
    elsewhere = "127.8.8.8"
    with serving(handler, certificate, host=elsewhere) as port, pytest.raises(Unreachable, match="certificate"):
        channel(port, elsewhere).prepare(OUTGOING)
    assert handler.kept == []


def test_a_server_without_encryption_gets_nothing_in_clear():
    handler = Keeping()
    with serving(handler, None) as port, pytest.raises(Unreachable, match="STARTTLS"):
        channel(port).prepare(OUTGOING)
    assert handler.kept == []


@pytest.mark.parametrize(("password", "is_taken"), [("right", True), ("wrong", False)])
def test_the_password_is_used_and_never_shown(
    certificate, monkeypatch: pytest.MonkeyPatch, password: str, is_taken: bool
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    handler = Keeping()
    with serving(handler, certificate, password="right") as port:
        way = channel(port, password=password)
        if is_taken:
            way.prepare(OUTGOING).send()
            way.close()
        else:
            with pytest.raises(Unreachable, match="credentials") as caught:
                way.prepare(OUTGOING)
            assert password not in str(caught.value)
    assert bool(handler.kept) is is_taken
