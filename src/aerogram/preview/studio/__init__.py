"""The studio: every notification and sample on a local page, live, as they would be sent.

``app`` is an ASGI application, to be served by ``aerogram studio`` or mounted into an application of yours::

    from aerogram.preview.studio import app as studio

    application.mount("/mail", studio)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import MissingDependency

if TYPE_CHECKING:
    from starlette.applications import Starlette

    app: Starlette

__all__ = ["app"]


@contextmanager
def needs_extra() -> Iterator[None]:
    """Name the extra if an import fails for want of one of its packages.

    Raises:
        MissingDependency: a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "watchfiles"):
            raise
        raise MissingDependency(
            f"The studio needs the package {error.name}, which is not installed: "
            "pip install 'aerogram[studio]'."
        ) from error


@cache
def _application() -> Starlette:
    with needs_extra():
        from aerogram.preview.studio.application import Studio
    return Studio().app


def __getattr__(name: str) -> Any:
    if name == "app":
        return _application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
