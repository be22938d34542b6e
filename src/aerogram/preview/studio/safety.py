"""Who may talk to the studio: pages of its own alone, under a name of this machine."""

from __future__ import annotations

import ipaddress
import json
import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from aerogram.conf import settings
from aerogram.exceptions import describe

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SANDBOX", "Guard", "Json", "refusal"]

logger: Final = logging.getLogger("aerogram.studio")
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - as an entry of STUDIO_HOSTS; nothing is bound here
SANDBOX = (
    "sandbox; default-src 'none'; img-src data: cid: 'self'; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
}


class Json(JSONResponse):
    """An answer in JSON, whatever its texts hold; a lone surrogate is a question mark."""

    def render(self, content: Any) -> bytes:
        """Return the octets of the answer."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def refusal(status: int, error: str, message: str, **more: Any) -> Json:
    """Return an answer that says in JSON why there is no other: a word for programs, and a sentence."""
    return Json({"error": error, "message": message, **more}, status_code=status)


class Guard:
    """ASGI middleware that refuses foreign hosts and origins and adds the headers of safety.

    A name that somebody else owns can be made to point to this machine (DNS rebinding): the ``Host`` of a
    request must be a loopback address, ``localhost``, or one of ``STUDIO_HOSTS``. A page of another site may
    not ask for anything: an ``Origin`` must be that of the studio.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        answer: ASGIApp = self.app
        if not is_local(host):
            answer = refusal(
                403,
                "refused",
                "The studio is not shown under this name. Open it by 127.0.0.1 or localhost, or add the name "
                "to the setting STUDIO_HOSTS.",
            )
        elif origin is not None and _netloc(origin) != host.lower():
            text = "The studio answers its own pages alone, and this is the request of another site."
            answer = refusal(403, "refused", text)

        is_started = False

        async def send_guarded(message: Message) -> None:
            nonlocal is_started
            is_started = True
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    given.setdefault(name, value)
            await send(message)

        try:
            await answer(scope, receive, send_guarded)
        except Exception as error:
            if is_started:
                raise
            logger.exception("The studio failed at %s", scope["path"])
            await refusal(500, type(error).__name__, describe(error))(scope, receive, send_guarded)


def is_local(host: str) -> bool:
    """Return whether the value of a ``Host`` field is a name of this machine.

    >>> is_local("127.0.0.1:8025"), is_local("localhost"), is_local("[::1]:8025"), is_local("evil.example")
    (True, True, True, False)
    """
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").rstrip(".")
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return False
    if "@" in host or parts.netloc != host:
        return False
    allowed = [str(each).lower() for each in settings.STUDIO_HOSTS]
    if name == "localhost" or name.endswith(".localhost") or name in allowed:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or any(each in allowed for each in _EVERY_ADDRESS)


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
