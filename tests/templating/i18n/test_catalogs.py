from __future__ import annotations

import asyncio
import re
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import DictLoader, Environment
from jinja2.ext import InternationalizationExtension

from aerogram import AdminNotification, ManagerNotification, Notification, Renderer
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.exceptions import DeclarationError, ImproperlyConfigured, RenderError
from aerogram.templating import shipped_templates

LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "nl", "pt")
ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "src/aerogram/templating/i18n/locale"
GERMAN = {
    "Welcome": "Willkommen",
    "Hello %(name)s": "Hallo %(name)s",
    ("%(count)s parcel", "%(count)s parcels"): ("%(count)s Paket", "%(count)s Pakete"),
    "100%%": "hundert %%",
    "Sent by %(site)s": "Von %(site)s",
}


def write(folder: Path, locale: str, messages: dict[Any, Any], context: str | None = None) -> None:
    catalog = Catalog(locale=locale)
    for message, translated in messages.items():
        catalog.add(message, translated, context=context)
    path = folder / locale / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_mo(file, catalog)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "de", GERMAN)
    write(tmp_path, "de_AT", {"Welcome": "Servus"})
    write(
        tmp_path,
        "ru",
        {("%(count)s parcel", "%(count)s parcels"): ("%(count)s A", "%(count)s B", "%(count)s C")},
    )
    write(tmp_path, "fr", {"Open": "Ouvert"}, context="door")
    return tmp_path


class Mail(Notification, name="catalogs_mail"):
    subject = "{% trans %}Welcome{% endtrans %}"
    html_template = "a.html"
    to = ["ann@example.com"]
    locale: str | None = None
    name: str = "<Ann>"
    count: int = 1


def html_of(message: Any) -> str:
    return str(message.alternatives[0].content)


def render(folder: Path, html: str = "x", kind: Any = Mail, text: str | None = None, **fields: Any) -> Any:
    with settings.override(LOCALE_DIRS=[folder]):
        return Renderer([], DictLoader({"a.html": html, "a.txt": text or ""})).render(kind(**fields))


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        (None, "Welcome"),
        ("de", "Willkommen"),
        ("de_DE", "Willkommen"),
        ("de-at", "Servus"),
        ("fr", "Welcome"),
    ],
)
def test_subjects_are_translated(folder: Path, locale: str | None, subject: str) -> None:
    assert render(folder, locale=locale).subject == subject


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("{% trans %}Hello {{ name }}{% endtrans %}", "Hallo &lt;Ann&gt;"),
        ("{{ gettext('Hello %(name)s', name=name) }}", "Hallo &lt;Ann&gt;"),
        ("{{ _('Welcome') }}", "Willkommen"),
        ("{{ _('100%%') }}", "hundert %"),
        ("{% trans %}100%{% endtrans %}", "hundert %"),
        ("{% trans count %}{{ count }} parcel{% pluralize %}{{ count }} parcels{% endtrans %}", "1 Paket"),
        ("{{ ngettext('%(count)s parcel', '%(count)s parcels', 2, count=2) }}", "2 Pakete"),
        ("{{ gettext('') }}|{% trans %}Untranslated{% endtrans %}", "|Untranslated"),
    ],
)
def test_html_is_translated_and_its_values_escaped(folder: Path, source: str, html: str) -> None:
    assert html_of(render(folder, f"<p>{source}</p>", locale="de")) == f"<p>{html}</p>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ _('50%') }}",
        "{{ _('50% off') }}",
        "{{ gettext('Hello %s', name=name) }}",
        "{{ gettext('Hello %(nme)s', name=name) }}",
        "{{ ngettext('%(num)s parcel', '%(num)s%', 2) }}",
        "{{ pgettext('c', '5%') }}",
        "{{ _('Hello', name) }}",
    ],
)
def test_a_text_that_cannot_be_filled_is_named_with_its_line(folder: Path, source: str) -> None:
    with pytest.raises(RenderError, match=r"a\.html, line 2 .*: The text .* cannot be filled .* and %% for"):
        render(folder, f"\n{source}")


def test_text_is_translated_and_nothing_escaped(folder: Path) -> None:
    class Text(Mail, name="catalogs_text"):
        text_template = "a.txt"

    text = "{% trans %}Hello {{ name }}{% endtrans %}"
    assert render(folder, kind=Text, text=text, locale="de").body == "Hallo <Ann>"


