"""The Jinja environments: loading, escaping by part, and undefined variables."""

from __future__ import annotations

from aerogram.templating.environment import Templates, check_line, page_environment
from aerogram.templating.extending import checked_folders, settings_additions, settings_environment
from aerogram.templating.i18n.catalogs import translated_messages
from aerogram.templating.i18n.localization import (
    language_tag,
    parse_locale,
    parse_timezone,
    template_locale,
)
from aerogram.templating.images import InlineImage
from aerogram.templating.inspection import (
    Finding,
    Inspection,
    TemplateSource,
    read_line,
    read_template,
)
from aerogram.templating.loaders import shipped_templates
from aerogram.templating.rendering import (
    Rendering,
    around_rendering,
    current_rendering,
    within_integrations,
)

__all__ = [
    "Finding",
    "InlineImage",
    "Inspection",
    "Rendering",
    "TemplateSource",
    "Templates",
    "around_rendering",
    "check_line",
    "checked_folders",
    "current_rendering",
    "language_tag",
    "page_environment",
    "parse_locale",
    "parse_timezone",
    "read_line",
    "read_template",
    "settings_additions",
    "settings_environment",
    "shipped_templates",
    "template_locale",
    "translated_messages",
    "within_integrations",
]
