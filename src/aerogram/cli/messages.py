"""``aerogram messages``: collect what is translated, and make and compile the catalogues, by Babel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aerogram.checks.problem import SourceLine, source_line
from aerogram.cli.screen import counted, shown_place
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, MissingDependency, OutputError, RenderError
from aerogram.renderer import default_renderer
from aerogram.templating import parse_locale, translated_messages

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

_DOMAIN = "messages"
_TRANSLATES = re.compile(r"\btrans\b|gettext\(|\b_\(")
Folder = Annotated[
    str | None, typer.Option("--dir", metavar="DIR", help="The folder; by default the first of LOCALE_DIRS.")
]
Locales = Annotated[list[str] | None, typer.Argument(metavar="LOCALE", help="Such as de or pt_BR.")]


def extract(context: typer.Context, folder: Folder = None) -> None:
    """Collect the messages of templates and subjects in messages.pot."""
    catalog = _babel().messages.catalog.Catalog(project=str(settings.SITE_NAME) or "PROJECT", charset="utf-8")
    for place, function, message in _messages(context):
        texts = [text for text in (message if isinstance(message, tuple) else (message,)) if text is not None]
        scope = texts.pop(0) if "pgettext" in function and len(texts) > 1 else None
        if texts:
            identifier = tuple(texts[:2]) if function.startswith("n") and len(texts) > 1 else texts[0]
            catalog.add(identifier, locations=[place], context=scope)
    _write(_template(folder), catalog)


def init(locales: Locales = None, folder: Folder = None) -> None:
    """Make the catalogue of each new language from messages.pot."""
    if not locales:
        raise typer.BadParameter("Name a language, such as de or pt_BR.", param_hint="LOCALE")
    template = _template(folder)
    for name in map(_locale, locales):
        path = _path(folder, name)
        if path.exists():
            raise OutputError(f"{_shown(path)} exists. To add messages: aerogram messages update {name}")
        catalog = _read(template, locale=name)
        catalog.fuzzy = False
        _write(path, catalog)


def update(locales: Locales = None, folder: Folder = None) -> None:
    """Add the new messages of messages.pot to the catalogues; what changed little is marked as fuzzy."""
    template = _read(_template(folder))
    for path in _catalogs(folder, locales):
        catalog = _read(path)
        catalog.update(template)
        _write(path, catalog)


def compile_catalogs(locales: Locales = None, folder: Folder = None) -> None:
    """Compile the catalogues for mails to use. The exit status is 1 if a placeholder is wrong."""
    _babel()
    from babel.messages.mofile import write_mo

    has_errors = False
    for path in _catalogs(folder, locales):
        catalog = _read(path)
        for message, errors in catalog.check():
            has_errors = True
            for error in errors:
                typer.echo(f"{_shown(path)}:{message.lineno}: error: {error}")
        target = path.with_suffix(".mo")
        with target.open("wb") as file:
            write_mo(file, catalog)
        done = sum(map(_is_translated, catalog))
        typer.echo(f"{_shown(target)}: {done} of {counted(len(catalog), 'message')} translated")
    if has_errors:
        raise typer.Exit(1)


def _is_translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple | list) else [message.string]
    return bool(message.id) and all(texts) and not message.fuzzy


def _babel() -> Any:
    try:
        import babel.messages.catalog
        import babel.messages.pofile
    except ImportError:
        raise MissingDependency(
            "aerogram messages needs Babel, which is not installed: pip install 'aerogram[i18n]'."
        ) from None
    return babel


def _messages(context: typer.Context) -> Iterator[tuple[tuple[str, int], str, Any]]:
    """Yield place, function and texts of each message in templates, and in the subjects of given modules."""
    templates = default_renderer().templates
    for folder in map(Path, settings.TEMPLATE_DIRS):
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            try:
                source = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:  # an image
                continue
            if not _TRANSLATES.search(source):
                continue
            for line, function, message in translated_messages(templates, source, _shown(path)):
                yield (_shown(path), line), function, message
    if not (context.obj.modules or settings.NOTIFICATION_MODULES):
        return
    for cls in context.obj.notifications():
        subject: Any = cls.subject
        if isinstance(subject, str):
            place = source_line(cls, "subject")
            shown = _shown(Path(place.file)) if place.file else cls.__qualname__
            for _, function, message in translated_messages(templates, subject, shown):
                yield (shown, place.line), function, message


def _folder(given: str | None) -> Path:
    if given:
        return Path(given)
    if not settings.LOCALE_DIRS:
        raise ImproperlyConfigured(
            "LOCALE_DIRS is empty. Set it to the folder of the catalogues, or use --dir."
        )
    return Path(settings.LOCALE_DIRS[0])


def _template(folder: str | None) -> Path:
    return _folder(folder) / f"{_DOMAIN}.pot"


def _path(folder: str | None, locale: str) -> Path:
    return _folder(folder) / locale / "LC_MESSAGES" / f"{_DOMAIN}.po"


def _locale(name: str) -> str:
    try:
        return parse_locale(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="LOCALE") from None


def _catalogs(folder: str | None, locales: list[str] | None) -> list[Path]:
    _babel()
    if locales:
        return [_path(folder, _locale(name)) for name in locales]
    found = sorted(_folder(folder).glob(f"*/LC_MESSAGES/{_DOMAIN}.po"))
    if not found:
        raise OutputError(
            f"There are no catalogues in {_folder(folder)}. Create one: aerogram messages init LOCALE"
        )
    return found


def _read(path: Path, locale: str | None = None) -> Catalog:
    pofile = _babel().messages.pofile
    try:
        with path.open("rb") as file:
            catalog: Catalog = pofile.read_po(file, locale=locale, abort_invalid=True)
    except FileNotFoundError:
        made_by = "extract" if path.suffix == ".pot" else f"init {path.parts[-3]}"
        raise OutputError(f"{_shown(path)} does not exist. Create it: aerogram messages {made_by}") from None
    except (pofile.PoFileError, ValueError) as error:
        raise RenderError(f"{_shown(path)} cannot be read: {error}") from None
    return catalog


def _write(path: Path, catalog: Catalog) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            _babel().messages.pofile.write_po(file, catalog, width=100, sort_by_file=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    typer.echo(f"{_shown(path)}: {counted(len(catalog), 'message')}")


def _shown(path: Path) -> str:
    return shown_place(SourceLine(str(path.absolute()))).replace("\\", "/")
