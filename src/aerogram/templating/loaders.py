"""Where templates are found: the application's folders first, then the ones that ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, TemplateNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jinja2 import Environment

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_templates() -> Path:
    """Return the folder of what ships: inside an installed package, beside ``src`` in a checkout."""
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
            raise TemplateNotFound(template, f"{template!r} is a link out of the template folder")
        return source, filename, uptodate


def template_loader(template_dirs: Iterable[str | Path], *loaders: BaseLoader | None) -> BaseLoader:
    """Return the loader that looks in ``loaders``, then in each of ``template_dirs``, then in what ships.

    Args:
        template_dirs: folders, the first found wins.
        loaders: Jinja loaders of the application's own, asked first.
    """
    own = [loader for loader in loaders if loader is not None]
    folders = [ConfinedLoader(folder) for folder in (*template_dirs, shipped_templates())]
    return ChoiceLoader([*own, *folders])
