"""What tests look at: the words, the links and the notification of a message."""

from __future__ import annotations

import copy
import pickle
import threading
import unicodedata

import pytest
from jinja2 import DictLoader

from aerogram import Notification, Renderer, mail
from aerogram.conf import settings
from aerogram.mail import EmailMessage, EmailMultiAlternatives
from aerogram.plaintext import html_to_text

PAGE = """<!doctype html><html><head><title>Secret title</title><style>p {color: red}</style></head>
<body><p>Dear <b>A</b>nn,\n your&nbsp;parcel</p><p>left</p><table><tr><td>one<td>two</table>
<img src="l.png" alt="The Shop"><script>hidden()</script><!-- comment -->
<a href=" https://x.org/t?a=1&amp;b=2 ">Track</a> <a href="mailto:help@x.org">Help</a>
<a name="top"></a></body></html>"""


def both(text: str = "Dear Ann, your\nparcel left. See https://x.org/t?a=1&b=2.") -> EmailMultiAlternatives:
    message = EmailMultiAlternatives("S", text, to=["ann@x.org"])
    message.attach_alternative(PAGE, "text/html")
    return message


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<p>Please <a href="https://x.org/p">pay now</a> today', "Please pay now today"),
        (
            '<p>See <a href="https://x.org/(a)">it</a>, or <a href="mailto:a@b.de">mail us</a>. Bye',
            "it, or mail us. Bye",
        ),
        ("<p>Now <s>$100</s> <b>$60</b>", "Now $100 $60"),
        ("<p>All <i>of</i> <b>th</b>em", "All of them"),
    ],
)
def test_words_are_seen_across_links_and_inline_tags_in_both_parts(html: str, words: str) -> None:
    message = EmailMultiAlternatives("s", html_to_text(html), to=["ann@example.com"])
    message.attach_alternative(html, "text/html")
    assert message.sees(words)
    assert not message.sees(words + " Bob")


@pytest.mark.parametrize(
    "text", ["Dear Ann, your parcel", "parcel left", "one two", "The Shop", "Track Help", "your\n  parcel"]
)
def test_words_of_the_html_part(text: str) -> None:
    assert both().sees(text, "html") is True


@pytest.mark.parametrize(
    "space", [each for each in map(chr, range(0x3001)) if unicodedata.category(each) == "Zs"]
)
def test_any_space_is_the_space_of_the_keyboard(space: str) -> None:
    message = EmailMultiAlternatives("s", f"At 9:00{space}AM", to=["ann@example.com"])
    message.attach_alternative(f"<p>At 9:00{space}AM", "text/html")
    assert message.sees("9:00 AM")
    assert message.sees(f"9:00{space}AM")
    assert not message.sees("9:00AM")


@pytest.mark.parametrize("text", ["Secret title", "color", "hidden", "comment", "dear ann", "https://"])
def test_what_a_reader_of_the_html_part_does_not_see(text: str) -> None:
    assert both().sees(text, "html") is False


def test_both_parts_must_show_it() -> None:
    assert both().sees("your parcel left")
    assert not both().sees("Track")
    assert not both("nothing").sees("Dear Ann")
    assert not both().sees("Track", "text")


def test_a_part_that_is_not_there_shows_nothing() -> None:
    text, html = EmailMessage("S", "<b>x</b>"), EmailMessage("S", "<b>x</b>")
    html.content_subtype = "html"
    assert text.sees("<b>x</b>")
    assert not text.sees("x", "html")
    assert html.sees("x")
    assert not html.sees("<b>")
    assert not html.sees("x", "text")
    with pytest.raises(ValueError, match="'plain' is not a part"):
        text.sees("x", "plain")


def test_links_of_both_parts() -> None:
    message = both("https://x.org/t?a=1&b=2, (https://x.org/a_(b)) and mailto:ann@x.org.")
    track, help_ = "https://x.org/t?a=1&b=2", "mailto:help@x.org"
    assert message.links == [track, help_, "https://x.org/a_(b)", "mailto:ann@x.org"]
    assert message.links_to(track)
    assert not message.links_to(help_)
    assert message.links_to(help_, "html")
    assert not message.links_to("https://x.org")


def test_repr_shows_subject_and_number_of_recipients() -> None:
    assert repr(EmailMessage("Hi", to=["ann@x.org"])) == "<EmailMessage 'Hi' to 1 recipient>"
    assert repr(EmailMessage("Hi", to=["a@x.org"], cc=["b@x.org"])) == "<EmailMessage 'Hi' to 2 recipients>"
    assert len(repr(EmailMessage("x" * 999))) < 120
    broken = EmailMessage("Hi")
    broken.to = "ann@x.org"  # type: ignore[assignment]  # wrong on purpose
    assert repr(broken) == "<EmailMessage 'Hi' to unknown recipients>"
    assert repr(EmailMessage.__new__(EmailMessage)).startswith("<EmailMessage ''")


class HelloToRead(Notification):
    subject = "Hello"
    text_template = "hello.txt"
    to = ["ann@x.org"]
    lock: object = None


def test_the_notification_goes_with_every_copy_but_not_into_a_pickle() -> None:
    notification = HelloToRead(lock=threading.Lock())
    message = Renderer(loader=DictLoader({"hello.txt": "Hi"})).render(notification)
    with settings.override(EMAIL_URL="locmem:"):
        message.send()
    assert message.notification is notification
    assert mail.outbox[0].notification is notification
    assert copy.copy(message).notification is notification
    message.connection = None
    assert pickle.loads(pickle.dumps(message)).notification is None
    assert EmailMessage().notification is None
