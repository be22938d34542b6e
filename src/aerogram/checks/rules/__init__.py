"""The rules, one module for each subject, and the table of all rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aerogram.checks.rules import (
    bulk,
    clients,
    contrast,
    css,
    definitions,
    document,
    images,
    links,
    parts,
    resources,
    size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aerogram.checks.mail import Mail
    from aerogram.checks.rules.rule import Finding, Rule

__all__ = ["MAIL_RULES", "RULES"]

_MODULES = (document, images, links, resources, parts, size, bulk, clients, contrast, css)

RULES: dict[str, Rule] = {rule.code: rule for module in (definitions, *_MODULES) for rule in module.RULES}
"""Every rule by its code. ``contrib/django/checks.py`` gives each a number."""

MAIL_RULES: tuple[Callable[[Mail], Iterator[Finding]], ...] = tuple(
    function for module in _MODULES for function in module.CHECKS
)
"""What looks at a rendered message; each may find problems of several codes."""
