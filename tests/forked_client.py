"""The client of forked_python.py: it lets the server run a program, and ends as the program does.

Its start is most of its work, so it imports only what is built into Python: `signal` and `socket` would take
longer than all the rest.
"""

import _signal
import _socket
import marshal
import os
import sys


def ask(address: str, arguments: list[str]) -> None:
    """Give the program, its surroundings and the standard streams to the server, and wait for its end."""
    request = marshal.dumps([arguments, os.getcwd(), dict(os.environ)])  # noqa: PTH109 # no pathlib here
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    server = _socket.socket(_socket.AF_UNIX)
    server.connect(address)
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)
    server.sendmsg([len(request).to_bytes(8, "big")], [rights])
    server.sendall(request)
    pid = number_from(server)
    for each in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
        _signal.signal(each, lambda number, _: os.kill(pid, number))
    status = number_from(server)
    if os.WIFSIGNALED(status):
        if (number := os.WTERMSIG(status)) != _signal.SIGKILL:
            _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def number_from(server: _socket.socket) -> int:
    return int.from_bytes(server.recv(8, _socket.MSG_WAITALL), "big")


ask(sys.argv[1], sys.argv[2:])
