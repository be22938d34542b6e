"""Images that the HTML shows travel beside it, in multipart/related."""

from __future__ import annotations

from email import message_from_bytes
from email.mime.image import MIMEImage
from typing import Any

import pytest

from aerogram.mail.message import EmailMessage, EmailMultiAlternatives
from aerogram.mail.message.inline_parts import shows_image
from aerogram.mail.wire.serializer import to_bytes


def image(content_id: str, disposition: str | None = None) -> MIMEImage:
    part = MIMEImage(b"\x89PNG", "png")
    part["Content-ID"] = content_id
    if disposition:
        part.add_header("Content-Disposition", disposition, filename="logo.png")
    return part


def shapes(mail: EmailMessage) -> list[Any]:
    def shape(part: Any) -> Any:
        kind = part.get_content_subtype()
        return (kind, *map(shape, part.get_payload())) if part.is_multipart() else kind

    return [shape(message_from_bytes(written)) for written in (mail.message().as_bytes(), to_bytes(mail))]


def html_mail(html: str, *attachments: Any) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives("s", "text", to=["a@x.org"], attachments=attachments)
    mail.attach_alternative(html, "text/html")
    return mail


FORMS = ("alternative", "plain", "html")


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<!-- <img src="cid:logo@x.org"> --><p>', False),
        ('<!--[if mso]><img src="cid:logo@x.org"><![endif]--><p>', True),
        ('<!-- old --><img src="cid:logo@x.org"><!-- new -->', True),
    ],
)
def test_a_comment_shows_no_image_unless_it_is_conditional(html: str, shown: bool) -> None:
    assert shows_image(html, "logo@x.org") is shown


@pytest.mark.parametrize("disposition", [None, "inline"])
@pytest.mark.parametrize("content_id", ["<logo@x.org>", "logo@x.org"])
def test_an_image_named_by_the_html_is_related_to_it(content_id: str, disposition: str | None):
    mail = html_mail('<img src="cid:logo@x.org">', image(content_id, disposition))
    assert shapes(mail) == [("related", FORMS, "png")] * 2
    for written in (mail.message().as_bytes(), to_bytes(mail)):
        assert message_from_bytes(written).get_param("type") == "multipart/alternative"


def test_other_attachments_stay_in_mixed_around_it():
    mail = html_mail("<img src=cid:logo>", ("a.pdf", b"1", "application/pdf"), image("<logo>", "inline"))
    assert shapes(mail) == [("mixed", ("related", FORMS, "png"), "pdf")] * 2


def test_a_body_that_is_html_itself_holds_images_too():
    mail = EmailMessage("s", "<img src='cid:logo'>", to=["a@x.org"], attachments=[image("<logo>")])
    mail.content_subtype = "html"
    assert shapes(mail) == [("related", "html", "png")] * 2


@pytest.mark.parametrize(
    ("html", "part"),
    [
        ("<img src='cid:other'>", image("<logo>")),
        ("<img src='cid:logo2'>", image("<logo>")),
        ("<img src='cid:logo'>", image("<logo>", "attachment")),
        ("<img src='cid:logo'>", MIMEImage(b"1", "png")),
    ],
)
def test_what_the_html_does_not_show_is_an_attachment(html: str, part: MIMEImage):
    assert shapes(html_mail(html, part)) == [("mixed", FORMS, "png")] * 2


def test_a_mixed_subtype_of_ones_own_keeps_djangos_structure():
    mail = html_mail("<img src='cid:logo'>", image("<logo>"))
    mail.mixed_subtype = "related"
    assert shapes(mail) == [("related", FORMS, "png")] * 2
    assert message_from_bytes(to_bytes(mail)).get_param("type") is None
