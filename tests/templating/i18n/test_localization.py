from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from jinja2 import DictLoader, Environment

from aerogram import Notification, Renderer
from aerogram.conf import settings
from aerogram.exceptions import DeclarationError, ImproperlyConfigured, RenderError, UndefinedVariableError

MOMENT = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
PAGE = "{% extends 'aerogram/base.html' %}{% block content %}<p>{{ total | money('EUR') }}</p>{% endblock %}"


class Bill(Notification, name="localized_bill"):
    subject = "{{ total | money('EUR') }}"
    html_template = "a.html"
    to = ["ann@example.com"]
    locale: str | None = None
    timezone: str | tzinfo | None = None
    total: Any = Decimal("1234.5")
    at: Any = MOMENT


def renderer(sources: dict[str, str] | str = PAGE, folder: Path | None = None) -> Renderer:
    sources = {"a.html": sources} if isinstance(sources, str) else sources
    return Renderer([folder] if folder else [], DictLoader(sources))


def html_of(message: Any) -> str:
    return str(message.alternatives[0].content)


def line(source: str, locale: str | None = None, timezone: Any = None, **values: Any) -> str:
    """What a subject shows."""

    class Line(Bill, name="localized_line"):
        subject = source
        values: Any = None

        def context(self) -> dict[str, Any]:
            return {**super().context(), **self.values}

    return str(renderer("x").render(Line(locale=locale, timezone=timezone, values=values)).subject)


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        (None, "€1,234.50"),
        ("en", "€1,234.50"),
        ("de", "1.234,50\xa0€"),
        ("de-DE", "1.234,50\xa0€"),
        ("de_us", "1.234,50\xa0€"),
        ("fr_CA", "1\xa0234,50\xa0€"),
        (Locale("pt", "BR"), "€\xa01.234,50"),
        ("zh_Hant_TW", "€1,234.50"),
        ("ja", "€1,234.50"),
    ],
)
def test_money_is_written_as_in_the_locale_of_the_message(locale: Any, shown: str) -> None:
    message = renderer().render(Bill(locale=locale))
    assert message.subject == shown
    assert shown.replace("\xa0", " ") in message.body
    assert shown in html_of(message).replace("&nbsp;", "\xa0")


def test_the_settings_give_the_locale_and_time_zone() -> None:
    with settings.override(LOCALE="de", TIMEZONE="Asia/Tokyo"):
        assert line("{{ at | date('short') }} {{ at | time }}") == "06.03.26 08:30"
        assert line("{{ at | date('short') }}", "en", "UTC") == "3/5/26"
    assert line("{{ at | date('short') }}") == "3/5/26"


