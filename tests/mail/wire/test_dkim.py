"""DKIM: what arrives verifies, with either kind of key; wrong settings are said before anything is sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, MissingDependency
from aerogram.mail.wire.dkim import Signer, configured_signer
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, mail

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def pem(key: Any, form: Any = serialization.PrivateFormat.PKCS8, password: bytes | None = None) -> str:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, encryption).decode())


def record(key: Any) -> bytes:
    """What the DNS says of the public key."""
    import base64

    if key is ED25519:
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def verifies(content: bytes, key: Any) -> bool:
    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s2026._domainkey.x.org."
        return record(key)

    return bool(dkim.verify(content, dnsfunc=dns))


@pytest.fixture
def signing() -> Any:
    with settings.override(DKIM_DOMAIN="x.org", DKIM_SELECTOR="s2026", DKIM_PRIVATE_KEY=pem(RSA)):
        yield


KEYS = {
    "rsa-pkcs8": (RSA, pem(RSA)),
    "rsa-pkcs1": (RSA, pem(RSA, serialization.PrivateFormat.TraditionalOpenSSL)),
    "one line, as in an environment variable": (RSA, pem(RSA).replace("\n", "\\n")),
    "crlf": (RSA, pem(RSA).replace("\n", "\r\n")),
    "ed25519": (ED25519, pem(ED25519)),
}


@pytest.mark.parametrize("name", KEYS)
def test_what_arrives_verifies(name: str) -> None:
    key, text = KEYS[name]
    with (
        settings.override(DKIM_DOMAIN="x.org", DKIM_SELECTOR="s2026", DKIM_PRIVATE_KEY=text),
        FaultyServer() as server,
    ):
        backend_for(server).send_messages([mail(), mail(subject="Grüße", body="..\n.\nJörg  \n\n\n")])
    assert len(server.messages) == 2
    for received in server.messages:
        assert verifies(received.content, key)
        assert not verifies(
            received.content.replace(b"Good news", b"Bad news").replace(b"\r\n..", b"\r\n"), key
        )


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize("offers", [(), ("PIPELINING", "8BITMIME"), ("PIPELINING", "CHUNKING", "8BITMIME")])
def test_content_is_seven_bit_whatever_the_server_offers(offers: tuple[str, ...]) -> None:
    with FaultyServer(offers) as server:
        backend_for(server, chunking=True).send_messages([mail(body="Grüße\nan alle")])
    (received,) = server.messages
    assert received.content.isascii()
    assert verifies(received.content, RSA)


@pytest.mark.usefixtures("signing")
def test_message_that_needs_smtputf8_verifies() -> None:
    with FaultyServer(("PIPELINING", "8BITMIME", "SMTPUTF8")) as server:
        backend_for(server).send_messages([mail("jörg@x.org", body="Grüße")])
    (received,) = server.messages
    assert not received.content.isascii()
    assert verifies(received.content, RSA)


@pytest.mark.usefixtures("signing")
def test_unsubscribe_headers_are_signed_and_none_can_be_added() -> None:
    headers = {
        "List-Unsubscribe": f"<https://x.org/u/{'t' * 300}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    with FaultyServer() as server:
        backend_for(server).send_messages([mail(headers=headers)])
    content = server.messages[0].content
    assert verifies(content, RSA)
    assert not verifies(content.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"), RSA)
    for added in (b"From: evil@y.org\r\n", b"Subject: x\r\n", b"List-Unsubscribe: <https://evil.org>\r\n"):
        assert not verifies(added + content, RSA)


def test_nothing_is_signed_without_the_setting() -> None:
    assert configured_signer() is None
    with FaultyServer() as server:
        backend_for(server).send_messages([mail()])
    assert b"DKIM-Signature" not in server.messages[0].content


@pytest.mark.usefixtures("signing")
def test_key_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(pem(ED25519))
    with settings.override(DKIM_PRIVATE_KEY="", DKIM_PRIVATE_KEY_FILE=path):
        signer = configured_signer()
        assert signer is not None
        assert verifies(signer(b"From: me@x.org\r\n\r\nHi\r\n"), ED25519)
        assert repr(signer) == "<Signer s2026._domainkey.x.org>"
        path.unlink()
        with pytest.raises(ImproperlyConfigured, match="cannot be read: No such file"):
            configured_signer()
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(ImproperlyConfigured, match="not a text"):
            configured_signer()


@pytest.mark.parametrize(
    "wrong",
    [
        {"DKIM_SELECTOR": ""},
        {"DKIM_DOMAIN": "no domain"},
        {"DKIM_PRIVATE_KEY": ""},
        {"DKIM_PRIVATE_KEY_FILE": "also.pem"},
        {"DKIM_PRIVATE_KEY": "hunter2-is-no-key"},
        {"DKIM_PRIVATE_KEY": pem(RSA, password=b"hunter2")},
        {"DKIM_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----"},
        {"DKIM_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\naHVudGVyMg\n-----END PRIVATE KEY-----"},
    ],
)
@pytest.mark.usefixtures("signing")
def test_wrong_settings_are_refused_before_a_connection_without_showing_the_key(
    wrong: dict[str, str],
) -> None:
    with settings.override(**wrong), FaultyServer() as server:
        with pytest.raises(ImproperlyConfigured, match="DKIM_") as caught:
            backend_for(server)
        assert server.connections == 0
    assert "hunter2" not in str(caught.value)
    assert "aHVudGVyMg" not in str(caught.value)


@pytest.mark.parametrize(("package", "key"), [("dkim", RSA), ("nacl", ED25519)])
def test_missing_package_names_the_extra(package: str, key: Any) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from aerogram.mail.wire.dkim import Signer\n"
        f"Signer('x.org', 's2026', {pem(key)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"aerogram.exceptions.{MissingDependency.__name__}")
    assert "aerogram[dkim]" in last


def test_signing_leaves_the_message_as_it_is() -> None:
    content = b"From: me@x.org\r\nSubject: a\r\n b\r\n\r\nHi\r\n"
    assert Signer("x.org", "s2026", pem(RSA))(content).endswith(content)
