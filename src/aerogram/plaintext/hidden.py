"""What a reader of the HTML does not see, told from its look and the simplest rules of a sheet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aerogram.plaintext.look import declarations

if TYPE_CHECKING:
    from aerogram.document import Element
    from aerogram.plaintext.look import Look

__all__ = ["UNSEEN", "hidden_classes", "is_hidden"]

_UNSEEN = "head style script title template noscript svg object iframe select textarea input"
UNSEEN = frozenset(_UNSEEN.split())
"""Elements whose inside is not for readers of a mail."""

# None of them looks at a character twice, whatever a sheet is made of.
_RULE = re.compile(r"(?<![^{}@;])([^{}@;]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{;@]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SIMPLE = re.compile(r"[\w-]*([.#][\w-]+)$")


def is_hidden(element: Element, look: Look, classes: frozenset[str]) -> bool:
    """Whether ``element`` and all in it is invisible; ``classes`` are those that a sheet hides."""
    if look.hides or element.get("hidden") is not None:
        return True
    if classes and look.display is None:
        names = {"." + name for name in element.get("class", "").split()}
        names.add("#" + element.get("id", ""))
        return not classes.isdisjoint(names)
    return False


def hidden_classes(root: Element) -> frozenset[str]:
    """Return classes and ids that a plain rule of a ``<style>`` element gives ``display: none``."""
    found: set[str] = set()
    for style in root.iter("style"):
        css = style.text or ""
        if "none" not in css:
            continue
        css = _AT_BLOCK.sub("", _COMMENT.sub("", css))
        for selectors, body in _RULE.findall(css):
            if declarations(body).get("display") == "none":
                simple = (_SIMPLE.match(one.strip()) for one in selectors.split(","))
                found.update(match[1] for match in simple if match)
    return frozenset(found)
