"""The studio: every notification and sample on a local page, live, as they would be sent.

``app`` is an ASGI application, to be served by ``aerogram studio`` or mounted into an application of yours::

    from aerogram.preview.studio import app as studio

    application.mount("/mail", studio)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aerogram.exceptions import MissingDependency

if TYPE_CHECKING:
    from starlette.applications import Starlette

    app: Starlette

__all__ = ["app"]


@cache
def _application() -> Starlette:
    try:
        from aerogram.preview.studio.application import Studio
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("starlette", "uvicorn", "watchfiles"):
            raise
        raise MissingDependency(
            f"The studio needs the package {error.name}, which is not installed. "
            "Install it with: pip install 'aerogram[studio]'"
        ) from error
    return Studio().app


def __getattr__(name: str) -> Any:
    if name == "app":
        return _application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
