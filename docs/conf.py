"""Settings of Sphinx, which makes a site of the pages: `./run docs`. The pages read well without it, too."""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

import aerogram

ROOT = Path(__file__).parent.parent
FILE = re.compile(r"^```(?P<language>\w+) (?P<file>\S+)\n", re.MULTILINE)
LEXERS = {"jinja": "html+jinja", "html": "html+jinja"}
REPOSITORY = os.environ.get("REPOSITORY_URL", "")

project = "Aerogram"
copyright = "the authors of Aerogram"
release = version = aerogram.__version__
extensions = ["myst_parser", "sphinx_copybutton", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_custom_sections = [("Args of the class statement", "params_style")]
root_doc = "index"
html_theme = "furo"
html_title = f"Aerogram {release}"
myst_heading_anchors = 4
smartquotes = False  # a straight quote may be copied
myst_links_external_new_tab = True
pygments_style = "default"
pygments_dark_style = "github-dark"
html_logo = html_favicon = "images/logo.svg"
html_static_path = ["site.css"]
html_css_files = ["site.css"]


def setup(app: Sphinx) -> None:
    app.connect("source-read", adapt)


def adapt(_: Sphinx, page: str, source: list[str]) -> None:
    """Make the table of contents from the list on the first page; point links out of docs/ at the repository;
    give the blocks that are files their names.

    Without REPOSITORY_URL there is no address to point at, and the words stay without a link.
    """
    text = source[0]
    if page == root_doc:
        text += "".join(contents(part) for part in re.split(r"\n(?=[A-Z][^\n]*:\n)", text)[1:])
    address = rf"[\1]({REPOSITORY}/blob/HEAD/\2)" if REPOSITORY else r"\1"
    text = re.sub(r"\[([^\]]*)\]\(\.\./([^)]*)\)", address, text)
    if page == "reference":
        text = re.sub(r"(?ms)^## `([\w.]+)`\n.*?(?=^## |^<!-- end)", details, text)
    source[0] = FILE.sub(caption, text)


def details(match: re.Match[str]) -> str:
    """Put what the docstrings say of each name below the table of its module."""
    return f"{match[0]}\n```{{eval-rst}}\n.. automodule:: {match[1]}\n   :members:\n   :no-index:\n```\n\n"


def caption(match: re.Match[str]) -> str:
    """Show the name of a file above its block."""
    language = LEXERS.get(match["language"], match["language"])
    return f"```{{code-block}} {language}\n:caption: {match['file']}\n\n"


def contents(part: str) -> str:
    caption = part.partition(":")[0]
    pages = re.findall(r"^- \[.*?\]\(([\w-]+)\.md\)", part, re.MULTILINE)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"