@pytest.mark.parametrize(("count", "shown"), [(1, "1 A"), (2, "2 B"), (5, "5 C"), (21, "21 A")])
def test_plurals_are_those_of_the_language(folder: Path, count: int, shown: str) -> None:
    page = "{% trans count %}{{ count }} parcel{% pluralize %}{{ count }} parcels{% endtrans %}"
    assert html_of(render(folder, page, locale="ru", count=count)) == shown


def test_contexts(folder: Path) -> None:
    page = "{% trans 'door' %}Open{% endtrans %} {{ pgettext('file', 'Open') }}"
    assert html_of(render(folder, page, locale="fr")) == "Ouvert Open"


def test_the_first_folder_wins(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "own", "de", {"Welcome": "Moin"})
    with settings.override(LOCALE_DIRS=[tmp_path / "own", folder, tmp_path / "absent"]):
        mails = Renderer([], DictLoader({"a.html": "{{ _('Hello %(name)s', name='x') }}"}))
        message = mails.render(Mail(locale="de"))
    assert (message.subject, html_of(message)) == ("Moin", "Hallo x")


def test_the_default_renderer_follows_the_folders(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("x")
    with settings.override(TEMPLATE_DIRS=[tmp_path]):
        assert Mail(locale="de").render().subject == "Welcome"
        with settings.override(LOCALE_DIRS=[folder]):
            assert Mail(locale="de").render().subject == "Willkommen"


def test_a_broken_catalogue_is_named(folder: Path) -> None:
    for content in (b"", b"not a catalogue", b"\xde\x12\x04\x95" + b"\xff" * 40):
        (folder / "de" / "LC_MESSAGES" / "messages.mo").write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match=r"messages\.mo .*LOCALE_DIRS"):
            render(folder, locale="de")


def test_a_subject_with_tags_of_others_is_left_to_rendering() -> None:
    class Tagged(Mail, name="catalogs_tagged"):
        subject = "{% shout %}x{% endshout %}"

        @classmethod
        def samples(cls) -> dict[str, Any]:
            return {}

    with pytest.raises(RenderError, match="unknown tag 'shout'"):
        Renderer([], DictLoader({"a.html": "x"})).render(Tagged())
    assert "template-broken" in [problem.code for problem in check([Tagged])]
    for wrong in ("{% endif %}", "{% else %}", "{% trans %}x", "{% if x %}"):
        with pytest.raises(DeclarationError, match="subject"):
            type("Broken", (Mail,), {"subject": wrong}, name="catalogs_broken")


def test_functions_of_an_own_environment_win_and_it_is_not_changed(folder: Path) -> None:
    environment = Environment(loader=DictLoader({"a.html": "x"}), extensions=["jinja2.ext.i18n"])
    before = dict(environment.globals)
    with settings.override(LOCALE_DIRS=[folder]):
        assert Renderer([], environment=environment).render(Mail(locale="de")).subject == "Willkommen"
    assert environment.globals == before
    assert environment.newstyle_gettext is False
    extension: Any = environment.extensions[InternationalizationExtension.identifier]
    extension._install_callables(gettext=str.upper, ngettext=lambda *_: "")
    with settings.override(LOCALE_DIRS=[folder]):
        assert Renderer([], environment=environment).render(Mail(locale="de")).subject == "WELCOME"


async def test_tasks_do_not_share_a_language(folder: Path) -> None:
    with settings.override(LOCALE_DIRS=[folder]):
        mails = Renderer([], DictLoader({"a.html": "x"}))
    locales = ["de", "de_AT", "fr"] * 10
    subjects = await asyncio.gather(
        *[asyncio.to_thread(lambda each=each: mails.render(Mail(locale=each)).subject) for each in locales]
    )
    assert subjects == ["Willkommen", "Servus", "Welcome"] * 10