def test_a_property_or_attribute_gives_the_locale() -> None:
    class Computed(Bill, name="localized_computed"):
        @property  # type: ignore[misc]  # a property for an attribute
        def locale(self) -> str:
            return "de"

        timezone = ZoneInfo("Asia/Tokyo")

    class Fixed(Bill, name="localized_fixed"):
        locale = "de"

    assert renderer().render(Computed()).subject == renderer().render(Fixed()).subject == "1.234,50\xa0€"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ 1234.5 | number }}", "1.234,5"),
        ("{{ 1234 | number }}", "1.234"),
        ("{{ 0.5 | number(2) }}", "0,50"),
        ("{{ 1234567.891 | number(decimals=1) }}", "1.234.567,9"),
        ("{{ 2 | number(2, locale='en') }}", "2.00"),
        ("{{ 5 | money('JPY') }}", "5\xa0¥"),
        ("{{ 5 | money('eur', locale='en') }}", "€5.00"),
        ("{{ -5 | money('USD') }}", "-5,00\xa0$"),
        ("{{ price | money }}", "3,00\xa0€"),
        ("{{ coins | money }}", "3,00\xa0$"),
        ("{{ half | number }}", "0,5"),
        ("{{ at | date }}", "06.03.2026"),
        ("{{ at | date('full') }}", "Freitag, 6. März 2026"),
        ("{{ at | date('d. MMMM') }}", "6. März"),
        ("{{ at | date('yyyyMMdd') }}", "20260306"),
        ("{{ at | date('long', timezone='UTC') }}", "5. März 2026"),
        ("{{ naive | date('short') }} {{ naive | time }}", "06.03.26 00:30"),
        ("{{ day | date }}", "05.03.2026"),
        ("{{ at | time }}", "00:30"),
        ("{{ at | time('medium') }}", "00:30:00"),
        ("{{ at | time(timezone='America/New_York', locale='en_US') }}", "6:30\u202fPM"),
        ("{{ clock | time }}", "13:05"),
        ("{{ delta | relative_time }}", "in 3 Tagen"),
        ("{{ -delta | relative_time(locale='en') }}", "3 days ago"),
        ("{{ soon | relative_time }}", "in 2 Stunden"),
        ("{{ ago | relative_time }}", "vor 2 Stunden"),
        ("{{ tomorrow | relative_time }}", "in 1 Tag"),
    ],
)  # fmt: skip
def test_filters(source: str, shown: str) -> None:
    values = {
        "price": SimpleNamespace(amount=3, currency="EUR"),
        "coins": SimpleNamespace(amount=Decimal(3), currency=SimpleNamespace(code="USD")),
        "half": Fraction(1, 2),
        "naive": datetime(2026, 3, 5, 23, 30),
        "day": date(2026, 3, 5),
        "clock": time(13, 5),
        "delta": timedelta(days=3),
        "soon": datetime.now(UTC) + timedelta(hours=2, seconds=30),
        "ago": datetime.now(timezone(timedelta(hours=5))) - timedelta(hours=2),
        "tomorrow": datetime.now(ZoneInfo("Europe/Berlin")).date() + timedelta(days=1),
    }
    assert line(source, "de", "Europe/Berlin", **values) == shown


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ 'ten' | money('EUR') }}", "money: a value of type str"),
        ("{{ '10' | number }}", "number: a value of type str"),
        ("{{ true | number }}", "number: a value of type bool"),
        ("{{ none | money('EUR') }}", "money: a value of type NoneType"),
        ("{{ 5 | money }}", "money: no currency"),
        ("{{ 5 | money('EURO') }}", "money: 'EURO' is not a currency"),
        ("{{ nan | money('EUR') }}", "money: nan was given"),
        ("{{ 5 | number(-1) }}", "number: decimals=-1"),
        ("{{ 5 | number('2') }}", "number: decimals='2'"),
        ("{{ '2026-03-05' | date }}", "date: a value of type str"),
        ("{{ 5 | date }}", "date: a value of type int"),
        ("{{ day | time }}", "time: a value of type date"),
        ("{{ 5 | relative_time }}", "relative_time: a value of type int"),
        ("{{ at | date('meduim') }}", "date: the format 'meduim'"),
        ("{{ at | date(5) }}", "date: the format 5"),
        ("{{ at | date(locale='xx') }}", "date: 'xx' is not a locale"),
        ("{{ at | date(timezone='Mars/Base') }}", "date: 'Mars/Base' is not a time zone"),
    ],
)
def test_a_filter_given_the_wrong_thing_says_what_it_takes(source: str, said: str) -> None:
    with pytest.raises(RenderError, match=r"Line\.subject.*" + said.replace("[", r"\[") + ".*Accepted: "):
        line(source, day=date(2026, 3, 5), nan=float("nan"))


def test_an_undefined_variable_is_named_and_not_its_type() -> None:
    for name in ("money('EUR')", "number", "date", "time", "relative_time"):
        with pytest.raises(UndefinedVariableError, match="'nothing' is undefined"):
            line(f"{{{{ nothing | {name} }}}}")


