"""The same arguments give the same message as Django 5.2: structure, headers, payloads, errors."""

from __future__ import annotations

import copy
import inspect
from email import message_from_bytes
from email.charset import QP, Charset
from email.header import decode_header, make_header
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.text import MIMEText
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.mail import message as ours

django_conf = pytest.importorskip("django.conf", reason="Django is not installed; it is the reference here")
if not django_conf.settings.configured:
    django_conf.settings.configure(USE_I18N=False)
theirs = pytest.importorskip("django.core.mail.message")

CLASSES = ["EmailMessage", "EmailMultiAlternatives"]


def parts_of(part: Any) -> Any:
    """A tree of everything a reader sees, without ids, dates and boundaries."""
    headers = sorted(
        (name, decoded(name, value.replace("\n", "")))
        for name, value in part.items()
        if name not in ("Message-ID", "Date", "Content-Type")
    )
    parameters = {name: value for name, value in part.get_params(failobj=[])[1:] if name != "boundary"}
    seen = (part.get_content_type(), parameters, headers, part.get_filename(), part.preamble, part.defects)
    if part.is_multipart():
        return (*seen, [parts_of(inner) for inner in part.get_payload()])
    return (*seen, part.get_payload(decode=True))


def decoded(name: str, value: str) -> Any:
    if name.lower() in ours.ADDRESS_HEADERS:
        return [(decoded("", display), address) for display, address in getaddresses([value])]
    return str(make_header(decode_header(value)))


def built(module: Any, name: str, arguments: dict[str, Any], attributes: dict[str, Any]) -> Any:
    mail = getattr(module, name)(**arguments)
    vars(mail).update(attributes)
    return mail.message()


def assert_same(name: str, arguments: dict[str, Any], attributes: dict[str, Any] | None = None) -> None:
    mine = built(ours, name, copy.deepcopy(arguments), attributes or {})
    reference = built(theirs, name, copy.deepcopy(arguments), attributes or {})
    assert mine.keys() == reference.keys()
    assert type(mine).__name__ == type(reference).__name__
    assert parts_of(mine) == parts_of(reference)
    for write in (lambda message: message.as_bytes(), lambda message: message.as_string().encode()):
        assert parts_of(message_from_bytes(write(mine))) == parts_of(message_from_bytes(write(reference)))


def image_part() -> MIMEBase:
    part = MIMEImage(b"\x89PNG", "png")
    part["Content-ID"] = "<unreferenced>"
    return part


BASE = {"subject": "Subject", "body": "Content", "from_email": "from@example.com", "to": ["to@example.com"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "nothing": {"subject": "", "body": "", "to": None},
    "several": {"to": ["to@example.com", "o@example.com"], "cc": ["cc@x.org"], "bcc": ["b@example.com"]},
    "reply to": {"reply_to": ["a@example.com", "Bö <b@example.com>"]},
    "names": {"to": ['"Sürname, Firstname" <to@x.org>', "A. B. <x@example.com>"], "from_email": "Ü <a@b.c>"},
    "idn": {"to": ["to@éxample.com", "to@xn--4ca9at.com"]},
    "local part": {"to": ["localpartonly"]},
    "overrides": {
        "headers": {
            "From": "me@other.com",
            "To": "list@x.org",
            "Reply-To": "r@x.org",
            "Cc": "c@x.org",
            "date": "Fri, 09 Nov 2001 01:08:47 -0000",
            "message-ID": "<foo@x.org>",
            "X-A": "ü",
        }
    },
    "long subject": {"subject": "Long subject lines that get folded should contain a space, always." * 3},
    "encoded subject": {"subject": "Gżegżółka " * 20},
    "long header": {"headers": {"X-Long": "word " * 40}},
    "lines": {"body": "From the future\n.\n\nFrom x\n"},
    "non-ascii": {"body": "Firstname Sürname is a great guy.\n"},
    "cyrillic": {"body": "Ж Д И Ц.\n" * 40},
    "long line": {"body": "Ы" * 600 + "\nx"},
    "text attachment": {"attachments": [("a.txt", "Text ü\n", None)]},
    "bytes attachment": {"attachments": [("a.txt", "ü".encode(), "text/plain"), ("b.txt", b"\xff", None)]},
    "binary attachment": {"attachments": [("a.png", b"\x89PNG", "image/png"), ("x.any-x", b"1", None)]},
    "names of attachments": {"attachments": [("é.txt", "a", None), ('q"uote.pdf', b"1", None)]},
    "a space in a name": {"attachments": [("sp ace.pdf", b"", None)]},
    "no name": {"attachments": [(None, b"1", "application/pdf")]},
    "ready": {"attachments": [MIMEText("ready ü", "x-any", "utf-8"), image_part()]},
    "only attachment": {"body": "", "attachments": [("a.bin", b"1", None)]},
    "enclosed text": {"attachments": [("m.eml", "Subject: in\n\nbody ü\n", "message/rfc822")]},
    "enclosed bytes": {"attachments": [("m.eml", b"Subject: in\n\nbody \xc3\xbc\n", "message/rfc822")]},
}


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("case", CASES)
def test_a_case_is_built_alike(name: str, case: str):
    assert_same(name, {**BASE, **CASES[case]})


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_built_alike_with_alternatives(case: str):
    alternatives = [
        ("<p>Grüße\n", "text/html"),
        (b"\0\1", "application/x-a"),
        ("c", "text/calendar; method=REQUEST"),
    ]
    assert_same("EmailMultiAlternatives", {**BASE, **CASES[case], "alternatives": alternatives})


def qp_charset() -> Charset:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    return charset


LATIN = ["plain", "non-ascii", "text attachment"]
ANY = ["plain", "non-ascii", "long line", "names", "encoded subject"]
ATTRIBUTES: list[tuple[dict[str, Any], list[str]]] = [
    ({"encoding": "iso-8859-1"}, LATIN),
    ({"encoding": "us-ascii"}, ["plain", "lines"]),
    ({"encoding": "iso-2022-jp"}, ["plain", "lines"]),
    ({"encoding": qp_charset()}, ANY),
    ({"content_subtype": "html"}, ANY),
    ({"mixed_subtype": "related"}, ["text attachment", "ready"]),
    ({"alternative_subtype": "x-any"}, ANY),
]


@pytest.mark.parametrize(("attributes", "cases"), ATTRIBUTES, ids=str)
def test_attributes_do_the_same(attributes: dict[str, Any], cases: list[str]):
    for case in cases:
        assert_same("EmailMultiAlternatives", {**BASE, **CASES[case]}, attributes)
        assert_same(
            "EmailMultiAlternatives",
            {**BASE, **CASES[case], "alternatives": [("<p>", "text/html")]},
            attributes,
        )


LINE = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]) | st.just(" "), max_size=50
)
BODY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)
ADDRESS = st.from_regex(r"([A-Za-z]{1,9} )?<?[a-z0-9]{1,9}@[a-z]{1,9}\.example", fullmatch=True).map(
    lambda text: text + ">" if "<" in text else text.rpartition(" ")[2]
)
ATTACHMENT = st.tuples(
    st.from_regex(r"[a-zé]{1,20}\.(txt|pdf|png|csv)", fullmatch=True),
    st.binary(max_size=60) | BODY.map(str.encode),
    st.sampled_from([None, "text/plain", "application/pdf"]),
)


