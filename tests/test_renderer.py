from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader

from aerogram import Notification, Renderer
from aerogram.conf import settings
from aerogram.exceptions import (
    AerogramError,
    BadHeaderError,
    DeclarationError,
    InvalidAddress,
    MessageError,
    TemplateNotFound,
    UndefinedVariableError,
)
from aerogram.mail import EmailAttachment, EmailMultiAlternatives

PAGE = "<html><head><style>p { color: #123456 }</style></head><body><p>Dear {{ name }}</p></body></html>"
SOURCES = {
    "a.html": PAGE,
    "a.txt": "Text for {{ name }}",
    "brand.css": "p { margin: 7px }",
    "more.css": "p { padding: 9px }",
}


class Hello(Notification, name="renderer_hello"):
    subject = "Hello {{ name }}"
    html_template = "a.html"
    to = ["ann@example.com"]
    name: str


@pytest.fixture
def renderer() -> Renderer:
    return Renderer([], DictLoader(SOURCES))


def variant(**declared: Any) -> Any:
    """A subclass of Hello with other declarations, under a name nobody else has."""
    return type("Variant", (Hello,), declared, name="renderer_variant")


def html_of(message: EmailMultiAlternatives) -> str:
    (alternative,) = message.alternatives
    assert alternative.mimetype == "text/html"
    return alternative.content


def test_the_html_part_is_inlined_and_the_text_part_made_from_it(renderer: Renderer) -> None:
    message = renderer.render(Hello(name="Ann & Bob"))
    assert isinstance(message, EmailMultiAlternatives)
    assert message.subject == "Hello Ann & Bob"
    assert 'style="color:#123456"' in html_of(message).replace(": ", ":")
    assert "Dear Ann &amp; Bob" in html_of(message)
    assert message.body.strip() == "Dear Ann & Bob"


def test_a_text_template_is_used_when_there_is_one(renderer: Renderer) -> None:
    message = renderer.render(variant(text_template="a.txt")(name="<Ann>"))
    assert message.body == "Text for <Ann>"
    assert "&lt;Ann&gt;" in html_of(message)


def test_a_text_template_alone_makes_a_message_without_html(renderer: Renderer) -> None:
    message = renderer.render(variant(text_template="a.txt", html_template=None)(name="Ann"))
    assert message.alternatives == []
    assert message.message().get_content_type() == "text/plain"


