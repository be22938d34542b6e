"""The SMTP client behind :class:`aerogram.mail.backends.smtp.EmailBackend`.

From the outside in::

    pool      a batch over several connections; backlog   what waits for one of them
    lane      messages one after another; a connection that breaks or is used up is replaced
    session   transactions over one connection, pipelined where the server allows it
    wire      what a transaction writes and reads, within its time
    client    the connection: smtplib's, with bounded waits, strict replies, TLS (tls) and login (auth)
    outgoing  one message on its way, and what is known of each recipient
    offers    what the server can do; replies   what it says
"""