@given(
    st.fixed_dictionaries(
        {
            "subject": LINE.filter(lambda line: "=?" not in line and line != " "),  # one space: ours keeps it
            "body": BODY,
            "from_email": ADDRESS,
            "to": st.lists(ADDRESS, max_size=3),
            "cc": st.lists(ADDRESS, max_size=3),
            "attachments": st.lists(ATTACHMENT, max_size=2),
            "alternatives": st.lists(st.tuples(BODY, st.just("text/html")), max_size=2),
        }
    )
)
def test_any_message_is_built_alike(arguments: dict[str, Any]):
    assert_same("EmailMultiAlternatives", arguments)


@pytest.mark.parametrize(
    "name", ["EmailMessage", "EmailMultiAlternatives", "SafeMIMEText", "SafeMIMEMultipart"]
)
def test_constructors_take_djangos_arguments_in_djangos_order(name: str):
    mine, reference = (inspect.signature(getattr(module, name)) for module in (ours, theirs))
    assert list(mine.parameters) == list(reference.parameters)
    defaults = [[p.default for p in signature.parameters.values()] for signature in (mine, reference)]
    assert defaults[0] == defaults[1]


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_name_of_djangos_class_is_here(name: str):
    reference = getattr(theirs, name)()
    mine = getattr(ours, name)()
    public = {attribute for attribute in dir(reference) if not attribute.startswith("_")}
    assert public <= set(dir(mine))
    for attribute in ("content_subtype", "mixed_subtype", "encoding"):
        assert getattr(mine, attribute) == getattr(reference, attribute)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "a@x.org"}, {"cc": "a@x.org"}, {"bcc": "a@x.org"}, {"reply_to": "a@x.org"},
        {"attachments": [("a.txt", None, "text/plain")]}, {"attachments": [("a.txt", "x", "nonsense")]},
        {"subject": "a\nb"}, {"from_email": "a\nb@x.org"}, {"to": ["a\r@x.org"]}, {"headers": {"X": "a\nb"}},
    ],
    ids=str,
)  # fmt: skip
def test_what_django_refuses_is_refused_with_the_same_kind_of_error(wrong: dict[str, Any]):
    kinds = []
    for module in (ours, theirs):
        with pytest.raises((TypeError, ValueError)) as caught:
            built(module, "EmailMessage", {**BASE, **wrong}, {})
        kinds.append((isinstance(caught.value, TypeError), type(caught.value).__name__ == "BadHeaderError"))
    assert kinds[0] == kinds[1]


def test_body_contains_answers_alike():
    for text in ("Content", "<p>", "C", "x"):
        answers = []
        for module in (ours, theirs):
            mail = module.EmailMultiAlternatives(**BASE, alternatives=[("<p>Content", "text/html")])
            answers.append(mail.body_contains(text))
        assert answers[0] == answers[1]
