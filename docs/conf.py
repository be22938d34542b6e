"""Settings of Sphinx, which makes a site of the pages: `./run docs`. The pages read well without it, too."""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

import aerogram

ROOT = Path(__file__).parent.parent
REPOSITORY = os.environ.get("REPOSITORY_URL", "")

project = "Aerogram"
copyright = "the authors of Aerogram"
release = version = aerogram.__version__
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "index"
html_theme = "furo"
html_title = f"Aerogram {release}"
myst_heading_anchors = 4
myst_links_external_new_tab = True
pygments_style = "default"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    app.connect("source-read", adapt)


def adapt(_: Sphinx, page: str, source: list[str]) -> None:
    """Make the table of contents from the list on the first page; point links out of docs/ at the repository.

    Without REPOSITORY_URL there is no address to point at, and the words stay without a link.
    """
    text = source[0]
    if page == root_doc:
        text += "".join(contents(part) for part in re.split(r"\n(?=[A-Z][^\n]*:\n)", text)[1:])
    address = rf"[\1]({REPOSITORY}/blob/HEAD/\2)" if REPOSITORY else r"\1"
    source[0] = re.sub(r"\[([^\]]*)\]\(\.\./([^)]*)\)", address, text)


def contents(part: str) -> str:
    caption = part.partition(":")[0]
    pages = re.findall(r"^\d+\. \[.*?\]\((\w+)\.md\)", part, re.MULTILINE)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"