@pytest.mark.parametrize(
    "locale", ["xx", "klingon", "de_", "de DE", "en-", "../de", 3, "de_DE.UTF-8", "de_QQ"]
)
def test_an_unknown_locale_is_refused(locale: Any) -> None:
    with pytest.raises(DeclarationError, match=r"Bill\.locale: .* is not a locale"):
        renderer().render(Bill(locale=locale))
    with pytest.raises(DeclarationError, match=r"Fixed\.locale"):
        type("Fixed", (Notification,), {"locale": locale}, name="localized_unknown")
    with pytest.raises(ImproperlyConfigured, match="LOCALE"), settings.override(LOCALE=locale):
        renderer().render(Bill())


def test_a_misspelt_locale_or_time_zone_gets_a_hint() -> None:
    with pytest.raises(DeclarationError, match="Did you mean 'Europe/Berlin'"):
        renderer().render(Bill(timezone="Europe/Berln"))


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "/etc/localtime", "Europe", "a\0b", 3])
def test_an_unknown_time_zone_is_refused(zone: Any) -> None:
    with pytest.raises(DeclarationError, match=r"Bill\.timezone: .* is not a time zone"):
        renderer().render(Bill(timezone=zone))
    with pytest.raises(ImproperlyConfigured, match="TIMEZONE"), settings.override(TIMEZONE=zone):
        pass


def test_a_filter_of_a_constant_follows_the_locale() -> None:
    bills = renderer("<p>{{ 1234.5 | money('EUR') }}</p>")
    shown = [bills.render(Bill(locale=locale)).body for locale in ("de", "en", "de")]
    assert shown == ["1.234,50 €\n", "€1,234.50\n", "1.234,50 €\n"]


def test_a_variable_of_an_imported_template_follows_the_locale() -> None:
    sources = {
        "a.html": "{% from 'b.html' import shown, hello %}<p>{{ shown }} {{ hello() }}</p>",
        "b.html": "{% set shown = 0.5 | number %}{% macro hello() %}{{ shown }}{% endmacro %}",
    }
    bills = renderer(sources)
    assert [bills.render(Bill(locale=locale)).body for locale in ("de", "en", None, "de")] == [
        "0,5 0,5\n", "0.5 0.5\n", "0.5 0.5\n", "0,5 0,5\n",
    ]  # fmt: skip


def test_filters_of_the_application_win() -> None:
    with settings.override(TEMPLATE_FILTERS={"money": lambda value, _: f"{value} gold"}):
        assert renderer().render(Bill()).subject == "1234.5 gold"
    environment = Environment(loader=DictLoader({"a.html": "x"}))
    environment.filters["money"] = lambda value, _: f"{value} silver"
    assert Renderer([], environment=environment).render(Bill()).subject == "1234.5 silver"


SOURCES = {
    "mail/a.html": "<p>English {% include 'mail/part.html' %}</p>",
    "mail/a.fr.html": "<p>French {% include 'mail/part.html' %}</p>",
    "mail/a.fr_CA.html": "<p>Quebec {% include 'mail/part.html' %}</p>",
    "mail/a.pt-BR.html": "<p>Brazil</p>",
    "mail/part.html": "part",
    "mail/part.fr.html": "partie",
    "a.html.j2": "<p>engine</p>",
    "a.de.html.j2": "<p>Maschine</p>",
}


@pytest.mark.parametrize(
    ("locale", "name", "text"),
    [
        (None, "mail/a.html", "English part"),
        ("en", "mail/a.html", "English part"),
        ("fr", "mail/a.html", "French partie"),
        ("fr_FR", "mail/a.html", "French partie"),
        ("fr-ca", "mail/a.html", "Quebec partie"),
        ("pt_BR", "mail/a.html", "Brazil"),
        ("pt", "mail/a.html", "English part"),
        ("de", "mail/a.html", "English part"),
        ("de", "a.html.j2", "Maschine"),
        ("fr", "a.html.j2", "engine"),
    ],
)
def test_a_template_of_the_locale_comes_first(locale: str | None, name: str, text: str) -> None:
    class Named(Bill, name="localized_template"):
        html_template = name
        text_template = name

    mails = renderer(SOURCES)
    for _ in range(3):
        message = mails.render(Named(locale=locale))
        assert html_of(message) == message.body == f"<p>{text}</p>"


