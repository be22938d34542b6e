"""The SMTP client behind :class:`aerogram.mail.backends.smtp.EmailBackend`.

Read from the bottom up::

    replies       octets from the server become replies, replies become results
    transaction   one message on its way; where the replies to RCPT are judged and become results
    capabilities  what the server announced in EHLO, and whether it loses what follows a content
    session       the protocol as a state machine without input and output
    auth, client  a connection up to the login: smtplib's, with bounded waits, strict replies and TLS
    options       of the backend: types, settings, checks
    driver        one open connection: octets between a session and its socket; it never waits
    connection    messages one after another; a connection that breaks or is used up is replaced
    loop          one thread that waits for all connections, and gives them messages
    pool          a loop in a thread of its own, so that the caller's code holds up no server
    sender        one batch: messages are serialised, sent and reported

A message: ``Sender`` serialises it, ``Loop`` gives it to a ``Connection``, which begins a transaction of
the ``Session`` and lets its ``Driver`` write. Whenever the server has said something, the loop lets the
connection go on: the driver reads, the session settles recipients and gives what to write next. A message
whose recipients all have results goes back through the loop to the sender, which records the report.

A batch is the same with more connections. A list of messages is carried in the caller's thread over one
connection, and by a ``Pool`` over several; a worker of the outbox runs the loop in its own thread.
"""
