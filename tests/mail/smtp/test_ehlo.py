"""What EHLO calls this host: its domain name, or an address literal (RFC 5321 sections 4.1.3 and 4.1.4)."""

from __future__ import annotations

import smtplib
import socket

import pytest

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured
from aerogram.mail.address.dns_name import DNS_NAME
from aerogram.mail.backends.smtp import EmailBackend
from aerogram.mail.smtp.client import ehlo_name
from aerogram.testing import FaultyServer
from tests.smtp_peers import backend_for, mail


def greeting(**options: object) -> str:
    with FaultyServer() as server:
        assert backend_for(server, **options).send_messages([mail()]) == 1
    return server.commands[0].partition(" ")[2]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("app.example.com", "app.example.com"),
        ("localhost", "[127.0.0.1]"),
        ("app", "[127.0.0.1]"),
        ("my_app.example.com", "[127.0.0.1]"),
        ("localhost.localdomain", "[127.0.0.1]"),
    ],
)
def test_a_host_without_a_domain_name_says_its_address(name, said, monkeypatch):
    monkeypatch.setattr(DNS_NAME, "_fqdn", name, raising=False)
    assert greeting() == said


def test_a_plain_smtplib_class_says_the_same(monkeypatch):
    class Plain(EmailBackend):
        connection_class = smtplib.SMTP

    monkeypatch.setattr(DNS_NAME, "_fqdn", "my_app", raising=False)
    with FaultyServer() as server:
        assert Plain(server.host, server.port, timeout=5).send_messages([mail()]) == 1
    assert server.commands[0] == "ehlo [127.0.0.1]"


def test_an_address_of_ipv6_is_marked(monkeypatch):
    monkeypatch.setattr(DNS_NAME, "_fqdn", "localhost", raising=False)
    with (
        socket.create_server(("::1", 0), family=socket.AF_INET6) as listener,
        socket.create_connection(listener.getsockname()[:2]) as sock,
    ):
        assert ehlo_name(sock) == "[IPv6:::1]"


@pytest.mark.parametrize("name", ["mail.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_the_name_is_an_option_and_a_setting(name):
    assert greeting(local_hostname=name) == name
    with settings.override(EMAIL_LOCAL_HOSTNAME=name):
        assert greeting() == name
        assert greeting(local_hostname="other.example.com") == "other.example.com"


@pytest.mark.parametrize("name", ["localhost", "my_app.example.com", "a..b", "x.org\n", "[x]", "-a.org"])
def test_a_name_that_servers_refuse_is_a_configuration_error(name):
    with pytest.raises(ImproperlyConfigured, match=r"local_hostname of the SMTP backend.*app\.example\.com"):
        EmailBackend(local_hostname=name)
    with (
        pytest.raises(ImproperlyConfigured, match=r"EMAIL_LOCAL_HOSTNAME.*app\.example\.com"),
        settings.override(EMAIL_LOCAL_HOSTNAME=name),
    ):
        EmailBackend()