@pytest.mark.parametrize(
    "arguments",
    [
        *({"environment": value} for value in (5, "jinja2", DictLoader)),
        *({"loader": value} for value in (5, "templates", {"a.html": ""})),
        *({"shared": value} for value in (5, ["a"], "a")),
        *({"template_dirs": value} for value in (5, [5], [None], b"templates")),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused(arguments: dict[str, Any]) -> None:
    (name,) = arguments
    with pytest.raises(TypeError, match=rf"^{name}: a value of type \w+ was given\. Accepted: "):
        Renderer(**arguments)


def test_neither_template_is_refused(renderer: Renderer) -> None:
    with pytest.raises(DeclarationError, match="neither html_template nor text_template"):
        renderer.render(variant(html_template=None)(name="Ann"))


@pytest.mark.parametrize("css", ["brand.css", ["brand.css", "more.css"]])
def test_declared_stylesheets_are_inlined(renderer: Renderer, css: str | list[str]) -> None:
    html = html_of(renderer.render(variant(css=css)(name="Ann"))).replace(": ", ":")
    assert "margin:7px" in html
    assert ("padding:9px" in html) == isinstance(css, list)
    assert "color:#123456" in html


def test_a_stylesheet_comes_from_the_template_loader_alone(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "outside.css").write_text("p { color: red }")
    for name in (
        str(tmp_path / "outside.css"),
        "../outside.css",
        "file:///etc/passwd",
        "http://127.0.0.1:9/x.css",
    ):
        with pytest.raises(TemplateNotFound, match=r"Variant\.css"):
            renderer.render(variant(css=name)(name="Ann"))


def test_every_declaration_reaches_the_message(renderer: Renderer) -> None:
    message = renderer.render(
        variant(
            from_email="Shop <shop@example.com>",
            cc=["c@example.com"],
            bcc=["b@example.com"],
            reply_to=["r@example.com"],
            headers={"X-Order": "7"},
            subject_prefix="[Shop] ",
        )(name="Ann")
    )
    assert message.subject == "[Shop] Hello Ann"
    assert (message.from_email, message.cc, message.bcc) == (
        "Shop <shop@example.com>",
        ["c@example.com"],
        ["b@example.com"],
    )
    assert (message.reply_to, message.extra_headers) == (["r@example.com"], {"X-Order": "7"})


@pytest.mark.parametrize(
    ("html", "declared", "expected"),
    [
        ("<!doctype html>\n<html dir=rtl lang='ar'><p>x", {}, {"Content-Language": "ar"}),
        ('<html lang="pt-BR"><p>x', {}, {"Content-Language": "pt-BR"}),
        ('<html lang="de"><p>x', {"content-language": "de, en"}, {"content-language": "de, en"}),
        ('<html lang="{{ name }}"><p>x', {}, {}),
        ("<html><p lang='de'>x", {}, {}),
    ],
)
def test_the_language_of_the_html_part_is_a_header(
    html: str, declared: dict[str, str], expected: dict[str, str]
) -> None:
    renderer = Renderer(loader=DictLoader({"hello.html": html, "hello.txt": "x"}))
    message = renderer.render(variant(html_template="hello.html", headers=declared)(name='"><b>'))
    assert message.extra_headers == expected


def test_attachments_are_files_triples_or_parts(renderer: Renderer, tmp_path: Path) -> None:
    invoice = tmp_path / "invoice.csv"
    invoice.write_text("a,b\n")
    attachments = [invoice, ("note.txt", "hi", "text/plain"), EmailAttachment("x.bin", b"\0\1", None)]
    message = renderer.render(variant(attachments=attachments)(name="Ann"))
    assert [attached[0] for attached in message.attachments] == ["invoice.csv", "note.txt", "x.bin"]
    with pytest.raises(DeclarationError, match=r"Variant\.attachments.*pathlib\.Path"):
        renderer.render(variant(attachments=[str(invoice)])(name="Ann"))


def test_a_missing_attachment_file_is_an_error_and_not_a_mail_without_it(
    renderer: Renderer, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"Variant\.attachments: .*gone\.pdf"):
        renderer.render(variant(attachments=[tmp_path / "gone.pdf"])(name="Ann"))


@pytest.mark.parametrize(
    "name", ["Ann\r\nBcc: eve@example.com", "Ann\n", "a\0b", "a\u2028b", "a\x85b", "\udcff"]
)
def test_a_newline_from_the_data_is_refused_when_rendering(renderer: Renderer, name: str) -> None:
    with pytest.raises(BadHeaderError, match=r"^Hello: Header values"):
        renderer.render(Hello(name=name))


@pytest.mark.parametrize(
    "to", [["a@example.com\r\nBcc: eve@example.com"], ["a@example.com, b@example.com"], ["a@"]]
)
def test_a_recipient_that_is_not_one_mailbox_is_refused_when_rendering(
    renderer: Renderer, to: list[str]
) -> None:
    with pytest.raises((InvalidAddress, BadHeaderError)):
        renderer.render(variant(to=property(lambda _self: to))(name="Ann"))


def test_a_string_where_a_list_is_meant_is_a_type_error(renderer: Renderer) -> None:
    with pytest.raises(TypeError, match=r"^Variant\.to: a value of type str .* a list or tuple of addresses"):
        renderer.render(variant(to=property(lambda _self: "ann@example.com"))(name="Ann"))


@pytest.mark.parametrize("value", [3, b"x", "x@example.com", {"b@example.com"}, {"x": 1}, object()])
@pytest.mark.parametrize("name", ["to", "cc", "bcc", "reply_to", "attachments", "headers", "html_template"])
def test_a_computed_declaration_of_a_wrong_type_is_refused_like_one_of_the_class(
    renderer: Renderer, name: str, value: Any
) -> None:
    if (name, type(value)) in [("headers", dict), ("html_template", str)]:
        return
    with pytest.raises(DeclarationError) as of_class:
        variant(**{name: value})
    with pytest.raises(DeclarationError) as computed:
        renderer.render(variant(**{name: property(lambda _self: value)})(name="Ann"))
    assert str(computed.value) == str(of_class.value).replace("variant.<locals>.", "")


@pytest.mark.parametrize(("name", "value"), [("locale", {"a": 1}), ("timezone", ["UTC"]), ("css", 3)])
def test_an_object_that_cannot_be_read_is_refused_with_what_is_accepted(
    renderer: Renderer, name: str, value: Any
) -> None:
    made = variant(**{name: property(lambda _self: value)})
    with pytest.raises(DeclarationError, match=rf"^Variant\.{name}: a value of type \w+ .*Accepted"):
        renderer.render(made(name="Ann"))


def test_recipients_may_be_computed_in_any_order_given(renderer: Renderer) -> None:
    for to in (("b@example.com", "a@example.com"), (f"{n}@example.com" for n in "ba")):
        message = renderer.render(variant(to=property(lambda _self, to=to: to))(name="Ann"))
        assert message.to == ["b@example.com", "a@example.com"]
    with pytest.raises(DeclarationError, match="is a pair of name and address"):
        renderer.render(variant(to=property(lambda _self: ("Ann", "ann@example.com")))(name="Ann"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("return_path", 3), ("unsubscribe_email", "x"), ("from_email", 3), ("headers", {"X-A": "b\nc"})],
)
def test_an_error_of_a_header_names_the_class_once(renderer: Renderer, name: str, value: Any) -> None:
    with pytest.raises(MessageError, match=r"^Variant[:.](?!.*Variant)") as caught:
        renderer.render(variant(**{name: property(lambda _self: value)})(name="Ann"))
    assert ("Join the lines" in str(caught.value)) == (name == "headers")


@pytest.mark.parametrize("subject", ["Hi {{ x", "{% if x %}", "{{ 'a }}"])
def test_a_subject_that_does_not_parse_is_one_sentence(renderer: Renderer, subject: str) -> None:
    with pytest.raises(AerogramError, match=rf"^[^.]*\.subject: .*[^.] in {re.escape(repr(subject))}$"):
        variant(subject=subject)
    with pytest.raises(AerogramError, match=rf"^Variant\.subject: .*[^.] in {re.escape(repr(subject))}$"):
        renderer.render(variant(subject=property(lambda _self: subject))(name="Ann"))


def test_a_subject_computed_by_a_property_is_a_jinja_string_in_a_sandbox(renderer: Renderer) -> None:
    render = renderer.render
    assert (
        render(variant(subject=property(lambda _self: "Hi {{ name|upper }}"))(name="Ann")).subject == "Hi ANN"
    )
    with pytest.raises(Exception, match=r"unsafe|access"):
        render(variant(subject=property(lambda _self: "{{ name.__class__.__mro__ }}"))(name="Ann"))


def test_a_subject_given_as_an_argument_is_taken_literally(renderer: Renderer) -> None:
    asked = variant(__annotations__={"subject": str})
    assert renderer.render(asked(name="Ann", subject="{{ 7 * 7 }}")).subject == "{{ 7 * 7 }}"


def test_an_undefined_variable_names_the_notification_and_template(renderer: Renderer) -> None:
    bad = Renderer([], DictLoader({"a.html": "\n{{ nme }}"}))
    with pytest.raises(
        UndefinedVariableError, match=r"a\.html, line 2 \(Hello\.html_template\): 'nme' is undefined"
    ):
        bad.render(Hello(name="Ann"))


def test_context_may_add_variables(renderer: Renderer) -> None:
    def context(self: Any) -> dict[str, Any]:
        return {**Hello.context(self), "name": "overridden"}

    assert renderer.render(variant(context=context)(name="Ann")).subject == "Hello overridden"


def test_the_default_renderer_follows_the_settings(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.html").write_text(f"<p>{folder} {{{{ site_name }}}} {{{{ base_url }}}}</p>")
    with settings.override(
        TEMPLATE_DIRS=[str(tmp_path / "one")], SITE_NAME="Shop", BASE_URL="https://shop.example"
    ):
        assert "one Shop https://shop.example" in html_of(Hello(name="Ann").render())
        with settings.override(TEMPLATE_DIRS=[str(tmp_path / "two")]):
            assert "two Shop" in html_of(Hello(name="Ann").render())
        assert "one Shop" in html_of(Hello(name="Ann").render())


def test_a_renderer_made_before_the_settings_follows_site_name_and_base_url() -> None:
    source = "{% include 'site.txt' %} {{ base_url }}/x"
    loader = DictLoader({"a.txt": source, "site.txt": "{{ site_name }}"})
    made, given = Renderer(loader=loader), Renderer(loader=loader, shared={"site_name": "Given"})
    mail = variant(html_template=None, text_template="a.txt")(name="Ann")
    with settings.override(SITE_NAME="Halyard", BASE_URL="https://halyard.example"):
        assert made.render(mail).body == "Halyard https://halyard.example/x"
        assert given.render(mail).body == "Given https://halyard.example/x"
    assert made.render(mail).body == " /x"


def test_rendering_does_not_change_what_the_class_declares(renderer: Renderer) -> None:
    cls = variant(headers={"X-A": "1"}, to=["a@example.com"])
    message = renderer.render(cls(name="Ann"))
    message.extra_headers["X-B"] = "2"
    message.to.append("b@example.com")
    assert cls.headers == {"X-A": "1"}
    assert cls.to == ["a@example.com"]


@pytest.mark.parametrize("name", ["from_email", "to", "cc", "bcc", "reply_to"])
def test_a_wrong_address_is_told_with_the_declaration_it_stands_in(renderer: Renderer, name: str) -> None:
    def declaring(bad: str) -> Any:
        value = bad if name == "from_email" else ["ann@example.com", bad]
        return variant(**{name: property(lambda _self: value)})(name="Ann")

    with pytest.raises(InvalidAddress, match=rf'^Variant\.{name}: Invalid address "eve@"'):
        renderer.render(declaring("eve@"))
    header = {"from_email": "From", "reply_to": "Reply-To"}.get(name, name.title())
    with pytest.raises(BadHeaderError, match=rf"^Variant: .* for header '{header}'"):
        renderer.render(declaring("eve@example.com\nBcc: mallory@example.com"))


def test_nothing_declared_may_be_written_as_none(renderer: Renderer) -> None:
    nothing = dict.fromkeys(
        ("from_email", "cc", "bcc", "reply_to", "headers", "attachments"), property(lambda _self: None)
    )
    message = renderer.render(variant(**nothing)(name="Ann"))
    assert (message.recipients(), message.attachments, message.extra_headers) == (["ann@example.com"], [], {})
    with pytest.raises(DeclarationError, match=r"Variant\.subject"):
        renderer.render(variant(subject=property(lambda _self: None))(name="Ann"))


def test_an_attachment_may_be_a_list_and_nothing_unknown(renderer: Renderer) -> None:
    message = renderer.render(variant(attachments=[["note.txt", "hi"]])(name="Ann"))
    assert message.attachments == [("note.txt", "hi", "text/plain")]
    with pytest.raises(DeclarationError, match=r"Variant\.attachments: an attachment of type int"):
        renderer.render(variant(attachments=property(lambda _self: [5]))(name="Ann"))


def test_an_address_beyond_ascii_is_for_the_server_to_decide(renderer: Renderer) -> None:
    message = renderer.render(variant(to=property(lambda _self: ["jörg@example.com"]))(name="Ann"))
    with pytest.raises(InvalidAddress, match="SMTPUTF8"):
        message.message()


@pytest.mark.parametrize("form", [str, Path, lambda folder: [folder]])
def test_one_folder_of_templates_needs_no_list(form: Any, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>From the folder</p>")
    assert Renderer(form(tmp_path)).render(Hello(name="Ann")).body == "From the folder\n"


@pytest.mark.parametrize("url", ["https://example.com/u/1", None])
def test_the_url_that_unsubscribes_is_a_variable_and_computed_once(url: str | None) -> None:
    asked = []

    class News(Notification, abstract=True):
        subject = "News{{ ' (unsubscribe)' if unsubscribe_url }}"
        html_template = "a"
        to = ["ann@example.com"]

        @property
        def unsubscribe_url(self) -> str | None:
            asked.append(1)
            return url

        def context(self) -> dict[str, Any]:
            return {}

    source = "<p>News.</p>{% if unsubscribe_url %}<a href='{{ unsubscribe_url }}'>Leave</a>{% endif %}"
    message = Renderer(loader=DictLoader({"a": source})).render(News())
    assert message.body == ("News.\n\nLeave: https://example.com/u/1\n" if url else "News.\n")
    assert message.subject == ("News (unsubscribe)" if url else "News")
    assert ("List-Unsubscribe" in message.extra_headers) == bool(url)
    assert asked == [1]
