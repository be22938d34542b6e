"""What a server offers is read strictly, and its limits (RFC 9422) are kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aerogram.mail.smtp.capabilities import Capabilities
from aerogram.testing import FaultyServer
from tests.smtp_peers import copies, deliver, mail

ADDRESSES = st.lists(
    st.builds(
        "{}@{}".format, st.sampled_from("abcdefgh"), st.sampled_from(["x.test", "X.test", "y.test", "z"])
    ),
    unique=True,
)
LIMIT = st.none() | st.integers(1, 4)


def limited(limits: str) -> Capabilities:
    return Capabilities({"limits": limits})


def test_offers_are_read_from_what_ehlo_said():
    offers = Capabilities({"pipelining": "", "size": "1000", "limits": "MAILMAX=5 RCPTMAX=7", "chunking": ""})
    assert (offers.pipelining, offers.eight_bit, offers.utf8, offers.chunking) == (True, False, False, False)
    assert (offers.max_size, offers.max_messages, offers.max_recipients) == (1000, 5, 7)
    assert Capabilities({"chunking": ""}, chunking=True).chunking is False  # never without PIPELINING


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("", (None, None, None)),
        ("MAILMAX=3 RCPTMAX=100 RCPTDOMAINMAX=1", (3, 100, 1)),
        ("rcptdomainmax=2  mailmax=9", (9, None, 2)),
        ("RCPTDOMAINMAX", (None, None, None)),
        ("RCPTDOMAINMAX= RCPTMAX=x MAILMAX=-1", (None, None, None)),
        ("RCPTDOMAINMAX=0 RCPTMAX=0 MAILMAX=0", (None, None, None)),
        ("RCPTDOMAINMAX=99999999999999999999", (None, None, None)),
        ("RCPTDOMAINMAX=\u0663", (None, None, None)),
        ("FUTURE=7 OTHER RCPTDOMAINMAX=4 X=Y=Z", (None, None, 4)),
    ],
)
def test_limits_are_read_and_what_is_no_number_is_no_limit(limits, expected):
    offers = limited(limits)
    assert (offers.max_messages, offers.max_recipients, offers.max_recipient_domains) == expected


def test_without_limits_everyone_is_named_at_once():
    waiting = [f"user{number}@host{number}.test" for number in range(500)]
    assert Capabilities({}).next_group(waiting) == waiting
    assert limited("RCPTMAX=100").next_group(waiting) == waiting[:100]


def test_recipients_are_grouped_by_domain_whatever_their_order():
    offers = limited("RCPTDOMAINMAX=2")
    waiting = ["a@x.test", "b@y.test", "c@z.test", "d@X.TEST", "e@y.test"]
    assert offers.next_group(waiting) == ["a@x.test", "b@y.test", "d@X.TEST", "e@y.test"]


def test_domains_are_counted_for_the_session_and_not_for_one_transaction():
    offers = limited("RCPTDOMAINMAX=1")
    assert not offers.is_exhausted(["a@x.test"])
    assert offers.next_group(["a@x.test"]) == ["a@x.test"]
    assert not offers.is_exhausted(["c@z.test", "b@x.test"])
    assert offers.next_group(["c@z.test", "b@x.test"]) == ["b@x.test"]
    assert offers.is_exhausted(["c@z.test"])
    assert offers.next_group(["c@z.test"]) == ["c@z.test"]  # somebody, all the same


def test_a_local_part_alone_and_a_quoted_one_have_the_domain_they_have():
    offers = limited("RCPTDOMAINMAX=2")
    waiting = ["root", "postmaster", '"a@b.test"@x.test', "c@x.test"]
    assert offers.next_group(waiting) == waiting


@settings(max_examples=300)
@given(ADDRESSES, LIMIT, LIMIT)
def test_sessions_renewed_when_exhausted_serve_everyone_once_within_the_limits(waiting, most, domains):
    words = [f"RCPTMAX={most}"] * bool(most) + [f"RCPTDOMAINMAX={domains}"] * bool(domains)
    everyone, served = sorted(waiting), []
    offers, named = limited(" ".join(words)), set()
    while waiting:
        if offers.is_exhausted(waiting):
            offers, named = limited(" ".join(words)), set()
        group = offers.next_group(waiting)
        assert group
        assert group == [each for each in waiting if each in group]
        assert most is None or len(group) <= most
        named |= {each.partition("@")[2].lower() for each in group}
        assert domains is None or len(named) <= domains
        served += group
        waiting = [each for each in waiting if each not in group]
    assert sorted(served) == everyone


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize(
    "offers", [["PIPELINING"], [], ["PIPELINING", "CHUNKING"]], ids=["pipelined", "lockstep", "chunked"]
)
def test_a_server_is_told_of_no_more_domains_a_connection_than_it_takes(offers, limit, connections):
    people = [f"{name}@{domain}.test" for name in ("ann", "bob") for domain in "vwxyz"]
    messages = [mail(*people), *map(mail, people), mail(*people[::-1])]
    with FaultyServer([*offers, f"LIMITS RCPTDOMAINMAX={limit} RCPTMAX=3"]) as server:
        assert deliver(server, messages, connections=connections, chunking=True) == (12, [])
    assert copies(server) == dict.fromkeys(people, 3)
    named: dict[int, set[bytes]] = {}
    for connection, side, line in server.log:
        if side == "C" and line.startswith(b"RCPT"):
            named.setdefault(connection, set()).add(line.partition(b"@")[2])
    assert max(map(len, named.values())) == limit
    assert max(len(message.recipients) for message in server.messages) <= 3