@pytest.mark.parametrize("locale", ["de", "de_AT", "ru", "fr", "en"])
def test_stencils_change_nothing(folder: Path, locale: str) -> None:
    page = (
        "{% extends 'aerogram/base.html' %}{% block title %}{{ _('Welcome') }}{% endblock %}"
        "{% block content %}<p>{% trans %}Hello {{ name }}{% endtrans %}</p>"
        "{{ ngettext('%(count)s parcel', '%(count)s parcels', count, count=count) }}{% endblock %}"
    )
    with settings.override(LOCALE_DIRS=[folder], SITE_NAME="Acme & Sons", BASE_URL="https://acme.example"):
        mails = Renderer([], DictLoader({"a.html": page}))
        for each in ("en", locale, "de", locale):
            for name in ("Ann", "<Bob>", "Cid & Dan", ""):
                both = []
                for on in (True, False):
                    with settings.override(STENCILS=on):
                        message = mails.render(Mail(locale=each, name=name, count=len(name)))
                        both.append((html_of(message), message.body))
                assert both[0] == both[1]
        assert mails.stencils.stats.hits


def staff(kind: Any, locale: str, site: str = "Acme & Sons") -> Any:
    with settings.override(
        SITE_NAME=site, ADMINS=["a@example.com"], MANAGERS=["a@example.com"], LOCALE=locale
    ):
        return kind(message="x", subject="y").render()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [AdminNotification, ManagerNotification])
@pytest.mark.parametrize("site", ["Acme & Sons", ""])
def test_staff_mails_speak_the_language(language: str, kind: Any, site: str) -> None:
    html = html_of(staff(kind, language, site))
    assert f'<html lang="{language}"' in html
    assert "For the" not in html
    assert "Acme &amp; Sons" in html or not site
    assert "%(" not in html


@pytest.mark.parametrize("language", [*LANGUAGES, "pt_BR", "de-CH"])
def test_the_layout_speaks_the_language(language: str) -> None:
    class Plain(Mail, name="catalogs_plain"):
        subject = "x"

    page = "{% extends 'aerogram/base.html' %}"
    with settings.override(SITE_NAME="<Acme>", BASE_URL="https://acme.example"):
        mails = Renderer(
            [], DictLoader({"a.html": page, "b.html": page + f"{{% block lang %}}{language}{{% endblock %}}"})
        )
        by_locale = html_of(mails.render(Plain(locale=language)))
        assert "Sent by" not in by_locale
        assert re.search(r">[^<>]*<a href=\"https://acme.example\"[^>]*>&lt;Acme&gt;</a>", by_locale)

        class Said(Plain, name="catalogs_said"):
            html_template = "b.html"

        by_block = html_of(mails.render(Said()))
        assert by_block.partition("<body")[2] == by_locale.partition("<body")[2].replace(
            language.replace("_", "-"), language
        )


def test_other_languages_keep_the_english_words() -> None:
    assert "For the administrators of Acme &amp; Sons." in html_of(staff(AdminNotification, "sv"))


def test_the_application_may_translate_the_words_of_the_layout(folder: Path) -> None:
    with settings.override(SITE_NAME="Acme"):
        message = render(folder, "{% extends 'aerogram/base.html' %}", locale="de")
    assert "Von Acme" in message.body


def shipped(language: str) -> Catalog:
    with (SHIPPED / language / "LC_MESSAGES" / "aerogram.po").open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize("language", LANGUAGES)
def test_shipped_catalogues_are_complete_and_compiled(language: str) -> None:
    catalog = shipped(language)
    used = {
        words
        for path in shipped_templates().rglob("*.html")
        for words in re.findall(r'"((?:Sent|Message|For the)[^"]*)"', path.read_text())
    }
    translated = {str(message.id): str(message.string) for message in catalog if message.id}
    assert translated.keys() == used | {"today"}
    assert [
        words for words in translated if translated[words].count("%(site)s") != words.count("%(site)s")
    ] == []
    with (SHIPPED / language / "LC_MESSAGES" / "aerogram.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    renew = f"renew it: ./run pybabel compile -D aerogram -d {SHIPPED.relative_to(ROOT)}"
    assert {words: compiled.gettext(words) for words in translated} == translated, renew


def test_today_is_a_word() -> None:
    from datetime import UTC, datetime

    class Today(Mail, name="catalogs_today"):
        subject = "{{ day | relative_time }}"

        def context(self) -> dict[str, Any]:
            return {"day": datetime.now(UTC).date()}

    mails = Renderer([], DictLoader({"a.html": "x"}))
    assert [mails.render(Today(locale=each)).subject for each in ("de_AT", "en_US", None)] == [
        "heute",
        "today",
        "today",
    ]