def test_a_missing_include_in_a_template_of_the_locale_is_named() -> None:
    with pytest.raises(
        RenderError, match=r"^a\.fr\.html, line 1 \(.*\): there is no template 'nothing\.html'"
    ):
        renderer({"a.html": "x", "a.fr.html": "{% include 'nothing.html' %}"}).render(Bill(locale="fr"))


@pytest.mark.parametrize(
    ("locale", "tag", "direction"),
    [(None, "en", "ltr"), ("de", "de", "ltr"), ("pt_br", "pt-BR", "ltr"), ("ar_EG", "ar-EG", "rtl"),
     ("he", "he", "rtl"), ("az", "az", "ltr"), ("uz_Arab", "uz-Arab", "rtl"), ("ja", "ja", "ltr")],
)  # fmt: skip
def test_layout_and_header_have_the_language(locale: str | None, tag: str, direction: str) -> None:
    message = renderer().render(Bill(locale=locale))
    assert f'<html lang="{tag}" dir="{direction}">' in html_of(message)
    assert html_of(message).count(f'lang="{tag}" dir="{direction}"') == 2
    assert message.message()["Content-Language"] == tag


def test_the_language_of_the_page_itself_is_what_the_header_says() -> None:
    page = "<!doctype html><html lang=nl><p>Hallo</p>"
    assert renderer(page).render(Bill(locale="de")).message()["Content-Language"] == "nl"
    assert renderer("<p>x").render(Bill(locale="de")).message()["Content-Language"] == "de"
    assert renderer("<p>x").render(Bill()).message()["Content-Language"] is None


def test_the_direction_follows_a_language_that_the_template_sets() -> None:
    page = "{% extends 'aerogram/base.html' %}{% block lang %}ar{% endblock %}"
    assert '<html lang="ar" dir="rtl">' in html_of(renderer(page).render(Bill()))


def test_a_text_mail_names_its_language_if_it_has_one() -> None:
    class Text(Bill, name="localized_text"):
        html_template = None
        text_template = "a.txt"

    mails = renderer({"a.txt": "Hallo"})
    assert mails.render(Text(locale="de_AT")).message()["Content-Language"] == "de-AT"
    assert mails.render(Text()).message()["Content-Language"] is None


LOCALES = ["de", "en", "fr", "ar", "ja", None, "pt_BR"]


def test_threads_do_not_share_a_locale() -> None:
    mails = renderer()
    expected = {locale: mails.render(Bill(locale=locale)).body for locale in LOCALES}
    wrong: list[Any] = []

    def send(locale: str | None) -> None:
        wrong.extend(locale for _ in range(20) if mails.render(Bill(locale=locale)).body != expected[locale])

    threads = [threading.Thread(target=send, args=(locale,)) for locale in LOCALES * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


async def test_tasks_do_not_share_a_locale() -> None:
    mails = renderer()

    async def render(locale: str | None) -> str:
        await asyncio.sleep(0)
        return mails.render(Bill(locale=locale)).body

    expected = [mails.render(Bill(locale=locale)).body for locale in LOCALES]
    assert await asyncio.gather(*map(render, LOCALES)) == expected


def test_a_mail_rendered_within_another_restores_its_locale() -> None:
    mails = renderer()

    class Outer(Bill, name="localized_outer"):
        subject = "{{ 0.5 | number }}{{ inner() }}{{ 0.5 | number }}"

        def context(self) -> dict[str, Any]:
            return {**super().context(), "inner": lambda: mails.render(Bill(locale="en", total=1)).subject}

    assert mails.render(Outer(locale="de")).subject == "0,5€1.000,5"
    with pytest.raises(RenderError):
        mails.render(Bill(locale="de", total="x"))
    assert mails.render(Bill()).subject == "€1,234.50"


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale])
def test_stencils_change_nothing(locale: str) -> None:
    page = (
        "{% extends 'aerogram/base.html' %}{% from 'aerogram/components.html' import details, figure %}"
        "{% block title %}{{ at | date('full') }}{% endblock %}{% block content %}"
        "{{ figure('x', total | money('EUR')) }}<p>{{ at | time }} <q>{{ total | number(2) }}</q></p>"
        "{{ details([('a', at | date), ('b', total | money('JPY'))]) }}{% endblock %}"
    )
    mails = renderer(page)
    totals = [Decimal("1234.5"), 0, -3, Decimal("99999999.99")]
    for name in (locale, "en", locale, "he", locale):
        for total in totals:
            with settings.override(STENCILS=True):
                fast = mails.render(Bill(locale=name, total=total))
            with settings.override(STENCILS=False):
                slow = mails.render(Bill(locale=name, total=total))
            assert (html_of(fast), fast.body) == (html_of(slow), slow.body)
    assert mails.stencils.stats.hits > 8


