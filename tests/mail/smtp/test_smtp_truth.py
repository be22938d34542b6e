"""Whatever a server does, the reports say what it did: random faults, compared with what the server knows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aerogram.testing import Drop, FaultyServer
from tests.smtp_peers import backend_for, copies, mail, statuses

REPLIES = {
    "MAIL": ["250 2.1.0 ok", "451 4.3.0 later", "550 5.7.1 no", "421 4.3.2 closing"],
    "RCPT": [
        "250 2.1.5 ok",
        "251 ok",
        "450 4.2.1 later",
        "550 5.1.1 no",
        "452 4.5.3 many",
        "421 4.3.2 closing",
    ],
    "DATA": ["354 go", "451 4.3.0 later", "554 5.5.1 no", "421 4.3.2 closing"],
    ".": ["250 2.0.0 ok", "299 fine", "451 4.3.0 later", "554 5.7.1 no", "421 4.3.2 closing"],
}

# At the nth time a verb comes, one of its replies, a drop, or rubbish.
faults = st.lists(
    st.sampled_from(sorted(REPLIES)).flatmap(
        lambda verb: st.tuples(
            st.just(verb),
            st.integers(0, 9),
            st.sampled_from([*REPLIES[verb], "drop", "reset", "rubbish"]),
        )
    ),
    max_size=6,
)
batches = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True), min_size=1, max_size=6)


def scripted(offers, script):
    server = FaultyServer(offers)
    for verb, skip, what in script:
        if what == "drop":
            actions, keep = [Drop()], bool(skip % 2)
        elif what == "reset":
            actions, keep = [Drop(reset=True)], bool(skip % 2)
        elif what == "rubbish":
            actions, keep = [b"\xff\xfe rubbish\r\n", Drop()], bool(skip % 2)
        else:
            actions, keep = [what], None
            if what.startswith("421"):
                actions.append(Drop())
        server.on(verb, *actions, skip=skip, times=1, keep=keep if verb == "." else None)
    return server


@pytest.mark.parametrize(
    ("offers", "options"),
    [
        (["PIPELINING"], {}),
        ([], {}),
        (["PIPELINING", "CHUNKING"], {"chunking": True}),
        (["PIPELINING", "LIMITS MAILMAX=2 RCPTMAX=2"], {"max_messages": 3}),
        (["PIPELINING"], {"connections": 3}),
    ],
    ids=["pipelined", "lockstep", "chunks", "limits", "pool"],
)
@settings(max_examples=60)
@given(script=faults, batch=batches)
def test_the_reports_agree_with_the_server(offers, options, script, batch):
    messages = [
        mail(*(f"m{number}.p{person}@x.org" for person in people)) for number, people in enumerate(batch)
    ]
    with scripted(offers, script) as server:
        count = backend_for(server, fail_silently=True, **options).send_messages(messages)
    taken = copies(server)
    assert set(taken.values()) <= {1}, "a copy too many"
    for message in messages:
        found = statuses(message)
        assert list(found) == message.to
        for address, status in found.items():
            if status == "sent":
                assert address in taken
            elif status in ("refused", "deferred"):
                assert address not in taken
    assert count == sum("sent" in statuses(message).values() for message in messages)
    if not script:
        assert count == len(messages)
