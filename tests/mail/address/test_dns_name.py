"""The host's name: asked for once, late, and usable."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aerogram.mail.address import dns_name
from aerogram.mail.address.dns_name import CachedDnsName


def test_the_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(dns_name.socket, "getfqdn", lambda: calls.append(1) or "mail.example.com")
    name = CachedDnsName()
    assert calls == []
    assert (str(name), name.get_fqdn()) == ("mail.example.com", "mail.example.com")
    assert calls == [1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("漢字", "xn--p8s937b"),
        ("my_host.lan", "my_host.lan"),
        ("a b", "localhost"),
        ("a" * 64, "localhost"),
        ("::1", "localhost"),
        ("", "localhost"),
    ],
)
def test_the_name_can_stand_in_a_message_id(given: str, expected: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dns_name.socket, "getfqdn", lambda: given)
    assert str(CachedDnsName()) == expected


def test_importing_asks_nobody_and_leaves_the_charsets_of_the_process_alone():
    code = (
        "import socket, email.charset as c, copy\n"
        "before = copy.deepcopy(c.CHARSETS), dict(c.ALIASES), dict(c.CODEC_MAP)\n"
        "socket.getfqdn = lambda *a: 1 / 0\n"
        "import aerogram.mail, aerogram.mail.wire.serializer\n"
        "print(before == (c.CHARSETS, c.ALIASES, c.CODEC_MAP))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60) == "True\n"
