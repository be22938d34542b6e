"""The pages of the viewer: one for files, that needs no server and loads nothing, and one for the studio."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aerogram.conf import settings
from aerogram.preview.sample import is_embeddable
from aerogram.templating import page_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aerogram.preview.sample import Group, Sample

_PAGE = Path(__file__).parent / "page"
_GMAIL_CLIP = 102 * 1024  # bytes of HTML; Gmail hides the rest of a longer mail
_NO_FORMS = "base-uri 'none'; form-action 'none'"
_CLOSED_POLICY = "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'"
_OPEN_POLICY = (
    "default-src 'none'; img-src data: http: https:; font-src data: http: https:; "
    "style-src 'unsafe-inline' http: https:"
)
STATIC_POLICY = f"{_CLOSED_POLICY}; {_NO_FORMS}"
"""The policy of a page without a script."""


@dataclass(frozen=True)
class Live:
    """What the page of a running studio has, and files have not.

    Args:
        token: what a request to send must show.
        catches: whether there is an inbox of caught mails.
        problems: the modules that could not be imported, and why.
        network: whether mails may load their pictures.
    """

    token: str
    catches: bool = False
    problems: Sequence[tuple[str, str]] = ()
    network: bool = False


@dataclass(frozen=True)
class LiveSample:
    """What the studio shows of a sample, and files do not.

    Args:
        address: the path of its parts below the studio: ``n/order_shipped/one-parcel``.
        query: the query that names an edited form or another locale, with its question mark.
        fields: the form; empty for a caught mail.
        locales: what it is translated to.
        locale: which of them is shown, empty for that of the sample.
        mailer: what a test is sent through.
    """

    address: str
    query: str = ""
    fields: Sequence[Any] = ()
    locales: Sequence[str] = ()
    locale: str = ""
    mailer: str = ""


def gallery_page(groups: Sequence[Group], sources: Mapping[str, str]) -> str:
    """Return the page that shows ``groups``: style and script inside, every value escaped.

    ``sources`` are the texts of the files that the findings of the samples name.
    """
    return _viewer(groups, None, f"{_OPEN_POLICY}; script-src {script_source()}; {_NO_FORMS}", sources)


def studio_page(groups: Sequence[Group], live: Live) -> str:
    """Return the page of the studio, which asks for each sample when it is shown."""
    return _viewer(groups, live, "", {})


def _viewer(groups: Sequence[Group], live: Live | None, policy: str, sources: Mapping[str, str]) -> str:
    samples = [sample for group in groups for sample in group.samples]
    return whole_page(
        "viewer.html",
        policy,
        groups=groups,
        samples=samples,
        script=_script(),
        live=live,
        sources=sources,
    )


def whole_page(template: str, policy: str, **variables: Any) -> str:
    """Return a page of a template, with the style of the viewer and a content security policy."""
    style = _asset("viewer.css")
    return _rendered(template, site=settings.SITE_NAME, style=style, policy=policy, **variables)


def sample_view(
    sample: Sample, live: LiveSample | None = None, sources: Mapping[str, str] | None = None
) -> str:
    """Return what the viewer shows of one sample, as a piece of HTML."""
    return _rendered("sample.html", sample=sample, live=live, sources=sources or {})


def findings_view(findings: Sequence[Mapping[str, Any]], sources: Mapping[str, str]) -> str:
    """Return the list of findings, as a piece of HTML."""
    template = _environment().get_template("macros.html")
    return str(template.module.findings_list(findings, sources))


def short_path(path: str) -> str:
    """Return the end of a path, by which people know a file.

    >>> short_path("/srv/shop/templates/sale.html")
    'templates/sale.html'
    """
    return "/".join(re.split(r"[\\/]", path)[-2:])


def script_source() -> str:
    """Return the one script of the page, as a policy names it."""
    digest = hashlib.sha256(_script().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def page_policy(*, network: bool) -> str:
    """Return the policy of the studio's page; with ``network`` a mail may load its images."""
    return (
        f"{_OPEN_POLICY if network else _CLOSED_POLICY}; script-src {script_source()}; connect-src 'self'; "
        f"{_NO_FORMS}; frame-ancestors 'none'"
    )


@cache
def _script() -> str:
    return "".join(map(_asset, ("frame.js", "viewer.js", "studio.js")))


@cache
def _asset(name: str) -> str:
    return (_PAGE / name).read_text("utf-8")


@cache
def _environment() -> Any:
    environment = page_environment(_PAGE)
    environment.filters.update(human_size=human_size, person=person, short_path=short_path)
    environment.globals.update(clip=_GMAIL_CLIP, embeddable=is_embeddable, sample_view=sample_view)
    return environment


def _rendered(template: str, **variables: Any) -> str:
    return cast("str", _environment().get_template(template).render(**variables))


def human_size(size: int) -> str:
    """Return a number of bytes for people.

    >>> human_size(512), human_size(2048), human_size(3_500_000)
    ('512 bytes', '2.0 KB', '3.3 MB')
    """
    if size < 1024:
        return f"{size} bytes"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def person(address: str) -> str:
    """Return what an inbox shows of the sender ``"Name <a@b>"``: the name, else the address."""
    name = address.partition("<")[0].strip().strip('"').strip()
    return name or address.strip("<> ")
