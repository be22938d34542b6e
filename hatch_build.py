"""Build hook: the README and the links as the package index shows them.

The index shows the README without the files beside it, so its relative links must become absolute. The
environment variable ``REPOSITORY_URL`` gives the address of the repository; the release workflow sets it. A
build without it keeps the text of each relative link and leaves the images out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# An optional "!" (an image), the text, and a target that is neither absolute nor a heading of the same page.
RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")
PAGES = {"Documentation": "docs/index.md", "Changelog": "CHANGELOG.md", "Security": "SECURITY.md"}


class IndexMetadata(MetadataHookInterface):
    """Fill in the dynamic fields ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set both fields for the version that is built."""
        repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        tag = f"v{metadata['version']}"
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_index(readme, repository, tag)}
        metadata["urls"] = urls(repository, tag)


def for_index(readme: str, repository: str, tag: str) -> str:
    """Return the README with absolute links into the repository at this tag, or without relative links."""

    def absolute(match: re.Match[str]) -> str:
        image, text, target = match.groups()
        if not repository:
            return "" if image else text
        return f"{image}[{text}]({repository}/{'raw' if image else 'blob'}/{tag}/{target})"

    return RELATIVE_LINK.sub(absolute, readme)


def urls(repository: str, tag: str) -> dict[str, str]:
    """Return the links that the index shows beside the README."""
    if not repository:
        return {}
    pages = {name: f"{repository}/blob/{tag}/{path}" for name, path in PAGES.items()}
    return {"Source": repository, **pages, "Issues": f"{repository}/issues"}
