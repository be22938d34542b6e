"""The SMTP client behind :class:`aerogram.mail.backends.smtp.EmailBackend`.

From the protocol at the top to its user at the bottom, each module using those above it::

    replies       octets from the server become replies, replies become results
    transaction   one message on its way; where the replies to RCPT are judged and become results
    capabilities  what the server announced in EHLO, and whether it loses what follows a content
    session       the protocol as a state machine without input and output
    options       of the backend: types, settings, checks, timeouts
    auth, client  a connection up to the login: smtplib's, with bounded waits, strict replies and TLS
    driver        one open connection: octets between a session and its socket; it never waits
    connection    messages one after another; a connection that breaks or is used up is replaced
    loop          one thread that waits for all connections, and gives them messages
    pool          a loop in a thread of its own, so that the caller's code holds up no server
    batch         a delivery as messages that go out, and the reports on them

The backend opens a connection and serialises what a ``Batch`` yields. The ``Loop`` gives each message to a
``Connection``, which begins a transaction of the ``Session`` and lets its ``Driver`` write. Whenever the
server has answered, the loop lets the connection go on: the driver reads, the session settles recipients and
gives what to write next. A message whose recipients all have results goes back through the loop to the batch,
which records the report.

Over one connection the loop runs in the caller's thread, over several in the thread of a ``Pool``. A worker
of the outbox runs it in its own thread, over any number of connections.
"""
