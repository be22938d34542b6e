from __future__ import annotations

import asyncio
import email
import email.policy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from jinja2 import BaseLoader, ChoiceLoader, DictLoader, FileSystemLoader, PackageLoader, PrefixLoader

from aerogram import InlineImage, Notification, Renderer
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.exceptions import InvalidAttachment, RenderError, TemplateNotFound
from aerogram.mail.wire.serializer import to_bytes
from aerogram.preview import write_previews

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
DARK = PNG[::-1]
LOGO = '<img src="{{ inline_image("logo.png") }}" alt="Acme">'


class Mail(Notification, name="images_mail"):
    subject = "Hello"
    html_template = "a.html"
    to = ["ann@example.com"]
    name: str = "Ann"
    chart: InlineImage | None = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "img").mkdir(parents=True)
    (folder / "logo.png").write_bytes(PNG)
    (folder / "img" / "dark.webp").write_bytes(DARK)
    (tmp_path / "secret.png").write_bytes(b"secret")
    return folder


def render(folder: Path, html: str, kind: type[Mail] = Mail, **fields: Any) -> Any:
    return Renderer([folder], DictLoader({"a.html": html})).render(kind(**fields))


def parsed(message: Any) -> Any:
    return email.message_from_bytes(to_bytes(message), policy=email.policy.default)


def html_of(message: Any) -> str:
    return str(message.alternatives[0].content)


def inline_parts(message: Any) -> list[Any]:
    return [part for part in parsed(message).walk() if part.get_content_maintype() == "image"]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("stencils", [True, False])
def test_an_image_is_sent_once_in_the_related_part(folder: Path, times: int, stencils: bool) -> None:
    with settings.override(STENCILS=stencils):
        renderer = Renderer([folder], DictLoader({"a.html": f"<p>{{{{ name }}}}</p>{LOGO * times}"}))
        for name in ("Ann", "Bob", "Cid"):
            message = renderer.render(Mail(name=name))
            root = parsed(message)
            assert root.get_content_type() == "multipart/related"
            body, image = root.iter_parts()
            assert body.get_content_type() == "multipart/alternative"
            assert image.get_content() == PNG
            assert (image.get_content_disposition(), image.get_filename()) == ("inline", "logo.png")
            assert html_of(message).count(f"cid:{image['Content-ID'].strip('<>')}") == times
            assert message.body.startswith(f"{name}\n\nAcme")
            assert "cid:" not in message.body


@pytest.mark.parametrize(
    "html",
    [
        "<p>x</p>",
        "{% if false %}" + LOGO + "{% endif %}<p>x</p>",
        '{% set image = inline_image("logo.png") %}<p>x</p>',
        '<style>.no {background: url({{ inline_image("logo.png") }})}</style><p>x</p>',
    ],
)
def test_an_image_that_nothing_shows_is_not_sent(folder: Path, html: str) -> None:
    message = render(folder, html)
    assert message.attachments == []
    assert inline_parts(message) == []


@pytest.mark.parametrize(
    "html",
    [
        '<p style="background: url({{ inline_image("logo.png") }})">x</p>',
        '<style>p {background: url("{{ inline_image("logo.png") }}")}</style><p>x</p>',
        '<table><tr><td background="{{ inline_image("logo.png") }}">x</td></tr></table>',
        "{% set image = inline_image('logo.png') %}<img src={{ image }}>",
        "{% macro logo(src) %}<img src='{{ src }}'>{% endmacro %}{{ logo(inline_image('logo.png')) }}",
    ],
)
def test_an_image_may_be_shown_in_any_way(folder: Path, html: str) -> None:
    assert [part.get_content() for part in inline_parts(render(folder, html))] == [PNG]


def test_a_pair_for_light_and_dark_mode(folder: Path) -> None:
    message = render(
        folder,
        "{% extends 'aerogram/base.html' %}{% from 'aerogram/components.html' import logo %}"
        "{% block content %}"
        "{{ logo(inline_image('logo.png'), 'Acme', 120, 40, dark=inline_image('img/dark.webp')) }}"
        "{% endblock %}",
    )
    light, dark = inline_parts(message)
    assert (light.get_content_type(), dark.get_content_type()) == ("image/png", "image/webp")
    assert 'class="light" src="cid:' in html_of(message)
    assert 'class="dark" src="cid:' in html_of(message)
    assert "cid:" not in message.body


def test_an_image_with_attachments_and_headers(folder: Path) -> None:
    class WithFile(Mail, name="images_with_file"):
        attachments = [("a.csv", "a,b", "text/csv")]

    root = parsed(render(folder, LOGO, WithFile))
    assert [part.get_content_type() for part in root.walk()] == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "text/csv",
    ]


@pytest.mark.parametrize("content", [PNG, bytearray(PNG), memoryview(PNG), BytesIO(PNG)])
def test_an_image_made_at_run_time_is_a_field(folder: Path, content: Any) -> None:
    chart = InlineImage(content, "image/png", "chart.png")
    message = render(folder, '<p>{{ name }}</p><img src="{{ chart }}"><img src="{{ chart }}">', chart=chart)
    (part,) = inline_parts(message)
    assert part.get_content() == PNG
    assert part.get_filename() == "chart.png"
    assert html_of(message).count(str(chart)) == 2


def test_fields_that_nothing_shows_are_not_sent_and_equal_images_once(folder: Path) -> None:
    assert render(folder, "<p>x</p>", chart=InlineImage(PNG, "image/png")).attachments == []
    both = render(folder, LOGO + '<img src="{{ chart }}">', chart=InlineImage(PNG, "image/png"))
    assert len(inline_parts(both)) == 1


