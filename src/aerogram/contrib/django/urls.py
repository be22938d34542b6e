"""Links to the pages of a Django project, for mail."""

from __future__ import annotations

from typing import Any

from django.urls import get_script_prefix, reverse, set_script_prefix

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured

__all__ = ["url"]


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the absolute URL of a view: the path that ``reverse()`` returns, below ``BASE_URL``.

    It is available in every mail template. Host, scheme and mount point come only from ``BASE_URL``, because
    a client can forge those of a request, and a worker has no request.

    Args:
        name: the name of a URL pattern, with its namespace.
        args: the positional arguments of the pattern.
        kwargs: the keyword arguments of the pattern.

    Raises:
        ImproperlyConfigured: ``BASE_URL`` is not set.
        django.urls.NoReverseMatch: there is no such pattern.
    """
    if not (base := settings.BASE_URL):
        raise ImproperlyConfigured(
            f"url({name!r:.60}) needs BASE_URL, the address of the site, because a mail has no host that a "
            'link could be relative to: AEROGRAM = {"BASE_URL": "https://shop.example.com"} in the settings '
            "of the Django project."
        )
    prefix = get_script_prefix()
    set_script_prefix("/")
    try:
        path = reverse(name, args=args or None, kwargs=kwargs or None)
    finally:
        set_script_prefix(prefix)
    return f"{base.rstrip('/')}{path}"
