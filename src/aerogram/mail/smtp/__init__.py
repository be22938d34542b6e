"""The SMTP client behind :class:`aerogram.mail.backends.smtp.EmailBackend`.

Read from the bottom up::

    replies       octets from the server become replies, replies become results
    transaction   one message on its way; where the replies to RCPT are judged and become results
    capabilities  what the server announced in EHLO, and whether it loses what follows a content
    session       the protocol as a state machine without input and output
    auth, client  a connection up to the login: smtplib's, with bounded waits, strict replies and TLS
    options       of the backend: types, settings, checks
    driver        writes what a session gives to the socket, and waits for what it awaits
    connection    messages one after another; a connection that breaks or is used up is replaced
    pool          a batch over several connections, each in a thread of its own
    sender        one batch: messages are serialised, sent and reported
"""
