"""A real Postfix for the tests: all its state in one folder, on loopback ports, delivering to Maildirs.

It accepts mail for the users it is given and for nobody else, so nothing can leave the machine.
"""

from __future__ import annotations

import mailbox
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    import trustme

DOMAIN = "example.test"
INTERNATIONAL_DOMAIN = "xn--exmple-cua.test"  # exämple.test
START_SECONDS = 30.0
DELIVERY_SECONDS = 30.0

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_transport = error:no outside delivery in tests
relay_transport = error:no outside delivery in tests
virtual_mailbox_domains = {domain}, {international_domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/etc/chain.pem
smtpd_tls_received_header = yes
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
maximal_queue_lifetime = 0
"""

MASTER_CF = """\
127.0.0.1:{port}      inet  n  -  n  -      -  smtpd
127.0.0.1:{tls_port}  inet  n  -  n  -      -  smtpd -o smtpd_tls_wrappermode=yes
pickup      unix        n  -  n  60     1  pickup
cleanup     unix        n  -  n  -      0  cleanup
qmgr        unix        n  -  n  300    1  qmgr
tlsmgr      unix        -  -  n  1000?  1  tlsmgr
rewrite     unix        -  -  n  -      -  trivial-rewrite
bounce      unix        -  -  n  -      0  bounce
defer       unix        -  -  n  -      0  bounce
trace       unix        -  -  n  -      0  bounce
verify      unix        -  -  n  -      1  verify
flush       unix        n  -  n  1000?  0  flush
proxymap    unix        -  -  n  -      -  proxymap
proxywrite  unix        -  -  n  -      1  proxymap
showq       unix        n  -  n  -      -  showq
error       unix        -  -  n  -      -  error
retry       unix        -  -  n  -      -  error
discard     unix        -  -  n  -      -  discard
virtual     unix        -  n  n  -      -  virtual
anvil       unix        -  -  n  -      1  anvil
scache      unix        -  -  n  -      1  scache
postlog     unix-dgram  n  -  n  -      1  postlogd
"""


@dataclass
class Postfix:
    """Postfix from ``with`` to the end of its block: `port` speaks STARTTLS, `tls_port` TLS at once."""

    program: str
    port: int
    tls_port: int
    ca: trustme.CA
    users: Iterable[str]

    def __enter__(self) -> Postfix:
        # Not under pytest's own folder, which its other users (here: postfix) may not enter.
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        try:
            self.configure()
            self.command("start")
            self.wait_until(self.answers, START_SECONDS, "Postfix does not answer")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        subprocess.run([self.program, "-c", self.folder / "etc", "stop"], capture_output=True)
        self.wait_until(lambda: not self.runs(), START_SECONDS, "Postfix does not stop")
        shutil.rmtree(self.folder)

    def configure(self) -> None:
        """Write the configuration, the certificate and the mailboxes; make the folders Postfix expects."""
        self.folder.chmod(0o755)
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "spool", "data", "mail"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            os.chown(self.folder / name, owner.pw_uid, -1)
        settings = {
            "folder": self.folder,
            "domain": DOMAIN,
            "international_domain": INTERNATIONAL_DOMAIN,
            "uid": owner.pw_uid,
            "gid": owner.pw_gid,
        }
        etc = self.folder / "etc"
        (etc / "main.cf").write_text(MAIN_CF.format(**settings))
        (etc / "master.cf").write_text(MASTER_CF.format(port=self.port, tls_port=self.tls_port))
        (etc / "mailboxes").write_text(
            "".join(
                f"{user}@{domain} {domain}/{user}/\n"
                for domain in (DOMAIN, INTERNATIONAL_DOMAIN)
                for user in self.users
            )
        )
        chain = etc / "chain.pem"
        self.ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(chain))
        chain.chmod(0o600)

    def command(self, *arguments: str) -> None:
        """Run ``postfix`` on this configuration; its log is the error text."""
        done = subprocess.run([self.program, "-c", self.folder / "etc", *arguments], capture_output=True)
        if done.returncode:
            raise RuntimeError(f"postfix {' '.join(arguments)} failed:\n{self.log()}")

    def runs(self) -> bool:
        """Whether the master process lives."""
        status = subprocess.run([self.program, "-c", self.folder / "etc", "status"], capture_output=True)
        return status.returncode == 0

    def answers(self) -> bool:
        """Whether the port greets."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    def log(self) -> str:
        """What Postfix has written to its log."""
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def delivered(self, address: str, count: int = 1) -> list[mailbox.MaildirMessage]:
        """The messages in the Maildir of this address, once there are `count` of them."""
        user, _, domain = address.partition("@")
        maildir = self.folder / "mail" / domain / user
        self.wait_until(
            lambda: len(list(maildir.glob("new/*"))) >= count,
            DELIVERY_SECONDS,
            f"not {count} message(s) for {address}",
        )
        return list(mailbox.Maildir(maildir, create=False))

    def wait_until(self, condition: Callable[[], bool], seconds: float, problem: str) -> None:
        """Return as soon as the condition holds; raise with the log when it does not in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{problem}\n{self.log()[-4000:]}")
            time.sleep(0.05)
