"""The template loaders: the application's folders first, then the built-in templates."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    TemplateNotFound,
    TemplateRuntimeError,
)
from jinja2.loaders import split_template_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_templates() -> Path:
    """Return the folder of the built-in templates: in an installed package, beside ``src`` in a checkout."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "templates"


class ConfinedLoader(FileSystemLoader):
    """A loader of one folder that never leaves it, not by ``..``, an absolute name or a symbolic link."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self.folder = Path(folder)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the source, path and freshness test of ``template``.

        Raises:
            jinja2.TemplateNotFound: the folder has no such file, or a link leads out of it.
        """
        if "\0" in template:
            raise TemplateNotFound(template)
        source, filename, uptodate = super().get_source(environment, template)
        if not Path(filename).resolve().is_relative_to(self.folder.resolve()):
            raise TemplateNotFound(
                template, f"{template!r} is a link to a file outside of the template folder"
            )
        return source, filename, uptodate


def template_loader(template_dirs: Iterable[str | Path], *loaders: BaseLoader | None) -> BaseLoader:
    """Return the loader of ``loaders``, then of each of ``template_dirs``, then of the built-in templates.

    Args:
        template_dirs: folders, the first found wins.
        loaders: Jinja loaders of the application's own, asked first.
    """
    own = [loader for loader in loaders if loader is not None]
    folders = [ConfinedLoader(folder) for folder in (*template_dirs, shipped_templates())]
    return ChoiceLoader([*own, *folders])


def template_names(loader: BaseLoader) -> list[str]:
    """Return the names of all templates; none where a loader cannot tell."""
    try:
        return loader.list_templates()
    except (TypeError, OSError):
        return []


def read_bytes(loader: BaseLoader, name: str) -> tuple[bytes, Callable[[], bool]]:
    """Return the bytes of a file that a loader finds, and a function that says whether they are current.

    A loader of the application's own may have a method ``get_bytes(name)``; otherwise its ``get_source`` is
    asked, which may return bytes. No name leads out of the folder of a loader.

    Raises:
        jinja2.TemplateNotFound: the loader has no such file.
        jinja2.TemplateRuntimeError: the loader can read text only.
    """
    if callable(get_bytes := getattr(loader, "get_bytes", None)):
        return bytes(get_bytes(name)), _never_changed
    if isinstance(loader, ChoiceLoader):
        for each in loader.loaders:
            try:
                return read_bytes(each, name)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(name)
    if isinstance(loader, PrefixLoader):
        inner, rest = loader.get_loader(name)
        return read_bytes(inner, rest)
    if isinstance(loader, FileSystemLoader):
        return _file_bytes(loader, name)
    if isinstance(loader, PackageLoader):
        file = files(loader.package_name).joinpath(loader.package_path, *split_template_path(name))
        if not file.is_file():
            raise TemplateNotFound(name)
        return file.read_bytes(), _never_changed
    try:
        source: Any = loader.get_source(Environment(autoescape=True), name)[0]
    except UnicodeDecodeError:
        source = None
    if not isinstance(source, bytes):
        raise TemplateRuntimeError(
            f"{type(loader).__name__} cannot read the bytes of {name!r}. Add a method get_bytes(name) to "
            "it, or use a FileSystemLoader or PackageLoader"
        )
    return source, _never_changed


def _never_changed() -> bool:
    return True


def _file_bytes(loader: FileSystemLoader, name: str) -> tuple[bytes, Callable[[], bool]]:
    parts = split_template_path(name)
    for folder in map(Path, loader.searchpath):
        path = folder.joinpath(*parts)
        if "\0" in name or not path.is_file():
            continue
        if loader.followlinks or path.resolve().is_relative_to(folder.resolve()):
            return path.read_bytes(), partial(_is_unchanged, path, path.stat().st_mtime_ns)
    raise TemplateNotFound(name)


def _is_unchanged(path: Path, changed: int) -> bool:
    return path.is_file() and path.stat().st_mtime_ns == changed
