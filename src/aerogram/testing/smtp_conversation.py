"""One client's conversation with a :class:`~aerogram.testing.faulty_server.FaultyServer`."""

from __future__ import annotations

import binascii
import contextlib
import hmac
import re
import select
import socket
import ssl
import struct
from base64 import b64decode, b64encode

from aerogram.testing.smtp_script import Action, Drip, Drop, Hang, Received, Script, ScriptRule

_REPLIES = {
    "HELO": "250 faulty.test",
    "STARTTLS": "220 2.0.0 go ahead",
    "MAIL": "250 2.1.0 sender ok",
    "RCPT": "250 2.1.5 recipient ok",
    "DATA": "354 go ahead",
    "RSET": "250 2.0.0 reset",
    "NOOP": "250 2.0.0 nothing done",
    "QUIT": "221 2.0.0 bye",
}
# A quoted local part may hold angle brackets (RFC 5321 section 4.1.2).
_PATH = re.compile(r'((?:[^">]|"(?:[^"\\]|\\.)*")*)>(.*)', re.DOTALL)


class _Over(Exception):
    """The conversation has ended."""


class Conversation:
    """Speaks SMTP with one client, as the server's rules say, and otherwise as a good server does."""

    def __init__(self, server: Script, client: socket.socket, number: int) -> None:
        self._server = server
        self._client = client
        self._number = number
        self._buffer = bytearray()
        self._answered = False
        self._mail: tuple[str, ...] | None = None
        self._recipients: list[str] = []
        self._chunks = bytearray()

        client.settimeout(server.client_timeout)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hang_up(self) -> None:
        """End the conversation from another thread."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Talk until one side ends it."""
        with contextlib.suppress(_Over, OSError), contextlib.closing(self):
            if self._server.implicit_tls:
                self._encrypt()
            if not self._follow(self._rule("connect")):
                self._reply("220 faulty.test ESMTP")
            while True:
                self._obey(self._line().decode("utf-8", "replace"))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _obey(self, line: str) -> None:
        self._server.commands.append(line)
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        if verb == "BDAT":
            self._bdat(argument)
        elif (rule := self._rule(verb, argument)) is not None:
            self._follow(rule)
            self._note(verb, argument, rule.first_reply)
        else:
            reply = self._usual_reply(verb, argument)
            for each in reply.split("\n"):
                self._reply(each)
            self._note(verb, argument, reply)
            if verb == "STARTTLS":
                self._encrypt()
            elif verb == "QUIT":
                raise _Over

    def _usual_reply(self, verb: str, argument: str) -> str:
        """Return what a good server says to a command."""
        if verb == "EHLO":
            *first, last = f"faulty.test greets {argument}", *self._server.offers
            return "\n".join([*(f"250-{line}" for line in first), f"250 {last}"])
        if verb == "AUTH":
            return self._login(argument)
        if verb == "MAIL" and self._mail is not None:
            return "503 5.5.1 nested MAIL"
        if verb in ("RCPT", "DATA") and self._mail is None:
            return "503 5.5.1 MAIL first"
        if verb == "DATA" and not self._recipients:
            return "554 5.5.1 no valid recipients"
        return _REPLIES.get(verb, "500 5.5.2 no such command")

    def _note(self, verb: str, argument: str, reply: str) -> None:
        """Do what a reply has granted, a scripted one or the usual."""
        granted = verb, reply[:1]
        if granted == ("MAIL", "2"):
            address, parameters = _path(argument)
            self._mail = (address, *parameters.split())
            self._recipients = []
            self._chunks.clear()
        elif granted == ("RCPT", "2"):
            self._recipients.append(_path(argument)[0])
        elif granted == ("DATA", "3"):
            self._content()
        elif granted in (("RSET", "2"), ("EHLO", "2"), ("HELO", "2")):
            self._mail = None

    def _bdat(self, argument: str) -> None:
        size, _, last = argument.partition(" ")
        content = self._octets(int(size))
        if self._mail is None or not self._recipients:
            self._reply("503 5.5.1 no transaction")
            return
        self._chunks += content
        if last.upper() == "LAST":
            self._take(bytes(self._chunks))
        else:
            self._reply("250 2.0.0 more")

    def _content(self) -> None:
        lines: list[bytes] = []
        while True:
            line = self._line(in_content=True)
            if not lines:
                self._follow(self._rule("content"))
            if line == b".":
                break
            lines.append(line[1:] if line[:1] == b"." else line)
        self._take(b"".join(line + b"\r\n" for line in lines))

    def _take(self, content: bytes) -> None:
        mail, self._mail = self._mail, None
        rule = self._rule(".", mail[0] if mail else "")
        if mail is None or not self._recipients:  # a script has granted DATA all the same
            if not self._follow(rule):
                self._reply("554 5.5.1 no valid recipients")
            return
        if rule is None or rule.keeps_message:
            recipients = tuple(self._recipients)
            self._server.messages.append(Received(mail[0], recipients, content, mail[1:], self._number))
        if not self._follow(rule):
            self._reply("250 2.0.0 accepted")

    def _login(self, argument: str) -> str:
        mechanism, _, first = argument.partition(" ")
        try:
            granted = self._check_login(mechanism.upper(), first)
        except binascii.Error:
            return "501 5.5.2 not base64"
        return "235 2.7.0 welcome" if granted else "535 5.7.8 authentication failed"

    def _check_login(self, mechanism: str, first: str) -> bool:
        logins = self._server.logins
        if mechanism == "PLAIN":
            _, user, password = b64decode(first or self._answer_to("")).split(b"\0")
            return logins.get(user.decode()) == password.decode()
        if mechanism == "LOGIN":
            user = b64decode(first or self._answer_to("Username:"))
            return logins.get(user.decode()) == b64decode(self._answer_to("Password:")).decode()
        if mechanism == "CRAM-MD5":
            challenge = "<1896.697170952@faulty.test>"
            name, _, digest = b64decode(self._answer_to(challenge)).decode().rpartition(" ")
            key = logins.get(name, "").encode()
            return name in logins and hmac.new(key, challenge.encode(), "md5").hexdigest() == digest
        if mechanism == "XOAUTH2":
            words = dict(word.split("=", 1) for word in b64decode(first).decode().split("\1") if word)
            if f"Bearer {logins.get(words['user'])}" == words["auth"]:
                return True
            self._answer_to('{"status":"401"}')
        return False

    def _answer_to(self, challenge: str) -> str:
        self._reply("334 " + b64encode(challenge.encode()).decode())
        return self._line().decode()

    def _rule(self, verb: str, argument: str = "") -> ScriptRule | None:
        return self._server.rule_for(verb, argument, self._number)

    def _follow(self, rule: ScriptRule | None) -> bool:
        for action in rule.actions if rule is not None else ():
            self._do(action)
        return rule is not None

    def _do(self, action: Action) -> None:
        if isinstance(action, str):
            self._reply(action)
        elif isinstance(action, bytes):
            self._write(action)
        elif isinstance(action, Hang):
            self._server.stopping.wait(action.seconds)
        elif isinstance(action, Drip):
            for octet in f"{action.reply}\r\n".encode():
                if self._server.stopping.wait(action.pause):
                    raise _Over
                self._write(bytes([octet]))
        elif isinstance(action, Drop):
            if action.reset:
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise _Over

    def _encrypt(self) -> None:
        if self._server.tls is None:
            raise _Over
        try:
            self._client = self._server.tls.wrap_socket(self._client, server_side=True)
        except OSError as error:
            self._server.tls_failures.append(str(error))
            raise
        self._buffer.clear()
        self._mail = None

    def _reply(self, text: str) -> None:
        self._write(text.encode() + b"\r\n")

    def _write(self, data: bytes) -> None:
        self._answered = True
        self._server.log.append((self._number, "S", data))
        self._client.sendall(data)

    def _line(self, *, in_content: bool = False) -> bytes:
        """Read up to the next CRLF; a bare LF stays in the line, so that a test sees it."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._receive()
        line = self._octets(end + 2)[:-2]
        if not in_content:
            self._server.log.append((self._number, "C", line))
        return line

    def _octets(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._receive()
        octets = bytes(self._buffer[:count])
        del self._buffer[:count]
        return octets

    def _receive(self) -> None:
        # A round trip: all that came was answered, and nothing else is there.
        pending = isinstance(self._client, ssl.SSLSocket) and self._client.pending()
        if self._answered and not (pending or select.select([self._client], [], [], 0)[0]):
            with self._server.lock:
                self._server.waits += 1
        self._answered = False
        chunk = self._client.recv(65536)
        if not chunk:
            raise _Over
        self._buffer += chunk


def _path(argument: str) -> tuple[str, str]:
    """Split ``FROM:<"a>b"@c> SIZE=1`` into what is between the angle brackets and what follows them."""
    rest = argument.partition("<")[2]
    found = _PATH.match(rest)
    return (found[1], found[2]) if found else (rest.partition(">")[0], rest.partition(">")[2])
