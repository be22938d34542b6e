from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aerogram.cli.app import run
from aerogram.conf import settings

MODULE = """
from aerogram import Notification

class MessagesParcel(Notification):
    subject = "{% trans %}Your parcel{% endtrans %}"
    html_template = "parcel.html"
    to = ["ann@example.com"]
    locale: str
    name: str = "Ann"
    count: int = 2
"""
PAGE = """<p>{% trans %}Hello {{ name }}{% endtrans %}
{{ ngettext("%(n)s box", "%(n)s boxes", count, n=count) }} {% trans "door" %}Open{% endtrans %}</p>
{% markdown %}
  {% trans %}See *you*{% endtrans %}
{% endmarkdown %}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "templates" / "img").mkdir(parents=True)
    (tmp_path / "templates" / "parcel.html").write_text(PAGE)
    (tmp_path / "templates" / "img" / "logo.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "templates" / "brand.css").write_text("a{#b}")
    (tmp_path / "messages_app.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "messages_app", raising=False)
    return tmp_path


def translate(path: Path, words: dict[str, str]) -> None:
    text = path.read_text()
    for message, translated in words.items():
        assert f'"{message}"\nmsgstr ""' in text
        text = text.replace(f'"{message}"\nmsgstr ""', f'"{message}"\nmsgstr "{translated}"')
    path.write_text(text)


def test_messages_are_collected_translated_and_compiled(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--app", "messages_app", "messages", "extract"]) == 0
    pot = (project / "locale" / "messages.pot").read_text()
    assert '#: templates/parcel.html:1\n#, python-format\nmsgid "Hello %(name)s"' in pot
    assert '#: messages_app.py:5\nmsgid "Your parcel"' in pot
    assert 'msgctxt "door"\nmsgid "Open"' in pot
    assert 'msgid "%(n)s box"\nmsgid_plural "%(n)s boxes"' in pot
    assert 'msgid "See *you*"' in pot
    assert run(["messages", "init", "de", "pt-br"]) == 0
    assert (project / "locale" / "pt_BR" / "LC_MESSAGES" / "messages.po").exists()
    po = project / "locale" / "de" / "LC_MESSAGES" / "messages.po"
    translate(
        po, {"Your parcel": "Dein Paket", "Hello %(name)s": "Hallo %(name)s", "See *you*": "Bis *bald*"}
    )
    assert run(["messages", "compile"]) == 0
    assert "de/LC_MESSAGES/messages.mo: 3 of " in capsys.readouterr().out
    from messages_app import MessagesParcel  # type: ignore[import-not-found]  # the fixture writes it

    # The whole path, as a renderer reads a folder of catalogues once, and other tests have a "locale" too.
    with settings.override(STENCILS=False, LOCALE_DIRS=[project / "locale"]):
        message = MessagesParcel(locale="de").render()
    assert message.subject == "Dein Paket"
    assert "Hallo Ann\n2 boxes Open" in message.body.replace("Ann 2", "Ann\n2")
    assert "<em>bald</em>" in message.alternatives[0].content


def test_new_messages_are_added_and_old_ones_kept(project: Path) -> None:
    assert run(["messages", "extract"]) == 0
    assert run(["messages", "init", "de"]) == 0
    po = project / "locale" / "de" / "LC_MESSAGES" / "messages.po"
    translate(po, {"Hello %(name)s": "Hallo %(name)s"})
    (project / "templates" / "new.txt").write_text("{{ _('Entirely new words') }}")
    assert run(["messages", "extract"]) == 0
    assert run(["messages", "update"]) == 0
    text = po.read_text()
    assert 'msgid "Entirely new words"\nmsgstr ""' in text
    assert 'msgstr "Hallo %(name)s"' in text


def test_another_folder(project: Path) -> None:
    assert run(["messages", "extract", "--dir", "words"]) == 0
    assert run(["messages", "init", "fr", "--dir", "words"]) == 0
    assert run(["messages", "compile", "fr", "--dir", "words"]) == 0
    assert (project / "words" / "fr" / "LC_MESSAGES" / "messages.mo").exists()


def test_wrong_placeholders_are_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["messages", "extract"])
    run(["messages", "init", "de"])
    po = project / "locale" / "de" / "LC_MESSAGES" / "messages.po"
    translate(po, {"Hello %(name)s": "Hallo %(nmae)s"})
    assert run(["messages", "compile"]) == 1
    assert "messages.po:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["init"], 2, "Name a language"),
        (["init", "klingon"], 2, "is not a locale"),
        (["init", "de"], 1, "aerogram messages extract"),
        (["update"], 1, "aerogram messages extract"),
        (["compile"], 1, "aerogram messages init"),
        (["compile", "de"], 1, "aerogram messages init de"),
    ],
)
def test_what_is_missing_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert run(["messages", *arguments]) == status
    assert said in " ".join(capsys.readouterr().err.split())


def test_what_exists_is_kept_and_what_is_broken_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["messages", "extract"])
    run(["messages", "init", "de"])
    assert run(["messages", "init", "de"]) == 1
    assert "messages update de" in capsys.readouterr().err
    (project / "locale" / "de" / "LC_MESSAGES" / "messages.po").write_bytes(b'msgid "a"\nmsgstr "\xff"\n')
    assert run(["messages", "compile"]) == 1
    (project / "templates" / "broken.html").write_text("{% trans %}")
    assert run(["messages", "extract"]) == 1
    assert "broken.html, line 1" in capsys.readouterr().err


def test_without_babel_the_error_names_the_extra(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "babel.messages.catalog", None)
    assert run(["messages", "extract"]) == 1
    assert "aerogram[i18n]" in capsys.readouterr().err
