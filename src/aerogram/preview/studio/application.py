"""The web application: the page, what it asks for, and the stable addresses for editors and tests."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from aerogram.exceptions import InvalidAddress, NotificationNotFound
from aerogram.preview.findings import findings_of, sources_of
from aerogram.preview.gallery import Live, LiveSample, findings_view, page_policy, sample_view, studio_page
from aerogram.preview.studio.editing import EditError, form_of
from aerogram.preview.studio.events import Events
from aerogram.preview.studio.inbox import Inbox
from aerogram.preview.studio.library import Library, Variant
from aerogram.preview.studio.locales import locales_of
from aerogram.preview.studio.safety import SANDBOX, Guard, Json, refusal
from aerogram.preview.studio.sending import mailer_name, send_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

    from aerogram.preview.sample import Sample

__all__ = ["Studio"]

_UNDEFINED = re.compile(r"'([^']+)' is undefined|has no attribute '([^']+)'|parameter '([^']+)' was not")


class Studio:
    """One studio: its library, its inbox, and the pages that are open.

    ``app`` is the ASGI application. ``catches`` is set by the command that also catches mail.
    """

    def __init__(self, *, catches: bool = False) -> None:
        self.library: Library = Library()
        self.catches = catches
        self.token: str = secrets.token_urlsafe(24)
        self.events: Events = Events(self.library.folders, secrets.token_urlsafe(6))
        self.inbox: Inbox = Inbox(lambda mail: self.events.publish("mail", _row(mail)))
        routes = [
            Route("/", self.page),
            Route("/favicon.ico", lambda _: Response(status_code=204)),
            Route("/api/notifications", self.list_notifications),
            Route("/api/notifications/{name}/{sample:path}", self.describe),
            Route("/n/{name}/{sample:path}/html", self.html),
            Route("/n/{name}/{sample:path}/text", self.text),
            Route("/n/{name}/{sample:path}/eml", self.eml),
            Route("/n/{name}/{sample:path}/attachments/{identifier}", self.attachment),
            Route("/studio/rows", self.rows),
            Route("/studio/events", self.stream),
            Route("/studio/send", self.send, methods=["POST"]),
            Route("/studio/clear", self.clear, methods=["POST"]),
            Route("/studio/view/{name}/{sample:path}", self.view),
            Route("/studio/data/{name}/{sample:path}", self.data),
            Route("/studio/findings/{name}/{sample:path}", self.findings),
        ]
        failures: Mapping[Any, Any] = {
            NotificationNotFound: _not_found,
            EditError: _wrong_edit,
            404: _not_found,
            405: _not_found,
        }
        self.app: Starlette = Starlette(
            routes=routes, middleware=[Middleware(Guard)], exception_handlers=failures
        )
        self.app.state.studio = self
        self.app.router.redirect_slashes = False  # what is not there is 404, and not elsewhere

    # ---- the stable addresses ------------------------------------------------------------------------

    def list_notifications(self, _request: Request) -> Response:
        """``GET /api/notifications``: every notification with the names of its samples."""
        return Json(
            [
                {"name": group.name, "samples": [sample.name for sample in group.samples]}
                for group in self.library.groups()
            ]
        )

    def describe(self, request: Request) -> Response:
        """``GET /api/notifications/<name>/<sample>``: one message, without its contents."""
        sample = self._find(request)
        if (rendered := sample.rendered) is None:
            return _failure(sample)
        parsed = rendered.parsed
        listed = {
            name: [str(each) for each in getattr(parsed[name], "addresses", ())] if name in parsed else []
            for name in ("to", "cc")
        }
        return Json(
            {
                "subject": rendered.header("Subject"),
                "from": rendered.header("From"),
                **listed,
                "bcc": rendered.bcc,
                "headers": rendered.headers,
                "parts": [dataclasses.asdict(part) for part in rendered.parts],
                "size": len(rendered.raw),
                "findings": findings_of(sample),
            }
        )

    def html(self, request: Request) -> Response:
        """``GET /n/<name>/<sample>/html``: the HTML part, as it is sent."""
        return self._part(request, "html", "text/html")

    def text(self, request: Request) -> Response:
        """``GET /n/<name>/<sample>/text``: the plain-text part."""
        return self._part(request, "text", "text/plain")

    def eml(self, request: Request) -> Response:
        """``GET /n/<name>/<sample>/eml``: the whole message, to be saved."""
        sample = self._find(request)
        if sample.rendered is None:
            return _failure(sample)
        return _download(sample.rendered.raw, f"{sample.group.name}-{sample.stem}.eml", "message/rfc822")

    def _part(self, request: Request, name: str, media_type: str) -> Response:
        sample = self._find(request)
        if sample.rendered is None:
            return _failure(sample)
        content = getattr(sample.rendered, name)
        if content is None:
            return refusal(404, "not-found", f"This mail has no {media_type} part.")
        return Response(content, media_type=media_type, headers={"Content-Security-Policy": SANDBOX})

    def attachment(self, request: Request) -> Response:
        """Return one attachment, to be saved; it is named by a digest."""
        sample = self._find(request)
        found = sample.rendered.attachments if sample.rendered else ()
        for part in found:
            if part.digest == request.path_params["identifier"]:
                return _download(part.content, part.filename or "attachment", part.content_type)
        return _not_found(request, None)

    # ---- the page --------------------------------------------------------------------------------------

    def page(self, request: Request) -> Response:
        """Return the page. With ``?network=1`` mails may load their pictures, if the page itself asks."""
        groups = self.library.groups()
        is_own = request.headers.get("sec-fetch-site") == "same-origin"
        network = is_own and request.query_params.get("network") == "1"
        live = Live(self.token, self.catches, self.library.problems, network)
        policy = page_policy(network=network)
        return HTMLResponse(studio_page(groups, live), headers={"Content-Security-Policy": policy})

    def view(self, request: Request) -> Response:
        """Return the piece of HTML that shows one sample, or why it could not be rendered."""
        sample = self._find(request)
        query = request.url.query
        live = LiveSample(
            address=f"n/{quote(sample.id, safe='/')}",
            query=f"?{query}" if query else "",
            fields=form_of(sample.notification) if sample.notification is not None else (),
            locales=locales_of(sample.notification) if sample.notification is not None else (),
            locale=request.query_params.get("locale", ""),
            mailer=mailer_name() if sample.notification is not None else "",
        )
        return HTMLResponse(sample_view(sample, live))

    def data(self, request: Request) -> Response:
        """Return what the script shows of one sample, for the grid of all."""
        return Json(self._find(request).data)

    def findings(self, request: Request) -> Response:
        """Return the findings of one sample, with the files they are about."""
        found = findings_of(self._find(request))
        sources = sources_of(found)
        return Json({"findings": found, "sources": sources, "html": findings_view(found, sources)})

    def rows(self, _request: Request) -> Response:
        """Yield what lists show of each mail, one JSON object a line, as they are rendered."""

        def lines() -> Iterator[str]:
            for mail in self.inbox.mails():
                yield json.dumps(_row(mail)) + "\n"
            for sample in self.library.samples():
                yield json.dumps(_row(sample)) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def stream(self, _request: Request) -> Response:
        """Return the stream of events of one page."""
        return StreamingResponse(self.events.stream(), media_type="text/event-stream")

    async def send(self, request: Request) -> Response:
        """Send a sample to an address, for a page that has the token."""
        if not self._has_token(request):
            return _no_token()
        try:
            asked = await request.json()
            name, _, stem = str(asked["id"]).partition("/")
            variant = Variant.of(_edits(asked.get("edit") or {}), str(asked.get("locale") or ""))
            sample = await run_in_threadpool(self.library.find, name, stem, variant)
            if sample.notification is None:
                return _not_found(request, None)
            return Json(await run_in_threadpool(send_test, sample.notification, str(asked["to"]).strip()))
        except EditError:
            raise
        except (InvalidAddress, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            return refusal(422, "wrong-request", str(error))

    def clear(self, request: Request) -> Response:
        """Forget the mails that were caught, for a page that has the token."""
        if not self._has_token(request):
            return _no_token()
        self.inbox.clear()
        return Response(status_code=204)

    def _has_token(self, request: Request) -> bool:
        return secrets.compare_digest(request.headers.get("x-studio-token", "").encode(), self.token.encode())

    def _find(self, request: Request) -> Sample:
        name, sample = request.path_params["name"], request.path_params["sample"]
        if self.catches and name == "inbox" and (mail := self.inbox.find(sample)) is not None:
            return mail
        try:
            edits = _edits(json.loads(request.query_params.get("edit") or "{}"))
        except (ValueError, AttributeError, RecursionError):
            raise EditError({"edit": 'Accepted: a JSON object, such as {"order.number": "2042"}.'}) from None
        try:
            return self.library.find(name, sample, Variant.of(edits, request.query_params.get("locale", "")))
        except ValueError as error:
            if isinstance(error, EditError):
                raise
            raise EditError({"locale": str(error)}) from None


def _edits(given: Any) -> dict[str, str | None]:
    """Return edited fields; raise ValueError for texts that cannot be encoded."""
    items = {str(path): None if text is None else str(text) for path, text in given.items()}
    "".join(f"{path}{text}" for path, text in items.items()).encode()
    return items


def _row(sample: Sample) -> dict[str, Any]:
    """Return what lists show of a mail."""
    row: dict[str, Any] = {"id": sample.id, "name": sample.name}
    if (rendered := sample.rendered) is None:
        return {**row, "failed": sample.reason}
    return {
        **row,
        "subject": rendered.header("Subject"),
        "from": rendered.header("From"),
        "to": rendered.header("To"),
        "attachments": rendered.has_attachments,
        "text": None if rendered.html is not None else (rendered.text or "")[:600],
    }


def _download(content: bytes, filename: str, media_type: str) -> Response:
    disposition = f"attachment; filename*=utf-8''{quote(filename, safe='')}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})


def _failure(sample: Sample) -> Response:
    """Return the error of a sample that could not be rendered, for a program."""
    error = sample.error
    undefined = _UNDEFINED.search(str(error))
    return refusal(
        500,
        type(error).__name__,
        sample.reason,
        template=getattr(error, "template", None),
        line=getattr(error, "line", None),
        variable=next(filter(None, undefined.groups()), None) if undefined else None,
    )


def _not_found(_request: Request, error: Exception | None) -> Response:
    text = str(error) if isinstance(error, NotificationNotFound) else "There is nothing at this address."
    return refusal(getattr(error, "status_code", 404), "not-found", text)


def _wrong_edit(_request: Request, error: EditError) -> Response:
    return refusal(422, "wrong-edit", str(error), problems=error.problems)


def _no_token() -> Response:
    return refusal(403, "refused", "Only the studio's own page may do this.")
