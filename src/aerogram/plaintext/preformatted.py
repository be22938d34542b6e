"""The text of a ``<pre>`` as its reader sees it: white space as it stands, without what nobody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from aerogram.plaintext.hidden import UNSEEN, is_hidden
from aerogram.plaintext.look import PLAIN, look_of

if TYPE_CHECKING:
    from aerogram.document import Element

__all__ = ["preformatted_text"]


def preformatted_text(pre: Element, hidden: frozenset[str]) -> str:
    """Return all that is written inside ``pre``; ``hidden`` are the classes and ids that a sheet hides.

    >>> pre = etree.fromstring("<pre>one<br/><b>two</b><script>three</script>\\n</pre>")
    >>> preformatted_text(pre, frozenset())
    'one\\ntwo\\n'
    """
    texts = [pre.text or ""]
    walk = etree.iterwalk(pre, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if element is pre:
            continue
        if event != "start":
            texts.append(element.tail or "")
        elif element.tag in UNSEEN or _is_hidden(element, hidden):
            walk.skip_subtree()
        else:
            texts.append("\n" if element.tag == "br" else element.text or "")
    return "".join(texts)


def _is_hidden(element: Element, hidden: frozenset[str]) -> bool:
    style = element.get("style")
    return is_hidden(element, look_of(style) if style else PLAIN, hidden)