def test_text_parts_and_subjects_show_no_image(folder: Path) -> None:
    class Text(Mail, name="images_text"):
        subject = "Hello{{ chart }}"
        text_template = "a.txt"

    source = {"a.html": LOGO, "a.txt": "[{{ inline_image('logo.png') }}{{ chart }}] {{ name }}"}
    message = Renderer([folder], DictLoader(source)).render(Text(chart=InlineImage(DARK, "image/png")))
    assert (message.subject, message.body) == ("Hello", "[] Ann")
    assert len(inline_parts(message)) == 1


@pytest.mark.parametrize(
    ("content", "mimetype"), [("text", "image/png"), (None, "image/png"), (PNG, "text/html"), (PNG, "png")]
)
def test_what_is_no_image_is_refused(content: Any, mimetype: str) -> None:
    with pytest.raises(InvalidAttachment):
        InlineImage(content, mimetype)


def test_a_missing_image_names_template_and_line(folder: Path) -> None:
    with pytest.raises(TemplateNotFound, match=r"^a\.html, line 2 \(.*\): there is no image 'lgoo\.png'"):
        render(folder, "<p>x</p>\n{{ inline_image('lgoo.png') }}")


@pytest.mark.parametrize("name", ["a.html", "notes.txt", "", "logo"])
def test_a_file_that_is_no_image_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(RenderError, match=r"a\.html, line 1.*not the name of an image"):
        render(folder, f"{{{{ inline_image('{name}') }}}}")


@pytest.mark.parametrize(
    "name", ["../secret.png", "/{0}/secret.png", "img/../../secret.png", "link.png", "a\0.png"]
)
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    for loader in (None, FileSystemLoader(folder), ChoiceLoader([FileSystemLoader(folder)])):
        renderer = Renderer([folder], loader)
        with pytest.raises(TemplateNotFound):
            renderer.templates.line("{{ inline_image(name) }}", {"name": name.format(folder.parent)}, "x")


class Stored(BaseLoader):
    def get_bytes(self, name: str) -> bytes:
        return PNG + name.encode()


def test_images_come_from_any_loader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder.parent / "image_package"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "templates" / "logo.png").write_bytes(PNG)
    monkeypatch.syspath_prepend(folder.parent)
    files = FileSystemLoader([folder / "img", folder])
    for loader, name, content in [
        (files, "logo.png", PNG),
        (PackageLoader("image_package"), "logo.png", PNG),
        (PrefixLoader({"shop": files}), "shop/logo.png", PNG),
        (ChoiceLoader([DictLoader({}), files]), "logo.png", PNG),
        (DictLoader({"logo.png": PNG}), "logo.png", PNG),
        (Stored(), "logo.png", PNG + b"logo.png"),
    ]:
        html = f"<img src='{{{{ inline_image('{name}') }}}}'>"
        message = Renderer([], ChoiceLoader([DictLoader({"a.html": html}), loader])).render(Mail())
        assert [part.get_content() for part in inline_parts(message)] == [content]


def test_a_loader_of_text_says_what_to_do(folder: Path) -> None:
    with pytest.raises(RenderError, match=r"DictLoader cannot read the bytes.*get_bytes"):
        Renderer([], DictLoader({"a.html": LOGO, "logo.png": "text"})).render(Mail())


def test_a_changed_file_is_read_again(folder: Path) -> None:
    import os

    renderer = Renderer([folder], DictLoader({"a.html": LOGO}))
    assert inline_parts(renderer.render(Mail()))[0].get_content() == PNG
    (folder / "logo.png").write_bytes(DARK)
    os.utime(folder / "logo.png", ns=(1, 1))
    assert inline_parts(renderer.render(Mail()))[0].get_content() == DARK


async def test_tasks_do_not_share_images(folder: Path) -> None:
    renderer = Renderer(
        [folder], DictLoader({"a.html": "{% if chart %}<img src='{{ chart }}'>{% endif %}<p>x"})
    )
    charts = [InlineImage(bytes([n]), "image/png") if n % 2 else None for n in range(20)]
    messages = await asyncio.gather(
        *[asyncio.to_thread(renderer.render, Mail(chart=chart)) for chart in charts]
    )
    assert [[part.get_content() for part in inline_parts(message)] for message in messages] == [
        [chart.content] if chart else [] for chart in charts
    ]


class Sampled(Mail, name="images_sampled"):
    @classmethod
    def samples(cls) -> dict[str, Any]:
        return {"one": cls()}


def test_a_preview_holds_the_image(folder: Path, tmp_path: Path) -> None:
    (folder / "a.html").write_text(LOGO + '<p style="background: url({{ inline_image("logo.png") }})">x</p>')
    with settings.override(TEMPLATE_DIRS=[folder]):
        write_previews(tmp_path / "out", [Sampled])
    html = (tmp_path / "out" / "images_sampled" / "one.html").read_text()
    assert html.count("data:image/png;base64,") == 2
    assert "cid:" not in html


@pytest.mark.parametrize(("size", "codes"), [(1000, []), (300_000, ["image-large"])])
def test_check_warns_of_a_large_image(folder: Path, size: int, codes: list[str]) -> None:
    (folder / "a.html").write_text(LOGO)
    (folder / "logo.png").write_bytes(bytes(size))
    with settings.override(TEMPLATE_DIRS=[folder]):
        found = [problem.code for problem in check([Sampled])]
    assert [code for code in found if code == "image-large"] == codes


def test_a_path_is_read_as_an_image(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"png")
    assert InlineImage(file, "image/png") == InlineImage(b"png", "image/png")
    with pytest.raises(TypeError, match="dict"):
        InlineImage({}, "image/png")