WITHOUT_BABEL = """
import sys
sys.modules["babel"] = None
from jinja2 import DictLoader
from aerogram import Notification, Renderer
class Mail(Notification):
    subject = "Hallo"
    html_template = "a.html"
    to = ["a@example.com"]
    locale: str
mails = Renderer([], DictLoader({
    "a.html": "English", "a.de.html": "{% extends 'aerogram/base.html' %}", "a.fr.html": "{{ 1 | number }}",
}))
message = mails.render(Mail(locale="de_AT"))
assert 'lang="de-AT"' in message.alternatives[0].content
assert message.message()["Content-Language"] == "de-AT"
try:
    mails.render(Mail(locale="fr"))
except ImportError as error:
    print(error, *error.__notes__)
"""


def test_without_babel_everything_but_formats_works() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_BABEL], capture_output=True, text=True, check=True)
    assert "pip install 'aerogram[i18n]'" in done.stdout
    assert "a.fr.html, line 1" in done.stdout


def test_a_mail_without_formats_does_not_load_babel() -> None:
    code = WITHOUT_BABEL.partition("mails =")[0].replace('sys.modules["babel"] = None', "")
    code += "Renderer([], DictLoader({'a.html': 'x'})).render(Mail(locale=''))\nprint('babel' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_check_reads_the_templates_of_all_locales(tmp_path: Path) -> None:
    from aerogram.checks import check

    class Checked(Bill, name="localized_checked"):
        @classmethod
        def samples(cls) -> dict[str, Any]:
            return {"one": cls()}

    for name, source in {
        "a.html": "{% include 'part.html' %}{{ total }}",
        "a.fr_CA.html": "<p>\n{{ toatl }}</p>",
        "part.html": "x",
        "part.de.html": "{{ nothing }}",
        "a.css.html": "{{ other }}",
        "ab.de.html": "{{ other }}",
    }.items():
        (tmp_path / name).write_text(source)
    with settings.override(TEMPLATE_DIRS=[tmp_path]):
        found = check([Checked])
    assert [(Path(each.file).name, each.line, each.code) for each in found] == [
        ("part.de.html", 1, "unknown-variable"),
        ("a.fr_CA.html", 2, "unknown-variable"),
    ]


def test_a_pattern_of_a_datetime_may_have_date_and_time() -> None:
    assert line("{{ at | date('dd.MM.yyyy HH:mm') }}", at=MOMENT) == "05.03.2026 23:30"
    assert line("{{ at | time('d. HH:mm') }}", "de", "Europe/Berlin", at=MOMENT) == "6. 00:30"


@pytest.mark.parametrize(
    "source",
    [
        "{{ at.date() | date('dd HH') }}",
        "{{ at.time() | time('d HH') }}",
        "{{ at | date('QQQQQQ') }}",
        "{{ first | date(timezone='America/New_York') }}",
        "{{ 1e300 | number }}",
        "{{ 1e300 | number(2) }}",
        "{{ 1e300 | money('EUR') }}",
    ],
)
def test_what_babel_cannot_write_is_an_error_with_its_place(source: str) -> None:
    with pytest.raises(RenderError, match=r"Line\.subject.*(date|time|number|money): "):
        line(source, at=MOMENT, first=datetime.min)
